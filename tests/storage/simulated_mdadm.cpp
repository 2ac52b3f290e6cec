// mdadm, version 4.2, as far as arrays with redundancy go.

#include "simulated_programs.h"

namespace belay::simulated {
namespace {

host::Outcome said(std::string err, int exit_code)
{
    return {.exit_code = exit_code, .out = {}, .err = std::move(err)};
}

/// The value of "--name=value"; empty where it is not there.
std::string option(const std::vector<std::string>& argv, const std::string& name)
{
    for (const std::string& argument : argv) {
        if (argument.starts_with(name + "=")) return argument.substr(name.size() + 1);
    }
    return "";
}

}  // namespace

host::Outcome Programs::mdadm(Machine& machine, const Arguments& argv) const
{
    const std::string& mode = argv.at(1);
    if (mode == "--zero-superblock") return forget(machine, argv.at(2));
    if (mode == "--create") return create(machine, argv);
    if (mode == "--assemble") return assemble(machine, argv);
    const std::string& md = argv.at(2);
    SimulatedStorage::Mirror* mirror = storage_.mirror(device_at(machine, md));
    if (mirror == nullptr)
        return said(fmt::format("mdadm: error opening {}: No such file or directory\n", md), 1);
    Outcome outcome;
    if (mode == "--wait")
        outcome = wait(machine, md);
    else if (mode == "--stop")
        outcome = stop(*mirror, md);
    else if (mode == "--grow" && !option(argv, "--bitmap").empty())
        outcome = set_bitmap(machine, *mirror, option(argv, "--bitmap") == "internal");
    else if (mode == "--grow" && option(argv, "--size") == "max")
        outcome = grow_size(machine, *mirror);
    else if (mode == "--grow")
        outcome = grow(machine, *mirror, std::stoull(option(argv, "--raid-devices")), md);
    else if (mode == "--manage" && argv.at(3) == "--add")
        outcome = add(machine, *mirror, argv.at(4));
    else if (mode == "--manage" && argv.at(3) == "--fail")
        outcome = fail_member(machine, *mirror, argv.at(4), md);
    else if (mode == "--manage" && argv.at(3) == "--replace" && argv.at(5) == "--with")
        outcome = replace(machine, *mirror, argv.at(4), argv.at(6), md);
    else if (mode == "--manage" && argv.at(3) == "--remove")
        outcome = remove(machine, *mirror, argv.at(4), md);
    else
        outcome = said(fmt::format("mdadm: unrecognized option '{}'\n", mode), 2);
    storage_.show(machine);
    return outcome;
}

host::Outcome Programs::create(Machine& machine, const Arguments& argv) const
{
    const std::string& md = argv.at(2);
    const std::string level = option(argv, "--level");
    SimulatedStorage::Mirror mirror{.name = md.substr(5),
                                    .uuid = option(argv, "--uuid"),
                                    .label = "host:" + md.substr(7),
                                    .level = level.starts_with("raid") ? level : "raid" + level,
                                    .legs = std::stoull(option(argv, "--raid-devices")),
                                    .data_offset = option(argv, "--data-offset").empty()
                                                       ? storage_.settings_.data_offset
                                                       : std::stoull(option(argv, "--data-offset")) << 10,
                                    .minor = std::stoull(md.substr(7)),
                                    .members = {},
                                    .bitmap = option(argv, "--bitmap") != "none"};
    if (storage_.mirror(mirror.name) != nullptr)
        return said(fmt::format("mdadm: cannot open {}: Device or resource busy\n", md), 2);
    for (size_t i = argv.size() - mirror.legs; i < argv.size(); ++i) {
        if (argv[i] == "missing") continue;
        const std::string device = device_at(machine, argv[i]);
        if (storage_.size_of(device) == 0 || storage_.busy(device))
            return said(fmt::format("mdadm: cannot open {}: Device or resource busy\n", argv[i]), 1);
        const uint64_t size = (storage_.size_of(device) - mirror.data_offset) / 1024 * 1024;
        mirror.data_size = mirror.members.empty() ? size : std::min(size, mirror.data_size);
        mirror.members.push_back({.device = device,
                                  .id = storage_.new_device_id(),
                                  .in_sync = true,
                                  .slot = i + mirror.legs - argv.size()});
    }
    std::string warning;
    if (const std::string size = option(argv, "--size"); !size.empty()) {
        mirror.data_size = std::stoull(size) << 10;
        const auto largest =
            std::ranges::max_element(argv.end() - static_cast<std::ptrdiff_t>(mirror.legs), argv.end(), {},
                                     [&](auto& path) { return storage_.size_of(device_at(machine, path)); });
        warning =
            fmt::format("mdadm: largest drive ({}) exceeds size ({}K) by more than 1%\n", *largest, size);
    }
    // The first sync of a new mirror makes its legs alike; here it takes no time.
    for (const SimulatedStorage::Leg& leg : mirror.members) {
        const SimulatedStorage::Leg& first = mirror.members.front();
        storage_.write_data(machine, mirror, leg, 0,
                            storage_.read_data(machine, mirror, first, 0, mirror.data_size));
    }
    storage_.mirrors_.push_back(std::move(mirror));
    storage_.write_superblocks(machine, storage_.mirrors_.back());
    storage_.show(machine);
    return said(warning + fmt::format("mdadm: array {} started.\n", md), 0);
}

host::Outcome Programs::stop(const SimulatedStorage::Mirror& mirror, const std::string& md) const
{
    if (storage_.in_use(mirror.name))
        return said(fmt::format("mdadm: Cannot get exclusive access to {}:Perhaps a running process, mounted "
                                "filesystem or active volume group?\n",
                                md),
                    1);
    const std::string name = mirror.name;
    std::erase_if(storage_.mirrors_, [&](const SimulatedStorage::Mirror& one) { return one.name == name; });
    return said(fmt::format("mdadm: stopped {}\n", md), 0);
}

host::Outcome Programs::assemble(Machine& machine, const Arguments& argv) const
{
    const std::string& md = argv.at(2);
    std::vector<SimulatedStorage::Candidate> candidates;
    for (size_t i = 3; i < argv.size(); ++i) {
        if (argv[i].starts_with("--")) continue;
        const std::string device = device_at(machine, argv[i]);
        if (storage_.size_of(device) == 0 || storage_.busy(device)) continue;
        auto superblock = superblock_on(storage_.range(machine, device));
        if (superblock && superblock->array == option(argv, "--uuid"))
            candidates.push_back({device, *std::move(superblock)});
    }
    if (candidates.empty()) return said(fmt::format("mdadm: no devices found for {}\n", md), 1);
    const Superblock freshest =
        std::ranges::max_element(candidates, {}, [](const SimulatedStorage::Candidate& one) {
            return one.superblock.events;
        })->superblock;
    storage_.assemble(candidates, freshest, false);
    storage_.show(machine);
    const SimulatedStorage::Mirror& started = storage_.mirrors_.back();
    const size_t drives = started.members.size();
    return said(
        fmt::format("mdadm: {} has been started with {} drive{}{}.\n", md, drives, drives == 1 ? "" : "s",
                    drives < started.legs ? fmt::format(" (out of {})", started.legs) : ""),
        0);
}

host::Outcome Programs::add(Machine& machine, SimulatedStorage::Mirror& mirror, const std::string& path) const
{
    const std::string device = device_at(machine, path);
    if (storage_.size_of(device) == 0)
        return said(fmt::format("mdadm: Cannot find {}: No such file or directory\n", path), 1);
    if (storage_.busy(device))
        return said(fmt::format("mdadm: Cannot open {}: Device or resource busy\n", path), 1);
    if (storage_.size_of(device) < mirror.data_offset + mirror.data_size)
        return said(fmt::format("mdadm: {} not large enough to join array\n", path), 1);
    const auto superblock = superblock_on(storage_.range(machine, device));
    if (superblock && superblock->array == mirror.uuid)
        return said("mdadm: a former member would come back by its bitmap, which is not simulated\n", 1);
    mirror.members.push_back({.device = device, .id = storage_.new_device_id(), .slot = {}});
    const bool awaited = std::ranges::any_of(mirror.members, &SimulatedStorage::Leg::want_replacement);
    if (awaited) storage_.take_spares(mirror);
    storage_.write_superblocks(machine, mirror);
    return said(fmt::format("mdadm: added {}\n", path), 0);
}

host::Outcome Programs::fail_member(Machine& machine, SimulatedStorage::Mirror& mirror,
                                    const std::string& path, const std::string&) const
{
    SimulatedStorage::Leg* leg = mirror.member(device_at(machine, path));
    if (leg == nullptr)
        return said(fmt::format("mdadm: set device faulty failed for {}:  No such device\n", path), 1);
    if (leg->in_sync && mirror.in_sync() + mirror.may_miss() <= mirror.legs) {
        mirror.broken = true;
        if (mirror.level != "raid1") {  // a mirror keeps its last leg; of the others it is gone
            leg->faulty = true;
            leg->in_sync = false;
        }
        return said(fmt::format("mdadm: set device faulty failed for {}:  Device or resource busy\n", path),
                    2);
    }
    if (!leg->faulty) leg->busy = storage_.settings_.busy_after_fail;
    leg->faulty = true;
    leg->in_sync = false;
    leg->want_replacement = false;
    leg->slot.reset();
    mirror.begun = mirror.begun && mirror.copying() != nullptr;
    storage_.write_superblocks(machine, mirror);
    return said(fmt::format("mdadm: set {} faulty in /dev/{}\n", path, mirror.name), 0);
}

host::Outcome Programs::remove(Machine& machine, SimulatedStorage::Mirror& mirror, const std::string& path,
                               const std::string& md) const
{
    const SimulatedStorage::Leg* leg = mirror.member(device_at(machine, path));
    if (leg == nullptr)
        return said(fmt::format("mdadm: hot remove failed for {}: No such device or address\n", path), 1);
    const bool serves = !leg->faulty && leg->slot.has_value();
    if (serves || leg->busy) {
        mirror.member(leg->device)->busy = false;
        return said(fmt::format("mdadm: hot remove failed for {}: Device or resource busy\n", path), 1);
    }
    std::erase_if(mirror.members,
                  [&](const SimulatedStorage::Leg& one) { return one.device == leg->device; });
    storage_.write_superblocks(machine, mirror);
    return said(fmt::format("mdadm: hot removed {} from {}\n", path, md), 0);
}

host::Outcome Programs::replace(Machine& machine, SimulatedStorage::Mirror& mirror,
                                const std::string& leaving, const std::string& joining,
                                const std::string& md) const
{
    SimulatedStorage::Leg* old = mirror.member(device_at(machine, leaving));
    SimulatedStorage::Leg* fresh = mirror.member(device_at(machine, joining));
    if (old == nullptr)
        return said(fmt::format("mdadm: {} not found in {} so cannot --replace it\n", leaving, md), 1);
    if (!old->slot || old->faulty)
        return said(fmt::format("mdadm: {} is not active and so cannot be replaced.\n", leaving), 1);
    old->want_replacement = true;
    const std::string marked =
        fmt::format("mdadm: Marked {} (device {} in {}) for replacement\n", leaving, *old->slot, md);
    if (fresh == nullptr)
        return said(
            marked + fmt::format("mdadm: {} not found in {} so cannot make it preferred replacement\n",
                                 joining, md),
            1);
    if (fresh->slot || fresh->faulty)
        return said(marked + fmt::format("mdadm: {} is {} and cannot be a replacement\n", joining,
                                         fresh->faulty ? "faulty" : "active"),
                    1);
    fresh->slot = old->slot;
    fresh->replacement = true;
    fresh->recovered = mirror.checkpoint = 0;
    storage_.write_superblocks(machine, mirror);
    return said(marked + fmt::format("mdadm: Marked {} in {} as replacement for device {}\n", joining, md,
                                     *old->slot),
                0);
}

host::Outcome Programs::set_bitmap(Machine& machine, SimulatedStorage::Mirror& mirror, bool wanted) const
{
    if (mirror.copying() != nullptr) return said("mdadm: failed to set internal bitmap.\n", 1);
    if (mirror.bitmap == wanted)
        return said(wanted ? fmt::format("mdadm: bitmap already present on /dev/{}\n", mirror.name)
                           : fmt::format("mdadm: no bitmap found on /dev/{}\n", mirror.name),
                    1);
    mirror.bitmap = wanted;
    storage_.write_superblocks(machine, mirror);
    return {};
}

host::Outcome Programs::grow(Machine& machine, SimulatedStorage::Mirror& mirror, uint64_t legs,
                             const std::string& md) const
{
    if (legs == mirror.legs) return said(fmt::format("mdadm: {}: no change requested\n", md), 0);
    const auto is_spare = [](const SimulatedStorage::Leg& leg) { return !leg.faulty && !leg.slot; };
    const auto spares = static_cast<uint64_t>(std::ranges::count_if(mirror.members, is_spare));
    if (legs > mirror.legs + spares) {
        const uint64_t missing = legs - mirror.legs;
        return said(fmt::format("mdadm: Need {} spare{} to avoid degraded array, and only have {}.\n"
                                "       Use --force to over-ride this check.\n",
                                missing, missing == 1 ? "" : "s", spares),
                    1);
    }
    const auto placed = static_cast<uint64_t>(std::ranges::count_if(
        mirror.members, [](const SimulatedStorage::Leg& leg) { return leg.slot.has_value(); }));
    if (placed > legs || mirror.copying() != nullptr) return said("mdadm: failed to set raid disks\n", 1);
    mirror.legs = legs;
    // The places are filled from the front.
    std::vector<SimulatedStorage::Leg*> in_order;
    for (SimulatedStorage::Leg& leg : mirror.members) {
        if (leg.slot) in_order.push_back(&leg);
    }
    std::ranges::sort(in_order, {}, [](const SimulatedStorage::Leg* leg) { return *leg->slot; });
    for (size_t i = 0; i < in_order.size(); ++i) in_order[i]->slot = i;
    storage_.write_superblocks(machine, mirror);
    return {.out = fmt::format("raid_disks for {} set to {}\n", md, legs), .err = {}};
}

/// To what the smallest member has room for. That md then makes the new part alike takes no time here.
host::Outcome Programs::grow_size(Machine& machine, SimulatedStorage::Mirror& mirror) const
{
    uint64_t room = UINT64_MAX;
    for (const SimulatedStorage::Leg& leg : mirror.members) {
        if (leg.in_sync)
            room = std::min(room, (storage_.size_of(leg.device) - mirror.data_offset) / 1024 * 1024);
    }
    if (mirror.copying() != nullptr) return said("mdadm: cannot set new size while there is a recovery\n", 1);
    const char* what = room == mirror.data_size ? "unchanged at" : "has been set to";
    const uint64_t before = std::exchange(mirror.data_size, room);
    for (const SimulatedStorage::Leg& leg : mirror.members) {
        if (room > before)
            storage_.write_data(machine, mirror, leg, before, std::string(room - before, '\0'));
    }
    storage_.write_superblocks(machine, mirror);
    return said(fmt::format("mdadm: component size of /dev/{} {} {}K\n", mirror.name, what, room / 1024), 0);
}

host::Outcome Programs::wait(Machine& machine, const std::string& md) const
{
    const std::string name = device_at(machine, md);
    bool waited = false;
    storage_.take_spares(*storage_.mirror(name));
    while (storage_.mirror(name)->copying() != nullptr) {
        waited = true;
        machine.wall += std::chrono::seconds(1);
        machine.boot += std::chrono::seconds(1);
        storage_.pass(machine, std::chrono::seconds(1));
    }
    return said("", waited ? 0 : 1);
}

host::Outcome Programs::forget(Machine& machine, const std::string& path) const
{
    const std::string device = device_at(machine, path);
    if (storage_.size_of(device) == 0 || storage_.busy(device))
        return said(fmt::format("mdadm: Couldn't open {} for write - not zeroing\n", path), 2);
    const Range range = storage_.range(machine, device);
    if (!superblock_on(range))
        return said(fmt::format("mdadm: Unrecognised md component device - {}\n", path), 0);
    erase_superblock(range);
    return {};
}

}  // namespace belay::simulated
