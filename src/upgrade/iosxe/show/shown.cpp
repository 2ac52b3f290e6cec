#include "upgrade/iosxe/show/shown.h"

#include "upgrade/iosxe/show/log_message.h"

#include <algorithm>
#include <array>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::words_of;

char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
}

bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool is_hex(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

bool same_letters(std::string_view one, std::string_view other)
{
    return std::ranges::equal(one, other, {}, lower, lower);
}

/// As the command line takes a word: its beginning will do.
bool abbreviates(std::string_view typed, std::string_view word)
{
    return !typed.empty() && typed.size() <= word.size() && same_letters(typed, word.substr(0, typed.size()));
}

/// Lines that tools and settings put around an answer.
bool is_around(std::string_view text)
{
    constexpr std::array begins = {"Load for five secs:", "Time source is ", "No time source", "+++ "};
    return text.find_first_not_of(" ^") == std::string_view::npos || continues_log(text) ||
           std::ranges::any_of(begins, [&](std::string_view begin) { return text.starts_with(begin); });
}

bool is_refusal(std::string_view text)
{
    constexpr std::array begins = {"% Invalid input",     "% Incomplete command",
                                   "% Ambiguous command", "% Unknown command",
                                   "% Authorization",     "Command authorization failed"};
    return std::ranges::any_of(begins, [&](std::string_view begin) { return text.starts_with(begin); });
}

/// "core-1#show boot" is split behind the mark; nothing where there is no name and mark at the beginning.
std::optional<std::string_view> after_prompt(std::string_view text)
{
    const size_t mark = text.find_first_of("#>");
    if (mark == std::string_view::npos) return std::nullopt;
    const std::string_view name = text.substr(0, mark);
    const bool is_name = std::ranges::all_of(name, [](char c) {
        return is_letter(c) || is_digit(c) || std::string_view("-_.:/()").find(c) != std::string_view::npos;
    });
    if (!is_name) return std::nullopt;
    return trimmed(text.substr(mark + 1));
}

bool is_command(std::string_view typed)
{
    constexpr std::array verbs = {"show", "dir", "install", "clear", "copy", "verify"};
    const std::string_view first = printed::take_word(typed);
    return first.size() > 1 &&
           std::ranges::any_of(verbs, [&](std::string_view verb) { return abbreviates(first, verb); });
}

/// Whether what was typed is `command`, in full or abbreviated; of a command that takes arguments, with any.
bool is_of(std::string_view typed, std::string_view command)
{
    const std::vector<std::string_view> words = words_of(typed), wanted = words_of(command);
    if (words.size() < wanted.size()) return false;
    if (!std::ranges::equal(std::span(words).first(wanted.size()), wanted, abbreviates)) return false;
    return words.size() == wanted.size() || takes_arguments(command);
}

/// The echo of a command without a prompt before it; `verify ...` may be an answer as well.
bool is_bare_echo(std::string_view text)
{
    std::string_view rest = text;
    const std::string_view first = printed::take_word(rest);
    return !rest.empty() && (first == "show" || first == "sho" || first == "sh" || first == "dir" ||
                             first == "install" || first == "clear" || first == "copy");
}

/// "FOC2533A0QX".
bool is_serial(std::string_view text)
{
    return text.size() == 11 &&
           std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
}

/// "17.09.05.0.6083": the last part has at least four digits.
bool is_whole_version(std::string_view text)
{
    const size_t last = text.rfind('.');
    return std::ranges::count(text, '.') == 4 && text.size() - last > 4 &&
           text.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// Takes the lines of an answer one by one.
class Answer {
  public:
    explicit Answer(std::string_view command) : shown_{.command = command, .lines = {}} {}

    Result<void> take(const Line& line)
    {
        std::string_view text = trimmed(line.text);
        if (text.size() > longest_line)
            return shown_.foreign(line.number, fmt::format("it has more than {} bytes", longest_line));
        const std::optional<size_t> log = begin_of_log(text);
        if (log) text = trimmed(text.substr(0, *log));
        if (is_around(text)) return {};
        const std::optional<std::string_view> typed = after_prompt(text);
        // What the log broke off goes on nobody knows where.
        if (log && !typed)
            return shown_.foreign(line.number, "a message of the log stands in the middle of it");
        if (typed && typed->empty()) {
            ended_ = !shown_.lines.empty();
            return {};
        }
        if (typed && is_command(*typed)) return echo(line, *typed);
        if (ended_) return shown_.foreign(line.number, "there is text behind the device's prompt");
        if (shown_.lines.empty() && is_bare_echo(text)) return echo(line, text);
        if (is_refusal(text))
            return fail(ErrorKind::corrupt, fmt::format("the device refuses `{}`: {}", shown_.command, text));
        if (shown_.lines.size() == most_lines)
            return shown_.foreign(line.number, fmt::format("there are more than {} lines", most_lines));
        shown_.lines.push_back(line);
        return {};
    }

    Result<Shown> all()
    {
        if (shown_.lines.empty()) return shown_.cut("nothing but the command and the prompt is there");
        return std::move(shown_);
    }

  private:
    Result<void> echo(const Line& line, std::string_view typed) const
    {
        if (!shown_.lines.empty())
            return shown_.foreign(line.number, fmt::format("another command begins, `{}`", typed));
        if (typed.find('|') != std::string_view::npos)
            return shown_.foreign(line.number, "it was filtered by `|`, so that a part is missing");
        if (!is_of(typed, shown_.command))
            return shown_.foreign(line.number, fmt::format("it is that of `{}`", typed));
        return {};
    }

    Shown shown_;
    bool ended_ = false;
};

}  // namespace

bool ends_as_a_line(std::string_view text)
{
    constexpr std::string_view words[] = {
        "0",        "1.1",         "Active",     "BUNDLE",    "Committed", "DOWN",        "Full", "Half",
        "Hot",      "INSTALL",     "Indefinite", "Installed", "No",        "None",        "OK",   "Ok",
        "Packages", "Provisioned", "Ready",      "Removed",   "StackWise", "Uncommitted", "Yes",  "disabled",
        "empty",    "enabled",     "inactive",   "progress",  "reached",   "sso",         "state"};
    constexpr std::string_view marks = ")];=";
    constexpr std::string_view ends[] = {".bin", ".pkg", ".conf"};
    // Blanks that fill a column stand behind a whole one.
    const bool is_filled = text.ends_with("  ") || text.ends_with('\t');
    if (is_filled || trimmed(text).empty()) return true;
    text = trimmed(text);
    if (marks.find(text.back()) != std::string_view::npos) return true;
    if (const auto typed = after_prompt(text); typed && typed->empty()) return true;
    const std::string_view last = words_of(text).back();
    const bool is_year = last.size() == 4 && last.starts_with("20") && printed::whole_number(last);
    const bool is_whole_register = is_register(last) && last.size() > 4 && last.ends_with('2');
    return is_year || is_whole_register || is_mac(last) || is_digest(last, 32) || is_digest(last, 40) ||
           is_digest(last, 128) || is_serial(last) || is_whole_version(last) ||
           std::ranges::find(words, last) != std::end(words) ||
           std::ranges::any_of(ends, [&](std::string_view end) { return last.ends_with(end); });
}

bool takes_arguments(std::string_view command)
{
    constexpr std::array begins = {"dir",
                                   "install ",
                                   "clear ",
                                   "copy",
                                   "verify",
                                   "show install rollback id",
                                   "show install package",
                                   "show redundancy config-sync failures",
                                   "show version rp"};
    return std::ranges::any_of(begins, [&](std::string_view begin) { return command.starts_with(begin); });
}

Result<Shown> shown(std::string_view text, std::string_view command)
{
    Answer answer(command);
    for (const Line& line : TRY(printed::lines_of(text, command))) TRY(answer.take(line));
    const size_t last = text.find_last_of('\n');
    const std::string_view unended = text.substr(last == std::string_view::npos ? 0 : last + 1);
    if (const std::string_view rest = trimmed(unended); !rest.empty()) {
        const std::optional<std::string_view> typed = after_prompt(rest);
        if (!typed || !typed->empty()) return printed::cut(command, "its last line has no end");
    }
    return answer.all();
}

std::vector<std::string_view> columns_of(std::string_view text)
{
    std::vector<std::string_view> columns;
    text = trimmed(text);
    const auto is_blank = [&](size_t at) { return text[at] == ' ' || text[at] == '\t'; };
    for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
        while (end < text.size() && text[end] != '\t' && !(text[end] == ' ' && is_blank(end + 1))) ++end;
        columns.push_back(text.substr(begin, end - begin));
        while (end < text.size() && is_blank(end)) ++end;
    }
    return columns;
}

