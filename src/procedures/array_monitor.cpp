#include "procedures/array_monitor.h"

#include "storage/array_watch.h"
#include "storage/md_gate.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using Arrays = std::vector<storage::WatchedArray>;

Result<operation::Gate> make_array_gate(host::Host& host, std::string_view said)
{
    const storage::Inventory inventory = TRY(storage::read_inventory(host));
    const storage::Array array = TRY(inventory.array(said));
    const uint64_t mismatches = TRY(storage::md::read_mismatches(host, array.name));
    return operation::Gate{.name = fmt::format("array:{}", said),
                           .title = fmt::format("/dev/{} keeps its members", array.name),
                           .question = storage::md::keeps_members(array, mismatches)};
}

Result<Json> look(host::Host& host)
{
    const Arrays arrays = TRY(storage::look_at_arrays(host));
    return Json(arrays);
}

Result<std::vector<Alarm>> compare(const Json& before, const Json& now)
{
    const Arrays current = TRY(from_json_value<Arrays>(now));
    std::vector<storage::ArrayEvent> events;
    if (before.is_null()) {
        events = storage::events_between(nullptr, current);
    } else {
        const Arrays earlier = TRY(from_json_value<Arrays>(before));
        events = storage::events_between(&earlier, current);
    }
    std::vector<Alarm> alarms;
    for (storage::ArrayEvent& event : events)
        alarms.push_back({std::move(event.event), std::move(event.severity), "/dev/" + event.array,
                          event.member.empty() ? "" : "/dev/" + event.member, std::move(event.text)});
    return alarms;
}

}  // namespace

GateKind array_gate()
{
    return {.prefix = "array:", .make = make_array_gate};
}

Watched watched_arrays()
{
    return {.file = "/proc/mdstat", .look = look, .compare = compare};
}

}  // namespace belay::procedures
