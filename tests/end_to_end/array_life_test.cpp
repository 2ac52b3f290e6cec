// array.create and array.stop on a real kernel: committed, aborted by a person, by the timer and by a gate,
// and with the power cut on the way.

#include "sampling.h"
#include "workbench.h"

namespace belay {
namespace {

using Words = Workbench::Words;

constexpr Bytes disk_size{48 << 20};

const Words raid_modules = {"raid1", "raid456", "raid10", "raid0"};

struct Blank : Workbench {
    Blank()
        : Workbench(
              {{"a", disk_size}, {"b", disk_size}, {"c", disk_size}, {"d", disk_size}, {"e", {24 << 20}}},
              raid_modules)
    {
        fill();
        before = ends();
    }
    /// Old data at the ends that are kept, and elsewhere; on the disk, where the next power cut finds it. The
    /// kernel writes what dd leaves when it closes the disk only where udev does not have it open as well.
    void fill()
    {
        shell(
            "for d in a b c d; do dd if=/dev/urandom of=/dev/disk/by-id/ubd-LAB-$d bs=1M count=48 "
            "conv=fsync 2>/dev/null || exit; done; udevadm settle");
    }
    std::string ends()
    {
        return shell(
            "for d in a b c d; do p=/dev/disk/by-id/ubd-LAB-$d; head -c 65536 $p | sha256sum; "
            "tail -c 65536 $p | sha256sum; done");
    }
    void is_as_before()
    {
        CHECK(ends() == before);
        CHECK(shell("grep ^md /proc/mdstat || true") == "");
        CHECK(shell("blkid --probe /dev/ubd[a-d] 2>/dev/null || true") == "");
    }
    std::string before;
};

TEST_CASE("arrays of each level are made, hold data, and are gone again")
{
    Blank bench;
    struct Made {
        std::string level, devices, detail;
        Words more;
    };
    const std::vector<Made> all = {{"0", "LAB-a,LAB-b", "raid0 2", {"--chunk", "64K"}},
                                   {"1", "LAB-a,LAB-b", "raid1 2", {"--bitmap", "none"}},
                                   {"1", "LAB-a,missing", "raid1 2", {"--metadata", "1.0"}},
                                   {"4", "LAB-a,LAB-b,LAB-c", "raid4 3", {}},
                                   {"5", "LAB-a,missing,LAB-c", "raid5 3", {"--chunk", "128K"}},
                                   {"6", "LAB-a,LAB-b,LAB-c,LAB-d", "raid6 4", {"--metadata", "1.1"}},
                                   {"10", "LAB-a,missing,LAB-c,LAB-d", "raid10 4", {}}};
    for (size_t i = 0; i < all.size(); i += each(5)) {
        const Made& made = all[i];
        INFO("level ", made.level, " of ", made.devices);
        Words words = {"array.create", "--level", made.level, "--devices", made.devices, "--name", "data"};
        words.insert(words.end(), made.more.begin(), made.more.end());
        const std::string id = bench.activate(words);
        CHECK(bench.shell("mdadm --detail --export /dev/md/data")
                  .contains("MD_LEVEL=" + made.detail.substr(0, made.detail.find(' '))));
        CHECK(bench.shell(
                  "cat /sys/block/$(basename $(readlink -f /dev/md/data))/md/level /sys/block/$(basename "
                  "$(readlink -f /dev/md/data))/md/raid_disks | tr '\\n' ' '") == made.detail + " ");
        bench.shell(
            "mke2fs -q -t ext4 /dev/md/data; mount /dev/md/data /mnt/data; seq 200000 > /mnt/data/n; umount "
            "/mnt/data; mount /dev/md/data /mnt/data; seq 200000 | cmp - /mnt/data/n; umount /mnt/data; "
            "udevadm settle");
        CHECK(bench.belay({"abort", id}).exit_code == 0);
        bench.went_back(id);
        bench.is_as_before();
    }
}

const Words create = {"array.create", "--level", "1", "--devices", "LAB-a,LAB-b", "--conf", "yes"};

TEST_CASE("an array is made and stays, and goes back by a person, by the timer and by a gate")
{
    Blank bench;
    const std::string conf = bench.shell("cat /etc/mdadm/mdadm.conf 2>/dev/null || echo none");
    bench.goes_back_each_way(create, [&] {
        bench.is_as_before();
        CHECK(bench.shell("cat /etc/mdadm/mdadm.conf 2>/dev/null || echo none") == conf);
    });
    const std::string id = bench.activate(create);
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    const std::string uuid = bench.shown(id).at("plan").at("asked").at("uuid");
    CHECK(bench.shell("tail -n 1 /etc/mdadm/mdadm.conf") ==
          "ARRAY /dev/md0 metadata=1.2 UUID=" + uuid + "\n");
    CHECK(bench.shell("mdadm --detail --export /dev/md0").contains("MD_UUID=" + uuid));
    // A member that fails in the soak takes the next one back.
    bench.shell("mdadm --stop /dev/md0; mdadm --zero-superblock " + bench.disk("a") + " " + bench.disk("b") +
                "; udevadm settle");
    bench.fill();
    bench.before = bench.ends();
    const std::string failing = bench.activate({"array.create", "--level", "1", "--devices", "LAB-a,LAB-b"});
    bench.shell("mdadm --manage /dev/md0 --fail " + bench.disk("b"));
    bench.follow(failing);
    bench.went_back(failing);
    CHECK(bench.shown(failing).at("reason").get<std::string>().contains("the gate members"));
    bench.is_as_before();
}

TEST_CASE("what no array can be made of is left alone")
{
    Blank bench;
    const std::string all =
        "grep -v bitmap: /proc/mdstat; for d in /dev/ubd[a-e]; do head -c 65536 $d | sha256sum; done";
    const auto of = [](const std::string& level, const std::string& devices, const Words& more = {}) {
        Words words = {"add", "array.create", "--level", level, "--devices", devices};
        words.insert(words.end(), more.begin(), more.end());
        return words;
    };
    bench.refused(of("7", "LAB-a,LAB-b"), 2, "\"raid7\" is no level", "belay procedures array.create", all);
    bench.refused(of("1", "LAB-a,/dev/ubda"), 2, "is named twice", "name different devices", all);
    bench.refused(of("1", "LAB-a,LAB-x"), 5, "\"LAB-x\" is no disk and no partition", "belay storage show",
                  all);
    bench.refused(of("1", "LAB-a,"), 2, "names an empty device", "belay procedures", all);
    bench.refused(of("1", "LAB-a"), 2, "has 2 to 384 devices, not 1", "belay procedures", all);
    bench.refused(of("1", "missing,missing"), 2, "cannot run with 2 of 2 devices missing", "name more", all);
    bench.refused(of("5", "LAB-a,missing,missing"), 2, "cannot run with 2 of 3", "name more", all);
    bench.refused(of("10", "missing,missing,LAB-a,LAB-b"), 2, "cannot run with 2 of 4", "name more", all);
    bench.refused(of("0", "LAB-a,missing"), 2, "cannot run with 1 of 2", "name more", all);
    bench.refused(of("0", "LAB-a,LAB-b", {"--bitmap", "internal"}), 2, "a raid0 has no bitmap", "procedures",
                  all);
    bench.refused(of("1", "LAB-a,LAB-b", {"--chunk", "64K"}), 2, "a raid1 has no chunks", "procedures", all);
    bench.refused(of("5", "LAB-a,LAB-b,LAB-c", {"--chunk", "65K"}), 2, "power of two", "procedures", all);
    bench.refused(of("1", "LAB-a,LAB-b", {"--metadata", "0.9"}), 2, "--metadata is one of", "procedures",
                  all);
    bench.refused(of("1", "LAB-a,LAB-b", {"--name", "a/b"}), 2, "is no name for an array", "procedures", all);
    bench.refused(of("1", "LAB-a,LAB-e"), 3, "differ by more than 1 %", "take devices of one size", all);
    bench.refused(of("1", "LAB-a,LAB-state"), 3, "differ by more", "take devices", all);
    bench.shell("mke2fs -q -F -t ext4 " + bench.disk("b") + "; udevadm settle");
    bench.refused(of("1", "LAB-a,LAB-b"), 3, "holds ext4", "wipefs --all", all);
    bench.shell("mount " + bench.disk("b") + " /mnt/data");
    // ext4 goes on writing to what is mounted.
    const std::string arrays = "grep -v bitmap: /proc/mdstat";
    bench.refused(of("1", "LAB-a,LAB-b"), 3, "is mounted on /mnt/data", "in use", arrays);
    bench.shell("mdadm --create /dev/md5 --run --level=1 --raid-devices=2 " + bench.disk("c") +
                " missing 2>/dev/null; udevadm settle");
    bench.refused(of("1", "LAB-a,LAB-c"), 3, "is part of md5", "in use", arrays);
}

TEST_CASE("the power is cut on the way of a new array")
{
    Blank bench;
    const bool often = bench.cut_everywhere(
        {"array.create", "--level", "1", "--devices", "LAB-a,LAB-b"}, [&](const std::string& end) {
            if (end != "committed") return bench.is_as_before();
            bench.shell(
                "mdadm --wait /dev/md*[0-9] || true; d=$(ls -d /dev/md*[0-9]) && mdadm --detail --export $d "
                "| grep -q MD_DEVICES=2 && udevadm settle && mdadm --stop $d && mdadm --zero-superblock " +
                bench.disk("a") + " " + bench.disk("b") + " && sync && udevadm settle");
            bench.fill();
            bench.before = bench.ends();
        });
    CHECK(often);
}

TEST_CASE("the power is cut when the array is made and mdadm has not said so")
{
    Blank bench;
    CHECK(bench.cut_in_command("mdadm", {"array.create", "--level", "5", "--devices", "LAB-a,missing,LAB-c",
                                         "--name", "data"}) == "committed");
    CHECK(bench.shell("cat /proc/mdstat").contains("raid5"));
}

/// A mirror by name with a filesystem that holds a file, on partitionless disks; not mounted.
struct Idle : Workbench {
    Idle() : Workbench({{"a", disk_size}, {"b", disk_size}}, {"raid1"})
    {
        shell(
            "mdadm --create /dev/md/idle --run --level=1 --raid-devices=2 --bitmap=internal " + disk("a") +
            " " + disk("b") +
            " 2>/dev/null; mdadm --wait /dev/md/idle || true; udevadm settle; mke2fs -q -t ext4 "
            "/dev/md/idle; mount /dev/md/idle /mnt/data; seq 100000 > /mnt/data/n; umount /mnt/data; udevadm "
            "settle");
    }
    void runs_and_holds_its_data()
    {
        CHECK(shell("cat /sys/block/$(basename $(readlink -f /dev/md/idle))/md/degraded") == "0\n");
        shell(
            "mount -o ro /dev/md/idle /mnt/data; seq 100000 | cmp - /mnt/data/n; umount /mnt/data; udevadm "
            "settle");
    }
    void is_stopped()
    {
        CHECK(shell("grep ^md /proc/mdstat || true") == "");
        shell("mdadm --examine " + disk("a") + " " + disk("b") + " >/dev/null");
    }
    void start()
    {
        shell("mdadm --assemble /dev/md/idle " + disk("a") + " " + disk("b") + "; udevadm settle");
    }
};

const Words stop = {"array.stop", "--array", "/dev/md/idle"};

TEST_CASE("an array is stopped and stays so, and comes back by a person, by the timer and by a gate")
{
    Idle bench;
    const std::string name = bench.shell("basename $(readlink -f /dev/md/idle)");
    const Words by_name = {"array.stop", "--array", name.substr(0, name.size() - 1)};
    bench.goes_back_each_way(by_name, [&] { bench.runs_and_holds_its_data(); });
    const std::string id = bench.activate(by_name);
    bench.is_stopped();
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    bench.is_stopped();
    bench.start();
    bench.runs_and_holds_its_data();
}

TEST_CASE("an array in use is not stopped, whoever uses it")
{
    Idle bench;
    const std::string all = "grep -v bitmap: /proc/mdstat";
    const std::string name = bench.shell("basename $(readlink -f /dev/md/idle) | tr -d '\\n'");
    const Words asked = {"add", "array.stop", "--array", name};
    bench.refused({"add", "array.stop", "--array", "md55"}, 5, "no array md55", "belay storage show", all);
    bench.shell("mount /dev/md/idle /mnt/data");
    bench.refused(asked, 3, "is mounted on /mnt/data", "umount", all);
    bench.shell(
        "umount /mnt/data; mkswap -q -f /dev/md/idle >/dev/null; swapon /dev/md/idle; udevadm settle");
    bench.refused(asked, 3, "is swap", "swapoff", all);
    bench.shell("swapoff /dev/md/idle");
    lab::Process reader = must(bench.host().start({"sh", "-c", "exec 3</dev/md/idle; echo open; read wait"}));
    REQUIRE(reader.read_until("open\n", std::chrono::seconds(30)).has_value());
    bench.refused(asked, 3, fmt::format("has /dev/{} open", name), "stop what uses it", all);
}

TEST_CASE("the power is cut on the way of an array that is stopped")
{
    Idle bench;
    const std::string uuid =
        bench.shell("mdadm --detail --export /dev/md/idle | sed -n s/MD_UUID=//p | tr -d '\\n'");
    const bool often = bench.cut_everywhere({"array.stop", "--array", uuid}, [&](const std::string& end) {
        // A boot after the commit assembles it.
        const bool runs = bench.shell("grep -c ^md /proc/mdstat || true") == "1\n";
        if (end == "committed" && !runs) bench.start();
        bench.runs_and_holds_its_data();
    });
    CHECK(often);
}

TEST_CASE("the power is cut when the array is stopped and mdadm has not said so")
{
    Idle bench;
    const std::string uuid =
        bench.shell("mdadm --detail --export /dev/md/idle | sed -n s/MD_UUID=//p | tr -d '\\n'");
    CHECK(bench.cut_in_command("mdadm", {"array.stop", "--array", uuid}) == "committed");
    bench.is_stopped();
    bench.start();
    bench.runs_and_holds_its_data();
}

}  // namespace
}  // namespace belay
