#include "storage/md_assembly.h"

#include "base/digest.h"
#include "storage/edges.h"
#include "storage/probe.h"

namespace belay::storage::md {
namespace {

using AssemblyJson = operation::Json;
using operation::Finding;
using operation::Verdict;
using AssemblyFound = operation::Inspection::Found;

constexpr Milliseconds patience = std::chrono::minutes(2);  // mdadm waits for udev
const char* const absent_member = "missing";

host::Command changing(std::vector<std::string> argv)
{
    return {.argv = std::move(argv), .effect = host::Effect::changes, .limit = patience};
}

std::string link_of(const std::string& uuid)
{
    return "/dev/disk/by-id/md-uuid-" + uuid;
}

host::Command stop_command(const std::string& path)
{
    return changing({"mdadm", "--stop", path});
}

host::Command erase_command(const std::string& member)
{
    return changing({"mdadm", "--zero-superblock", member});
}

/// Everything that the actions are told.
struct Told {
    std::string uuid, node, name, level, metadata, bitmap;
    uint64_t chunk = 0;
    std::vector<std::string> members;  ///< stable paths, or "missing"
    std::map<std::string, uint64_t> sizes;

    explicit Told(const AssemblyJson& arguments)
        : uuid(arguments.at("array")),
          node(arguments.at("node")),
          name(arguments.value("name", "")),
          level(arguments.value("level", "")),
          metadata(arguments.value("metadata", "")),
          bitmap(arguments.value("bitmap", "")),
          chunk(arguments.value("chunk", uint64_t{0})),
          members(arguments.at("members").get<std::vector<std::string>>()),
          sizes(arguments.value("sizes", std::map<std::string, uint64_t>()))
    {
    }

    std::vector<std::string> present() const
    {
        std::vector<std::string> paths = members;
        std::erase(paths, absent_member);
        return paths;
    }
};

host::Command create_command(const Told& told)
{
    std::vector<std::string> argv = {"mdadm",
                                     "--create",
                                     told.node,
                                     "--run",
                                     "--level=" + told.level,
                                     fmt::format("--raid-devices={}", told.members.size()),
                                     "--metadata=" + told.metadata,
                                     "--uuid=" + told.uuid};
    if (told.level != "raid0") argv.push_back("--bitmap=" + told.bitmap);
    if (!told.name.empty()) argv.push_back("--name=" + told.name);
    if (told.chunk > 0) argv.push_back(fmt::format("--chunk={}K", told.chunk / 1024));
    argv.insert(argv.end(), told.members.begin(), told.members.end());
    return changing(std::move(argv));
}

host::Command assemble_command(const Told& told)
{
    std::vector<std::string> argv = {"mdadm", "--assemble", told.node, "--run", "--uuid=" + told.uuid};
    for (const std::string& member : told.present()) argv.push_back(member);
    return changing(std::move(argv));
}

/// What there is of an array now.
struct Traces {
    std::optional<Array> array;       ///< where it runs
    std::set<std::string> holders;    ///< the md devices that hold its members, running or not
    std::vector<std::string> marked;  ///< the members with its superblock
};

/// Whether the device carries a superblock of that array.
Result<bool> is_marked(host::Host& host, const std::string& path, const std::string& uuid)
{
    const Content content = TRY(read_content(host, path));
    return content.type == "linux_raid_member" && content.uuid == uuid;
}

Result<Traces> traces_of(host::Host& host, const Told& told)
{
    Traces traces;
    // The link is there only while the array runs; half of one is seen by whom it holds.
    if (TRY(device_if_there(host, link_of(told.uuid)))) traces.array = TRY(read_array(host, told.uuid));
    for (const std::string& path : told.present()) {
        const std::optional<std::string> device = TRY(device_if_there(host, path));
        if (!device) continue;
        if (!TRY(is_marked(host, path, told.uuid))) continue;
        traces.marked.push_back(path);
        for (const std::string& holder :
             TRY(host.list(fmt::format("/sys/class/block/{}/holders", *device)))) {
            if (holder.starts_with("md")) traces.holders.insert(holder);
        }
    }
    if (traces.array) traces.holders.insert(traces.array->name);
    return traces;
}

Result<void> settle_udev(host::Host& host)
{
    TRY(host.run({.argv = {"udevadm", "settle", "--timeout=30"}}));
    return {};
}

/// Stops it by its lasting name where it has one.
Result<void> stop_all(host::Host& host, const Told& told, const Traces& traces)
{
    for (const std::string& holder : traces.holders) {
        const bool by_link = traces.array && holder == traces.array->name;
        TRY(run_checked(host, stop_command(by_link ? link_of(told.uuid) : "/dev/" + holder)));
    }
    return settle_udev(host);
}

/// The kernel names of the members that are there.
Result<std::set<std::string>> devices_of(host::Host& host, const std::vector<std::string>& paths)
{
    std::set<std::string> devices;
    for (const std::string& path : paths) {
        const std::optional<std::string> device = TRY(device_if_there(host, path));
        if (device) devices.insert(*device);
    }
    return devices;
}

bool runs_now(const Array& array)
{
    return array.state != "inactive" && array.state != "clear" && !array.level.empty();
}

std::string tell(const Array& array)
{
    std::string members;
    for (const Member& member : array.members)
        members += fmt::format("{}{} {}", members.empty() ? "" : ", ", member.device, member.state);
    return fmt::format("{}, {} of {} ({}), {}", array.level, array.members.size(), array.legs, members,
                       array.state);
}

/// Whether it runs with exactly these members, none of them failed.
Result<bool> has_members(host::Host& host, const Array& array, const Told& told)
{
    const std::set<std::string> wanted = TRY(devices_of(host, told.present()));
    std::set<std::string> found;
    for (const Member& member : array.members) {
        if (!member.faulty()) found.insert(member.device);
    }
    return runs_now(array) && found == wanted && wanted.size() == told.present().size();
}

class CreateArray final : public operation::Action {
  public:
    Result<operation::Inspection> inspect(host::Host& host, const AssemblyJson& arguments) const override
    {
        const Told told(arguments);
        const Traces traces = TRY(traces_of(host, told));
        if (traces.array && traces.array->legs == told.members.size() &&
            TRY(has_members(host, *traces.array, told)))
            return operation::Inspection{AssemblyFound::done, tell(*traces.array)};
        if (traces.array) return operation::Inspection{AssemblyFound::partial, tell(*traces.array)};
        if (traces.marked.empty()) return operation::Inspection{AssemblyFound::absent, "no array"};
        return operation::Inspection{AssemblyFound::partial,
                                     fmt::format("superblocks on {} members", traces.marked.size())};
    }