std::string take_reason(std::string_view& value)
{
    constexpr std::string_view mark = " Reason:";
    const size_t at = value.find(mark);
    if (at == std::string_view::npos) return {};
    const std::string_view reason = trimmed(value.substr(at + mark.size()));
    value = trimmed(value.substr(0, at));
    return std::string(reason);
}

std::string joined(std::span<const std::string_view> words)
{
    return fmt::format("{}", fmt::join(words, " "));
}

std::optional<Labelled> labelled(std::string_view text, char mark)
{
    const size_t at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view label = trimmed(text.substr(0, at));
    if (label.empty()) return std::nullopt;
    return Labelled{label, trimmed(text.substr(at + 1))};
}

bool is_ruler(std::string_view text)
{
    text = trimmed(text);
    return text.size() >= 2 && text.find_first_not_of("-=+ \t") == std::string_view::npos;
}

bool same_words(std::string_view one, std::string_view other)
{
    return std::ranges::equal(words_of(one), words_of(other), same_letters);
}

std::optional<std::string_view> after(std::string_view text, std::string_view start)
{
    if (!text.starts_with(start)) return std::nullopt;
    return trimmed(text.substr(start.size()));
}

std::optional<std::string_view> between(std::string_view text, char open, char close)
{
    const size_t begin = text.find(open);
    if (begin == std::string_view::npos) return std::nullopt;
    const size_t end = text.find(close, begin + 1);
    if (end == std::string_view::npos) return std::nullopt;
    return text.substr(begin + 1, end - begin - 1);
}

