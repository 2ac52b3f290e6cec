#include "story.h"

#include "storage/probe.h"

namespace belay::story {
namespace {

using host::Command;
using host::Host;
using namespace belay::storage;

Command command(std::vector<std::string> argv, std::string input = {})
{
    return {.argv = std::move(argv), .input = std::move(input)};
}

/// One partition for md on a GPT. `id`: what the ids of this table begin with.
Command write_gpt(const std::string& disk, const std::string& id)
{
    return command({"sfdisk", "--quiet", "--wipe", "never", "--wipe-partitions", "never", disk},
                   "label: gpt\nlabel-id: " + id +
                       "0000-0000-4000-8000-000000000000\nunit: sectors\nfirst-lba: 2048\n\n"
                       "start=2048, size=40960, type=A19D880F-05FC-4D3B-A006-743F0F84911E, uuid=" +
                       id + "0000-0000-4000-8000-000000000001, name=\"raid\"\n");
}

Command write_mbr(const std::string& disk)
{
    return command({"sfdisk", "--quiet", "--wipe", "never", "--wipe-partitions", "never", disk},
                   "label: dos\nlabel-id: 0x1a2b3c4d\nunit: sectors\n\n"
                   "start=2048, size=20480, type=fd, bootable\nstart=24576, size=8192, type=fd\n");
}

Command create(const std::string& md, const std::string& uuid, const std::string& a, const std::string& b)
{
    return command({"mdadm", "--create", md, "--level=1", "--raid-devices=2", "--bitmap=internal",
                    "--metadata=1.2", "--uuid=" + uuid, "--run", a, b});
}

Command manage(const std::string& md, const std::string& what, const std::string& member)
{
    return command({"mdadm", "--manage", md, what, member});
}

Command grow(const std::string& md, int legs)
{
    return command({"mdadm", "--grow", md, fmt::format("--raid-devices={}", legs)});
}

Command wait_for(const std::string& md)
{
    return command({"mdadm", "--wait", md});
}

Command forget(const std::string& member)
{
    return command({"mdadm", "--zero-superblock", member});
}

Command speed_limits(int lowest, int highest)  // KiB a second
{
    return command({"sysctl", "-w", fmt::format("dev.raid.speed_limit_min={}", lowest),
                    fmt::format("dev.raid.speed_limit_max={}", highest)});
}

const Command settle = command({"udevadm", "settle", "--timeout=30"});

/// The kernel lets go of a failed member a moment later.
Command moment(int seconds)
{
    return command({"sleep", fmt::format("{}", seconds)});
}

/// After a boot, and when md had time to go on with what it was at.
std::vector<Command> mounted_again(const std::string& md)
{
    return {settle, command({"mkdir", "-p", "/run/data"}), command({"mount", md, "/run/data"}), moment(5),
            settle};
}

std::vector<Scene> mirror_of_partitions()
{
    const std::string md = "/dev/md0", uuid = "11111111:22222222:33333333:44444444";
    return {
        {"blank", false, {command({"sfdisk", "--json", "/dev/ubdc"}), forget("/dev/ubdc"), settle}},
        {"mirror-at-rest",
         false,
         {write_gpt("/dev/ubda", "aaaa"), write_gpt("/dev/ubdb", "bbbb"), settle,
          create(md, uuid, "/dev/ubda1", "/dev/ubdb1"), wait_for(md),
          command(
              {"mke2fs", "-q", "-t", "ext4", "-L", "data", "-U", "dddddddd-0000-4000-8000-000000000000", md}),
          command({"mkdir", "-p", "/run/data"}), command({"mount", md, "/run/data"}), settle,
          // What is refused:
          write_gpt("/dev/ubda", "eeee"), command({"blockdev", "--rereadpt", "/dev/ubda"}), grow(md, 3),
          grow(md, 2), manage(md, "--add", "/dev/ubda1"), manage(md, "--remove", "/dev/ubda1"),
          manage(md, "--remove", "/dev/ubdc"), manage(md, "--fail", "/dev/ubdc"), forget("/dev/ubda1"),
          settle}},
        {"table-copied", false, {write_gpt("/dev/ubdc", "cccc"), settle}},
        {"spare",
         false,
         {manage(md, "--add", "/dev/ubdc1"), settle, manage(md, "--add", "/dev/ubdc1"), forget("/dev/ubdc1"),
          settle}},
        {"recovering",
         false,
         {speed_limits(100, 200), grow(md, 3), moment(8), manage(md, "--remove", "/dev/ubdc1"),
          forget("/dev/ubdc1"), grow(md, 2), settle}},
        {"put-back-while-recovering",
         false,
         {manage(md, "--fail", "/dev/ubdc1"), moment(1), manage(md, "--remove", "/dev/ubdc1"), grow(md, 2),
          forget("/dev/ubdc1"), settle}},
        {"recovering-again", false, {manage(md, "--add", "/dev/ubdc1"), grow(md, 3), moment(8), settle}},
        {"recovered-after-power-cut", true, mounted_again(md)},
        {"put-back",
         false,
         {manage(md, "--fail", "/dev/ubdc1"), moment(1), manage(md, "--remove", "/dev/ubdc1"), grow(md, 2),
          forget("/dev/ubdc1"), settle}},
        {"three-legs",
         false,
         {manage(md, "--add", "/dev/ubdc1"), grow(md, 3), wait_for(md), grow(md, 2), settle}},
        {"leg-failed",
         false,
         {manage(md, "--fail", "/dev/ubda1"), moment(1), manage(md, "--add", "/dev/ubda1"),
          manage(md, "--fail", "/dev/ubda1"), forget("/dev/ubda1"), settle}},
        {"removed",
         false,
         {manage(md, "--remove", "/dev/ubda1"), manage(md, "--remove", "/dev/ubda1"), settle}},
        {"forgotten",
         false,
         {manage(md, "--fail", "/dev/ubda1"), moment(1), manage(md, "--remove", "/dev/ubda1"),
          forget("/dev/ubda1"), forget("/dev/ubda1"), settle}},
        {"two-of-three-after-power-cut", true, mounted_again(md)},
        {"let-go", false, {grow(md, 2), settle}},
        {"let-go-after-power-cut", true, mounted_again(md)},
        {"last-leg",
         false,
         {manage(md, "--fail", "/dev/ubdb1"), moment(1), manage(md, "--fail", "/dev/ubdc1"),
          manage(md, "--remove", "/dev/ubdb1"), settle}},
    };
}

std::vector<Scene> other_disks()
{
    const std::string md = "/dev/md1", uuid = "55555555:66666666:77777777:88888888";
    return {
        {"filesystem-and-mbr",
         false,
         {command({"mke2fs", "-q", "-t", "ext4", "-L", "plain", "-U", "dddddddd-0000-4000-8000-000000000001",
                   "/dev/ubdd"}),
          write_mbr("/dev/ubde"), settle}},
        {"whole-disks",
         false,
         {create(md, uuid, "/dev/ubdg", "/dev/ubdh"), wait_for(md), manage(md, "--add", "/dev/ubdf"),
          grow(md, 3), wait_for(md), settle}},
        {"whole-disk-put-back",
         false,
         {manage(md, "--fail", "/dev/ubdf"), moment(1), manage(md, "--remove", "/dev/ubdf"), grow(md, 2),
          forget("/dev/ubdf"), settle,
          // The bitmap behind the superblock stays.
          command({"dd", "if=/dev/ubdf", "bs=4", "skip=2048", "count=1", "status=none"})}},
    };
}

Command replace(const std::string& md, const std::string& leaving, const std::string& joining)
{
    return command({"mdadm", "--manage", md, "--replace", leaving, "--with", joining});
}

std::vector<Scene> members_replaced()
{
    const std::string md = "/dev/md2", uuid = "99999999:aaaaaaaa:bbbbbbbb:cccccccc";
    return {
        {"parity-at-rest",
         false,
         {command({"mdadm", "--create", md, "--level=5", "--raid-devices=3", "--bitmap=internal",
                   "--metadata=1.2", "--uuid=" + uuid, "--size=1024", "--data-offset=512", "--assume-clean",
                   "--run", "/dev/ubda1", "/dev/ubde1", "/dev/ubde2"}),
          settle, replace(md, "/dev/ubda1", "/dev/ubdf"), settle}},
        {"replacing",
         false,
         {speed_limits(50, 60), manage(md, "--add", "/dev/ubdf"), replace(md, "/dev/ubda1", "/dev/ubdf"),
          moment(8), replace(md, "/dev/ubda1", "/dev/ubdf"), manage(md, "--remove", "/dev/ubdf"),
          manage(md, "--remove", "/dev/ubda1"), settle}},
        {"replaced-after-power-cut", true, {settle, moment(5), settle}},
        {"replaced-back",
         false,
         {forget("/dev/ubda1"), replace(md, "/dev/ubdf", "/dev/ubda1"), manage(md, "--remove", "/dev/ubda1"),
          forget("/dev/ubda1"), settle, manage(md, "--add", "/dev/ubda1"), wait_for(md), moment(1), settle}},
        {"replaced-back-and-forgotten",
         false,
         {manage(md, "--remove", "/dev/ubdf"), forget("/dev/ubdf"), settle}},
        {"replacing-called-off",
         false,
         {speed_limits(50, 60), manage(md, "--add", "/dev/ubdf"), replace(md, "/dev/ubda1", "/dev/ubdf"),
          moment(8), manage(md, "--fail", "/dev/ubdf"), moment(1), manage(md, "--remove", "/dev/ubdf"),
          forget("/dev/ubdf"), settle}},
        {"parity-degraded",
         false,
         {manage(md, "--fail", "/dev/ubde2"), moment(1), manage(md, "--fail", "/dev/ubde1"),
          manage(md, "--remove", "/dev/ubde2"), settle}},
    };
}

/// What has failed is left out where the array is started anew.
std::vector<Scene> failed_and_left_out()
{
    const std::string md = "/dev/md1", uuid = "55555555:66666666:77777777:88888888";
    return {{"failed-and-left-out",
             false,
             {manage(md, "--fail", "/dev/ubdg"), moment(1), command({"mdadm", "--stop", md}), settle,
              command({"mdadm", "--assemble", md, "--uuid=" + uuid, "--run", "/dev/ubdg", "/dev/ubdh"}),
              settle}}};
}

class Facts {
  public:
    void device(const std::string& name, const Content& content)
    {
        note("{} holds {} {} \"{}\"", name, content.type, content.uuid, content.label);
    }

