#include "operation/plan_builder.h"
#include "procedures/array_life.h"
#include "storage/fingerprint.h"
#include "storage/md_assembly.h"
#include "storage/md_settings.h"
#include "storage/probe.h"
#include "storage/uses.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

/// The name by which it is known: its link under /dev/md where it has one, else that of its number.
Result<std::string> node_of(host::Host& machine, const Array& array)
{
    const Result<std::vector<std::string>> links = machine.list("/dev/md");
    if (!links && links.error().kind != ErrorKind::not_found) return std::unexpected(links.error());
    for (const std::string& link : links.value_or(std::vector<std::string>())) {
        std::string path = "/dev/md/" + link;
        if (TRY(device_if_there(machine, path)) == array.name) return path;
    }
    return "/dev/" + array.name;
}

/// The members by paths that last. Errors: refused, where one failed or has no such path.
Result<std::vector<Device>> lasting_members(const Inventory& host, const Array& array)
{
    std::vector<Device> members;
    for (const Member& member : array.members) {
        if (member.faulty())
            return fail(ErrorKind::refused,
                        fmt::format("/dev/{} has failed in /dev/{}, and would not come back", member.device,
                                    array.name),
                        fmt::format("mdadm --manage /dev/{} --remove /dev/{}", array.name, member.device));
        members.push_back(TRY(device_named(host, member.device)));
    }
    return members;
}

Result<operation::Plan> make_stop(host::Host& machine, const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    md::Stopping stopping;
    stopping.array = TRY(host.array(arguments.at("array")));
    stopping.node = TRY(node_of(machine, stopping.array));
    stopping.members = TRY(lasting_members(host, stopping.array));
    const Array& array = stopping.array;

    PlanBuilder plan("array.stop", fmt::format("Stop {}", stopping.node), {{"array", array.path}});
    plan.check("array.runs", fmt::format("{} runs", stopping.node), md::runs(array));
    plan.check("array.idle", fmt::format("nothing uses {}", stopping.node), is_idle(array));
    operation::Step& stop = plan.activate("stop", fmt::format("stop {}", stopping.node), md::stop(stopping));
    stop.identity = {is_idle(array)};
    stop.expects = {md::is_stopped(stopping)};
    // A boot in the soak assembles it.
    plan.commit("stay-stopped", "stop it again, where a boot has assembled it", md::stop(stopping))
        .expects = {md::is_stopped(stopping)};

    // Abort wants its members again.
    std::set<std::string> locks = {"md:" + array.uuid};
    for (const Device& member : stopping.members) locks.insert("disk:" + member.disk.by_id);
    plan.plan().locks.assign(locks.begin(), locks.end());
    plan.plan().fingerprints = {fingerprint_of({array.uuid}, {})};
    plan.plan().topology = {
        fmt::format("{} does not run; the superblocks of its {} members stay, and the next boot assembles it",
                    stopping.node, stopping.members.size())};
    return plan.build();
}

}  // namespace

Procedure array_stop()
{
    return {
        .name = "array.stop",
        .summary = "stop an array that nothing uses",
        .description =
            "Stops an array that is not mounted, no swap, and under nothing else. Abort assembles it again "
            "from the same members. Commit leaves it stopped; its superblocks stay, so that the next boot "
            "assembles it.",
        .source = "mdadm(8), --stop and --assemble",
        .arguments = {{"array", "the array: name, UUID or by-id name", "md0", true}},
        .make = make_stop};
}

}  // namespace belay::procedures
