#include "simulated_storage.h"

#include "base/invariant.h"
#include "simulated_boot.h"
#include "simulated_programs.h"
#include "simulated_volumes.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace belay::simulated {

using host::Machine;

SimulatedStorage::SimulatedStorage(StorageSettings settings) : settings_(settings)
{
    host_.set_passage([this](Machine& machine, Milliseconds elapsed) { pass(machine, elapsed); });
    host_.set_start([this](Machine& machine) { start(machine); });
    host_.set_setting([this](Machine& machine, std::string_view path, std::string_view text) {
        return set(machine, path, text);
    });
    Programs(*this).install(host_);
    BootPrograms(*this).install(host_);
    VolumePrograms(*this).install(host_);
    host_.change([this](Machine& machine) {
        machine.put_folder("/run");
        show(machine);
    });
}

void SimulatedStorage::plug(DiskSetup setup, const std::string& bytes)
{
    host_.change([&](Machine& machine) {
        Disk& disk = disks_.emplace_back();
        static_cast<DiskSetup&>(disk) = std::move(setup);
        disk.minor = 16 * plugged_++;
        machine.put_device("/dev/" + disk.name, disk.size);
        if (!bytes.empty()) machine.find("/dev/" + disk.name)->bytes = bytes;
        read_partitions(machine, disk);
        show(machine);
    });
}

void SimulatedStorage::unplug(const std::string& disk)
{
    host_.change([&](Machine& machine) {
        machine.erase("/dev/" + disk);
        std::erase_if(disks_, [&](const Disk& one) { return one.name == disk; });
        show(machine);
    });
}

void SimulatedStorage::mount_for_good(const std::string& device, const std::string& path)
{
    mounts_.push_back({device, path});
    fstab_.push_back({device, path});
}

void SimulatedStorage::use_as_swap(const std::string& device)
{
    swaps_.push_back(device);
    host_.change([&](Machine& machine) { show(machine); });
}

void SimulatedStorage::stack(const std::string& lower, const std::string& upper)
{
    stacked_.emplace_back(lower, upper);
    host_.change([&](Machine& machine) { show(machine); });
}

// ---- where things are

SimulatedStorage::Leg* SimulatedStorage::Mirror::member(const std::string& device)
{
    const auto found = std::ranges::find(members, device, &Leg::device);
    return found == members.end() ? nullptr : &*found;
}

const SimulatedStorage::Leg* SimulatedStorage::Mirror::copying() const
{
    const auto found = std::ranges::find_if(members, &Leg::recovering);
    return found == members.end() ? nullptr : &*found;
}

uint64_t SimulatedStorage::Mirror::in_sync() const
{
    return static_cast<uint64_t>(std::ranges::count_if(members, &Leg::in_sync));
}

uint64_t SimulatedStorage::Mirror::may_miss() const
{
    if (level == "raid1") return legs - 1;
    return level == "raid6" ? 2 : 1;
}

uint64_t SimulatedStorage::Mirror::size() const
{
    if (level == "raid1") return data_size;
    return data_size * (level == "raid10" ? legs / 2 : legs - may_miss());
}

uint64_t SimulatedStorage::Mirror::key(const Leg& leg) const
{
    return level == "raid1" || !leg.slot ? 0 : *leg.slot;
}

const SimulatedStorage::Disk* SimulatedStorage::disk_of(const std::string& device) const
{
    for (const Disk& disk : disks_) {
        if (disk.name == device ||
            std::ranges::find(disk.partitions, device, &Known::name) != disk.partitions.end())
            return &disk;
    }
    return nullptr;
}

const SimulatedStorage::Mirror* SimulatedStorage::mirror(const std::string& name) const
{
    const auto found = std::ranges::find(mirrors_, name, &Mirror::name);
    return found == mirrors_.end() ? nullptr : &*found;
}

SimulatedStorage::Mirror* SimulatedStorage::mirror(const std::string& name)
{
    return const_cast<Mirror*>(std::as_const(*this).mirror(name));
}

