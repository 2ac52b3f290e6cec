#include "upgrade/iosxe/vty/conversation.h"

#include "base/wipe.h"
#include "upgrade/iosxe/show/log_message.h"

#include <algorithm>
#include <functional>

namespace belay::upgrade::iosxe::vty {
namespace {

constexpr size_t shortest_secret = 4;
constexpr std::string_view hidden = "********";

std::string_view without_blanks(std::string_view text)
{
    const size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

Conversation::Conversation(std::vector<std::string> secrets) : secrets_(std::move(secrets))
{
    // One may be the beginning of another.
    std::ranges::sort(secrets_, std::ranges::greater(), &std::string::size);
}

Conversation::~Conversation()
{
    std::ranges::for_each(secrets_, wipe);
}

void Conversation::hear(std::string_view bytes)
{
    if (problem_) return;
    heard_ += bytes.size();
    if (heard_ > most_answer) {
        problem_ = Error{.kind = ErrorKind::corrupt,
                         .what = fmt::format("the device says more than {} to \"{}\"",
                                             to_text(Bytes{most_answer}), typed_)};
        return;
    }
    text_.hear(bytes, [this](std::string_view line) { finish(line); });
    look_at_unfinished();
}

std::string Conversation::take_replies()
{
    return std::exchange(to_send_, {});
}

std::string Conversation::type(const std::string& text, std::vector<Foreseen> replies)
{
    if (host_.empty() && prompt_) host_ = prompt_->host;
    waits_ = Waits::echo;
    prompt_passed_ = log_passed_ = false;
    typed_ = echo_left_ = text;
    replies_ = std::move(replies);
    is_answered_ = key_was_sent_ = false;
    answer_.clear();
    heard_ = 0;
    return text + "\n";
}

void Conversation::await_prompt()
{
    waits_ = Waits::prompt;
    prompt_passed_ = log_passed_ = false;
    echo_left_.clear();
    is_answered_ = true;
    heard_ = 0;
}

std::string Conversation::without_secrets(std::string_view line) const
{
    std::string text(line);
    for (const std::string& secret : secrets_) {
        if (secret.size() < shortest_secret) continue;
        std::string without;
        size_t at = 0;
        for (size_t found = text.find(secret); found != std::string::npos; found = text.find(secret, at)) {
            without.append(text, at, found - at).append(hidden);
            at = found + secret.size();
        }
        if (at > 0) text = without.append(text, at);
    }
    return text;
}

/// A prompt of this device. Nothing: it is none, or another's.
std::optional<Prompt> Conversation::own_prompt(std::string_view line) const
{
    std::optional<Prompt> prompt = read_prompt(line);
    if (prompt && !host_.empty() && prompt->host != host_) return std::nullopt;
    return prompt;
}

/// A secret is hidden in what is kept; what the line is, is seen in the line as it came: a secret may be a
/// word of the prompt or of what was typed.
void Conversation::finish(std::string_view line)
{
    is_answered_ = key_was_sent_ = false;
    const std::optional<size_t> log = show::begin_of_log(line);
    const bool is_log = log || show::continues_log(line);
    const std::string_view before = is_log ? without_blanks(line.substr(0, log.value_or(0))) : line;
    if (!is_log || !before.empty()) take_line(before);
    if (is_log) log_passed_ = prompt_passed_;
    shown_.push_back(without_secrets(line));
}

/// A line without its log.
void Conversation::take_line(std::string_view line)
{
    switch (waits_) {
        case Waits::greeting:
        case Waits::prompt:
        case Waits::answer:
            if (own_prompt(line)) {
                // It was the prompt, and the log wrote a line end behind it.
                prompt_passed_ = true;
                log_passed_ = false;
                prompt_ = own_prompt(line);
                return;
            }
            if (prompt_passed_ && line.empty()) return;
            prompt_passed_ = log_passed_ = false;
            if (waits_ != Waits::answer) return;
            answer_ += without_secrets(line);
            answer_ += '\n';
            return;
        case Waits::echo:
            if (takes_echo(line)) waits_ = Waits::answer;
            return;
    }
}

/// Whether the line, or those before it, show what was typed. Where the log comes between, devices go on
/// after it or show prompt and line anew. Whatever else comes before the echo belongs to nobody.
bool Conversation::takes_echo(std::string_view line)
{
    std::string_view shown = line;
    bool begins_anew = false;
    if (const size_t end = line.find_first_of("#>"); end != std::string_view::npos)
        if (const auto prompt = own_prompt(line.substr(0, end + 1))) {
            shown = line.substr(end + 1);
            begins_anew = true;
            prompt_ = prompt;
        }
    shown = without_blanks(shown);
    const std::string_view typed = without_blanks(typed_);
    if (shown == typed) {
        echo_left_.clear();
        return true;
    }
    if (shown.empty()) return false;
    const std::string_view expected = begins_anew ? typed : std::string_view(echo_left_);
    // The blank where it was cut may be gone.
    const auto rest_of = [&](std::string_view text) { return without_blanks(text.substr(shown.size())); };
    const std::string_view from = begins_anew ? expected : without_blanks(expected);
    if (!from.starts_with(shown)) return false;
    echo_left_ = std::string(rest_of(from));
    return echo_left_.empty();
}

void Conversation::look_at_unfinished()
{
    const std::string_view line = text_.unfinished();
    if (const auto prompt = own_prompt(line); prompt && waits_ != Waits::echo) prompt_ = prompt;
    if (!waits_for_key(line)) {
        key_was_sent_ = false;
    } else if (!key_was_sent_) {
        key_was_sent_ = true;
        to_send_ += ' ';
        return;
    }
    if (waits_ != Waits::answer || is_answered_) return;
    for (Foreseen& reply : replies_) {
        if (reply.is_used || !line.ends_with(without_blanks(reply.asked))) continue;
        reply.is_used = is_answered_ = true;
        to_send_ += reply.say + "\n";
        return;
    }
}

bool Conversation::at_prompt() const
{
    if (problem_ || waits_ == Waits::echo) return false;
    const std::string_view line = text_.unfinished();
    return own_prompt(line).has_value() || (log_passed_ && line.empty());
}

std::optional<std::string> Conversation::open_question() const
{
    const std::string_view line = text_.unfinished();
    if (is_answered_ || waits_ != Waits::answer || !asks(line)) return std::nullopt;
    return unfinished();
}

bool Conversation::wants_password() const
{
    const bool may_ask = waits_ == Waits::answer || waits_ == Waits::prompt;
    return may_ask && !is_answered_ && asks_for_password(text_.unfinished());
}

std::string Conversation::unfinished() const
{
    return without_secrets(text_.unfinished());
}

std::string Conversation::take_answer()
{
    return std::exchange(answer_, {});
}

std::vector<std::string> Conversation::take_shown()
{
    return std::exchange(shown_, {});
}

}  // namespace belay::upgrade::iosxe::vty
