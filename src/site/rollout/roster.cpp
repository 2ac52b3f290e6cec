#include "site/rollout/roster.h"

#include <algorithm>

namespace belay::site {
namespace {

Milliseconds roster_span(const Json& json, const char* name)
{
    return Milliseconds{json.value(name, int64_t{0})};
}

}  // namespace

bool Roster::in_group(const std::string& member) const
{
    return group.empty() || std::ranges::find(group, member) != group.end();
}

void to_json(Json& json, const Roster& roster)
{
    json = {{"rollout", roster.rollout},
            {"site", roster.site},
            {"step", roster.step},
            {"members", roster.members},
            {"group", roster.group},
            {"together", roster.together},
            {"limit", roster.limit},
            {"silence_ms", roster.silence.count()},
            {"timer_ms", roster.timer.count()},
            {"soak_ms", roster.soak.count()}};
}

void from_json(const Json& json, Roster& roster)
{
    roster = {.rollout = json.at("rollout"),
              .site = json.at("site"),
              .step = json.value("step", ""),
              .members = json.at("members").get<std::vector<MemberName>>(),
              .group = json.value("group", std::vector<std::string>()),
              .together = json.value("together", std::vector<std::vector<std::string>>()),
              .limit = json.value("limit", uint64_t{0}),
              .silence = roster_span(json, "silence_ms"),
              .timer = roster_span(json, "timer_ms"),
              .soak = roster_span(json, "soak_ms")};
}

std::string lock_of(const Roster& roster)
{
    return "rollout:" + roster.rollout;
}

std::string text_of(const PartKey& key)
{
    return fmt::format("{}/{}/{}/{}", key.site, key.operation, key.rollout, key.member);
}

Result<PartKey> part_key_in(std::string_view text)
{
    std::string fields[4];
    std::string_view rest = text;
    for (size_t i = 3; i > 0; --i) {
        const size_t slash = rest.rfind('/');
        if (slash == std::string_view::npos) break;
        fields[i] = rest.substr(slash + 1);
        rest = rest.substr(0, slash);
    }
    fields[0] = rest;
    if (std::ranges::any_of(fields, &std::string::empty))
        return fail(ErrorKind::corrupt, fmt::format("\"{}\" is not the key of a part", text));
    return PartKey{fields[0], fields[1], fields[2], fields[3]};
}

}  // namespace belay::site