    void disk(const Disk& disk)
    {
        note("disk {}: {} ({}), {} {} {}, {} bytes in {}/{}, rotational {}, read-only {}, table {} {}",
             disk.name, disk.by_id, fmt::join(disk.links, " "), disk.model, disk.serial, disk.wwn,
             disk.size.count, disk.logical_sector, disk.physical_sector, disk.rotational, disk.read_only,
             disk.table, disk.table_id);
        device(disk.name, disk.content);
        for (const Partition& partition : disk.partitions) {
            note("partition {} {}: {} at {}, {} bytes, type {}", partition.name, partition.number,
                 partition.uuid, partition.start, partition.size.count, partition.type);
            // What lsblk says is on it comes out of udev's database, and is not always new.
        }
    }

    void array(const Array& array)
    {
        note("array {} {} {}: {}, {} legs, {} degraded, {} {}, member size {}, size {}, {}", array.name,
             array.path, array.uuid, array.level, array.legs, array.degraded, array.metadata, array.bitmap,
             array.member_size.count, array.size.count, runs(array.state));
        for (const Member& member : array.members)
            note("member {} of {}: {}, slot {}", member.device, array.name, member.state,
                 member.slot ? fmt::format("{}", *member.slot) : "none");
        const Sync& sync = array.sync;
        const bool begun = sync.done.count > 0 && sync.done < sync.total;
        note("{} does {} of {}{}{}", array.name, sync.action, sync.total.count, begun ? ", has begun" : "",
             sync.per_second.count > 0 ? ", at a speed" : "");
    }

