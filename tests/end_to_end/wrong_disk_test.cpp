// Drills on a real kernel: the disk that is there is not the one that was meant. The operation goes on with
// the right disk or is refused with the reason; no other disk is written to.

#include "workbench.h"

namespace belay {
namespace {

using Words = Workbench::Words;

constexpr Bytes disk_size{24 << 20};

const Words replace = {"disk.replace", "--leaving", "LAB-a", "--joining", "LAB-c"};

/// A mirror of LAB-a and LAB-b with a filesystem that holds a file; LAB-c and LAB-d are blank.
struct Bay : Workbench {
    Bay() : Workbench({{"a", disk_size}, {"b", disk_size}, {"c", disk_size}, {"d", disk_size}}, {"raid1"})
    {
        shell(
            "for d in a b; do printf 'label: gpt\\n\\nstart=2048\\n' | sfdisk --quiet "
            "/dev/disk/by-id/ubd-LAB-$d; done; udevadm settle; mdadm --create /dev/md0 --run --level=1 "
            "--raid-devices=2 --bitmap=internal --homehost=any --name=data " +
            disk("a") + "-part1 " + disk("b") +
            "-part1 2>/dev/null; mdadm --wait /dev/md0 || true; udevadm settle; mke2fs -q -t ext4 /dev/md0; "
            "mount /dev/md0 /mnt/data; seq 100000 > /mnt/data/n; umount /mnt/data; udevadm settle");
        array = "/dev/disk/by-id/md-uuid-" +
                shell("mdadm --detail --export /dev/md0 | sed -n s/MD_UUID=//p | tr -d '\\n'");
    }
    lab::Disk& drive(const std::string& name) { return *std::ranges::find(disks(), name, &lab::Disk::name); }
    std::string device_of(const std::string& name) { return shell("readlink -f " + disk(name)); }
    std::string state_of(const std::string& id) { return shown(id).at("state"); }
    /// The array holds its file, and stands on these disks.
    void stands_on(const std::string& serials)
    {
        shell("mount -o ro " + array + " /mnt/data; seq 100000 | cmp - /mnt/data/n; umount /mnt/data");
        std::string found;
        for (const char* serial : {"LAB-a", "LAB-b", "LAB-c", "LAB-d"}) {
            const std::string part = "$(readlink -f /dev/disk/by-id/ubd-" + std::string(serial) + "-part1)";
            if (try_shell("mdadm --detail " + array + " | grep -q \"active sync *" + part + "$\"")
                    .exit_code == 0)
                found += (found.empty() ? "" : " ") + std::string(serial);
        }
        CHECK(found == serials);
    }
    /// Activate is refused, and no byte of any disk changes.
    void refuses_to_activate(const std::string& id, const std::string& what, const std::string& next)
    {
        // Some seconds after the last write md itself writes that the bitmap is clean.
        shell("for i in $(seq 1 300); do grep -q 'bitmap: 0/' /proc/mdstat && break; sleep 0.1; done");
        refused({"activate", id}, 3, what, next,
                "grep -v bitmap: /proc/mdstat; for d in /dev/ubd?; do grep -q ^$d /proc/mounts || sha256sum "
                "$d; done");
        CHECK(state_of(id) == "added");
    }
    std::string array;
};

}  // namespace

TEST_CASE(
    "the names of the disks change between add and activate: the right disks are found by their own names")
{
    Bay bench;
    const std::string id = bench.add(replace);
    const std::string blank = bench.shell("sha256sum < " + bench.disk("d"));
    const std::string name_of_c = bench.device_of("c"), name_of_a = bench.device_of("a");
    // Each has the name that another one had.
    std::swap(bench.drive("a"), bench.drive("b"));
    std::swap(bench.drive("c"), bench.drive("d"));
    bench.cut_power();
    REQUIRE(bench.device_of("d") == name_of_c);
    REQUIRE(bench.device_of("b") == name_of_a);
    const host::Outcome activated = bench.belay({"activate", id});
    CHECK_MESSAGE(activated.exit_code == 0, activated.out, activated.err);
    bench.stands_on("LAB-a LAB-b LAB-c");
    std::swap(bench.drive("a"), bench.drive("d"));
    bench.cut_power();
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    bench.stands_on("LAB-b LAB-c");
    CHECK(bench.shell("sha256sum < " + bench.disk("d")) == blank);
}

TEST_CASE("the disk is swapped in its bay between add and activate: refused, until the right one is in again")
{
    Bay bench;
    const std::string id = bench.add(replace);
    const lab::Disk right = bench.drive("c");
    // One with a serial of its own.
    bench.drive("c") = {"other", disk_size, "LAB-other"};
    bench.cut_power();
    bench.refuses_to_activate(id, "ubd-LAB-c", "");
    // One that says that it is the same, and is smaller.
    bench.drive("other") = {"smaller", {20 << 20}, "LAB-c"};
    bench.cut_power();
    bench.refuses_to_activate(id, "serial LAB-c, 20971520 bytes", "put the disk back");
    bench.drive("smaller") = right;
    bench.cut_power();
    const host::Outcome activated = bench.belay({"activate", id});
    CHECK_MESSAGE(activated.exit_code == 0, activated.out, activated.err);
    CHECK(bench.belay({"abort", id}).exit_code == 0);
    bench.went_back(id);
    bench.stands_on("LAB-a LAB-b");

    // One that is the same in all that it says, and blank: the table that was added is not there.
    const std::string again = bench.add(replace);
    bench.drive("c") = {"blank", disk_size, "LAB-c"};
    bench.cut_power();
    const std::string blank = bench.shell("sha256sum < " + bench.disk("blank"));
    CHECK(bench.belay({"activate", again}).exit_code != 0);
    CHECK(bench.state_of(again) == "aborted");
    CHECK(bench.shell("sha256sum < " + bench.disk("blank")) == blank);
    bench.stands_on("LAB-a LAB-b");
}

TEST_CASE("a serial that appears twice is refused when it is planned, and when the twin comes later")
{
    Bay bench;
    const std::string id = bench.add(replace);
    bench.disks().push_back({"twin", disk_size, "LAB-c"});
    bench.cut_power();
    bench.refuses_to_activate(id, "both have serial LAB-c", "unplug the other one");
    const std::string disks = "for d in c d twin; do sha256sum /dev/disk/by-id/ubd-LAB-$d || true; done 2>&1";
    bench.refused({"add", "disk.replace", "--leaving", "LAB-a", "--joining", "LAB-c"}, 2,
                  "two disks answer to LAB-c", "", disks);
    bench.disks().pop_back();
    bench.cut_power();
    const host::Outcome activated = bench.belay({"activate", id});
    CHECK_MESSAGE(activated.exit_code == 0, activated.out, activated.err);
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.stands_on("LAB-b LAB-c");
}

}  // namespace belay
