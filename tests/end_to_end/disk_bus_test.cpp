// disk.unplug, bus.scan and disk.locate on a real kernel, with the SCSI disks of the module scsi_debug.

#include "workbench.h"

namespace belay {
namespace {

using Words = Workbench::Words;

/// Two SCSI disks in the memory of the kernel, one with a table and a filesystem that holds a file.
struct Bus : Workbench {
    Bus() : Workbench({{"a", {40 << 20}}}, {"raid1", "sd_mod"})
    {
        load();
        shell(
            "printf 'label: gpt\\n\\nstart=2048\\n' | sfdisk --quiet /dev/sda; udevadm settle; mke2fs -q -t "
            "ext4 "
            "/dev/sda1; mount /dev/sda1 /mnt/data; seq 100000 > /mnt/data/n; umount /mnt/data; udevadm "
            "settle");
        path = shell(
            "for l in /dev/disk/by-id/scsi-3*; do test $(readlink -f $l) = /dev/sda && echo $l; done | head "
            "-n 1 | tr -d '\\n'");
        REQUIRE(path.starts_with("/dev/disk/by-id/scsi-3"));
        shell("dd if=/dev/sda of=" + disk("a") + " bs=1M seek=1 conv=fsync status=none");
    }
    /// The module's disks are the kernel's memory: what was on this one is put back, as a real disk keeps it.
    void cut_power() override
    {
        Workbench::cut_power();
        load();
        shell("dd if=" + disk("a") +
              " of=/dev/sda bs=1M skip=1 count=32 conv=fsync status=none; blockdev --rereadpt /dev/sda; "
              "udevadm "
              "settle");
    }
    /// As at first, whether it is in or out.
    void put_in()
    {
        shell(
            "for h in /sys/class/scsi_host/host*; do echo '- - -' > $h/scan; done; udevadm settle; test -b "
            "/dev/sda1");
    }
    void load()
    {
        shell(
            "modprobe scsi_debug dev_size_mb=32 num_tgts=2 per_host_store=1 2>/dev/null; udevadm settle; "
            "test -b /dev/sda");
    }
    /// It is there, with what was on it.
    void is_in()
    {
        shell("udevadm settle; mount -o ro " + path +
              "-part1 /mnt/data; seq 100000 | cmp - /mnt/data/n; umount "
              "/mnt/data; udevadm settle");
    }
    void is_out() { shell("test ! -e " + path); }
    std::string path;
};

TEST_CASE("a disk is taken out and stays out, and comes back by a person, by the timer and by a gate")
{
    Bus bench;
    const Words unplug = {"disk.unplug", "--disk", bench.path};
    bench.goes_back_each_way(unplug, [&] { bench.is_in(); });
    const std::string id = bench.activate(unplug);
    bench.is_out();
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    bench.is_out();

    // A scan finds it again, and says that it is new.
    const std::string scan = bench.activate({"bus.scan", "--host", "host0"});
    bench.is_in();
    CHECK(bench.belay({"show", scan, "--journal"}).out.contains("1 new: "));
    CHECK(bench.belay({"commit", scan}).exit_code == 0);
    bench.is_committed(scan);
    const std::string again = bench.activate({"bus.scan"});
    CHECK(bench.belay({"show", again, "--journal"}).out.contains("no new disk"));
    CHECK(bench.belay({"abort", again}).exit_code == 0);
    bench.is_in();
}

TEST_CASE("a disk that something uses is not taken out")
{
    Bus bench;
    const std::string all = "ls /dev/disk/by-id";
    const Words asked = {"add", "disk.unplug", "--disk", bench.path};
    bench.refused({"add", "disk.unplug", "--disk", "LAB-x"}, 5, "no disk LAB-x", "belay storage show", all);
    bench.refused({"add", "disk.unplug", "--disk", "LAB-a"}, 3, "knows no way to take out LAB-a", "ls -l",
                  all);
    bench.refused({"add", "bus.scan", "--host", "host77"}, 5, "no bus host77", "belay storage ports", all);
    bench.shell("mount " + bench.path + "-part1 /mnt/data");
    bench.refused(asked, 3, "is mounted on /mnt/data", "umount", all);
    bench.shell("umount /mnt/data");
    lab::Process reader =
        must(bench.host().start({"sh", "-c", "exec 3<" + bench.path + "-part1; echo open; read wait"}));
    REQUIRE(reader.read_until("open\n", std::chrono::seconds(30)).has_value());
    bench.refused(asked, 3, "has /dev/sda1 open", "stop what uses it", all);
    must(reader.close_input());
    static_cast<void>(must(reader.wait(std::chrono::seconds(30))));
    // Whoever asks for its health, as belayd does too, uses it not.
    bench.shell(
        "printf '#!/bin/sh\\nexec 3<$1\\necho open\\nread wait\\n' >/run/smartctl; chmod 755 /run/smartctl");
    lab::Process health = must(bench.host().start({"/run/smartctl", bench.path}));
    REQUIRE(health.read_until("open\n", std::chrono::seconds(30)).has_value());
    const host::Outcome planned = bench.belay({"plan", "disk.unplug", "--disk", bench.path});
    CHECK_MESSAGE(planned.exit_code == 0, planned.out, planned.err);
    must(health.close_input());
    static_cast<void>(must(health.wait(std::chrono::seconds(30))));
    bench.shell("mkswap " + bench.path + "-part1 >/dev/null; swapon " + bench.path +
                "-part1; udevadm settle");
    bench.refused(asked, 3, "is swap", "swapoff", all);
    bench.shell("swapoff " + bench.path +
                "-part1; mdadm --create /dev/md3 --run --level=1 --raid-devices=2 " + bench.path +
                "-part1 missing 2>/dev/null; udevadm settle");
    bench.refused(asked, 3, "is part of md3", "stop", all);
    // It came into use between the plan and its beginning.
    bench.shell("mdadm --stop /dev/md3; wipefs --quiet --all " + bench.path + "-part1; mke2fs -q -t ext4 " +
                bench.path + "-part1; udevadm settle");
    const std::string id = bench.add({"disk.unplug", "--disk", bench.path});
    bench.shell("mount " + bench.path + "-part1 /mnt/data");
    const host::Outcome late = bench.belay({"activate", id});
    CHECK(late.exit_code == 3);
    bench.shell("test -b /dev/sda1");
}

TEST_CASE("the ports say where each disk is")
{
    Bus bench;
    const Json answer = must(parse_json(bench.belay({"storage", "ports", "--json"}).out));
    std::map<std::string, std::string> places;
    for (const Json& port : answer.at("ports")) places[port.at("device")] = port.at("address");
    CHECK(places.at("/dev/sda") == "0:0:0:0");
    CHECK(places.at("/dev/ubda").empty());
    CHECK(bench.belay({"storage", "ports"}).out.contains("0:0:0:0"));
}

TEST_CASE("after a power cut in the soak the disk is there, and commit takes it out again")
{
    Bus bench;
    const std::string id = bench.activate({"disk.unplug", "--disk", bench.path});
    bench.is_out();
    bench.cut_power();
    bench.is_in();
    CHECK(bench.shown(id).at("state") == "activated");
    CHECK(bench.belay({"commit", id}).exit_code == 0);
    bench.is_committed(id);
    bench.is_out();
}

TEST_CASE("the power is cut around every record of a disk that is taken out")
{
    Bus bench;
    const bool often =
        bench.cut_everywhere({"disk.unplug", "--disk", bench.path}, [&](const std::string& end) {
            // The boot after the last record of the commit finds it again.
            if (end == "committed") bench.put_in();
            bench.is_in();
        });
    CHECK(often);
}

/// Reads that a disk has answered so far.
uint64_t reads_of(Bus& bench)
{
    return std::stoull(bench.shell("awk '{print $1}' /sys/block/sda/stat"));
}

TEST_CASE("the activity light blinks for as long as it is wanted, and not a moment longer")
{
    Bus bench;
    const uint64_t before = reads_of(bench);
    const std::string id = bench.activate({"disk.locate", "--disk", bench.path, "--for", "6s"});
    const uint64_t first = reads_of(bench);
    CHECK(first > before + 10);
    bench.follow(id);
    CHECK(bench.shown(id).at("state") == "aborted");
    CHECK(bench.shown(id).at("reason") == "the timer ran out");
    const uint64_t last = reads_of(bench);
    CHECK(last > first + 20);
    bench.shell("sleep 3");
    CHECK(reads_of(bench) == last);

    // On for a second, off for a second: by the clock, however slowly this loop comes round.
    const std::string blinking = bench.activate({"disk.locate", "--disk", bench.path, "--for", "1h"});
    const std::string pattern = bench.shell(
        "for i in $(seq 1 60); do read reads other < /sys/block/sda/stat; read now other < /proc/uptime; "
        "echo $reads $now; sleep 0.1; done | "
        "awk '$1 != reads {reads = $1; since = $2; changes += 1} $2 - since >= 0.5 {rests = 1} "
        "END {print (changes > 3 && rests ? \"blinks\" : \"never\")}'");
    CHECK(pattern == "blinks\n");
    CHECK(bench.belay({"commit", blinking}).exit_code == 0);
    bench.is_committed(blinking);
    const uint64_t ended = reads_of(bench);
    bench.shell("sleep 3");
    CHECK(reads_of(bench) == ended);

    // The daemon is killed: nothing blinks on, and the next one goes on with it until it is told to end.
    const std::string crashed = bench.activate({"disk.locate", "--disk", bench.path, "--for", "1h"});
    bench.shell("pkill -KILL -x belayd; sleep 2");
    const uint64_t dead = reads_of(bench);
    bench.shell("sleep 3");
    CHECK(reads_of(bench) == dead);
    CHECK(bench.shown(crashed).at("state") == "activated");
    bench.shell(
        fmt::format("for i in $(seq 1 300); do read reads other < /sys/block/sda/stat; "
                    "test $reads -gt {} && exit 0; sleep 0.1; done; exit 1",
                    dead));
    CHECK(bench.belay({"abort", crashed}).exit_code == 0);
    bench.refused({"add", "disk.locate", "--disk", bench.path, "--for", "1s"}, 2, "not between 2 s and 24 h",
                  "--for 60s", "true");
    bench.refused({"add", "disk.locate", "--disk", "LAB-x"}, 5, "no disk LAB-x", "storage show", "true");
}

}  // namespace
}  // namespace belay
