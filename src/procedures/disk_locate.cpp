#include "operation/plan_builder.h"
#include "procedures/disk_bus.h"
#include "storage/device.h"
#include "storage/disk.h"
#include "storage/locate.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

constexpr Milliseconds located_for = std::chrono::seconds(60), longest_locate = std::chrono::hours(24);
constexpr Milliseconds blink_every = std::chrono::seconds(2);

Result<operation::Plan> make_locate(host::Host& machine, const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    const Disk disk = TRY(lasting_disk(host, arguments.at("disk")));
    const auto said = arguments.find("for");
    const Milliseconds span = said == arguments.end() ? located_for : TRY(parse_span(said->second));
    if (span < blink_every || span > longest_locate)
        return fail(ErrorKind::usage, fmt::format("{} is not between 2 s and 24 h", to_text(span)),
                    "write it as --for 60s");

    const bool has_light = TRY(locate::has_light(machine, disk));
    PlanBuilder plan("disk.locate", fmt::format("Show where {} is", shown(disk)), {{"disk", disk.by_id}});
    plan.check("disk.identity", "it is the disk that was named", disk::is(disk));
    const std::string for_so_long = fmt::format("for {}, or until abort or commit", to_text(span));
    if (has_light) {
        plan.activate("light", "light its bay", locate::light(disk)).member = disk.serial;
        plan.commit("dark", "put the light out", locate::darken(disk)).member = disk.serial;
        plan.plan().topology = {fmt::format("the bay of {} is lit {}", shown(disk), for_so_long)};
    } else {
        plan.activate("blink", "read it, so that its activity light blinks", locate::blink(disk)).member =
            disk.serial;
        plan.plan().gates.push_back(
            {"blink", "it is read for a second, every two", locate::blinks(disk), blink_every});
        plan.plan().topology = {
            fmt::format("the activity light of {} is on for a second and then rests for "
                        "one, {}; no controller is known that could light its bay",
                        shown(disk), for_so_long)};
    }
    for (operation::Step& step : plan.plan().steps) step.identity = {disk::is(disk)};
    plan.plan().locks = {"light:" + disk.by_id};
    plan.plan().timer = span;
    return plan.build();
}

}  // namespace

Procedure disk_locate()
{
    return {
        .name = "disk.locate",
        .summary = "light or blink the bay of a disk",
        .description =
            "Lights the bay by ledctl where the disk's controller can; else the disk is read for one second "
            "in two, in small pieces and past the cache, so that its activity light blinks. It ends by "
            "itself: the abort timer is the time that was asked for.",
        .source = "ledctl(8)",
        .arguments = {{"disk", "serial, WWN, by-id name or device", "LAB0001", true},
                      {"for", "how long; 60s unless told", "5m", false}},
        .make = make_locate};
}

}  // namespace belay::procedures
