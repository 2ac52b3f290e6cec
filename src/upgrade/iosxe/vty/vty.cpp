#include "upgrade/iosxe/vty/vty.h"

#include "base/json.h"
#include "base/wipe.h"
#include "upgrade/iosxe/vty/conversation.h"
#include "upgrade/iosxe/vty/transcript.h"

#include <algorithm>

namespace belay::upgrade::iosxe::vty {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr Milliseconds settled(80);         ///< so long nothing comes behind a prompt
constexpr Milliseconds waits_for_us(2000);  ///< so long nothing comes behind a question
constexpr Milliseconds tick(20);
constexpr Milliseconds between_words(300);  ///< two lines that are told while they come
constexpr Milliseconds to_take(30'000);     ///< what is typed
constexpr Milliseconds between_counts(500);
constexpr const char* no_paging = "terminal length 0";
constexpr const char* no_wrapping = "terminal width 0";

/// The connection has ended before the prompt came back.
struct Lost {
    std::string why;
};

class Vty {
  public:
    Vty(const Request& request, const Tell& tell)
        : request_(request), tell_(tell), talk_({request.login.password, request.enable_password})
    {
    }

    Result<void> run();

  private:
    using Done = std::function<Result<bool>()>;

    Result<void> work();
    Result<void> open();
    Result<void> enable();
    Result<void> prepare(const char* line);
    /// False: the line was lost.
    Result<bool> type(size_t number, const Line& line);
    Result<std::optional<Lost>> follow(Clock::time_point deadline, const Done& done);
    Result<void> hear();
    Result<void> keep_shown();
    Result<void> send(const std::string& bytes);
    Result<void> carry();
    bool is_quiet_for(Milliseconds span) const { return Clock::now() - last_heard_ >= span; }
    Result<void> reach_prompt(Milliseconds limit, std::string_view what);

    const Request& request_;
    const Tell& tell_;
    Transcript transcript_;
    std::unique_ptr<host::ssh::Session> session_;
    std::optional<host::ssh::Channel> channel_;
    Conversation talk_;
    std::optional<Lost> lost_;
    Clock::time_point last_heard_ = Clock::now();
    Clock::time_point last_told_{};
    std::string to_tell_;
    size_t grown_ = 0;  ///< of the unfinished line, when it was told last
};

Result<void> Vty::run()
{
    // Nothing is typed that cannot be written down.
    if (!request_.transcript.empty()) transcript_ = TRY(Transcript::open(request_.transcript));
    Result<void> done = work();
    if (done || done.error().kind == ErrorKind::lost) return done;
    // The question that nobody foresaw has no line's end.
    if (const std::string unfinished = talk_.unfinished(); !unfinished.empty())
        static_cast<void>(transcript_.add(unfinished));
    static_cast<void>(transcript_.note(done.error().what));
    static_cast<void>(transcript_.keep());
    return done;
}

Result<void> Vty::work()
{
    session_ = TRY(host::ssh::Session::open(request_.server, request_.login, request_.connect));
    TRY(transcript_.note(fmt::format("{}, port {}, as {}, host key {}", request_.server.address,
                                     request_.server.port, request_.login.user, session_->host_key())));
    if (!request_.file.empty()) return carry();
    TRY(open());
    for (size_t i = 0; i < request_.lines.size(); ++i) {
        if (!TRY(type(i, request_.lines[i]))) return fail(ErrorKind::lost, "");
    }
    TRY(transcript_.note("the line is closed"));
    return transcript_.keep();
}

Result<void> Vty::open()
{
    channel_.emplace(TRY(session_->open_line(request_.connect)));
    TRY(reach_prompt(request_.prompt, "shows no prompt"));
    const Prompt prompt = *talk_.prompt();
    if (prompt.is_standby || !prompt.mode.empty())
        return fail(ErrorKind::refused,
                    fmt::format("{} answers as {}{}{}, and not as the active member does",
                                request_.server.address, prompt.host, prompt.is_standby ? "-stby" : "",
                                prompt.mode.empty() ? "" : fmt::format("({})", prompt.mode)),
                    "look at its console");
    TRY(prepare(no_paging));
    TRY(prepare(no_wrapping));
    if (!talk_.prompt()->is_privileged) TRY(enable());
    return {};
}

Result<void> Vty::reach_prompt(Milliseconds limit, std::string_view what)
{
    const auto lost = TRY(follow(
        Clock::now() + limit, [&]() -> Result<bool> { return talk_.at_prompt() && is_quiet_for(settled); }));
    if (lost)
        return fail(ErrorKind::unavailable,
                    fmt::format("{} {}, and ended the line: {}", request_.server.address, what, lost->why));
    if (talk_.at_prompt()) return {};
    const std::string unfinished = talk_.unfinished().substr(0, 80);
    return fail(
        ErrorKind::timeout,
        fmt::format("{} {} within {}{}", request_.server.address, what, to_text(limit),
                    unfinished.empty() ? std::string() : fmt::format("; it shows \"{}\"", unfinished)),
        "log in by hand with the same user, and see what it wants");
}

/// Whether the device knows the line does not count: it pages then, and gets a key for each page.
Result<void> Vty::prepare(const char* line)
{
    TRY(send(talk_.type(line, {})));
    TRY(reach_prompt(request_.prompt, fmt::format("does not come back from \"{}\"", line)));
    static_cast<void>(talk_.take_answer());
    return {};
}

Result<void> Vty::enable()
{
    const auto refused = [&](std::string_view why) {
        return fail(
            ErrorKind::permission,
            fmt::format("{} has no privilege on {}: {}", request_.login.user, request_.server.address, why),
            "privilege 15 for the user, or the right enable_password in the configuration");
    };
    if (request_.enable_password.empty()) return refused("its prompt ends with >, and no password is known");
    TRY(send(talk_.type("enable", {})));
    const auto waits = [&]() -> Result<bool> {
        return (talk_.open_question() || talk_.wants_password() || talk_.at_prompt()) &&
               is_quiet_for(settled);
    };
    const auto lost = TRY(follow(Clock::now() + request_.prompt, waits));
    if (lost) return refused(lost->why);
    if (talk_.wants_password()) {
        std::string secret = request_.enable_password + "\n";
        talk_.await_prompt();
        const Result<void> sent = channel_->say(secret, to_take);
        wipe(secret);
        if (!sent) return std::unexpected(sent.error());
        const auto gone = TRY(follow(Clock::now() + request_.prompt, waits));
        if (gone) return refused(gone->why);
    } else if (const auto question = talk_.open_question()) {
        return refused(fmt::format("it asks \"{}\"", question->substr(0, 80)));
    }
    if (talk_.at_prompt() && talk_.prompt()->is_privileged) return {};
    return refused("it does not take the enable password");
}

Result<bool> Vty::type(size_t number, const Line& line)
{
    tell_(Json{{"typing", number}});
    std::vector<Foreseen> replies;
    for (const Reply& reply : line.replies) replies.push_back({.asked = reply.asked, .say = reply.say});
    TRY(send(talk_.type(line.text, std::move(replies))));
    const auto lost = TRY(follow(Clock::now() + line.limit, [&]() -> Result<bool> {
        if (const auto question = talk_.open_question(); question && is_quiet_for(waits_for_us))
            return fail(ErrorKind::refused,
                        fmt::format("\"{}\" asks \"{}\", and nobody foresaw that", line.text,
                                    question->substr(0, 200)),
                        "look at the device: it waits for an answer no more, for the line is closed");
        return talk_.at_prompt() && is_quiet_for(settled);
    }));
    if (lost) {
        TRY(transcript_.note(fmt::format("the line is lost: {}", lost->why)));
        TRY(transcript_.keep());
        tell_(Json{{"lost", number}, {"text", talk_.take_answer()}, {"why", lost->why}});
        return false;
    }
    TRY(transcript_.keep());
    if (!talk_.at_prompt())
        return fail(
            ErrorKind::timeout,
            talk_.has_echoed()
                ? fmt::format("\"{}\" took longer than {}", line.text, to_text(line.limit))
                : fmt::format("the device has not shown \"{}\" within {}", line.text, to_text(line.limit)));
    tell_(Json{{"answer", number}, {"text", talk_.take_answer()}});
    return true;
}

/// Hears until it is done, lost, or its time is over.
Result<std::optional<Lost>> Vty::follow(Clock::time_point deadline, const Done& done)
{
    last_heard_ = Clock::now();
    while (true) {
        TRY(hear());
        if (talk_.problem()) return std::unexpected(*talk_.problem());
        if (TRY(done())) return std::optional<Lost>();
        if (lost_) return lost_;
        if (Clock::now() >= deadline) return std::optional<Lost>();
    }
}

Result<void> Vty::hear()
{
    const auto came = channel_->hear(tick);
    if (!came)
        lost_ = Lost{came.error().what};
    else if (!*came)
        lost_ = Lost{"the device ended the connection"};
    if (!lost_ && !(*came)->empty()) {
        last_heard_ = Clock::now();
        talk_.hear(**came);
    }
    TRY(keep_shown());
    const std::string replies = talk_.take_replies();
    return replies.empty() || lost_ ? Result<void>() : send(replies);
}

Result<void> Vty::keep_shown()
{
    for (const std::string& line : talk_.take_shown()) {
        TRY(transcript_.add(line));
        if (!line.empty()) to_tell_ = line;
    }
    // A copy marks every piece that has come on one line, for minutes.
    if (std::string growing = talk_.unfinished(); growing.ends_with('!') && growing.size() != grown_) {
        grown_ = growing.size();
        to_tell_ = std::move(growing);
    }
    if (to_tell_.empty() || Clock::now() - last_told_ < between_words) return {};
    last_told_ = Clock::now();
    constexpr size_t longest_told = 300;
    tell_(Json{{"says", std::exchange(to_tell_, {}).substr(0, longest_told)}});
    return {};
}

/// A connection that breaks now is found broken when it is heard.
Result<void> Vty::send(const std::string& bytes)
{
    const Result<void> sent = channel_->say(bytes, to_take);
    if (!sent) lost_ = Lost{sent.error().what};
    return {};
}

Result<void> Vty::carry()
{
    TRY(transcript_.note(fmt::format("copy {} {}", request_.file, request_.to)));
    TRY(transcript_.keep());
    Clock::time_point told{};
    TRY(session_->send_file(request_.file, request_.to, to_take,
                            [&](uint64_t done, uint64_t total) -> Result<void> {
                                if (done != total && Clock::now() - told < between_counts) return {};
                                told = Clock::now();
                                tell_(Json{{"carried", done}, {"of", total}});
                                return {};
                            }));
    TRY(transcript_.note(fmt::format("{} is carried", request_.to)));
    return transcript_.keep();
}

}  // namespace

bool carry_out(const Request& request, const Tell& tell)
{
    const Result<void> done = Vty(request, tell).run();
    if (done) return true;
    // Of one that was lost the last answer has told.
    if (done.error().kind == ErrorKind::lost) return false;
    Json refused = {{"refused", done.error().what}, {"kind", name_of(done.error().kind)}};
    if (!done.error().next.empty()) refused["mend"] = done.error().next;
    tell(refused);
    return false;
}

}  // namespace belay::upgrade::iosxe::vty
