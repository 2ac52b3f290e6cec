#include "procedures/array_settings.h"

#include "operation/plan_builder.h"
#include "storage/md_settings.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;
using Arguments = std::map<std::string, std::string>;

const Argument the_array = {"array", "the array: name, UUID or by-id name", "md0", true};

std::string device(const Array& array)
{
    return "/dev/" + array.name;
}

/// What the three have in common: the array runs, nobody else works on it, and its settings are compared
/// after an abort.
PlanBuilder plan_for(const Array& array, std::string procedure, std::string title, Json asked)
{
    PlanBuilder plan(std::move(procedure), std::move(title), std::move(asked));
    plan.check("array.runs", fmt::format("{} runs", device(array)), md::runs(array));
    plan.plan().locks = {"md:" + array.uuid};
    plan.plan().fingerprints = {md::settings_fingerprint(array)};
    return plan;
}

Result<operation::Plan> make_bitmap(host::Host& host, const Arguments& arguments)
{
    const Inventory inventory = TRY(read_inventory(host));
    const Array array = TRY(inventory.array(arguments.at("array")));
    const std::string& kind = arguments.at("bitmap");
    if (kind != "internal" && kind != "none")
        return fail(ErrorKind::usage, fmt::format("a bitmap is internal or none, not \"{}\"", kind),
                    "belay procedures array.bitmap");
    const bool wanted = kind == "internal";
    const std::string what = wanted ? "make a bitmap" : "remove the bitmap";
    const std::string before = TRY(md::read_bitmap(host, array));
    if (wanted && before.starts_with('/'))
        return fail(
            ErrorKind::refused,
            fmt::format("{} keeps its bitmap in {}, and an array has one at most", device(array), before),
            fmt::format("belay run array.bitmap --array {} --bitmap none", array.name));
    PlanBuilder plan = plan_for(array, "array.bitmap", fmt::format("{}: {}", device(array), what),
                                {{"array", array.path}, {"bitmap", kind}});
    plan.check("array.quiet", fmt::format("nothing is being copied in {}", device(array)),
               md::is_quiet(array));
    plan.activate("bitmap", what, md::set_bitmap(array, kind, before));
    plan.plan().topology = {
        fmt::format("{}: {}", device(array), wanted ? "an internal bitmap" : "no bitmap")};
    return plan.build();
}

/// "200M" as KiB a second.
Result<uint64_t> speed_in(const std::string& text)
{
    const Bytes speed = TRY(parse_bytes(text));
    if (speed.count < 1024)
        return fail(ErrorKind::usage, fmt::format("{} a second is less than md can keep to", to_text(speed)),
                    "write it as 200M");
    return speed.count / 1024;
}

Result<operation::Plan> make_sync_speed(host::Host& host, const Arguments& arguments)
{
    const Inventory inventory = TRY(read_inventory(host));
    const Array array = TRY(inventory.array(arguments.at("array")));
    PlanBuilder plan =
        plan_for(array, "array.sync-speed", fmt::format("{}: how fast it is copied", device(array)),
                 {{"array", array.path}});
    std::optional<uint64_t> least, most;
    if (arguments.contains("max")) most = TRY(speed_in(arguments.at("max")));
    if (arguments.contains("min")) least = TRY(speed_in(arguments.at("min")));
    if (!least && !most)
        return fail(ErrorKind::usage, "neither --max nor --min was given",
                    "belay procedures array.sync-speed");
    if (least && most && *least > *most)
        return fail(ErrorKind::usage, "--min is more than --max", "belay procedures array.sync-speed");
    const auto add = [&](md::SpeedLimit limit, const std::string& name, uint64_t speed) -> Result<void> {
        const std::string before = TRY(md::read_speed(host, array, limit));
        const std::string text = to_text(Bytes{speed * 1024});
        plan.plan().asked[name] = text;
        plan.activate(name, fmt::format("at {} {} a second", name == "min" ? "least" : "most", text),
                      md::set_speed(array, limit, speed, before));
        plan.plan().topology.push_back(fmt::format("{}: copied at {} {} a second", device(array),
                                                   name == "min" ? "least" : "most", text));
        return {};
    };
    if (most) TRY(add(md::SpeedLimit::maximum, "max", *most));
    if (least) TRY(add(md::SpeedLimit::minimum, "min", *least));
    return plan.build();
}

Result<operation::Plan> make_sync_pause(host::Host& host, const Arguments& arguments)
{
    const Inventory inventory = TRY(read_inventory(host));
    const Array array = TRY(inventory.array(arguments.at("array")));
    PlanBuilder plan = plan_for(array, "array.sync-pause", fmt::format("{}: hold its copying", device(array)),
                                {{"array", array.path}});
    plan.check_once("array.not-held", "nobody else holds it", md::is_not_held(array));
    plan.check("array.whole", fmt::format("{} can wait", device(array)), md::has_all_members(array));
    plan.activate("hold", "hold resync, recovery and reshape", md::hold_sync(array));
    operation::Step& release = plan.commit("release", "let it go on", md::release_sync(array));
    release.one_way = "what was held goes on";
    plan.plan().topology = {
        fmt::format("{}: nothing is copied until commit, abort or the timer", device(array))};
    return plan.build();
}

}  // namespace

Procedure array_bitmap()
{
    return {.name = "array.bitmap",
            .summary = "make or remove the bitmap of an array in use",
            .description =
                "With an internal bitmap, only what was being written is copied after a crash, or when a "
                "member comes back; every write costs a little more. Abort makes it as it was.",
            .source = "mdadm(8), --bitmap",
            .arguments = {the_array, {"bitmap", "internal or none", "internal", true}},
            .make = make_bitmap};
}

Procedure array_sync_speed()
{
    return {.name = "array.sync-speed",
            .summary = "set how fast an array is copied",
            .description =
                "Sets this array's own limits for resync and recovery, beside those of the host. The timer "
                "and abort put the old ones back; commit keeps the new ones until the next boot.",
            .source = "md(4), sync_speed_min and sync_speed_max",
            .arguments = {the_array,
                          {"max", "the most a second", "200M", false},
                          {"min", "the least a second, also while others use the disks", "50M", false}},
            .make = make_sync_speed};
}

Procedure array_sync_pause()
{
    return {.name = "array.sync-pause",
            .summary = "hold the copying of an array for a while",
            .description =
                "Resync, recovery and reshape stop where they are, for as long as the soak lasts; commit, "
                "abort and the timer let them go on. A member that is missing stays missing meanwhile.",
            .source = "md(4), sync_action",
            .arguments = {the_array},
            .make = make_sync_pause};
}

}  // namespace belay::procedures
