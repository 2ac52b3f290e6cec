#include "host/real.h"

#include "host/descriptor.h"
#include "host/testing/scratch.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>

namespace belay::host {
namespace {

using testing::Scratch;

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

mode_t mode_of(const std::string& path)
{
    struct stat status{};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

Descriptor locked(const std::string& path)
{
    Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(lock);
    REQUIRE(flock(lock.number(), LOCK_EX) == 0);
    return lock;
}

bool lock_is_free(const std::string& path)
{
    const Descriptor lock(open(path.c_str(), O_RDWR | O_CLOEXEC));
    return flock(lock.number(), LOCK_EX | LOCK_NB) == 0;
}

Result<Outcome> shell(Host& host, std::string script, Milliseconds limit = 30s)
{
    return host.run({.argv = {"sh", "-c", std::move(script)}, .limit = limit});
}

/// The numbers of the shell's open files, as "0 1 2 ".
constexpr const char* show_open_files =
    "n=0; while [ $n -lt 64 ]; do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; n=$((n+1)); done; true";

TEST_CASE("eight mebibytes go into a command and come back")
{
    std::string input(8 << 20, '\0');
    for (size_t i = 0; i < input.size(); ++i) input[i] = static_cast<char>(i * 7 % 251);
    const auto outcome = real_host()->run({.argv = {"cat"}, .input = input});
    REQUIRE(outcome);
    CHECK(outcome->exit_code == 0);
    CHECK((outcome->out == input));
}

TEST_CASE("a command that ignores its input is no error, and no signal reaches us")
{
    const auto host = real_host();
    const std::string input(4 << 20, 'x');
    CHECK(host->run({.argv = {"true"}, .input = input})->exit_code == 0);
    CHECK(host->run({.argv = {"head", "-c", "3"}, .input = input})->out == "xxx");
}

TEST_CASE("exit codes, signals and what the tool says on both pipes come back")
{
    const auto host = real_host();
    const auto outcome = shell(*host, "echo out; echo err >&2; exit 3");
    CHECK(outcome->exit_code == 3);
    CHECK(outcome->out == "out\n");
    CHECK(outcome->err == "err\n");
    CHECK(shell(*host, "kill -SEGV $$")->exit_code == 128 + SIGSEGV);
    CHECK(run_checked(*host, {.argv = {"false"}}).error().kind == ErrorKind::failed);
}

TEST_CASE("what is no program on the search path is refused before anything runs")
{
    const auto host = real_host();
    CHECK(host->run({.argv = {"belay-no-such-program"}}).error().kind == ErrorKind::not_found);
    CHECK(host->run({.argv = {"/bin/true"}}).error().kind == ErrorKind::usage);
    CHECK(host->run({.argv = {}}).error().kind == ErrorKind::usage);
    CHECK(host->run({.argv = {"echo", std::string("a\0b", 3)}}).error().kind == ErrorKind::usage);
}

TEST_CASE("a command sees a clean environment, the root folder and default signals")
{
    signal(SIGUSR1, SIG_IGN);
    const auto host = real_host();
    CHECK(host->run({.argv = {"env"}})->out ==
          "LC_ALL=C\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
    CHECK(host->run({.argv = {"pwd"}})->out == "/\n");
    CHECK(shell(*host, "kill -USR1 $$")->exit_code == 128 + SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("no open file leaks into a command, not even one that others opened carelessly")
{
    const Scratch scratch;
    const Descriptor careless(open("/dev/null", O_RDONLY));
    const Descriptor lock = locked(scratch.path("lock"));
    const auto plain = real_host();
    const auto locking = real_host(lock.number());
    const Command with_input{.argv = {"sh", "-c", show_open_files}, .input = "x"};
    CHECK(shell(*plain, show_open_files)->out == "0 1 2 ");
    CHECK(plain->run(with_input)->out == "0 1 2 ");
    CHECK(shell(*locking, show_open_files)->out == "0 1 2 ");
    CHECK(locking->run(with_input)->out == "0 1 2 3 ");
    CHECK(shell(*locking, "readlink /proc/$$/fd/0")->out == scratch.path("lock") + "\n");
}

TEST_CASE("a lock that somebody wrote into still reads as no input")
{
    const Scratch scratch;
    scratch.file("lock", "y\n");
    const Descriptor lock = locked(scratch.path("lock"));
    CHECK(real_host(lock.number())->run({.argv = {"cat"}})->out.empty());
}

TEST_CASE("the daemon is gone, a command that it started goes on: its successor cannot take the lock")
{
    for (const std::string input : {"", "input"}) {
        CAPTURE(input);
        const Scratch scratch;
        const std::string fifo = scratch.path("fifo");
        REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
        Descriptor lock = locked(scratch.path("lock"));
        const auto host = real_host(lock.number());
        std::thread command(
            [&] { CHECK(host->run({.argv = {"cat", fifo}, .input = input})->exit_code == 0); });
        Descriptor running(
            open(fifo.c_str(), O_WRONLY | O_CLOEXEC));  // returns when the command has opened it too
        lock.close();
        CHECK(!lock_is_free(scratch.path("lock")));
        running.close();
        command.join();
        CHECK(lock_is_free(scratch.path("lock")));
    }
}

TEST_CASE("a command that takes too long is killed")
{
    const auto host = real_host();
    const auto start = Clock::now();
    const auto outcome = host->run({.argv = {"sleep", "100"}, .limit = 50ms});
    CHECK(outcome.error().kind == ErrorKind::timeout);
    CHECK(outcome.error().argv.front() == "sleep");
    CHECK(Clock::now() - start < 20s);
}

TEST_CASE("a command that takes too long is killed with its children, even those that ignore SIGTERM")
{
    const Scratch scratch;
    Descriptor lock = locked(scratch.path("lock"));
    const auto host = real_host(lock.number());
    const auto start = Clock::now();
    for (const char* script : {"(sleep 100; true); true", "(trap '' TERM; sleep 100; true); true",
                               "trap '' TERM; (sleep 100; true); true"}) {
        CAPTURE(script);
        CHECK(shell(*host, script, 50ms).error().kind == ErrorKind::timeout);
    }
    // The children held the lock too: it is free again only once all of them are gone.
    lock.close();
    const Descriptor successor(open(scratch.path("lock").c_str(), O_RDWR | O_CLOEXEC));
    CHECK(flock(successor.number(), LOCK_EX) == 0);
    CHECK(Clock::now() - start < 50s);
}

TEST_CASE("a command that never stops talking is still held to its limits")
{
    const auto host = real_host();
    CHECK(host->run({.argv = {"yes"}}).error().kind == ErrorKind::corrupt);
    CHECK(host->run({.argv = {"yes"}, .effect = Effect::changes, .limit = 50ms}).error().kind ==
          ErrorKind::timeout);
    const auto grumbling = shell(*host, "yes >&2", 200ms);
    CHECK(grumbling.error().kind == ErrorKind::timeout);
    CHECK(grumbling.error().output.size() == 4096);
}

TEST_CASE("what changes the machine is not cut short for saying too much")
{
    const Scratch scratch;
    const std::string script =
        fmt::format("head -c 20000000 /dev/zero; echo done > {}", scratch.path("done"));
    const auto host = real_host();
    const auto outcome = host->run({.argv = {"sh", "-c", script}, .effect = Effect::changes});
    CHECK(outcome.error().kind == ErrorKind::corrupt);
    CHECK(*host->read(scratch.path("done")) == "done\n");
}

TEST_CASE("a command ends when its process does, whatever it left running")
{
    const Scratch scratch;
    const std::string fifo = scratch.path("fifo");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const auto host = real_host();
    const auto outcome = shell(*host, fmt::format("echo started; cat {} &", fifo));
    REQUIRE(outcome);
    CHECK(outcome->out == "started\n");
    const Descriptor end(open(fifo.c_str(), O_WRONLY | O_CLOEXEC));  // the process left behind was not killed
    CHECK(end);
}

TEST_CASE("eight threads run commands at once, and each gets its own answer")
{
    const auto host = real_host();
    std::array<int, 8> right{};
    std::vector<std::thread> threads;
    threads.reserve(right.size());
    for (size_t thread = 0; thread < right.size(); ++thread) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < 5; ++i) {
                const std::string text = fmt::format("{} {}", thread, std::string(100'000, 'x'));
                const auto outcome = host->run({.argv = {"cat"}, .input = text});
                if (outcome && outcome->out == text) ++right[thread];
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (const int count : right) CHECK(count == 5);
}

TEST_CASE("a file is read up to its limit, and errors have their kind")
{
    const Scratch scratch;
    const auto host = real_host();
    const std::string path = scratch.file("file", "12345678");
    CHECK(*host->read(path, Bytes{8}) == "12345678");
    CHECK(host->read(path, Bytes{7}).error().kind == ErrorKind::corrupt);
    CHECK(host->read("/proc/version")->starts_with("Linux"));
    CHECK(host->read(scratch.path("none")).error().kind == ErrorKind::not_found);
    CHECK(host->read("file").error().kind == ErrorKind::usage);
    CHECK(host->write("/proc/version", "x").error().kind != ErrorKind::not_found);
    CHECK(host->list(scratch.path("none")).error().kind == ErrorKind::not_found);
    CHECK(host->resolve(scratch.path("none")).error().kind == ErrorKind::not_found);
    CHECK(host->space(scratch.path("none")).error().kind == ErrorKind::not_found);
    CHECK(system_error("open /x", EACCES).kind == ErrorKind::permission);
}

TEST_CASE("nothing but replace makes a file")
{
    const Scratch scratch;
    const auto host = real_host();
    CHECK(host->write(scratch.path("a"), "x").error().kind == ErrorKind::not_found);
    CHECK(host->write_at(scratch.path("b"), Bytes{0}, "x").error().kind == ErrorKind::not_found);
    CHECK(host->list(scratch.path(""))->empty());
    CHECK(host->replace(scratch.path("c"), "x"));
    CHECK(*host->list(scratch.path("")) == std::vector<std::string>{"c"});
    CHECK(mode_of(scratch.path("c")) == 0644);
}

TEST_CASE("a replaced file keeps its mode and owner, and the rest of an earlier attempt is no obstacle")
{
    const Scratch scratch;
    const auto host = real_host();
    const std::string path = scratch.file("shadow", "old, and rather longer");
    REQUIRE(chmod(path.c_str(), 04640) == 0);
    scratch.file(".shadow.belay", "half a fi");
    REQUIRE(host->replace(path, "new"));
    CHECK(*host->read(path) == "new");
    CHECK(mode_of(path) == 04640);
    CHECK(*host->list(scratch.path("")) == std::vector<std::string>{"shadow"});
}

TEST_CASE("a symbolic link stays a link when its file is replaced")
{
    const Scratch scratch;
    const auto host = real_host();
    const std::string path = scratch.file("file", "old");
    const std::string link = scratch.path("link");
    REQUIRE(symlink("file", link.c_str()) == 0);
    REQUIRE(host->replace(link, "new"));
    CHECK(*host->resolve(link) == path);
    CHECK(*host->read(path) == "new");
}

TEST_CASE("a replacement that cannot be made leaves the old file and nothing else")
{
    const Scratch scratch;
    const auto host = real_host();
    REQUIRE(mkdir(scratch.path("folder").c_str(), 0700) == 0);
    CHECK(!host->replace(scratch.path("folder"), "text"));
    CHECK(*host->list(scratch.path("")) == std::vector<std::string>{"folder"});
    CHECK(host->replace(scratch.path("none/file"), "text").error().kind == ErrorKind::not_found);
}

TEST_CASE("removing what is not there is no error")
{
    const Scratch scratch;
    const auto host = real_host();
    const std::string path = scratch.file("file", "");
    CHECK(host->remove(path));
    CHECK(host->remove(path));
    CHECK(host->list(scratch.path(""))->empty());
}

TEST_CASE("bytes of a device are read exactly, written in place, and never beyond its end by a read")
{
    const Scratch scratch;
    const auto host = real_host();
    const std::string path = scratch.file("disk", std::string(4096, '.'));
    REQUIRE(host->write_at(path, Bytes{1000}, "label"));
    CHECK(*host->read_at(path, Bytes{999}, Bytes{7}) == ".label.");
    CHECK(host->read(path)->size() == 4096);
    CHECK(host->read_at(path, Bytes{4090}, Bytes{7}).error().kind == ErrorKind::corrupt);
    CHECK(host->read_at(path, Bytes{0}, Bytes{1ull << 60}).error().kind == ErrorKind::usage);
}

TEST_CASE("the clock since the boot never goes back, and every boot has its name")
{
    const auto host = real_host();
    const Moment first = *host->now();
    const Moment second = *host->now();
    CHECK(first.boot.count() > 0);
    CHECK(second.boot >= first.boot);
    CHECK(second.boot_id == first.boot_id);
    CHECK(first.boot_id.size() == 36);
    CHECK(first.wall > 1'600'000'000'000ms);
}

TEST_CASE("random bytes are as many as asked for, and never the same")
{
    const auto host = real_host();
    CHECK(host->random(1000)->size() == 1000);
    CHECK(*host->random(16) != *host->random(16));
    CHECK(host->random(0)->empty());
}

TEST_CASE("what a command says is heard as it comes, and nothing of it is kept")
{
    const auto host = real_host();
    std::string heard;
    const auto outcome = host->run({.argv = {"sh", "-c", "printf one; printf two; exit 3"},
                                    .limit = 60s,
                                    .heard = [&](std::string_view text) {
                                        heard += text;
                                        return true;
                                    }});
    REQUIRE(outcome);
    CHECK(outcome->exit_code == 3);
    CHECK(outcome->out.empty());
    CHECK(heard == "onetwo");
}

TEST_CASE("a command whose answer is not wanted any more is ended, also while it says nothing")
{
    const auto host = real_host();
    int asked = 0;
    const auto outcome = host->run({.argv = {"sh", "-c", "printf one; sleep 600"},
                                    .limit = 1h,
                                    .heard = [&](std::string_view) { return ++asked < 2; }});
    REQUIRE_FALSE(outcome);
    CHECK(outcome.error().kind == ErrorKind::unavailable);
    CHECK(asked == 2);
}

TEST_CASE("a filesystem has room")
{
    const Space room = *real_host()->space("/tmp");
    CHECK(room.total.count > 0);
    CHECK(room.free <= room.total);
}

}  // namespace
}  // namespace belay::host
