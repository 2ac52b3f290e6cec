// partition.copy on a real kernel: committed, aborted by a person, by the timer and by a gate, and with the
// power cut on the way.

#include "workbench.h"

namespace belay {
namespace {

using Words = Workbench::Words;

constexpr Bytes disk_size{48 << 20};

const char* const two_partitions =
    "label: gpt\n\nstart=2048, size=40960, type=A19D880F-05FC-4D3B-A006-743F0F84911E, name=\"data\"\n"
    "start=43008, size=20480, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name=\"esp\"\n";

/// Disk a has a table and a mounted filesystem, disk b an MBR with a filesystem that holds a file.
struct Tables : Workbench {
    Tables()
        : Workbench({{"a", disk_size}, {"b", disk_size}, {"small", {24 << 20}}, {"blank", disk_size}},
                    {"raid1"})
    {
        write(disk("a"), two_partitions);
        write(disk("b"), "label: dos\n\nstart=4096, size=16384, type=83\n");
        shell("mke2fs -q -t ext4 " + disk("a") + "-part1; mke2fs -q -t ext4 " + disk("b") + "-part1; mount " +
              disk("b") + "-part1 /mnt/data; seq 100000 > /mnt/data/numbers; umount /mnt/data");
        mount_source();
        before = identity("b");
    }
    void write(const std::string& path, const std::string& table)
    {
        const auto outcome = host().run({"sfdisk", "--quiet", path}, table);
        REQUIRE_MESSAGE((outcome && outcome->exit_code == 0), outcome->err);
        shell("udevadm settle");
    }
    void mount_source() { shell("mount " + disk("a") + "-part1 /mnt/data"); }
    std::string identity(const std::string& name)
    {
        return shell("sfdisk --dump " + disk(name) + " | grep -v ^device; head -c 65536 " + disk(name) +
                     " | sha256sum; tail -c 65536 " + disk(name) + " | sha256sum");
    }
    /// The target's own table, its partition, and the file in it.
    void is_as_before()
    {
        CHECK(identity("b") == before);
        shell("udevadm settle; mkdir -p /mnt/old; mount -o ro " + disk("b") +
              "-part1 /mnt/old; seq 100000 | cmp - /mnt/old/numbers; umount /mnt/old");
    }
    /// Same places, types and names; other ids, and no PARTUUID twice.
    void is_copied()
    {
        const std::string places = " | sed 's/uuid=[^,]*//; s/.*: start/start/' | grep start";
        CHECK(shell("sfdisk --dump " + disk("a") + places) == shell("sfdisk --dump " + disk("b") + places));
        CHECK(shell("lsblk --noheadings --output PARTUUID | grep . | sort | uniq --repeated") == "");
        CHECK(shell("sfdisk --disk-id " + disk("a")) != shell("sfdisk --disk-id " + disk("b")));
        shell("test -b " + disk("b") + "-part2");
    }
    std::string before;
};

const Words copy = {"partition.copy", "--from", "LAB-a", "--to", "LAB-b"};

TEST_CASE("a table is copied over another one, and that one comes back with all that was in it")
{
    Tables bench;
    const std::string blocks = "/mnt/data/blocks";
    lab::Process load = must(bench.host().start({Workbench::program("belay-load"), "run", blocks}));
    REQUIRE(load.read_until("ready\n", std::chrono::seconds(30)).has_value());
    bench.goes_back_each_way(copy, [&] { bench.is_as_before(); });
    const std::string id = bench.activate(copy);
    bench.is_copied();
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    bench.is_copied();
    must(load.signal(SIGTERM));
    const host::Outcome outcome = must(load.wait(std::chrono::seconds(60)));
    CHECK_MESSAGE(outcome.out.find(", 0 lost") != std::string::npos, outcome.out, outcome.err);
}

TEST_CASE("a table of another kind goes over the one that is there, and comes off again")
{
    Tables bench;
    const std::string id = bench.activate({"partition.copy", "--from", "LAB-a", "--to", "LAB-blank"});
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    CHECK(bench.shell("lsblk --noheadings --output PARTUUID | grep . | sort | uniq --repeated") == "");
    const std::string mbr = bench.activate({"partition.copy", "--from", "LAB-b", "--to", "LAB-blank"});
    CHECK(bench.shell("sfdisk --dump " + bench.disk("blank")).contains("label: dos"));
    CHECK(bench.belay({"abort", mbr}).exit_code == 0);
    bench.went_back(mbr);
    CHECK(bench.shell("sfdisk --dump " + bench.disk("blank")).contains("label: gpt"));
}

TEST_CASE("what a table cannot be copied to is left alone")
{
    Tables bench;
    const std::string all = "for d in /dev/ubd[a-d]; do head -c 65536 $d | sha256sum; done";
    const auto to = [](const std::string& target) {
        return Words{"add", "partition.copy", "--from", "LAB-a", "--to", target};
    };
    bench.refused(to("LAB-a"), 2, "cannot be copied to itself", "name two disks", all);
    bench.refused(to("LAB-x"), 5, "no disk LAB-x on this host", "belay storage show", all);
    bench.refused(to("LAB-small"), 3, "too few", "take a larger disk", all);
    bench.refused(to("LAB-state"), 3, "is mounted on /var/lib/belay", "in use", all);
    bench.refused({"add", "partition.copy", "--from", "LAB-blank", "--to", "LAB-b"}, 3,
                  "has no partition table", "belay storage show", all);
    // An array that would start where the new partition appears.
    bench.shell("mdadm --create /dev/md9 --run --level=1 --raid-devices=2 --metadata=1.2 " + bench.disk("b") +
                "-part1 missing 2>/dev/null");
    bench.refused(to("LAB-b"), 3, "is part of md9", "in use", all);
    bench.shell("mdadm --stop /dev/md9; udevadm settle");
    bench.refused(to("LAB-b"), 3, "holds linux_raid_member", "wipefs", all);
}

TEST_CASE("the power is cut on the way of a copied table")
{
    Tables bench;
    const bool often = bench.cut_everywhere(copy, [&](const std::string& end) {
        bench.shell("mountpoint -q /mnt/data || mount " + bench.disk("a") + "-part1 /mnt/data");
        if (end != "committed") return bench.is_as_before();
        bench.is_copied();
        // As it was at first, bytes and all.
        bench.shell("wipefs --quiet --all --force " + bench.disk("b"));
        bench.write(bench.disk("b"), "label: dos\n\nstart=4096, size=16384, type=83\n");
        bench.before = bench.identity("b");
    });
    CHECK(often);
}

}  // namespace
}  // namespace belay
