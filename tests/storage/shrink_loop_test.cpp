// filesystem.shrink with every single accident: a filesystem on a partition, on a disk of its own and on a
// logical volume; mounted or not. The power also goes in the middle of a command: a resize that was cut short
// leaves a filesystem of the old size whose blocks have moved, a restore that was cut short none at all.

#include "base/invariant.h"
#include "every_run.h"
#include "simulated_ext.h"

namespace belay::simulated::shrinking {
namespace {

constexpr uint64_t large = 96 << 10, small = 48 << 10;
constexpr const char* mounted_at = "/srv/data";
const std::string written_since = "what somebody wrote after a boot";

std::string content_of(const std::string& name, size_t blocks)
{
    std::string bytes;
    while (bytes.size() < blocks * Ext::block) bytes += fmt::format("{} {}, ", name, bytes.size());
    bytes.resize(blocks * Ext::block);
    return bytes;
}

const Files originals = {{"a", content_of("a", 1)},
                         {"b", content_of("b", 5)},
                         {"c", content_of("c", 12)},
                         {"d", content_of("d", 3)}};

/// Where the filesystem is, and how.
struct Place {
    std::string name, device, filesystem;
    bool mounted = false;
    bool fsck_gives_up = false;  ///< of what a resize that was cut short has left, and the kernel mounts none
};

/// Files from its end, so that most of them must move; what was there before in what is free.
void make_filesystem(SimulatedStorage& machine, const std::string& device, const std::string& disk,
                     uint64_t at)
{
    machine.host().change([&](host::Machine& world) {
        std::string& bytes = world.find("/dev/" + disk)->bytes;
        const Range range{&bytes, at, large};
        range.write(0, std::string(large, '!'));
        Ext ext{.content = {"ext4", "eeeeeeee-0000-4000-8000-000000000001", "data"},
                .blocks = large / Ext::block,
                .mount_count = 3,
                .checked = false};
        write_ext(range, ext);
        for (const auto& [name, text] : originals) INVARIANT(add_ext_file(range, ext, name, text));
    });
    INVARIANT(machine.bytes_of(device).size() >= large);
}

void must_run(SimulatedStorage& machine, std::vector<std::string> argv, std::string input = {})
{
    const auto outcome = machine.host().run({.argv = std::move(argv), .input = std::move(input)});
    INVARIANT(outcome && outcome->exit_code == 0);
}

void prepare(SimulatedStorage& machine, const Place& place)
{
    if (place.device == "dm-0") {
        machine.make_volume("sdc", "lab", "data", {large});
        make_filesystem(machine, place.device, "dm-0", 0);
    } else if (place.device == "sdc1") {
        must_run(machine, {"sfdisk", "--quiet", "/dev/sdc"},
                 "label: dos\nlabel-id: 0x0badcafe\nunit: sectors\n\n1 : start=128, size=192, type=83\n");
        make_filesystem(machine, place.device, "sdc", 64 << 10);
    } else {
        make_filesystem(machine, place.device, "sdc", 0);
    }
    machine.host().change([](host::Machine& world) { world.put_folder(mounted_at); });
    if (place.mounted) machine.mount_for_good(place.device, mounted_at);
}

// ---- what must hold

struct Look {
    std::string bytes;
    Range range() { return {&bytes, 0, bytes.size()}; }
    std::optional<Ext> ext() { return ext_on(range()); }
    /// Every file is there, with what it held at first.
    bool holds_all()
    {
        const auto found = ext();
        if (!found || found->blocks * Ext::block > bytes.size()) return false;
        const Files files = ext_files(range(), *found);
        return std::ranges::all_of(originals, [&](const auto& file) {
            const auto at = files.find(file.first);
            return at != files.end() && at->second == file.second;
        });
    }
    bool holds_new()
    {
        const auto found = ext();
        return found && found->files.contains("since");
    }
};

std::string repository_of(const host::Machine& world)
{
    for (const auto& [path, node] : world.nodes)
        if (path.starts_with("/restore-points/") && path.ends_with("/data")) return path;
    return "";
}

std::vector<Saved> kept_in(const SimulatedStorage& machine)
{
    const host::Machine world = machine.world();
    const std::string repository = repository_of(world);
    return repository.empty() ? std::vector<Saved>() : saved_in(world, repository);
}

/// The content is there at any moment, if not on the device then in what was saved of it.
std::string wrong_at_any_moment(const SimulatedStorage& machine, const Place& place)
{
    Look now{machine.bytes_of(place.device)};
    const auto ext = now.ext();
    if (ext && ext->blocks * Ext::block > now.bytes.size())
        return "the filesystem is larger than what it is on";
    if (now.holds_all() && !ext->errors) return "";
    for (const Saved& saved : kept_in(machine))
        if (saved.is_whole && saved.tag.empty() && Look{saved.image}.holds_all()) return "";
    return "the files are neither there nor saved";
}

std::string wrong_with_mounts(const SimulatedStorage& machine, const Place& place)
{
    const std::vector<std::string> found = machine.mounted();
    const std::vector<std::string> wanted =
        place.mounted ? std::vector{fmt::format("{} on {} rw,relatime", place.device, mounted_at)}
                      : std::vector<std::string>();
    return found == wanted ? "" : fmt::format("mounted: {}", fmt::join(found, "; "));
}

/// What was written after a boot is in the filesystem, or in what was saved before the restore; and what was
/// saved stays.
std::string wrong_with_kept(const SimulatedStorage& machine, const Place& place)
{
    const std::vector<Saved> kept = kept_in(machine);
    Look now{machine.bytes_of(place.device)};
    bool has_new = now.holds_new(), has_first = false;
    for (const Saved& saved : kept) {
        if (!saved.is_whole) return "a snapshot is damaged";
        has_new |= saved.tag == "before-restore" && Look{saved.image}.holds_new();
        has_first |= saved.tag.empty() && Look{saved.image}.holds_all();
    }
    const host::Machine world = machine.world();
    bool begun = false;
    for (const auto& [path, node] : world.nodes) begun |= path.ends_with("/resize-begun");
    if (begun && !has_first) return "what was saved did not stay";
    if (world.text("/somebody-wrote") && !has_new) return "what was written after the boot is lost";
    return "";
}

std::string wrong_when_committed(const SimulatedStorage& machine, const Place& place)
{
    Look now{machine.bytes_of(place.device)};
    if (!now.holds_all()) return "a file is lost";
    if (now.ext()->blocks * Ext::block != small || now.ext()->errors)
        return "it is not smaller, or not sound";
    if (place.device == "dm-0" && now.bytes.size() != small) return "the volume is not smaller";
    const std::string mounts = wrong_with_mounts(machine, place);
    return mounts.empty() ? wrong_with_kept(machine, place) : mounts;
}

/// The same blocks hold the same, and whoever counts finds it as large as before. How often it was mounted is
/// another number.
std::string wrong_when_aborted(const SimulatedStorage& machine, const Place& place, const Look& first)
{
    Look now{machine.bytes_of(place.device)}, before = first;
    if (now.bytes.size() != before.bytes.size()) return "the device has another size";
    const auto ext = now.ext(), was = before.ext();
    if (!ext || ext->blocks != was->blocks || ext->errors) return "the filesystem is not what it was";
    for (const auto& [name, own] : was->files) {
        if (!ext->files.contains(name) || ext->files.at(name) != own) return name + " lies elsewhere";
        for (const uint64_t at : own)
            if (now.range().read(at * Ext::block, Ext::block) !=
                before.range().read(at * Ext::block, Ext::block))
                return fmt::format("block {} of {} is another", at, name);
    }
    const std::string mounts = wrong_with_mounts(machine, place);
    return mounts.empty() ? wrong_with_kept(machine, place) : mounts;
}

/// Whoever logs in after the boot writes to it.
void write_after_boot(SimulatedStorage& machine)
{
    if (machine.write_file(mounted_at, "since", written_since))
        machine.host().change([](host::Machine& world) { world.put_file("/somebody-wrote", ""); });
}

// ---- the tasks

const Shape& shape_of(const Place& place)
{
    static const Shape sound{.name = "no arrays", .partitions = {}};
    static const Shape stubborn{
        .name = "no arrays, a fsck that gives up", .partitions = {}, .half_resized = {false, true}};
    return place.fsck_gives_up ? stubborn : sound;
}

Task task_of(const Place& place)
{
    auto machine = build(shape_of(place));
    prepare(*machine, place);
    const Look first{machine->bytes_of(place.device)};
    Task task{"filesystem.shrink",
              {{"filesystem", place.filesystem}, {"size", fmt::format("{}KiB", small >> 10)}},
              [place](const SimulatedStorage& one, bool) { return wrong_when_committed(one, place); },
              [place](SimulatedStorage& one) { prepare(one, place); },
              {}};
    task.may_stay = {"/dev/" + place.device.substr(0, 3), "/dev/dm-0", "/somebody-wrote", "/restore-points"};
    task.wrong_when_aborted = [place, first](const SimulatedStorage& one) {
        return wrong_when_aborted(one, place, first);
    };
    task.wrong_at_any_moment = [place](const SimulatedStorage& one) {
        return wrong_at_any_moment(one, place);
    };
    task.after_boot = write_after_boot;
    // A boot mounts it again, and a resize may have been cut short.
    task.crash_may_go_back = [place](const Accident& accident) {
        return accident.power_cut && (place.mounted || accident.halfway);
    };
    return task;
}

const std::vector<Place> places = {
    {"mounted, on a partition", "sdc1", mounted_at, true},
    {"not mounted, on a disk", "sdc", "/dev/sdc"},
    {"mounted, on a volume", "dm-0", mounted_at, true},
    {"not mounted, on a volume, fsck gives up", "dm-0", "/dev/lab/data", false, true},
    {"mounted, on a disk, fsck gives up", "sdc", mounted_at, true, true}};

const std::vector<Wish> wishes = {Wish::commit, Wish::abort_when_added, Wish::abort_when_activated};
const std::vector<Wish> far_wishes = {Wish::commit, Wish::abort_when_activated};

TEST_CASE("without an accident a filesystem shrinks, and comes back from wherever it is aborted")
{
    for (const Place& place : places) {
        const Task task = task_of(place);
        const Loop loop{place.name, shape_of(place), task, wishes};
        without_accident(loop);
        const size_t contacts = try_out(loop.shape, Wish::commit, {}, task).contacts;
        for_each_of(1, contacts, [&](size_t at) {
            const Verdict verdict = held_to_promises(loop, Wish::commit, {.abort_at = at},
                                                     fmt::format("aborted after contact {}", at));
            CHECK(verdict.held == 0);
        });
    }
}

TEST_CASE("any contact of a shrink may be refused, its answer lost, the process or the power gone at it")
{
    size_t runs = 0;
    for (const Place& place : places) {
        const Task task = task_of(place);
        runs += mishap_at_every_contact({place.name, shape_of(place), task, far_wishes}, every_mishap);
    }
    CHECK(runs > 1000);
    MESSAGE((runs / stride) << " runs");
}

TEST_CASE("the power goes in the middle of any command of a shrink: of a resize, of a save, of a restore")
{
    for (const Place& place : places) {
        const Task task = task_of(place);
        CHECK(power_cut_in_every_command({place.name, shape_of(place), task, far_wishes}) > 20);
    }
}

TEST_CASE("any write to the journal of a shrink may be the last, kept or not, and any may be refused")
{
    for (const Place& place : places) {
        const Task task = task_of(place);
        CHECK(mishap_at_every_write({place.name, shape_of(place), task, far_wishes}) > 0);
    }
}

}  // namespace
}  // namespace belay::simulated::shrinking
