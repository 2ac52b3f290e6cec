// Outputs of messages: addresses, and who writes which file.

#include "framework/configuration/checks_parts.h"
#include "framework/configuration/endpoint.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

void check_receiver(const Round& round, const Object& output)
{
    const std::string kind = output.text("kind");
    const Json levels = output.value("levels");
    if (levels.is_array() && levels.empty())
        round.error(output, "/levels",
                    fmt::format("{} has no level: leave \"levels\" out", title_of(output)));
    const bool leaves_with_debug =
        kind != "file" && levels.is_array() && std::ranges::find(levels, Json("debug")) != levels.end();
    if (leaves_with_debug)
        round.error(output, "/levels",
                    fmt::format("{} leaves its host, and debug never does: take it out", title_of(output)));
    if (const auto server = parse_endpoint(output.text("server"));
        !server && output.attributes.contains("server"))
        round.error(output, "/server", server.error().what);
    if (!output.attributes.contains("url")) return;
    const auto url = check_url(output.text("url"), output.attributes.contains("token_file"));
    if (!url) round.error(output, "/url", url.error().what);
}

bool is_on_one_host(const Object& one, const Object& other)
{
    const Json mine = one.value("hosts"), theirs = other.value("hosts");
    const bool is_on_all = !mine.is_array() || mine.empty() || !theirs.is_array() || theirs.empty();
    return is_on_all || std::ranges::any_of(mine, [&](const Json& host) {
               return std::ranges::find(theirs, host) != theirs.end();
           });
}

}  // namespace

void check_outputs(const Round& round)
{
    std::map<std::string, std::vector<const Object*>> by_path;
    for (const Object* output : round.configuration.of_type("output")) {
        if (round.is_touched(output->id)) check_receiver(round, *output);
        if (output->disabled || output->text("kind") != "file" || output->text("path").empty()) continue;
        auto& others = by_path[output->text("path")];
        for (const Object* other : others) {
            const bool is_new = round.is_touched(output->id) || round.is_touched(other->id);
            if (!is_new || !is_on_one_host(*output, *other)) continue;
            const Object* const about = round.is_touched(output->id) ? output : other;
            round.error(*about, "/path",
                        fmt::format("{} and {} would write one file, {}", title_of(*other), title_of(*output),
                                    output->text("path")),
                        about == output ? other->id : output->id);
        }
        others.push_back(output);
    }
}

}  // namespace belay::framework::configuration
