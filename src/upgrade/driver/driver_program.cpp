#include "upgrade/driver/driver_program.h"

#include "base/invariant.h"
#include "upgrade/driver/look_text.h"

#include <algorithm>

namespace belay::upgrade::driver {
namespace {

constexpr Milliseconds looks_for = std::chrono::seconds(10);
constexpr Milliseconds acts_for = std::chrono::minutes(10);
constexpr size_t most_commands = 256;
constexpr size_t longest_command = 4096;
constexpr size_t longest_excuse = 1024;
constexpr int program_refused = 1;
constexpr int program_usage = 2;
constexpr int program_not_executable = 126;
constexpr int no_program = 127;

/// The first line that says something, fit for a person's terminal.
std::string sentence_of(std::string_view err)
{
    std::string line;
    for (const char c : err) {
        if (c == '\n' && !line.empty()) break;
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) line += c;
        if (line.size() == longest_excuse) break;
    }
    return line;
}

ErrorKind kind_of(int exit_code)
{
    switch (exit_code) {
        case program_refused:
            return ErrorKind::refused;
        case program_usage:
            return ErrorKind::usage;
        case program_not_executable:
            return ErrorKind::permission;
        case no_program:
            return ErrorKind::not_found;
        default:
            return ErrorKind::failed;
    }
}

host::Command called(const ProgramAsk& ask, std::initializer_list<std::string_view> words, bool changes)
{
    std::vector<std::string> argv = {"env"};
    if (!ask.image_folder.empty()) argv.push_back("BELAY_IMAGE_FOLDER=" + ask.image_folder);
    if (!ask.image_version.empty()) argv.push_back("BELAY_IMAGE_VERSION=" + ask.image_version);
    argv.insert(argv.end(), ask.argv.begin(), ask.argv.end());
    argv.insert(argv.end(), words.begin(), words.end());
    return {.argv = std::move(argv),
            .effect = changes ? host::Effect::changes : host::Effect::reads,
            .limit = changes ? acts_for : looks_for};
}

}  // namespace

host::Command command_of(const ProgramAsk& ask, Verb verb)
{
    return called(ask, {name_of(verb)}, verb != Verb::look);
}

DriverProgram::DriverProgram(host::Host& host, ProgramAsk ask) : host_(host), ask_(std::move(ask))
{
    INVARIANT(!ask_.argv.empty());
}

Result<Look> DriverProgram::look()
{
    const std::string text = TRY(ask(command_of(ask_, Verb::look)));
    return parse_look(text);
}

Result<std::vector<std::string>> DriverProgram::commands(Verb verb)
{
    const std::string text = TRY(ask(called(ask_, {"commands", name_of(verb)}, false)));
    return parse_commands(text);
}

Result<void> DriverProgram::run(Verb verb)
{
    TRY(ask(command_of(ask_, verb)));
    return {};
}

Result<std::string> DriverProgram::ask(host::Command command)
{
    host::Outcome outcome = TRY(host_.run(command));
    if (outcome.exit_code == 0) return std::move(outcome.out);
    const std::string said = sentence_of(outcome.err);
    return std::unexpected(Error{
        .kind = kind_of(outcome.exit_code),
        .what = fmt::format("{}: {}", ask_.argv.front(),
                            said.empty()
                                ? fmt::format("ended with exit code {}, and said nothing", outcome.exit_code)
                                : said),
        .argv = std::move(command.argv),
        .exit_code = outcome.exit_code,
        .output = outcome.err.substr(0, 4096)});
}

Result<std::vector<std::string>> parse_commands(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (lines.size() == most_commands)
            return fail(ErrorKind::corrupt,
                        fmt::format("the driver names more than {} commands", most_commands));
        const bool has_control =
            std::ranges::any_of(line, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
        if (line.size() > longest_command || has_control)
            return fail(ErrorKind::corrupt,
                        fmt::format("command {} of the driver is no line of at most {} bytes",
                                    lines.size() + 1, longest_command));
        lines.emplace_back(line);
    }
    return lines;
}

}  // namespace belay::upgrade::driver
