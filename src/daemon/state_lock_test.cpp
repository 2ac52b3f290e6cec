#include "daemon/state_lock.h"

#include "base/testing/must.h"
#include "host/testing/scratch.h"

#include <csignal>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::daemon {
namespace {

TEST_CASE(
    "a daemon that is killed while it starts a command is followed by the next one, which waits for that")
{
    const host::testing::Scratch scratch;
    const std::string folder = scratch.path("state");
    std::array<int, 2> pipe_ends{};
    REQUIRE(pipe(pipe_ends.data()) == 0);
    const pid_t daemon = fork();
    if (daemon == 0) {
        const auto held = StateLock::take(folder, false, [] {});
        // As a command is before it runs its program: with all that its parent has open.
        if (!held) _exit(1);
        const pid_t command = fork();
        if (command == 0) pause();
        if (write(pipe_ends[1], &command, sizeof command) != sizeof command) _exit(1);
        pause();
    }
    close(pipe_ends[1]);
    pid_t command = 0;
    REQUIRE(read(pipe_ends[0], &command, sizeof command) == sizeof command);
    REQUIRE(command > 0);
    bool waited = false;
    const auto refused = StateLock::take(folder, false, [] {});
    REQUIRE(!refused);
    CHECK(refused.error().what == fmt::format("belayd with pid {} serves {} already", daemon, folder));

    kill(daemon, SIGKILL);
    waitpid(daemon, nullptr, 0);
    const auto next = StateLock::take(folder, false, [&] {
        waited = true;
        kill(command, SIGKILL);
    });
    kill(command, SIGKILL);
    CHECK_MESSAGE(next, (next ? "" : next.error().what));
    CHECK(waited);
    close(pipe_ends[0]);
}

}  // namespace
}  // namespace belay::daemon
