// The words behind a procedure's or a runbook's name.

#include "cli/invocation.h"

#include <algorithm>

namespace belay::cli {

bool is_operation(std::string_view target)
{
    // "S7" is of a site that has a journal of its own.
    if (target.starts_with('S')) target.remove_prefix(1);
    return !target.empty() && std::ranges::all_of(target, [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::map<std::string, std::string>> procedure_arguments(const std::vector<std::string>& words)
{
    std::map<std::string, std::string> arguments;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (!word.starts_with("--") || word.size() < 3)
            return fail(ErrorKind::usage,
                        fmt::format("\"{}\" stands alone; arguments are written --name VALUE", word),
                        "belay procedures");
        const size_t equals = word.find('=');
        const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
        if (arguments.contains(name))
            return fail(ErrorKind::usage, fmt::format("--{} was given twice", name), "belay procedures");
        if (equals != std::string::npos) {
            arguments[name] = word.substr(equals + 1);
        } else if (i + 1 < words.size()) {
            arguments[name] = words[++i];
        } else {
            return fail(ErrorKind::usage, fmt::format("--{} has no value", name), "belay procedures");
        }
    }
    return arguments;
}

Result<std::map<std::string, std::string>> runbook_values(const std::vector<std::string>& set)
{
    std::map<std::string, std::string> values;
    for (const std::string& word : set) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(ErrorKind::usage, fmt::format("\"{}\" sets nothing; write --set NAME=VALUE", word),
                        "belay runbook plan --help");
        const std::string name = word.substr(0, equals);
        if (!values.emplace(name, word.substr(equals + 1)).second)
            return fail(ErrorKind::usage, fmt::format("{} was set twice", name), "belay runbook plan --help");
    }
    return values;
}

}  // namespace belay::cli