    void table(const std::string& name, const std::optional<PartitionTable>& table)
    {
        if (!table) return note("{} has no table", name);
        note("table of {}: {} {}, {} to {}, sectors of {}", name, table->label, table->id,
             table->first_usable, table->last_usable, table->sector_size);
        for (const PartitionTable::Entry& entry : table->entries)
            note("entry {} {}: {} at {}, {} long, type {}, \"{}\", \"{}\", bootable {}", entry.node,
                 entry.number, entry.uuid, entry.start, entry.size, entry.type, entry.name, entry.attributes,
                 entry.bootable);
    }

    template <typename... Values>
    void note(fmt::format_string<Values...> text, const Values&... values)
    {
        lines_.push_back(fmt::vformat(text, fmt::make_format_args(values...)));
    }

    std::vector<std::string> lines() && { return std::move(lines_); }

  private:
    /// A filesystem that is mounted may write at any time.
    static std::string runs(const std::string& state)
    {
        const bool writes =
            state == "active" || state == "active-idle" || state == "write-pending" || state == "read-auto";
        return writes ? "clean" : state;
    }

    std::vector<std::string> lines_;
};

}  // namespace

const std::vector<Scene>& scenes()
{
    static const std::vector<Scene> all = [] {
        std::vector<Scene> whole = mirror_of_partitions();
        for (Scene& scene : other_disks()) whole.push_back(std::move(scene));
        for (Scene& scene : members_replaced()) whole.push_back(std::move(scene));
        for (Scene& scene : failed_and_left_out()) whole.push_back(std::move(scene));
        return whole;
    }();
    return all;
}

Result<std::vector<std::string>> look(Host& host)
{
    Facts facts;
    const Inventory inventory = TRY(read_inventory(host));
    for (const Disk& disk : inventory.disks) {
        facts.disk(disk);
        const std::string path = "/dev/" + disk.name;
        facts.table(disk.name, TRY(read_table(host, path)));
        facts.device(disk.name, TRY(read_content(host, path)));
        for (const Partition& partition : disk.partitions) {
            facts.device(partition.name, TRY(read_content(host, "/dev/" + partition.name)));
            const std::string stable = "/dev/disk/by-partuuid/" + partition.uuid;
            facts.note("{} leads to {}", stable, TRY(device_if_there(host, stable)).value_or("nothing"));
        }
    }
    for (const Array& array : inventory.arrays) {
        facts.array(array);
        facts.device(array.name, array.content);
        facts.array(TRY(read_array(host, array.uuid)));
        facts.device(array.name, TRY(read_content(host, array.path)));
    }
    for (const Other& other : inventory.others)
        facts.note("other {} {} {}", other.name, other.type, other.size.count);
    for (const Mount& mount : inventory.mounts)
        facts.note("{} is mounted on {} as {}, {}", mount.device, mount.path, mount.type, mount.options);
    for (const auto& [lower, upper] : inventory.holders) facts.note("{} stands on {}", upper, lower);
    return std::move(facts).lines();
}

}  // namespace belay::story
