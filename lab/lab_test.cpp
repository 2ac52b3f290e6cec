#include "host.h"

#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace belay;
using namespace belay::lab;
using namespace std::chrono_literals;

namespace {

constexpr Bytes disk_size = {64 << 20};

template <typename T>
T must(Result<T> result)
{
    const std::string why =
        result ? "" : result.error().what + "\n" + result.error().next + "\n" + result.error().output;
    REQUIRE_MESSAGE(result.has_value(), why);
    return *std::move(result);
}

void must(const Result<void>& result)
{
    const std::string why =
        result ? "" : result.error().what + "\n" + result.error().next + "\n" + result.error().output;
    REQUIRE_MESSAGE(result.has_value(), why);
}

/// What a shell command in the guest prints; it must succeed.
std::string said(Host& host, const std::string& script, std::string_view input = {})
{
    const host::Outcome outcome = must(host.run({"sh", "-c", script}, input));
    REQUIRE_MESSAGE(outcome.exit_code == 0, script << ": " << outcome.err << outcome.out);
    return outcome.out;
}

/// How many processes of the real machine have `text` in their command line.
int processes_with(const std::string& text)
{
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "cmdline");
        const std::string line((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        if (line.find(text) != std::string::npos) ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("a mirror and its filesystem survive a power cut")
{
    const Folder folder = must(Folder::make());
    const Options options = {.disks = {{"a", disk_size}, {"b", disk_size}}};
    {
        const auto host = must(Host::boot(folder, options));
        said(*host, "mdadm --create /dev/md0 --run --level=1 --raid-devices=2 --metadata=1.2 " +
                        host->device("a") + " " + host->device("b"));
        said(*host, "mkfs.ext4 -q /dev/md0 && mkdir /mnt/data && mount /dev/md0 /mnt/data");
        said(*host, "cat > /mnt/data/kept && sync /mnt/data/kept", "written before the cut");
        host->power_cut();
        const auto answer = host->run({"true"});
        REQUIRE(!answer);
        CHECK(answer.error().kind == ErrorKind::lost);
    }
    const auto host = must(Host::boot(folder, options));
    CHECK(said(*host, "mdadm --detail --scan").find("ARRAY") != std::string::npos);
    const std::string array = said(*host, "ls /dev/disk/by-id/md-uuid-*");
    CHECK(said(*host, "mkdir -p /mnt/data && mount " + array.substr(0, array.find('\n')) +
                          " /mnt/data && cat /mnt/data/kept") == "written before the cut");
    must(host->power_off());
}

TEST_CASE("a power cut takes what was not written; switching off in order does not")
{
    const Folder folder = must(Folder::make());
    const Options options = {.disks = {{"a", disk_size}}, .modules = {}};
    const auto write_and = [&](const std::string& name, bool orderly) {
        const auto host = must(Host::boot(folder, options));
        if (name == "first") said(*host, "mkfs.ext4 -q " + host->device("a"));
        said(*host, "mkdir /mnt/a && mount " + host->device("a") + " /mnt/a && echo x > /mnt/a/" + name);
        if (orderly) must(host->power_off());
    };
    write_and("first", true);
    write_and("second", false);
    const auto host = must(Host::boot(folder, options));
    CHECK(said(*host, "mkdir /mnt/a && mount " + host->device("a") + " /mnt/a && ls /mnt/a") ==
          "first\nlost+found\n");
}

TEST_CASE("in one running guest")
{
    Folder folder = must(Folder::make());
    const auto host = must(Host::boot(folder, {.disks = {{"a", disk_size, "S1"}}}));

    SUBCASE("a disk and its partitions have names by serial number and by partition")
    {
        said(*host, "sfdisk -q " + host->device("a"), "label: gpt\nsize=8M\nsize=8M\n");
        said(*host, "udevadm settle");
        CHECK(said(*host, "readlink -f /dev/disk/by-id/ubd-S1-part2") == "/dev/ubda2\n");
        CHECK(said(*host, "ls /dev/disk/by-partuuid | wc -l") == "2\n");
    }
    SUBCASE("a disk is plugged in and taken out")
    {
        must(host->plug({"hot", disk_size, "S2"}));
        CHECK(said(*host, "readlink -f /dev/disk/by-id/ubd-S2") == "/dev/ubdb\n");
        CHECK(said(*host, "mkfs.ext4 -q " + host->device("hot") + " && mount " + host->device("hot") +
                              " /mnt && echo mounted") == "mounted\n");
        const Result<void> torn = host->unplug("hot");
        REQUIRE(!torn);
        CHECK(torn.error().kind == ErrorKind::busy);
        said(*host, "umount /mnt");
        must(host->unplug("hot"));
        CHECK(must(host->run({"ls", "/dev/disk/by-id/ubd-S2"})).exit_code != 0);
        CHECK(must(host->run({"ls", "/dev/ubdb"})).exit_code != 0);
        must(host->plug({"hot", disk_size, "S2"}));
        CHECK(said(*host, "blkid -o value -s TYPE " + host->device("hot")) == "ext4\n");
    }
    SUBCASE("commands run side by side, and each gets its own output")
    {
        Process load = must(host->start({"sh", "-c", "while read line; do echo got $line; done; exit 7"}));
        std::vector<std::thread> threads;
        std::vector<std::string> outputs(3);
        for (size_t i = 0; i < outputs.size(); ++i)
            threads.emplace_back([&, i] {
                const auto outcome = host->run({"seq", std::to_string(i), "20000"});
                if (outcome) outputs[i] = outcome->out;
            });
        must(load.write("one\n"));
        CHECK(must(load.read_until("\n", 10s)) == "got one\n");
        for (std::thread& thread : threads) thread.join();
        for (size_t i = 0; i < outputs.size(); ++i) {
            CHECK(outputs[i].starts_with(std::to_string(i) + "\n"));
            CHECK(outputs[i].ends_with("\n19999\n20000\n"));
        }
        must(load.close_input());
        CHECK(must(load.wait(10s)).exit_code == 7);
    }
    SUBCASE("a command gets its input whole, and its outcome tells all")
    {
        const std::string much(300'000, 'x');
        for (int i = 0; i < 5; ++i) CHECK(said(*host, "wc -c", much) == "300000\n");
        const host::Outcome outcome = must(host->run({"sh", "-c", "echo out; echo err >&2; exit 3"}));
        CHECK(outcome.exit_code == 3);
        CHECK(outcome.out == "out\n");
        CHECK(outcome.err == "err\n");
        CHECK(must(host->run({"sh", "-c", "kill -9 $$"})).exit_code == 128 + SIGKILL);
        CHECK(said(*host, "sleep 1000 & echo left") == "left\n");
    }
    SUBCASE("a command that takes too long is killed")
    {
        const auto late = host->run({"sleep", "5431"}, {}, 100ms);
        REQUIRE(!late);
        CHECK(late.error().kind == ErrorKind::timeout);
        CHECK(must(host->run({"sh", "-c",
                              "for i in $(seq 50); do pgrep -x sleep >/dev/null || exit 0; done; exit 1"}))
                  .exit_code == 0);
    }
    SUBCASE("a terminal has a size, editing and signals")
    {
        Process shell = must(host->start_on_terminal({"bash", "--norc"}, {30, 100}));
        must(shell.write("PS1='ready> '; stty size\n"));
        must(shell.read_until("30 100", 10s));
        must(shell.resize({40, 120}));
        must(shell.write("stty size\n"));
        must(shell.read_until("40 120", 10s));
        // Said by the program itself: between its fork and its exec a Ctrl-C would be bash's, and lost.
        must(shell.write("sh -c 'echo begun; exec sleep 1000'\n"));
        must(shell.read_until("begun\r\n", 10s));
        must(shell.write("\x03"));
        must(shell.read_until("ready> ", 10s));
        must(shell.write("echo again-$((1+1)); exit 5\n"));
        must(shell.read_until("again-2", 10s));
        CHECK(must(shell.wait(10s)).exit_code == 5);
    }
    SUBCASE("a program that is not there is an error that names it")
    {
        const auto outcome = host->run({"no-such-program"});
        REQUIRE(!outcome);
        CHECK(outcome.error().kind == ErrorKind::not_found);
        CHECK(outcome.error().what == "there is no program no-such-program in the guest");
    }
    SUBCASE("a kernel that panics is told by its own words")
    {
        const auto outcome = host->run({"sh", "-c", "echo c > /proc/sysrq-trigger"}, {}, 20s);
        REQUIRE(!outcome);
        CHECK(outcome.error().kind == ErrorKind::lost);
        CHECK(outcome.error().what == "the kernel of the guest host has panicked: sysrq triggered crash");
    }
    host->power_cut();
    CHECK(processes_with(folder.path()) == 0);
}

TEST_CASE("a guest that is frozen does nothing, and goes on where it was with the time that has passed")
{
    const Folder folder = must(Folder::make());
    auto host = must(Host::boot(folder, {.modules = {}}));
    // The boot clock, in hundredths of a second, again and again.
    Process clock = must(host->start({"sh", "-c", "while cat /proc/uptime; do :; done"}));
    std::string before = must(clock.read_until("\n", 10s));
    host->freeze();
    for (auto line = clock.read_until("\n", 500ms); line; line = clock.read_until("\n", 500ms))
        before = *line;
    host->thaw();
    must(clock.read_until("\n", 10s));  // it may have been begun before
    CHECK(std::stod(must(clock.read_until("\n", 10s))) - std::stod(before) > 0.4);
    CHECK(said(*host, "echo well") == "well\n");
}

TEST_CASE("a folder of the real machine that is shared is written through; the rest is not touched")
{
    const Folder folder = must(Folder::make());
    const std::string share = folder.path() + "/share";
    std::filesystem::create_directory(share);
    const auto host = must(Host::boot(folder, {.modules = {}, .shares = {share}}));
    said(*host, "echo seen > " + share + "/file && echo unseen > " + folder.path() + "/other");
    said(*host, "touch /etc/written-by-the-lab && rm /etc/hostname; ls /etc");
    CHECK(std::filesystem::exists(share + "/file"));
    CHECK(!std::filesystem::exists(folder.path() + "/other"));
    CHECK(!std::filesystem::exists("/etc/written-by-the-lab"));
}

TEST_CASE("a machine without the kernel is told which package is wanted")
{
    const Folder folder = must(Folder::make());
    const auto host = Host::boot(folder, {.kernel = "/nonexistent/linux.uml"});
    REQUIRE(!host);
    CHECK(host.error().kind == ErrorKind::not_found);
    CHECK(host.error().next == "apt-get install user-mode-linux");
}

TEST_CASE("a guest that cannot boot is an error with the end of its console")
{
    const Folder folder = must(Folder::make());
    const auto no_module = Host::boot(folder, {.modules = {"no-such-module"}});
    REQUIRE(!no_module);
    CHECK(no_module.error().what == "the guest's kernel has no module no-such-module");
    const auto no_memory = Host::boot(folder, {.memory = {1 << 20}});
    REQUIRE(!no_memory);
    CHECK(no_memory.error().kind == ErrorKind::lost);
    CHECK(!no_memory.error().output.empty());
    CHECK(processes_with(folder.path()) == 0);
}

TEST_CASE("two hosts on one network reach each other")
{
    if (::geteuid() != 0) {
        MESSAGE("not root: a network cannot be made, and this test says nothing");
        return;
    }
    const Folder folder = must(Folder::make());
    const auto network = must(Network::make());
    const auto boot = [&](const std::string& name, const std::string& address) {
        return Host::boot(folder, {.name = name, .modules = {}, .network = network, .address = address});
    };
    Result<std::unique_ptr<Host>> second;
    std::thread booting([&] { second = boot("second", "10.77.0.2/24"); });
    Result<std::unique_ptr<Host>> first = boot("first", "10.77.0.1/24");
    booting.join();
    const auto left = must(std::move(first));
    const auto right = must(std::move(second));
    // Nothing listens there: only a host that is reached can refuse.
    const auto knock = [&](Host& from, const std::string& address) {
        return must(from.run({"bash", "-c", "echo > /dev/tcp/" + address + "/9"}, {}, 20s)).err;
    };
    CHECK(knock(*left, "10.77.0.2").find("Connection refused") != std::string::npos);
    CHECK(knock(*right, "10.77.0.1").find("Connection refused") != std::string::npos);
    must(left->plug({"hot", disk_size}));
    right->power_cut();
    const std::string script = "timeout 2 bash -c 'echo > /dev/tcp/10.77.0.2/9'";
    CHECK(must(left->run({"sh", "-c", script})).err.find("Connection refused") == std::string::npos);
}