bool is_register(std::string_view text)
{
    return text.size() > 2 && text.size() <= 10 && text.starts_with("0x") &&
           std::ranges::all_of(text.substr(2), is_hex);
}

std::optional<ConfigRegister> config_register_of(std::string_view text)
{
    const std::vector<std::string_view> words = words_of(text);
    if (words.empty() || !is_register(words[0])) return std::nullopt;
    ConfigRegister found{.now = std::string(words[0]), .next = {}};
    if (words.size() == 1) return found;
    constexpr std::array<std::string_view, 7> sentence = {"", "(will", "be", "", "at", "next", "reload)"};
    if (words.size() != sentence.size() || !is_register(words[3])) return std::nullopt;
    for (size_t word = 1; word < sentence.size(); ++word)
        if (word != 3 && words[word] != sentence[word]) return std::nullopt;
    found.next = words[3];
    return found;
}

bool is_mac(std::string_view text)
{
    const bool by_dots = text.size() == 14, by_colons = text.size() == 17;
    if (!by_dots && !by_colons) return false;
    const size_t group = by_dots ? 5 : 3;
    for (size_t at = 0; at < text.size(); ++at) {
        const bool is_mark = at % group == group - 1;
        if (is_mark ? text[at] != (by_dots ? '.' : ':') : !is_hex(text[at])) return false;
    }
    return true;
}

bool is_digest(std::string_view text, size_t digits)
{
    return text.size() == digits && std::ranges::all_of(text, is_hex);
}

}  // namespace belay::upgrade::iosxe::show
