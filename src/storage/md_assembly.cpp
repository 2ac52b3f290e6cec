#include "storage/md_assembly.h"

#include "base/digest.h"
#include "storage/edges.h"
#include "storage/md_traces.h"
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

class CreateArray final : public operation::Action {
  public:
    Result<operation::Inspection> inspect(host::Host& host, const AssemblyJson& arguments) const override
    {
        const Told told(arguments);
        const Traces traces = TRY(traces_of(host, told.uuid, told.present()));
        if (traces.array && traces.array->legs == told.members.size() &&
            TRY(runs_with(host, *traces.array, told.present())))
            return operation::Inspection{AssemblyFound::done, description_of(*traces.array)};
        if (traces.array) return operation::Inspection{AssemblyFound::partial, description_of(*traces.array)};
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
        const Traces traces = TRY(traces_of(host, told.uuid, told.present()));
        TRY(stop_traces(host, told.uuid, traces));
        TRY(run_checked(host, create_command(told)));
        return await_udev(host);
    }

    Result<std::string> remains(host::Host& host, const AssemblyJson& arguments,
                                const AssemblyJson& remembered) const override
    {
        const Told told(arguments);
        const Traces traces = TRY(traces_of(host, told.uuid, told.present()));
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
        const Traces traces = TRY(traces_of(host, told.uuid, told.present()));
        TRY(stop_traces(host, told.uuid, traces));
        // First all superblocks: udev would assemble what is left as soon as it sees one.
        for (const std::string& path : traces.marked) TRY(run_checked(host, erase_command(path)));
        for (const auto& [path, size] : told.sizes) {
            if (!TRY(device_if_there(host, path)) || !remembered.contains(path)) continue;
            TRY(write_edges(host, path, {size}, TRY(unpacked_edges(remembered.at(path)))));
        }
        return await_udev(host);
    }
};

Result<Finding> ask_is_as_made(host::Host& host, const AssemblyJson& arguments)
{
    const Told told(arguments);
    const Array array = TRY(read_array(host, told.uuid));
    const bool whole = array.level == told.level && array.legs == told.members.size() &&
                       TRY(runs_with(host, array, told.present()));
    return Finding{whole ? Verdict::pass : Verdict::fail, description_of(array),
                   fmt::format("{} of {} members, {} of them there", told.level, told.members.size(),
                               told.present().size()),
                   "mdadm --detail " + lasting_path(told.uuid)};
}

/// Not through an inventory: the members' ends are read, and the array may not be there.
Result<operation::Fingerprint> describe_run(host::Host& host, const AssemblyJson& arguments)
{
    const std::string uuid = arguments.at("array");
    operation::Fingerprint lines;
    const std::string name = "array " + uuid;
    lines[name] = TRY(device_if_there(host, lasting_path(uuid))) ? "runs" : "does not run";
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

}  // namespace

operation::Act create(const NewArray& array)
{
    operation::Act act{"md.create", told_of(array), {}};
    const Told told(act.arguments);
    act.commands = {create_command(told).to_text()};
    act.undo_commands = {stop_command(lasting_path(array.uuid)).to_text()};
    for (const std::string& path : told.present()) act.undo_commands.push_back(erase_command(path).to_text());
    for (const std::string& path : told.present()) act.undo_commands.push_back(edges_hint(path));
    return act;
}

operation::Question is_as_made(const NewArray& array)
{
    return {"md.is_as_made", told_of(array)};
}

operation::Question run_fingerprint(const NewArray& array)
{
    AssemblyJson told = told_of(array);
    std::erase(told["members"].get_ref<AssemblyJson::array_t&>(), AssemblyJson(absent_member));
    return {"md.run", {{"array", array.uuid}, {"members", told["members"]}, {"sizes", told["sizes"]}}};
}

void fill_assembly(operation::Catalogue& catalogue)
{
    fill_stop(catalogue);
    catalogue.add("md.create", std::make_unique<CreateArray>());
    catalogue.add_condition("md.is_as_made", ask_is_as_made);
    catalogue.add_fingerprint("md.run", describe_run);
}

}  // namespace belay::storage::md
