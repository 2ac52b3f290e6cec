#include "host/host.h"

#include <algorithm>

namespace belay::host {
namespace {

std::string quoted(const std::string& word)
{
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string text = "'";
    for (const char c : word) {
        if (c == '\'')
            text += "'\\''";
        else
            text += c;
    }
    return text + "'";
}

/// What prints these lines: "printf '%s\\n' first second".
std::string typed(std::string_view lines)
{
    std::string text = "printf '%s\\n'";
    while (!lines.empty()) {
        const size_t end = std::min(lines.find('\n'), lines.size());
        text += ' ' + quoted(std::string(lines.substr(0, end)));
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return text;
}

}  // namespace

std::string Command::to_text() const
{
    std::string text;
    if (!input.empty()) text = typed(input) + " |";
    for (const std::string& word : argv) {
        if (!text.empty()) text += ' ';
        text += quoted(word);
    }
    return text;
}

Result<Outcome> run_checked(Host& host, const Command& command)
{
    Outcome outcome = TRY(host.run(command));
    if (outcome.exit_code == 0) return outcome;
    const std::string_view err = outcome.err;
    const std::string said(err.begin(), std::find(err.begin(), err.end(), '\n'));
    return std::unexpected(Error{.kind = ErrorKind::failed,
                                 .what = fmt::format("{} ended with exit code {}{}{}", command.argv.front(),
                                                     outcome.exit_code, said.empty() ? "" : ": ", said),
                                 .argv = command.argv,
                                 .exit_code = outcome.exit_code,
                                 .output = outcome.err.substr(0, 4096)});
}

}  // namespace belay::host
