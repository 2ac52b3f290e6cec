#include "upgrade/iosxe/vty_terminal.h"

#include "base/json.h"
#include "base/wipe.h"

#include <array>

namespace belay::upgrade::iosxe {
namespace {

/// Of one answer of 16 MiB, each byte of which JSON writes as six.
constexpr size_t longest_word = 100 << 20;
/// Beside what each line may take: to begin, three lines to prepare, to end.
constexpr int prompts_before = 5;
constexpr Milliseconds to_end(30'000);
/// A whole image, at 100 kB a second.
constexpr Milliseconds to_carry = std::chrono::hours(6);
constexpr std::array secret_fields = {"password", "private_key", "enable_password"};

void wipe_secrets(Json& request)
{
    for (const char* name : secret_fields)
        if (const auto found = request.find(name); found != request.end())
            wipe(found->get_ref<std::string&>());
}

ErrorKind kind_named(const std::string& name)
{
    for (int number = 0; number <= static_cast<int>(ErrorKind::io); ++number) {
        const auto kind = static_cast<ErrorKind>(number);
        if (name_of(kind) == name) return kind;
    }
    return ErrorKind::failed;
}

}  // namespace

Access::~Access()
{
    wipe(password);
    wipe(private_key);
    wipe(enable_password);
}

/// One run of the program: what it says is taken as it comes.
class VtyTerminal::Run {
  public:
    Run(const Options& options, const Said& said, const Carried& carried)
        : options_(options), said_(said), carried_(carried)
    {
    }

    /// Errors: as Terminal's.
    Result<void> run(Json& request, Milliseconds limit)
    {
        // The host runs bare names alone; env(1) is one, and knows paths.
        host::Command command{.argv = {"env", options_.program},
                              .effect = host::Effect::changes,
                              .input = json_text(request),
                              .limit = limit,
                              .heard = [this](std::string_view text) { return hear(text); }};
        wipe_secrets(request);
        const Result<host::Outcome> outcome = options_.host.run(command);
        wipe(command.input);
        if (problem_) return std::unexpected(*problem_);
        // Its own sentence could hold the input.
        if (!outcome && outcome.error().kind == ErrorKind::timeout)
            return fail(ErrorKind::timeout, fmt::format("it took longer than {}", to_text(limit)));
        if (!outcome && outcome.error().kind == ErrorKind::unavailable)
            return fail(ErrorKind::unavailable, "it was ended, for nobody waits for it any more");
        if (!outcome) return fail(outcome.error().kind, fmt::format("{} cannot be run", options_.program));
        const bool was_lost = !answers.empty() && answers.back().lost;
        if (outcome->exit_code == 0 || was_lost) return {};
        return fail(ErrorKind::failed,
                    fmt::format("{} ended with exit code {}", options_.program, outcome->exit_code));
    }

    std::vector<Answer> answers;

  private:
    bool hear(std::string_view text)
    {
        if (text.empty()) return is_wanted();
        while (!text.empty()) {
            const size_t end = std::min(text.find('\n'), text.size());
            line_ += text.substr(0, end);
            if (line_.size() > longest_word) return corrupt("a longer line than any");
            if (end == text.size()) break;
            if (!take_line(line_)) return false;
            line_.clear();
            text.remove_prefix(end + 1);
        }
        return true;
    }
    bool is_wanted() const
    {
        if (said_) return said_("");
        return !carried_ || carried_(done_, total_);
    }
    bool corrupt(std::string_view what)
    {
        problem_ =
            Error{.kind = ErrorKind::corrupt, .what = fmt::format("{} says {}", options_.program, what)};
        return false;
    }
    bool take_line(std::string_view line)
    {
        const Result<Json> word = parse_json(line);
        if (!word || !word->is_object()) return corrupt("what is no JSON object");
        try {
            return take(*word);
        } catch (const Json::exception&) {
            return corrupt("a word with fields of other kinds");
        }
    }
    bool take(const Json& word)
    {
        if (word.contains("says")) return !said_ || said_(word.at("says").get<std::string>());
        if (word.contains("carried")) {
            done_ = word.at("carried").get<uint64_t>();
            total_ = word.at("of").get<uint64_t>();
            return !carried_ || carried_(done_, total_);
        }
        if (word.contains("answer")) answers.push_back({.text = word.at("text").get<std::string>()});
        if (word.contains("lost"))
            answers.push_back({.text = word.at("text").get<std::string>(),
                               .lost = true,
                               .why = word.at("why").get<std::string>()});
        if (word.contains("refused"))
            problem_ = Error{.kind = kind_named(word.value("kind", "")),
                             .what = word.at("refused").get<std::string>(),
                             .next = word.value("mend", "")};
        return true;
    }

    const Options& options_;
    const Said& said_;
    const Carried& carried_;
    std::string line_;
    uint64_t done_ = 0, total_ = 0;
    std::optional<Error> problem_;
};

Result<Json> VtyTerminal::request() const
{
    const Access access = TRY(options_.access());
    Json request = {
        {"address", access.address},
        {"port", access.port},
        {"user", access.user},
        {"host_keys", access.host_keys},
        {"patience_ms", {{"connect", access.connect.count()}, {"prompt", access.prompt.count()}}}};
    if (!access.password.empty()) request["password"] = access.password;
    if (!access.private_key.empty()) request["private_key"] = access.private_key;
    if (!access.enable_password.empty()) request["enable_password"] = access.enable_password;
    if (!options_.transcript.empty()) request["transcript"] = options_.transcript;
    return request;
}

Result<std::vector<Answer>> VtyTerminal::type(const std::vector<Line>& lines, const Said& said)
{
    Json asked = Json::array();
    Milliseconds limit = to_end;
    for (const Line& line : lines) {
        TRY(check_line(line.text));
        Json replies = Json::array();
        for (const Reply& reply : line.replies)
            replies.push_back({{"asked", reply.asked}, {"say", reply.say}});
        asked.push_back({{"line", line.text}, {"limit_ms", line.limit.count()}, {"replies", replies}});
        limit += line.limit;
    }
    Json whole = TRY(request());
    whole["lines"] = std::move(asked);
    const Json& patience = whole.at("patience_ms");
    limit += Milliseconds{patience.at("connect").get<int64_t>()} +
             prompts_before * Milliseconds{patience.at("prompt").get<int64_t>()};
    const Carried nothing_carried;
    Run run(options_, said, nothing_carried);
    TRY(run.run(whole, limit));
    const bool was_lost = !run.answers.empty() && run.answers.back().lost;
    if (run.answers.size() == lines.size() || was_lost) return std::move(run.answers);
    return fail(ErrorKind::corrupt, fmt::format("{} answered {} of {} lines", options_.program,
                                                run.answers.size(), lines.size()));
}

Result<void> VtyTerminal::carry(const std::string& file, const std::string& to, const Carried& carried)
{
    Json whole = TRY(request());
    whole["carry"] = {{"file", file}, {"to", to}};
    const Said nothing_said;
    return Run(options_, nothing_said, carried).run(whole, to_carry);
}

}  // namespace belay::upgrade::iosxe