uint64_t SimulatedStorage::size_of(const std::string& device) const
{
    if (const Mirror* array = mirror(device)) return array->size();
    if (const Volume* of_lvm = volume(device)) return of_lvm->size;
    const Disk* disk = disk_of(device);
    if (disk == nullptr) return 0;
    if (disk->name == device) return disk->size.count;
    return std::ranges::find(disk->partitions, device, &Known::name)->size * 512;
}

Range SimulatedStorage::range(Machine& machine, const std::string& device) const
{
    if (const Volume* of_lvm = volume(device))
        return {&machine.find("/dev/" + device)->bytes, 0, of_lvm->size};
    const Disk* disk = disk_of(device);
    INVARIANT(disk != nullptr);
    std::string* bytes = &machine.find("/dev/" + disk->name)->bytes;
    if (disk->name == device) return {bytes, 0, bytes->size()};
    const Known& partition = *std::ranges::find(disk->partitions, device, &Known::name);
    return {bytes, partition.start * 512, partition.size * 512};
}

Range SimulatedStorage::data(Machine& machine, const Mirror& mirror, const Leg& leg) const
{
    const Range whole = range(machine, leg.device);
    return {whole.disk, whole.offset + mirror.data_offset, mirror.data_size};
}

namespace {

/// A block at a time, which the compiler makes wide: the loops compare whole members after each contact, and
/// this is most of their work.
void apply_key(std::string& bytes, uint64_t key)
{
    if (key == 0) return;
    constexpr size_t block = 64;
    std::array<char, block> mask{};
    mask.fill(static_cast<char>(key));
    size_t at = 0;
    for (; at + block <= bytes.size(); at += block) {
        std::array<char, block> some{};
        std::memcpy(some.data(), bytes.data() + at, block);
        for (size_t i = 0; i < block; ++i) some[i] = static_cast<char>(some[i] ^ mask[i]);
        std::memcpy(bytes.data() + at, some.data(), block);
    }
    for (; at < bytes.size(); ++at) bytes[at] = static_cast<char>(bytes[at] ^ key);
}

}  // namespace

std::string SimulatedStorage::read_data(Machine& machine, const Mirror& mirror, const Leg& leg,
                                        uint64_t offset, uint64_t count) const
{
    std::string bytes = data(machine, mirror, leg).read(offset, count);
    apply_key(bytes, mirror.key(leg));
    return bytes;
}

void SimulatedStorage::write_data(Machine& machine, const Mirror& mirror, const Leg& leg, uint64_t offset,
                                  std::string_view bytes) const
{
    std::string own(bytes);
    apply_key(own, mirror.key(leg));
    data(machine, mirror, leg).write(offset, own);
}

std::optional<storage::Content> SimulatedStorage::content(Machine& machine, const std::string& device) const
{
    if (const Mirror* array = mirror(device)) {
        const auto leg = std::ranges::find_if(array->members, &Leg::in_sync);
        if (leg == array->members.end()) return std::nullopt;
        std::string bytes = read_data(machine, *array, *leg, 0, array->data_size);
        return filesystem_on({&bytes, 0, bytes.size()});
    }
    const Range whole = range(machine, device);
    const auto superblock = superblock_on(whole);
    if (!superblock) return filesystem_on(whole);
    std::string uuid;
    for (const char c : superblock->array) {
        if (c == ':') continue;
        if (uuid.size() == 8 || uuid.size() == 13 || uuid.size() == 18 || uuid.size() == 23) uuid += '-';
        uuid += c;
    }
    return storage::Content{"linux_raid_member", uuid, superblock->name};
}

bool SimulatedStorage::in_use(const std::string& device) const
{
    const auto is_member = [&](const Mirror& array) {
        return std::ranges::find(array.members, device, &Leg::device) != array.members.end();
    };
    return std::ranges::any_of(mirrors_, is_member) || std::ranges::find(swaps_, device) != swaps_.end() ||
           std::ranges::find(mounts_, device, &Mounted::device) != mounts_.end() ||
           std::ranges::any_of(stacked_, [&](const auto& pair) { return pair.first == device; });
}

bool SimulatedStorage::busy(const std::string& device) const
{
    if (in_use(device)) return true;
    const Disk* disk = disk_of(device);
    if (disk == nullptr || disk->name != device) return false;
    return std::ranges::any_of(disk->partitions, [&](const Known& known) { return in_use(known.name); });
}

