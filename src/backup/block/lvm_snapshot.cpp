#include "backup/block/lvm_snapshot.h"

#include "backup/repository/this_process.h"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace belay::backup {
namespace {

constexpr std::string_view snapshot_tag = "belay.block-snapshot";
constexpr std::string_view owner_tag = "belay.owner=";
/// A pool that is fuller has no room for what is changed while a snapshot holds the old blocks.
constexpr double fullest_pool = 95.0;

/// When a process began, in ticks since the boot: with the number it names the process. Nothing where there
/// is none.
std::optional<std::string> beginning_of(host::Host& host, const std::string& pid)
{
    const Result<std::string> status = host.read("/proc/" + pid + "/stat");
    if (!status) return std::nullopt;
    // The second field, the name, may hold anything; the beginning is the 20th behind it.
    size_t at = status->rfind(')');
    for (int field = 0; field < 20 && at != std::string::npos; ++field) at = status->find(' ', at + 1);
    if (at == std::string::npos) return std::nullopt;
    return status->substr(at + 1, status->find(' ', at + 1) - at - 1);
}

/// What a tag may not hold becomes "_".
std::string in_a_tag(std::string text)
{
    constexpr std::string_view signs = "_+.-";
    std::ranges::replace_if(
        text,
        [&](char c) {
            const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            return !plain && !signs.contains(c);
        },
        '_');
    return text;
}

/// "HOST:BOOT:PID:BEGINNING", behind "belay.owner=".
struct Owner {
    std::string host, boot, pid, beginning;

    std::string tag() const { return fmt::format("{}{}:{}:{}:{}", owner_tag, host, boot, pid, beginning); }
    static std::optional<Owner> from_tags(const std::vector<std::string>& tags)
    {
        const auto found =
            std::ranges::find_if(tags, [](const std::string& tag) { return tag.starts_with(owner_tag); });
        if (found == tags.end()) return std::nullopt;
        Owner owner;
        std::string* const fields[] = {&owner.host, &owner.boot, &owner.pid, &owner.beginning};
        size_t begin = owner_tag.size();
        for (std::string* field : fields) {
            const size_t end = std::min(found->find(':', begin), found->size());
            *field = found->substr(std::min(begin, found->size()), end - std::min(begin, found->size()));
            begin = end + 1;
        }
        return owner;
    }
};

Result<Owner> this_owner(host::Host& host)
{
    const std::string pid = std::to_string(::getpid());
    const host::Moment now = TRY(host.now());
    return Owner{in_a_tag(host_name()), in_a_tag(now.boot_id), pid, beginning_of(host, pid).value_or("0")};
}

host::Command lvm(std::vector<std::string> words)
{
    words.insert(words.begin(), "lvm");
    host::Command command{.argv = std::move(words), .effect = host::Effect::changes};
    command.limit = std::chrono::minutes(5);
    return command;
}

double percent(const std::string& text)
{
    return std::strtod(text.c_str(), nullptr);
}

Result<void> check_pool(host::Host& host, const LogicalVolume& origin)
{
    const LogicalVolume pool = TRY(logical_volume(host, origin.group + "/" + origin.pool));
    if (percent(pool.percent_used) < fullest_pool && percent(pool.percent_metadata) < fullest_pool) return {};
    return fail(ErrorKind::no_space,
                fmt::format("the thin pool {} is full to {} % (metadata {} %): a snapshot would need more",
                            pool.full_name(), pool.percent_used, pool.percent_metadata),
                fmt::format("lvextend --extents +10%FREE {}", pool.full_name()));
}

/// How much a snapshot that is not thin gets. Errors: no_space.
Result<uint64_t> room_for(const LogicalVolume& origin, const LvmSnapshotOptions& options)
{
    const uint64_t extent = std::max<uint64_t>(origin.group_extent.count, 512);
    const uint64_t wanted = options.room ? options.room->count : origin.size.count / 10;
    const uint64_t extents = std::max<uint64_t>((wanted + extent - 1) / extent, 1);
    const uint64_t free = origin.group_free.count / extent;
    if (free == 0 || (options.room && free < extents))
        return fail(
            ErrorKind::no_space,
            fmt::format("the volume group {} has {} free, and a snapshot of {} needs {}", origin.group,
                        to_text(origin.group_free), origin.name, to_text(Bytes{extents * extent})),
            "add a disk to it with vgextend, or ask for a smaller snapshot");
    return std::min(extents, free) * extent;
}

/// By its UUID and tag: nothing else can be removed by a name that was given anew.
Result<void> remove_volume(host::Host& host, const LogicalVolume& volume)
{
    TRY(host::run_checked(
        host, lvm({"lvremove", "--yes", "--select",
                   fmt::format("lv_uuid={} && lv_tags={}", volume.uuid, snapshot_tag), volume.full_name()})));
    return {};
}

}  // namespace

