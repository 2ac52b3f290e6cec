#include "cli/backup/context.h"

#include "cli/fakes.h"

#include <csignal>
#include <doctest/doctest.h>

namespace belay::cli {
namespace {

TEST_CASE("a signal that comes while a command leaves its signals is heard by it or by who comes after it")
{
    fakes::TextConsole console;
    CaughtSignals after({SIGTERM});
    for (int i = 0; i < 20000; ++i) {
        BackupContext context(console, Style{}, CommonOptions{});
        context.is_ended_by_signals(BackupExit::done, Milliseconds(600'000));
        kill(getpid(), SIGTERM);
        // The thread that hears it wakes up some microseconds later: each of them is tried.
        const auto leaving = std::chrono::steady_clock::now() + std::chrono::nanoseconds(i % 2000 * 50);
        while (std::chrono::steady_clock::now() < leaving) {
        }
        const bool was_heard = context.leaves_signals();
        const bool is_left = after.take().has_value();
        CHECK_MESSAGE(was_heard != is_left, i);
    }
}

}  // namespace
}  // namespace belay::cli
