#include "cli/parse_kinds.h"

#include "storage/parse/kinds.h"
#include "upgrade/iosxe/show/kinds.h"

namespace belay::cli {

std::vector<const printed::Kind*> parse_kinds()
{
    std::vector<const printed::Kind*> all;
    for (const printed::Kind& kind : storage::parse::kinds()) all.push_back(&kind);
    for (const printed::Kind& kind : upgrade::iosxe::show::kinds()) all.push_back(&kind);
    return all;
}

const printed::Kind* parse_kind_named(std::string_view name)
{
    const printed::Kind* of_storage = storage::parse::kind_named(name);
    return of_storage != nullptr ? of_storage : upgrade::iosxe::show::kind_named(name);
}

std::string parse_kinds_text()
{
    std::string text = "\n\nKinds, and what prints them:";
    for (const printed::Kind& kind : storage::parse::kinds())
        text += fmt::format("\n  {:<14} {}: {}", kind.name, kind.summary, kind.example);
    text += "\n\nKinds of Catalysts (IOS XE), by the command that prints them:";
    for (const printed::Kind& kind : upgrade::iosxe::show::kinds()) {
        const std::string_view quote = kind.name.find(' ') == std::string_view::npos ? "" : "\"";
        text += fmt::format("\n  {}{}{}\n      {}", quote, kind.name, quote, kind.summary);
    }
    return text;
}

std::string parse_kinds_there_are()
{
    std::vector<std::string_view> names;
    for (const printed::Kind& kind : storage::parse::kinds()) names.push_back(kind.name);
    return fmt::format("there are: {}, and {} of Catalysts, as \"iosxe:show version\"",
                       fmt::join(names, ", "), upgrade::iosxe::show::kinds().size());
}

}  // namespace belay::cli