    Result<AssemblyJson> remember(host::Host& host, const AssemblyJson& arguments) const override
    {
        const Told told(arguments);
        AssemblyJson kept = AssemblyJson::object();
        for (const auto& [path, size] : told.sizes) kept[path] = packed(TRY(read_edges(host, path, {size})));
        return kept;
    }

    Result<void> apply(host::Host& host, const AssemblyJson& arguments) const override
    {
        const Told told(arguments);
        TRY(stop_all(host, told, TRY(traces_of(host, told))));
        TRY(run_checked(host, create_command(told)));
        return settle_udev(host);
    }

    Result<std::string> remains(host::Host& host, const AssemblyJson& arguments,
                                const AssemblyJson& remembered) const override
    {
        const Told told(arguments);
        const Traces traces = TRY(traces_of(host, told));
        if (!traces.holders.empty()) return fmt::format("the array {}", *traces.holders.begin());
        if (!traces.marked.empty()) return fmt::format("an md superblock on {}", traces.marked.front());
        for (const auto& [path, size] : told.sizes) {
            // One that was pulled carries nothing on this host.
            if (!TRY(device_if_there(host, path)) || !remembered.contains(path)) continue;
            if (TRY(read_edges(host, path, {size})) != TRY(unpacked_edges(remembered.at(path))))
                return fmt::format("traces of md at the ends of {}", path);
        }
        return std::string();
    }

    Result<void> revert(host::Host& host, const AssemblyJson& arguments,
                        const AssemblyJson& remembered) const override
    {
        const Told told(arguments);
        const Traces traces = TRY(traces_of(host, told));
        TRY(stop_all(host, told, traces));
        // First all superblocks: udev would assemble what is left as soon as it sees one.
        for (const std::string& path : traces.marked) TRY(run_checked(host, erase_command(path)));
        for (const auto& [path, size] : told.sizes) {
            if (!TRY(device_if_there(host, path)) || !remembered.contains(path)) continue;
            TRY(write_edges(host, path, {size}, TRY(unpacked_edges(remembered.at(path)))));
        }
        return settle_udev(host);
    }
};

class StopArray final : public operation::Action {
  public:
    Result<operation::Inspection> inspect(host::Host& host, const AssemblyJson& arguments) const override
    {
        const Traces traces = TRY(traces_of(host, Told(arguments)));
        if (traces.holders.empty()) return operation::Inspection{AssemblyFound::done, "it does not run"};
        return operation::Inspection{traces.array ? AssemblyFound::absent : AssemblyFound::partial,
                                     traces.array ? tell(*traces.array) : "it holds members"};
    }

    Result<void> apply(host::Host& host, const AssemblyJson& arguments) const override
    {
        const Told told(arguments);
        return stop_all(host, told, TRY(traces_of(host, told)));
    }

    Result<std::string> remains(host::Host& host, const AssemblyJson& arguments,
                                const AssemblyJson&) const override
    {
        const Told told(arguments);
        const Traces traces = TRY(traces_of(host, told));
        if (!traces.array) return std::string("the array stopped");
        return TRY(has_members(host, *traces.array, told)) ? "" : "the array without all of its members";
    }