// ---- what tests do and see

void SimulatedStorage::write_data(const std::string& md, uint64_t offset, std::string_view bytes)
{
    host_.change([&](Machine& machine) {
        const Mirror& array = *mirror(md);
        for (const Leg& leg : array.members) {
            const uint64_t right = leg.in_sync ? array.data_size : leg.recovering() ? leg.recovered : 0;
            if (offset < right) write_data(machine, array, leg, offset, bytes.substr(0, right - offset));
        }
    });
}

std::map<std::string, std::string> SimulatedStorage::data_of(const std::string& md) const
{
    std::map<std::string, std::string> all;
    host_.look([&](const Machine& machine) {
        const Mirror& array = *mirror(md);
        for (const Leg& leg : array.members) {
            if (!leg.in_sync) continue;
            all[leg.device] = read_data(const_cast<Machine&>(machine), array, leg, 0, array.data_size);
        }
    });
    return all;
}

std::set<std::string> SimulatedStorage::legs_in_sync(const std::string& md) const
{
    std::set<std::string> legs;
    for (const Leg& leg : mirror(md)->members) {
        if (leg.in_sync) legs.insert(leg.device);
    }
    return legs;
}

std::set<std::string> SimulatedStorage::members(const std::string& md) const
{
    std::set<std::string> all;
    for (const Leg& leg : mirror(md)->members) all.insert(leg.device);
    return all;
}

uint64_t SimulatedStorage::legs_wanted(const std::string& md) const
{
    return mirror(md)->legs;
}

uint64_t SimulatedStorage::filesystem_size(const std::string& md) const
{
    std::string bytes = data_of(md).begin()->second;
    return filesystem_size_on({&bytes, 0, bytes.size()});
}

bool SimulatedStorage::has_superblock(const std::string& device) const
{
    bool has = false;
    host_.look([&](const Machine& machine) {
        has = superblock_on(range(const_cast<Machine&>(machine), device)).has_value();
    });
    return has;
}

void SimulatedStorage::break_leg(const std::string& md, const std::string& device)
{
    host_.change([&](Machine& machine) {
        Leg& leg = *mirror(md)->member(device);
        leg.faulty = true;
        leg.in_sync = false;
        leg.slot.reset();
        write_superblocks(machine, *mirror(md));
        show(machine);
    });
}

// ---- the kernel

void SimulatedStorage::read_partitions(Machine& machine, Disk& disk)
{
    const Range whole = range(machine, disk.name);
    const auto table = table_on(whole, disk.logical_sector);
    disk.partitions.clear();
    disk.table = table ? table->label : "";
    disk.table_id = table ? table->id : "";
    if (!table) return;
    const uint64_t scale = disk.logical_sector / 512;
    const char* infix = std::isdigit(static_cast<unsigned char>(disk.name.back())) != 0 ? "p" : "";
    for (const storage::PartitionTable::Entry& entry : table->entries)
        disk.partitions.push_back({fmt::format("{}{}{}", disk.name, infix, entry.number), entry.uuid,
                                   entry.type, entry.number, entry.start * scale, entry.size * scale});
}

/// On every member that serves or waits; one that failed keeps what it had.
void SimulatedStorage::write_superblocks(Machine& machine, Mirror& mirror)
{
    ++mirror.events;
    Superblock superblock{.array = mirror.uuid,
                          .name = mirror.label,
                          .level = mirror.level,
                          .device = {},
                          .legs = mirror.legs,
                          .events = mirror.events,
                          .data_offset = mirror.data_offset,
                          .data_size = mirror.data_size,
                          .recovered = 0,
                          .bitmap = mirror.bitmap,
                          .roles = {}};
    for (const Leg& leg : mirror.members) {
        if (leg.faulty) continue;
        superblock.roles[leg.id] =
            leg.slot ? fmt::format("{}{}", *leg.slot, leg.replacement ? " replacement" : "") : "spare";
    }
    for (const Leg& leg : mirror.members) {
        if (leg.faulty || disk_of(leg.device) == nullptr) continue;
        superblock.device = leg.id;
        superblock.recovered = leg.in_sync ? mirror.data_size : std::min(leg.recovered, mirror.checkpoint);
        write_superblock(range(machine, leg.device), superblock);
    }
}

