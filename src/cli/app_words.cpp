#include "cli/app_words.h"

#include "base/closest.h"
#include "cli/invocation.h"

#include <CLI/App.hpp>

namespace belay::cli {

std::vector<std::string> names_of(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
}

std::vector<std::string> options_of(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
}

std::string full_name(const CLI::App& app)
{
    const CLI::App* parent = app.get_parent();
    return parent == nullptr ? app.get_name() : full_name(*parent) + ' ' + app.get_name();
}

Result<void> refuse_extras(const CLI::App& app, bool is_group)
{
    const std::vector<std::string> extra = app.remaining();
    if (extra.empty()) return {};
    const std::string& word = extra.front();
    const std::string next = full_name(app) + " --help";
    if (word.starts_with('-'))
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" has no option {}{}", full_name(app), word,
                                did_you_mean(word.substr(0, word.find('=')), options_of(app))),
                    next);
    if (is_group)
        return fail(ErrorKind::usage,
                    fmt::format("\"{}\" has no command \"{}\"{}", full_name(app), word,
                                did_you_mean(word, names_of(app))),
                    next);
    return fail(ErrorKind::usage, fmt::format("\"{}\" does not take \"{}\"", full_name(app), word), next);
}

}  // namespace belay::cli
