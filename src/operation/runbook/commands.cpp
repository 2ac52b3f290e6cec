#include "operation/runbook/commands.h"

#include "base/json.h"
#include "host/encoding.h"
#include "operation/runbook/pattern.h"

#include <algorithm>

namespace belay::operation::runbook {
namespace {

constexpr Milliseconds question_limit = std::chrono::seconds(60);
constexpr Milliseconds sync_limit = std::chrono::minutes(10);
constexpr size_t longest_remembered = 64 << 10, most_lines_shown = 8, most_said = 200;
constexpr std::string_view remembered_shown = "${remembered}";

/// Blanks at the ends gone, runs of them as one space.
std::string collapsed(std::string_view text)
{
    std::string all;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!blank)
            all += c;
        else if (!all.empty() && all.back() != ' ')
            all += ' ';
    }
    if (all.ends_with(' ')) all.pop_back();
    return all;
}

std::string first_line(const host::Outcome& outcome)
{
    const std::string_view said = outcome.err.empty() ? outcome.out : outcome.err;
    return std::string(said.substr(0, std::min(said.find('\n'), most_said)));
}

/// What puts these bytes into a file by hand.
std::string written_text(const Json& arguments)
{
    const std::string path = arguments.at("path");
    if (arguments.contains("from"))
        return host::Command{.argv = {"cp", arguments.at("from"), path}}.to_text() +
               "  # as it was when planned";
    const auto bytes = host::decode_bytes(arguments.at("bytes"));
    const auto lines = bytes ? std::ranges::count(*bytes, '\n') : 0;
    if (bytes && !bytes->empty() && lines <= static_cast<ptrdiff_t>(most_lines_shown))
        return host::Command{.argv = {"tee", path}, .input = *bytes}.to_text();
    return fmt::format("{}  # {} lines, {}", host::Command{.argv = {"tee", path}}.to_text(), lines,
                       to_text(Bytes{bytes ? bytes->size() : 0}));
}

}  // namespace

std::optional<host::Command> run_command(const Json& arguments)
{
    if (!arguments.contains("run")) return std::nullopt;
    return host::Command{.argv = arguments.at("run").get<std::vector<std::string>>(),
                         .effect = host::Effect::changes,
                         .input = arguments.value("input", ""),
                         .limit = Milliseconds{arguments.at("timeout_ms").get<int64_t>()}};
}

std::optional<host::Command> undo_command(const Json& arguments, std::string_view remembered)
{
    if (!arguments.contains("undo"))
        return arguments.contains("path") ? run_command(arguments) : std::nullopt;
    host::Command command{.argv = with_remembered_all(arguments.at("undo"), remembered),
                          .effect = host::Effect::changes,
                          .limit = Milliseconds{arguments.at("timeout_ms").get<int64_t>()}};
    if (arguments.contains("undo_input"))
        command.input = with_remembered(arguments.at("undo_input"), remembered);
    return command;
}

void show_commands(Step& step)
{
    if (const auto command = run_command(step.arguments)) step.commands.push_back(command->to_text());
    if (const auto command = undo_command(step.arguments, remembered_shown))
        step.undo_commands.push_back(command->to_text());
}

void show_write(Step& step)
{
    const std::string path = step.arguments.at("path");
    step.commands.push_back(written_text(step.arguments));
    if (step.arguments.contains("mode"))
        step.commands.push_back(host::Command{.argv = {"chmod", step.arguments.at("mode"), path}}.to_text());
    step.undo_commands.push_back(fmt::format("# {} as it was before", path));
    show_commands(step);
}

void show_wait(Step& step)
{
    const host::Command command{.argv = with_remembered_all(step.arguments.at("run"), "")};
    step.commands.push_back(fmt::format("{}  # every {} until it says so, for {} at most", command.to_text(),
                                        to_text(Milliseconds{step.arguments.at("every_ms").get<int64_t>()}),
                                        to_text(step.stalled_after)));
}

Result<Answer> ask(host::Host& host, const Json& probe, std::string_view remembered)
{
    const host::Command command{.argv = with_remembered_all(probe.at("run"), remembered),
                                .limit = question_limit};
    const host::Outcome outcome = TRY(host.run(command));
    const int wanted_exit = probe.value("expect_exit", 0);
    const std::string said = first_line(outcome);
    if (outcome.exit_code != wanted_exit)
        return Answer{false,
                      fmt::format("{} ends with exit code {}{}{}", command.argv.front(), outcome.exit_code,
                                  said.empty() ? "" : ": ", said),
                      fmt::format("exit code {}", wanted_exit)};
    if (probe.contains("expect_text")) {
        const std::string wanted = collapsed(with_remembered(probe.at("expect_text"), remembered));
        const std::string found = collapsed(outcome.out);
        return Answer{found == wanted, fmt::format("\"{}\"", found.substr(0, most_said)),
                      fmt::format("\"{}\"", wanted.substr(0, most_said))};
    }
    if (probe.contains("expect_output")) {
        const std::string pattern = probe.at("expect_output");
        const std::string_view looked_at = std::string_view(outcome.out).substr(0, longest_remembered);
        const bool found = TRY(found_in_a_line(pattern, looked_at));
        return Answer{found, fmt::format("\"{}\"", said), fmt::format("a line with {}", pattern)};
    }
    return Answer{true, "it does", fmt::format("exit code {}", wanted_exit)};
}

Result<std::string> ask_to_remember(host::Host& host, const Json& arguments)
{
    if (!arguments.contains("remember")) return std::string();
    const host::Command command{.argv = arguments.at("remember").get<std::vector<std::string>>(),
                                .limit = question_limit};
    std::string text = TRY(run_checked(host, command)).out;
    while (text.ends_with('\n')) text.pop_back();
    if (text.size() > longest_remembered || text.contains('\0'))
        return fail(ErrorKind::corrupt,
                    fmt::format("what {} says is longer than 64 KiB or has a zero byte, and "
                                "cannot be remembered",
                                command.argv.front()));
    return text;
}

std::string remembered_text(const Json& remembered)
{
    const auto text = host::decode_bytes(remembered.value("text", Json("")));
    return text ? *text : "";
}

Result<void> sync_all(host::Host& host)
{
    const host::Command sync{.argv = {"sync"}, .effect = host::Effect::changes, .limit = sync_limit};
    Result<host::Outcome> synced = run_checked(host, sync);
    // The step is done: it is not failed by a question that may be asked twice.
    const bool again =
        !synced && synced.error().kind != ErrorKind::dead && synced.error().kind != ErrorKind::timeout;
    if (again) synced = run_checked(host, sync);
    if (synced) return {};
    Error error = synced.error();
    error.what = "what the command did may not be on the disk: " + error.what;
    return std::unexpected(std::move(error));
}

}  // namespace belay::operation::runbook