/// md begins a copy by itself, a moment after there is a spare and a place for it; one at a time.
void SimulatedStorage::take_spares(Mirror& mirror)
{
    if (mirror.in_sync() == 0 || mirror.copying() != nullptr) return;
    const auto find_spare = [&] {
        return std::ranges::find_if(mirror.members,
                                    [](const Leg& leg) { return !leg.faulty && !leg.in_sync && !leg.slot; });
    };
    for (uint64_t slot = 0; slot < mirror.legs; ++slot) {
        if (std::ranges::find(mirror.members, std::optional(slot), &Leg::slot) != mirror.members.end())
            continue;
        const auto spare = find_spare();
        if (spare == mirror.members.end()) return;
        spare->slot = slot;
        spare->recovered = mirror.checkpoint = 0;
        return;
    }
    const auto wanting = std::ranges::find_if(mirror.members, &Leg::want_replacement);
    const auto spare = find_spare();
    if (wanting == mirror.members.end() || spare == mirror.members.end()) return;
    spare->slot = wanting->slot;
    spare->replacement = true;
    spare->recovered = mirror.checkpoint = 0;
}

void SimulatedStorage::pass(Machine& machine, Milliseconds elapsed)
{
    for (Mirror& mirror : mirrors_) {
        for (Leg& leg : mirror.members) leg.busy = false;
        if (mirror.held) continue;
        take_spares(mirror);
        if (mirror.copying() == nullptr) continue;
        const uint64_t speed = std::min(speed_limit_, settings_.speed);
        copy(machine, mirror, speed * static_cast<uint64_t>(elapsed.count()) / 1000);
    }
    show(machine);
}

/// md declares a member faulty when the one that replaces it is whole.
void SimulatedStorage::let_replaced_go(Mirror& mirror, Leg& replacement) const
{
    const auto same_place = [&](const Leg& leg) { return leg.slot == replacement.slot && !leg.replacement; };
    const auto leaving = std::ranges::find_if(mirror.members, same_place);
    replacement.replacement = false;
    if (leaving == mirror.members.end()) return;
    leaving->in_sync = leaving->want_replacement = false;
    leaving->faulty = true;
    leaving->busy = settings_.busy_after_fail;
    leaving->slot.reset();
}

void SimulatedStorage::copy(Machine& machine, Mirror& mirror, uint64_t bytes)
{
    Leg& target = *mirror.member(mirror.copying()->device);
    const Leg& source = *std::ranges::find_if(mirror.members, &Leg::in_sync);
    mirror.begun = true;
    const uint64_t count = std::min(bytes, mirror.data_size - target.recovered);
    write_data(machine, mirror, target, target.recovered,
               read_data(machine, mirror, source, target.recovered, count));
    target.recovered += count;
    if (target.recovered == mirror.data_size) {
        if (target.replacement) let_replaced_go(mirror, target);
        target.in_sync = true;
        mirror.checkpoint = 0;
        mirror.begun = false;
        write_superblocks(machine, mirror);
    } else if (target.recovered - mirror.checkpoint > mirror.data_size / 16) {
        mirror.checkpoint = target.recovered / 512 * 512;
        write_superblocks(machine, mirror);
    }
}

std::string SimulatedStorage::setting(const std::string& md, const std::string& name) const
{
    return host_.machine().text(fmt::format("/sys/block/{}/md/{}", md, name)).value_or("nothing");
}