Result<std::unique_ptr<LvmSnapshot>> LvmSnapshot::take(host::Host& host, const LogicalVolume& origin,
                                                       const LvmSnapshotOptions& options)
{
    return make(host, origin, options, Use::writable);
}

Result<std::unique_ptr<LvmSnapshot>> LvmSnapshot::freeze(host::Host& host, const LogicalVolume& thin)
{
    return make(host, thin, {}, Use::frozen);
}

Result<std::unique_ptr<LvmSnapshot>> LvmSnapshot::make(host::Host& host, const LogicalVolume& origin,
                                                       const LvmSnapshotOptions& options, Use use)
{
    if (!origin.is_thin() && !origin.origin.empty())
        return fail(ErrorKind::refused, fmt::format("{} is a snapshot itself", origin.full_name()),
                    "save it without another one, when nothing has it mounted");
    const Owner owner = TRY(this_owner(host));
    std::string name = "belay-";
    for (const char byte : TRY(host.random(6))) name += fmt::format("{:02x}", static_cast<uint8_t>(byte));
    host::Command command = lvm({"lvcreate", "--yes", "--snapshot", "--name", name, "--permission",
                                 use == Use::frozen ? "r" : "rw", "--addtag", std::string(snapshot_tag),
                                 "--addtag", owner.tag()});
    const auto add = [&](std::initializer_list<std::string> words) {
        command.argv.insert(command.argv.end(), words);
    };
    if (origin.is_thin()) {
        TRY(check_pool(host, origin));
        // It would not be activated else; and at the next boot it is not.
        add({"--setactivationskip", "y"});
        if (use == Use::writable) add({"--ignoreactivationskip"});
    } else {
        const uint64_t room = TRY(room_for(origin, options));
        add({"--size", fmt::format("{}b", room)});
    }
    add({origin.full_name()});
    const Result<host::Outcome> made = host::run_checked(host, command);
    Result<LogicalVolume> volume = logical_volume(host, origin.group + "/" + name);
    if (made && volume) return std::unique_ptr<LvmSnapshot>(new LvmSnapshot(host, *std::move(volume)));
    // Half of it may be there.
    if (volume) static_cast<void>(remove_volume(host, *volume));
    return std::unexpected(made ? volume.error() : made.error());
}

LvmSnapshot::~LvmSnapshot()
{
    if (!is_let_go_) static_cast<void>(remove());
}

Result<void> LvmSnapshot::check() const
{
    const LogicalVolume now = TRY(logical_volume(host_, volume_.full_name()));
    if (now.is_overflowed())
        return fail(ErrorKind::no_space,
                    fmt::format("more was changed on {}/{} than its snapshot has room for: {}", volume_.group,
                                volume_.origin, to_text(volume_.size)),
                    "give the snapshot more room");
    if (!now.health.empty())
        return fail(ErrorKind::failed,
                    fmt::format("the snapshot {} is no longer sound: {}", now.full_name(), now.health),
                    "lvs");
    return {};
}

Result<void> LvmSnapshot::remove()
{
    TRY(remove_volume(host_, volume_));
    is_let_go_ = true;
    return {};
}

Result<void> LvmSnapshot::keep(const std::vector<std::string>& tags)
{
    host::Command command = lvm({"lvchange"});
    for (const std::string& tag : volume_.tags) command.argv.insert(command.argv.end(), {"--deltag", tag});
    for (const std::string& tag : tags) command.argv.insert(command.argv.end(), {"--addtag", tag});
    command.argv.push_back(volume_.full_name());
    TRY(host::run_checked(host_, command));
    is_let_go_ = true;
    return {};
}

Result<std::vector<LogicalVolume>> leftover_snapshots(host::Host& host)
{
    const Owner here = TRY(this_owner(host));
    std::vector<LogicalVolume> left;
    for (LogicalVolume& volume : TRY(volumes_with_tag(host, std::string(snapshot_tag)))) {
        const std::optional<Owner> owner = Owner::from_tags(volume.tags);
        // Another host may see the same disks.
        if (!owner || owner->host != here.host) continue;
        const bool lives = owner->boot == here.boot && beginning_of(host, owner->pid) == owner->beginning;
        if (!lives) left.push_back(std::move(volume));
    }
    std::ranges::sort(left, {}, &LogicalVolume::origin);
    return left;
}

Result<void> remove_leftover_snapshot(host::Host& host, const LogicalVolume& volume)
{
    // It was mounted for a moment where a journal was replayed.
    const Result<host::Outcome> found =
        host.run({.argv = {"findmnt", "--noheadings", "--output", "TARGET", "--source", volume.path}});
    if (found && found->exit_code == 0)
        TRY(host::run_checked(
            host, {.argv = {"umount", "--all-targets", volume.path}, .effect = host::Effect::changes}));
    return remove_volume(host, volume);
}

}  // namespace belay::backup