    Result<void> revert(host::Host& host, const AssemblyJson& arguments, const AssemblyJson&) const override
    {
        const Told told(arguments);
        // Nothing uses it yet: half an array is stopped first.
        const Traces traces = TRY(traces_of(host, told));
        if (!traces.array) TRY(stop_all(host, told, traces));
        if (!traces.array) TRY(run_checked(host, assemble_command(told)));
        return settle_udev(host);
    }
};

Result<Finding> ask_is_as_made(host::Host& host, const AssemblyJson& arguments)
{
    const Told told(arguments);
    const Array array = TRY(read_array(host, told.uuid));
    const bool whole =
        array.level == told.level && array.legs == told.members.size() && TRY(has_members(host, array, told));
    return Finding{whole ? Verdict::pass : Verdict::fail, tell(array),
                   fmt::format("{} of {} members, {} of them there", told.level, told.members.size(),
                               told.present().size()),
                   "mdadm --detail " + link_of(told.uuid)};
}

Result<Finding> ask_is_stopped(host::Host& host, const AssemblyJson& arguments)
{
    const Traces traces = TRY(traces_of(host, Told(arguments)));
    return Finding{traces.holders.empty() ? Verdict::pass : Verdict::fail,
                   traces.holders.empty() ? "it does not run"
                                          : fmt::format("it runs as /dev/{}", *traces.holders.begin()),
                   "an array that does not run", "mdadm --stop " + link_of(Told(arguments).uuid)};
}

/// Not through an inventory: the members' ends are read, and the array may not be there.
Result<operation::Fingerprint> describe_run(host::Host& host, const AssemblyJson& arguments)
{
    const std::string uuid = arguments.at("array");
    operation::Fingerprint lines;
    const std::string name = "array " + uuid;
    lines[name] = TRY(device_if_there(host, link_of(uuid))) ? "runs" : "does not run";
    for (const std::string path : arguments.at("members")) {
        const Content content = TRY(read_content(host, path));
        lines["device " + path] = fmt::format("{} {}", content.type, content.uuid);
    }
    const auto sizes = arguments.value("sizes", std::map<std::string, uint64_t>());
    for (const auto& [path, size] : sizes) {
        const Edges edges = TRY(read_edges(host, path, {size}));
        lines[fmt::format("ends of {}", path)] = sha256(edges.head + edges.tail);
    }
    return lines;
}

AssemblyJson told_of(const NewArray& array)
{
    AssemblyJson members = AssemblyJson::array(), sizes = AssemblyJson::object();
    for (const std::optional<Device>& member : array.members) {
        members.push_back(member ? member->path : absent_member);
        if (member) sizes[member->path] = member->size.count;
    }
    return {{"array", array.uuid},        {"node", array.node},
            {"name", array.name},         {"level", array.level},
            {"metadata", array.metadata}, {"bitmap", array.bitmap},
            {"chunk", array.chunk.count}, {"members", std::move(members)},
            {"sizes", std::move(sizes)}};
}

AssemblyJson told_of(const Stopping& stopping)
{
    AssemblyJson members = AssemblyJson::array();
    for (const Device& member : stopping.members) members.push_back(member.path);
    return {{"array", stopping.array.uuid}, {"node", stopping.node}, {"members", std::move(members)}};
}

}  // namespace

operation::Act create(const NewArray& array)
{
    operation::Act act{"md.create", told_of(array), {}};
    const Told told(act.arguments);
    act.commands = {create_command(told).to_text()};
    act.undo_commands = {stop_command(link_of(array.uuid)).to_text()};
    for (const std::string& path : told.present()) act.undo_commands.push_back(erase_command(path).to_text());
    for (const std::string& path : told.present()) act.undo_commands.push_back(edges_hint(path));
    return act;
}

operation::Act stop(const Stopping& stopping)
{
    operation::Act act{"md.stop", told_of(stopping), {}};
    const Told told(act.arguments);
    act.commands = {stop_command(link_of(stopping.array.uuid)).to_text()};
    act.undo_commands = {assemble_command(told).to_text()};
    return act;
}

operation::Question is_as_made(const NewArray& array)
{
    return {"md.is_as_made", told_of(array)};
}

operation::Question is_stopped(const Stopping& stopping)
{
    return {"md.is_stopped", told_of(stopping)};
}

operation::Question run_fingerprint(const NewArray& array)
{
    AssemblyJson told = told_of(array);
    std::erase(told["members"].get_ref<AssemblyJson::array_t&>(), AssemblyJson(absent_member));
    return {"md.run", {{"array", array.uuid}, {"members", told["members"]}, {"sizes", told["sizes"]}}};
}

void fill_assembly(operation::Catalogue& catalogue)
{
    catalogue.add("md.create", std::make_unique<CreateArray>());
    catalogue.add("md.stop", std::make_unique<StopArray>());
    catalogue.add_condition("md.is_as_made", ask_is_as_made);
    catalogue.add_condition("md.is_stopped", ask_is_stopped);
    catalogue.add_fingerprint("md.run", describe_run);
}

}  // namespace belay::storage::md
