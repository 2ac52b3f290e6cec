// The load of a machine: what the kernel says of it, and this very machine with a process that burns.

#include "host/load/load.h"

#include "base/testing/must.h"

#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <limits>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::host::load {
namespace {

constexpr std::string_view stat_text =
    "cpu  100 10 50 800 40 3 7 20 5 0\n"
    "cpu0 60 5 30 400 20 3 4 10 5 0\n"
    "cpu1 40 5 20 400 20 0 3 10 0 0\n"
    "intr 12345 0 0\nctxt 99\nbtime 1795780827\nprocesses 4\n";

Bytes kibibytes(uint64_t count)
{
    return Bytes{count * 1024};
}

TEST_CASE("load: what /proc/stat says of processors; an older kernel says less")
{
    const Processors processors = must(parse_processors(stat_text));
    CHECK(processors.all.user == 110);
    CHECK(processors.all.system == 60);
    CHECK(processors.all.idle == 800);
    CHECK(processors.all.iowait == 40);
    CHECK(processors.all.steal == 20);
    REQUIRE(processors.each.size() == 2);
    CHECK(processors.each[1].system == 23);
    CHECK(must(parse_processors("cpu 1 2 3 4\n")).all.iowait == 0);
    CHECK(parse_processors("").error().kind == ErrorKind::corrupt);
    CHECK(parse_processors("cpu0 1 2 3 4\n").error().kind == ErrorKind::corrupt);
    CHECK(parse_processors("cpu 1 2 three 4\n").error().kind == ErrorKind::corrupt);
}

TEST_CASE("load: memory, with and without what the kernel reckons to be available")
{
    const Memory memory =
        must(parse_memory("MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\n"
                          "Cached: 300 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n"));
    CHECK(memory.total == kibibytes(1000));
    CHECK(memory.available == kibibytes(600));
    CHECK(memory.swap_free == kibibytes(20));
    CHECK(must(parse_memory("MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 300 kB\n")).available ==
          kibibytes(400));
    CHECK(parse_memory("MemFree: 100 kB\n").error().kind == ErrorKind::corrupt);
    CHECK(parse_memory("MemTotal: 99999999999999999999 kB\n").error().kind == ErrorKind::corrupt);
}

TEST_CASE("load: pressure and load average")
{
    const Pressure pressure =
        must(parse_pressure("some avg10=1.60 avg60=0.09 avg300=4.07 total=14300478004\n"
                            "full avg10=0.00 avg60=0.08 avg300=0.02 total=1\n"));
    CHECK(pressure.some == std::array{1.60, 0.09, 4.07});
    CHECK(pressure.full[1] == 0.08);
    CHECK(parse_pressure("some avg10=1.60 avg60=x avg300=4.07").error().kind == ErrorKind::corrupt);
    CHECK(parse_pressure("some avg10=nan avg60=0 avg300=0").error().kind == ErrorKind::corrupt);
    CHECK(must(parse_load_average("1.32 1.40 2.26 2/89 517\n"))[2] == 2.26);
    CHECK(parse_load_average("1.32 -1").error().kind == ErrorKind::corrupt);
}

TEST_CASE("load: disks, mounts with blanks in their names, control groups")
{
    const auto disks =
        must(parse_disks("   8       0 sda 10 1 80 5 20 2 160 7 0 90 12 0 0 0 0\n"
                         " 104 0 cciss/c0d0 1 0 8 0 0 0 0 0 0 0 0\n"));
    REQUIRE(disks.size() == 2);
    CHECK(disks[0].reads == 10);
    CHECK(disks[0].written == Sectors{160});
    CHECK(disks[0].busy == Milliseconds(90));
    CHECK(disks[1].name == "cciss/c0d0");
    CHECK(parse_disks("8 0\n").error().kind == ErrorKind::corrupt);
    const auto mounts =
        must(parse_mounts("36 35 98:0 /a /mnt/my\\040disk rw shared:1 master:2 - ext4 /dev/sda1 rw\n"
                          "37 35 0:40 / /proc rw - proc proc rw\n"));
    REQUIRE(mounts.size() == 2);
    CHECK(mounts[0].at == "/mnt/my disk");
    CHECK(mounts[0].type == "ext4");
    CHECK(mounts[0].device == "/dev/sda1");
    CHECK(mounts[1].numbers == "0:40");
    CHECK(parse_mounts("36 35 98:0 /a /mnt rw shared:1 ext4\n").error().kind == ErrorKind::corrupt);
    CHECK(parse_group("9:memory:/x\n0::/system.slice/belay\n") == "/system.slice/belay");
    CHECK(parse_group("9:memory:/x\n").empty());
}

TEST_CASE("load: a process may be called what it likes")
{
    const ProcessCounts process = must(parse_process(
        "77 (a) (b\nc) S 5 77 70 0 -1 4194304 98 0 0 0 30 12 0 0 20 0 1 0 3959420 3133440 415 9 1 2\n"));
    CHECK(process.pid == 77);
    CHECK(process.command == "a) (b\nc");
    CHECK(process.parent == 5);
    CHECK(process.session == 70);
    CHECK(process.ticks == 42);
    CHECK(process.started == 3'959'420);
    CHECK(process.pages == 415);
    CHECK_FALSE(process.is_kernel);
    CHECK(must(parse_process("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0")).is_kernel);
    for (const char* wrong : {"", "77 a S 5", "77 (a) S", "(a) S 1 1 1", "x (a) S 1 1 1 0 0 0 0 0 0 0 0 0"})
        CHECK(parse_process(wrong).error().kind == ErrorKind::corrupt);
}

SampledProcess process_of(int64_t pid, int64_t parent, const std::string& command, uint64_t ticks,
                          const std::string& group = "/", int64_t session = 1)
{
    return {.counts = {.pid = pid,
                       .parent = parent,
                       .group = pid,
                       .session = session,
                       .command = command,
                       .ticks = ticks,
                       .started = 100,
                       .pages = static_cast<uint64_t>(pid)},
            .group = group};
}

Sample sample_of(Milliseconds boot, std::vector<SampledProcess> processes)
{
    Sample sample;
    sample.wall = Milliseconds(1'000'000) + boot;
    sample.boot = boot;
    sample.processes = std::move(processes);
    return sample;
}

TEST_CASE("load: who is watched: by group, by process group, by descent; Belay itself is told apart")
{
    const auto all = [](uint64_t ticks) {
        SampledProcess thread = process_of(2, 0, "kthreadd", 0);
        thread.counts.is_kernel = true;
        return std::vector{process_of(1, 0, "init", 0),
                           thread,
                           process_of(10, 1, "belayd", 0),
                           process_of(11, 10, "sh", 0),
                           process_of(20, 1, "belay-superviso", 0, "/belay/supervisor"),
                           process_of(30, 20, "postgres", ticks, "/belay/application-3"),
                           process_of(31, 1, "writer", ticks, "/belay/application-3/inner"),
                           process_of(33, 1, "other", ticks, "/belay/application-33"),
                           process_of(40, 20, "shop", 0, "/belay/supervisor"),
                           process_of(41, 40, "worker", ticks, "/belay/supervisor"),
                           process_of(50, 1, "burner", 2 * ticks)};
    };
    const Watched watched{.applications = {30, 40}, .daemon = 10};
    const Json load = load_between(sample_of(Milliseconds(10'000), all(0)),
                                   sample_of(Milliseconds(11'000), all(50)), watched);
    const Json& processes = load["processes"];
    CHECK(processes["all"] == 10);
    CHECK(processes["of_applications"] == 4);
    CHECK(processes["of_belay"] == 3);
    CHECK(processes["others"] == 3);
    REQUIRE(processes["by_processor"].size() == 2);
    CHECK(processes["by_processor"][0]["command"] == "burner");
    const auto share = 100 * 100.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
    CHECK(processes["by_processor"][0]["processor"] == doctest::Approx(share));
    CHECK(processes["by_memory"][0]["pid"] == 50);
    // It began a second after the boot.
    const int64_t began = 1'000'000 + 100'000 / sysconf(_SC_CLK_TCK);
    CHECK(processes["by_memory"][0]["started_ms"] == began);
}

TEST_CASE("load: counters that go back or stand still give no share below 0 or above 100")
{
    Sample before = sample_of(Milliseconds(0), {}), after = sample_of(Milliseconds(0), {});
    before.processors.all = {.user = 100, .idle = 100};
    after.processors.all = {.user = 50, .idle = 100};
    before.disks = {{.name = "sda", .reads = 5, .busy = Milliseconds(900)}};
    after.disks = {{.name = "sda", .reads = 3, .busy = Milliseconds(100)},
                   {.name = "sdb", .reads = 3, .busy = Milliseconds(1'000'000)}};
    const Json standing = load_between(before, after, {});
    CHECK(standing["processor"]["busy"] == 0);
    CHECK(standing["disks"][1]["reads"] == 0);
    CHECK(standing["processes"].is_null());
    after.boot = Milliseconds(1000);
    const Json load = load_between(before, after, {});
    CHECK(load["disks"][0]["reads"] == 0);
    CHECK(load["disks"][0]["busy"] == 0);
    CHECK(load["disks"][1]["busy"] == 100);
}

TEST_CASE("load: this machine, with a process that burns and one that an application has started")
{
    const pid_t burner = fork();
    REQUIRE(burner >= 0);
    if (burner == 0) {
        for (volatile bool goes_on = true; goes_on;) {
        }
        _exit(0);
    }
    const Sample before = must(take_sample(true));
    CHECK(before.processors.each.size() >= 1);
    CHECK(before.memory.total.count > 0);
    CHECK(std::ranges::any_of(before.filesystems, [](const auto& one) { return one.at == "/"; }));
    const auto look = [&](const Watched& watched) {
        return load_between(before, must(take_sample(true)), watched);
    };
    // Until it has had a tick of a processor.
    Json load;
    const auto is_told = [&] {
        return std::ranges::any_of(load["processes"]["by_processor"],
                                   [&](const Json& one) { return one["pid"] == burner; });
    };
    for (int i = 0; i < 2000 && !(load.is_object() && is_told()); ++i) {
        usleep(5000);
        load = look({});
    }
    CHECK(is_told());
    CHECK(load["processor"]["busy"] > 0);
    load = look({.applications = {burner}});
    CHECK(load["processes"]["of_applications"] == 1);
    CHECK_FALSE(is_told());
    load = look({.daemon = getpid()});
    CHECK(load["processes"]["of_belay"] >= 2);
    CHECK_FALSE(is_told());
    kill(burner, SIGKILL);
    waitpid(burner, nullptr, 0);
    CHECK(must(take_sample(false)).processes.empty());
}

}  // namespace
}  // namespace belay::host::load
