#include "host/application/control_groups.h"
#include "host/application/launch.h"
#include "host/application/process_handle.h"
#include "host/application/sockets.h"
#include "host/program.h"
#include "host/testing/scratch.h"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

namespace belay::host {
namespace {

using testing::Scratch;

void await_end(const Descriptor& process)
{
    pollfd wait{.fd = process.number(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&wait, 1, 20'000) == 1);
}

/// What a shell prints, started like an application.
struct Said {
    std::string output;
    ProcessEnd end;
};
Said say(const Scratch& scratch, const std::string& script, Launch launch = {})
{
    auto pipe = open_output_pipe(scratch.path("output"));
    REQUIRE(pipe);
    launch.program = "/bin/sh";
    launch.argv = {"sh", "-c", script};
    launch.output = pipe->write_end.number();
    auto launched = host::launch(launch);
    if (!launched) FAIL(launched.error().what);
    await_end(launched->process);
    const auto end = reap(launched->process.number());
    REQUIRE(end);
    std::array<char, 4096> room{};
    const ssize_t count = read(pipe->read_end.number(), room.data(), room.size());
    return {std::string(room.data(), static_cast<size_t>(std::max<ssize_t>(count, 0))), *end};
}

TEST_CASE("launch: a program has a process group, its environment, its folder, and nothing else of ours open")
{
    const Scratch scratch;
    Launch launch;
    launch.environment = {"GREETING=good morning"};
    launch.folder = "/usr";
    const Said said =
        say(scratch, "echo $GREETING; pwd; ls /proc/self/fd | wc -l; [ $$ = $(ps -o pgid= $$) ]", launch);
    // 0, 1, 2 and the one that ls reads by.
    CHECK(said.output == "good morning\n/usr\n4\n");
    CHECK_FALSE(said.end.by_signal);
    CHECK(said.end.number == 0);
}

TEST_CASE("launch: sockets are passed as sd_listen_fds wants them")
{
    const Scratch scratch;
    const auto listener = listen_on({.address = "127.0.0.1"});
    REQUIRE(listener);
    Launch launch;
    launch.passed = {listener->number(), listener->number()};
    launch.passed_names = {"http", "admin"};
    const Said said = say(scratch,
                          "[ $LISTEN_PID = $$ ] && echo $LISTEN_FDS $LISTEN_FDNAMES; "
                          "readlink /proc/self/fd/3 | cut -d: -f1; [ -e /proc/self/fd/5 ] || echo no more",
                          launch);
    CHECK(said.output == "2 http:admin\nsocket\nno more\n");
}

TEST_CASE("launch: another account, its groups, and the capabilities that it keeps")
{
    if (geteuid() != 0) return;
    const Scratch scratch;
    const auto nobody = account_named("nobody");
    REQUIRE(nobody);
    Launch launch;
    launch.account = *nobody;
    const auto mask = capability_mask({"cap_net_bind_service"});
    REQUIRE(mask);
    launch.capabilities = *mask;
    const Said said =
        say(scratch, "id -un; echo $HOME; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status", launch);
    CHECK(said.output == fmt::format("nobody\n{}\nCapEff:\t0000000000000400\nCapBnd:\t0000000000000400\n"
                                     "NoNewPrivs:\t1\n",
                                     nobody->home));
    launch.capabilities = 0;
    CHECK(say(scratch, "grep -c 'Cap...:.0000000000000000' /proc/self/status", launch).output == "5\n");
    CHECK(capability_mask({"cap_fly"}).error().what == "there is no capability cap_fly");
    CHECK(account_named("nobody-there").error().kind == ErrorKind::not_found);
}

TEST_CASE("launch: a /tmp of its own, and paths that it cannot write to")
{
    if (geteuid() != 0) return;
    const Scratch scratch;
    mkdir((scratch.path("kept")).c_str(), 0755);
    Launch launch;
    launch.read_only = {"/usr/local"};
    launch.private_tmp = true;
    const std::string written = fmt::format("/tmp/belay-written-{}", getpid());
    const Said said = say(scratch,
                          fmt::format("ls -A /tmp; touch {} && echo wrote; touch /usr/local/belay-x 2>&1 | "
                                      "grep -o 'Read-only file system'",
                                      written),
                          launch);
    CHECK(said.output == "wrote\nRead-only file system\n");
    struct stat status{};
    CHECK(stat(written.c_str(), &status) != 0);
}

TEST_CASE("launch: what went wrong is named, and leaves no child")
{
    const Scratch scratch;
    const auto pipe = open_output_pipe(scratch.path("output"));
    REQUIRE(pipe);
    Launch launch{.program = scratch.path("no-program"), .argv = {"no-program"}};
    launch.output = pipe->write_end.number();
    auto launched = host::launch(launch);
    REQUIRE_FALSE(launched);
    CHECK(launched.error().kind == ErrorKind::not_found);
    CHECK(launched.error().what.find("run " + launch.program) != std::string::npos);
    launch.program = "/bin/true";
    launch.folder = scratch.path("no-folder");
    launched = host::launch(launch);
    REQUIRE_FALSE(launched);
    CHECK(launched.error().what.find("enter its working directory") != std::string::npos);
    CHECK(waitpid(-1, nullptr, WNOHANG) < 0);
    CHECK(program_path("no-such-program").error().kind == ErrorKind::not_found);
    CHECK(program_path("sh").has_value());
}

TEST_CASE(
    "launch: when it began is known, whether the kernel was asked or not, and nothing of ours stays open")
{
    const Scratch scratch;
    const auto pipe = open_output_pipe(scratch.path("output"));
    REQUIRE(pipe);
    Launch launch{.program = "/bin/true", .argv = {"true"}};
    launch.output = pipe->write_end.number();
    launch.passed = {pipe->read_end.number()};
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    std::set<long> counts;
    for (size_t i = 0; i < 100; ++i) {
        const auto launched = host::launch(launch);
        REQUIRE(launched);
        CHECK(launched->started == start_of(launched->pid).value_or(0));
        await_end(launched->process);
        REQUIRE(reap(launched->process.number()));
        // What one needs on its way stays for those after it.
        if (i >= 10) counts.insert(open_files());
    }
    CHECK(counts.size() == 1);
}

TEST_CASE("launch: many on their way at once each become what they are to be, or say why not")
{
    const Scratch scratch;
    std::vector<std::shared_ptr<Launching>> all;
    std::vector<OutputPipe> pipes;
    for (int i = 0; i < 40; ++i) {
        auto pipe = open_output_pipe(scratch.path(fmt::format("output-{}", i)));
        REQUIRE(pipe);
        Launch launch{.program = "/bin/echo", .argv = {"echo", std::to_string(i)}};
        launch.output = pipe->write_end.number();
        if (i % 5 == 4) launch.folder = scratch.path("no-such-folder");
        auto begun = begin_launch(launch);
        REQUIRE(begun);
        all.push_back(std::move(*begun));
        pipes.push_back(std::move(*pipe));
    }
    for (size_t i = all.size(); i-- > 0;) {
        CAPTURE(i);
        const Result<void> finished = all[i]->finish();
        CHECK(finished.has_value() == (i % 5 != 4));
        if (!finished) CHECK(finished.error().what.starts_with("cannot enter its working directory"));
        const Descriptor& process = all[i]->process().process;
        await_end(process);
        const auto end = reap(process.number());
        REQUIRE(end);
        CHECK(end->number == (finished ? 0 : 127));
        std::array<char, 16> room{};
        const ssize_t count = read(pipes[i].read_end.number(), room.data(), room.size());
        CHECK(std::string(room.data(), static_cast<size_t>(std::max<ssize_t>(count, 0))) ==
              (finished ? fmt::format("{}\n", i) : ""));
    }
}

TEST_CASE("process: known by its number and its beginning, so not taken for a later one")
{
    const Scratch scratch;
    const auto pipe = open_output_pipe(scratch.path("output"));
    REQUIRE(pipe);
    Launch launch{.program = "/bin/sleep", .argv = {"sleep", "100"}};
    launch.output = pipe->write_end.number();
    const auto launched = host::launch(launch);
    REQUIRE(launched);
    const auto started = start_of(launched->pid);
    REQUIRE(started);
    CHECK(launched->started == *started);
    CHECK(open_process({launched->pid, *started}).has_value());
    CHECK_FALSE(open_process({launched->pid, *started + 1}).has_value());
    CHECK_FALSE(end_of(launched->process.number()));
    CHECK_FALSE(reap(launched->process.number()));
    REQUIRE(send_signal(launched->process.number(), SIGTERM));
    await_end(launched->process);
    const auto end = reap(launched->process.number());
    REQUIRE(end);
    CHECK(end->by_signal);
    CHECK(end->number == SIGTERM);
    CHECK_FALSE(open_process({launched->pid, *started}).has_value());
}

TEST_CASE("sockets: one that a process holds is got back from it; another's is not taken for it")
{
    const Scratch scratch;
    const auto pipe = open_output_pipe(scratch.path("output"));
    auto listener = listen_on({.address = "127.0.0.1"});
    REQUIRE(listener);
    for (const bool nonblocking : {true, false}) {
        CHECK(set_nonblocking(listener->number(), nonblocking));
        CHECK(((fcntl(listener->number(), F_GETFL) & O_NONBLOCK) != 0) == nonblocking);
    }
    CHECK_FALSE(set_nonblocking(-1, true));
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(getsockname(listener->number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const ListenAt where{.address = "127.0.0.1", .port = ntohs(address.sin_port)};
    CHECK(listen_on(where).error().kind == ErrorKind::busy);
    Launch launch{.program = "/bin/sleep", .argv = {"sleep", "100"}};
    launch.output = pipe->write_end.number();
    launch.passed = {listener->number()};
    launch.passed_names = {"x"};
    const auto launched = host::launch(launch);
    REQUIRE(launched);
    listener->close();
    const auto back = socket_of(launched->process.number(), 3, where);
    REQUIRE(back);
    CHECK(is_bound_to(back->number(), where));
    ListenAt other = where;
    other.port = static_cast<uint16_t>(where.port + 1);
    CHECK_FALSE(socket_of(launched->process.number(), 3, other));
    CHECK_FALSE(socket_of(launched->process.number(), 1, where));
    REQUIRE(send_signal(launched->process.number(), SIGKILL));
    await_end(launched->process);
    reap(launched->process.number());
}

TEST_CASE("sockets: who writes to the output meets no broken pipe, and what was written outlives the reader")
{
    const Scratch scratch;
    auto pipe = open_output_pipe(scratch.path("output"));
    REQUIRE(pipe);
    pipe->read_end.close();
    CHECK(write(pipe->write_end.number(), "still here\n", 11) == 11);
    const auto again = open_output_pipe(scratch.path("output"));
    REQUIRE(again);
    std::array<char, 64> room{};
    CHECK(read(again->read_end.number(), room.data(), room.size()) == 11);
    CHECK(read(again->read_end.number(), room.data(), room.size()) < 0);
}

TEST_CASE("sockets: a notice is taken as it was sent")
{
    const Scratch scratch;
    const auto socket = NotifySocket::open(scratch.path("notify"), geteuid());
    REQUIRE(socket);
    CHECK_FALSE(socket->look());
    const Descriptor sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    scratch.path("notify").copy(address.sun_path, sizeof address.sun_path - 1);
    for (const std::string text : {"READY=1\nSTATUS=loads tables", "STOPPING=1"}) {
        REQUIRE(sendto(sender.number(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&address),
                       sizeof address) == static_cast<ssize_t>(text.size()));
    }
    // Until it is dropped it is the next.
    CHECK(socket->look() == "READY=1\nSTATUS=loads tables");
    CHECK(socket->look() == "READY=1\nSTATUS=loads tables");
    socket->drop();
    CHECK(socket->look() == "STOPPING=1");
    socket->drop();
    CHECK_FALSE(socket->look());
}

TEST_CASE("control groups: a group has who is started in it, with all that it starts, and is ended whole")
{
    const auto groups = ControlGroups::open(fmt::format("belay-test-{}", getpid()));
    if (!groups) {
        MESSAGE("no cgroup2 here");
        return;
    }
    const std::string name = fmt::format("test-{}", getpid());
    const auto group = groups->group(name);
    REQUIRE(group);
    CHECK(*group->is_empty());
    const Scratch scratch;
    const auto pipe = open_output_pipe(scratch.path("output"));
    Launch launch{.program = "/bin/sh", .argv = {"sh", "-c", "setsid sleep 100 & echo; setsid sleep 100"}};
    launch.output = pipe->write_end.number();
    launch.control_group = group->folder();
    const auto launched = host::launch(launch);
    REQUIRE(launched);
    CHECK_FALSE(*group->is_empty());
    pollfd has_started_one{.fd = pipe->read_end.number(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&has_started_one, 1, 20'000) == 1);
    REQUIRE(send_signal(launched->process.number(), SIGKILL));
    await_end(launched->process);
    reap(launched->process.number());
    CHECK_FALSE(*group->is_empty());
    for (int i = 0; i < 2000 && !*group->is_empty(); ++i) {
        group->kill();
        usleep(1000);
    }
    CHECK(*group->is_empty());
    groups->remove(name);
    CHECK(access(group->path().c_str(), F_OK) != 0);
}

TEST_CASE("a group tells whose application it is, below that of its supervisor alone")
{
    const std::string base = "/system.slice/belay-run-belay-applications";
    CHECK(application_in(base + "/" + application_group(12), base) == 12);
    CHECK(application_in(base + "/application-12/inner/application-13", base) == 12);
    for (const char* group :
         {"", "/", "/application-12", "/user.slice/belay-run-belay-applications/application-12",
          "/system.slice/belay-run-belay-applications",
          "/system.slice/belay-run-belay-applications/supervisor",
          "/system.slice/belay-run-belay-applications/application-",
          "/system.slice/belay-run-belay-applications/application-12x",
          "/system.slice/belay-run-belay-applications2/application-12"}) {
        INFO(group);
        CHECK(!application_in(group, base));
    }
    CHECK(!application_in("/application-12", ""));
    CHECK(group_of_process(0).empty());
}

}  // namespace
}  // namespace belay::host