/// "/sys/block/md0/md/sync_speed_max" and its like. What is not simulated is refused.
Result<void> SimulatedStorage::set(Machine& machine, std::string_view path, std::string_view text)
{
    if (set_bus(machine, path, text)) {
        show(machine);
        return {};
    }
    for (Mirror& mirror : mirrors_) {
        const std::string folder = fmt::format("/sys/block/{}/md/", mirror.name);
        if (!path.starts_with(folder)) continue;
        const std::string_view name = path.substr(folder.size());
        const bool number = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
        if (name.starts_with("dev-") && name.ends_with("/state") && text == "-want_replacement") {
            Leg* leg = mirror.member(std::string(name.substr(4, name.size() - 10)));
            if (leg == nullptr) break;
            leg->want_replacement = false;
        } else if (name == "sync_action" && (text == "frozen" || text == "idle")) {
            mirror.held = text == "frozen";
        } else if (name == "sync_speed_max" && (number || text == "system")) {
            mirror.speed_max = text;
        } else if (name == "sync_speed_min" && (number || text == "system")) {
            mirror.speed_min = text;
        } else {
            break;
        }
        show(machine);
        return {};
    }
    return fail(ErrorKind::io, fmt::format("write {}: Invalid argument", path));
}

void SimulatedStorage::start(Machine& machine)
{
    for (const Mounted& mounted : mounts_) {
        if (machine.find(mounted.path) == nullptr) continue;  // only FAT shows its files
        machine.erase(mounted.path);
        machine.put_folder(mounted.path);
    }
    mounts_ = fstab_;
    mirrors_.clear();
    find_disks(machine);
    speed_limit_ = settings_.speed;
    for (Disk& disk : disks_) read_partitions(machine, disk);
    assemble(machine);
    mount_exts(machine);
    show(machine);
    mount_by_fstab(machine);
}

/// As `mdadm --incremental` does for each device that udev finds.
void SimulatedStorage::assemble(Machine& machine)
{
    std::map<std::string, std::vector<Candidate>> found;
    const auto look_at = [&](const std::string& device) {
        if (auto superblock = superblock_on(range(machine, device)))
            found[superblock->array].push_back({device, *std::move(superblock)});
    };
    for (const Disk& disk : disks_) {
        if (disk.partitions.empty()) look_at(disk.name);
        for (const Known& partition : disk.partitions) look_at(partition.name);
    }
    for (const auto& [uuid, candidates] : found) {
        const Superblock& freshest = std::ranges::max_element(candidates, {}, [](const Candidate& one) {
                                         return one.superblock.events;
                                     })->superblock;
        const bool misled = std::ranges::any_of(
            candidates, [&](const Candidate& one) { return one.superblock.legs != freshest.legs; });
        if (!misled || !settings_.stale_leg_first)
            assemble(candidates, freshest, settings_.stale_member_comes_back);
    }
}

/// Those members that the freshest superblock knows; and, where they come back, those that were taken out of
/// a place that is still free, which come back by the bitmap.
void SimulatedStorage::assemble(const std::vector<Candidate>& candidates, const Superblock& freshest,
                                bool stale_come_back)
{
    const std::string number = freshest.name.substr(freshest.name.find(':') + 1);
    Mirror mirror{.name = "md" + number,
                  .uuid = freshest.array,
                  .label = freshest.name,
                  .level = freshest.level,
                  .legs = freshest.legs,
                  .events = freshest.events,
                  .data_offset = freshest.data_offset,
                  .data_size = freshest.data_size,
                  .minor = std::stoull(number),
                  .members = {},
                  .bitmap = freshest.bitmap};
    const auto is_taken = [&](const std::string& slot) {
        return std::ranges::any_of(freshest.roles, [&](const auto& role) { return role.second == slot; });
    };
    for (const auto& [device, superblock] : candidates) {
        const auto known = freshest.roles.find(superblock.device);
        const bool fresh = known != freshest.roles.end();
        const std::string role = fresh ? known->second : superblock.roles.at(superblock.device);
        if (!fresh &&
            (!stale_come_back || role == "spare" || is_taken(role) || superblock.legs != freshest.legs))
            continue;
        Leg leg{.device = device, .id = superblock.device, .slot = {}};
        if (role != "spare") leg.slot = std::stoull(role);
        leg.replacement = role.ends_with("replacement");
        leg.in_sync = fresh && leg.slot && superblock.recovered == mirror.data_size;
        leg.recovered = fresh ? superblock.recovered : 0;
        if (leg.recovering()) mirror.checkpoint = leg.recovered;
        mirror.members.push_back(std::move(leg));
    }
    mirrors_.push_back(std::move(mirror));
}

}  // namespace belay::simulated
