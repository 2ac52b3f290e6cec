#include "operation/timer.h"

#include "base/json.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds year = 24h * 365;

/// A machine with two clocks, of which only one is trusted.
struct Clocks {
    host::Moment now{.wall = 1'700'000'000s, .boot = 100s, .boot_id = "first"};

    void pass(Milliseconds span)
    {
        now.wall += span;
        now.boot += span;
    }
    void set_wall_clock(Milliseconds by) { now.wall += by; }
    void reboot(Milliseconds off)
    {
        now.wall += off;
        now.boot = 0ms;
        now.boot_id += "+";
    }
};

TEST_CASE("within one boot only the boot clock counts, however the wall clock jumps")
{
    for (const Milliseconds jump : {year, -year}) {
        Clocks clocks;
        Timer timer = start_timer(2h, clocks.now);
        clocks.pass(30min);
        clocks.set_wall_clock(jump);
        CHECK(left_of(timer, clocks.now) == 90min);
        CHECK(needs_rebase(timer, clocks.now));
        timer = rebased(timer, clocks.now);
        CHECK_FALSE(needs_rebase(timer, clocks.now));
        clocks.pass(90min);
        CHECK(left_of(timer, clocks.now) == 0ms);
    }
}

TEST_CASE("a machine that takes over a timer counts by the wall clock, however long it has run itself")
{
    for (const Milliseconds uptime : {0ms, Milliseconds(year)}) {
        Clocks clocks;
        clocks.now.machine = "one";
        const Timer timer = start_timer(2h, clocks.now);
        clocks.pass(30min);
        clocks.now.machine = "two";
        clocks.now.boot_id = "another";
        clocks.now.boot = uptime;
        CHECK(left_of(timer, clocks.now) == 90min);
        const Timer taken = rebased(timer, clocks.now);
        clocks.pass(30min);
        clocks.set_wall_clock(-year);
        CHECK(left_of(taken, clocks.now) == 1h);
        // A wall clock that is behind gives no time back here either.
        clocks.now.boot_id = "a third";
        clocks.now.machine = "three";
        CHECK(left_of(taken, clocks.now) == 90min);
        CHECK(nlohmann::json(taken).get<Timer>().machine == "two");
    }
}

TEST_CASE("a timer is made longer at least, started where it was stopped, and never shortened")
{
    Clocks clocks;
    const Timer timer = start_timer(2h, clocks.now);
    clocks.pass(30min);
    CHECK(left_of(at_least(timer, 3h, clocks.now), clocks.now) == 3h);
    CHECK(at_least(timer, 3h, clocks.now).length == 3h);
    CHECK(left_of(at_least(timer, 1h, clocks.now), clocks.now) == 90min);
    const Timer again = at_least(stopped(timer, clocks.now), 1min, clocks.now);
    CHECK_FALSE(again.stopped);
    CHECK(left_of(again, clocks.now) == 1min);
    CHECK(again.length == 2h);
}

TEST_CASE("a clock that was set and written down does not move the deadline over a reboot")
{
    for (const Milliseconds jump : {year, -year}) {
        Clocks clocks;
        Timer timer = start_timer(2h, clocks.now);
        clocks.set_wall_clock(jump);
        timer = rebased(timer, clocks.now);
        clocks.reboot(30min);
        CHECK(left_of(timer, clocks.now) == 90min);
        CHECK(needs_rebase(timer, clocks.now));
        timer = rebased(timer, clocks.now);
        clocks.set_wall_clock(-jump);
        CHECK(left_of(timer, clocks.now) == 90min);
    }
}

TEST_CASE("a deadline that passed while the machine was off has passed")
{
    Clocks clocks;
    const Timer timer = start_timer(2h, clocks.now);
    clocks.reboot(3h);
    CHECK(left_of(timer, clocks.now) == -1h);
}

TEST_CASE("a clock without a battery cannot give time back")
{
    Clocks clocks;
    Timer timer = start_timer(2h, clocks.now);
    clocks.pass(90min);
    timer = rebased(timer, clocks.now);
    clocks.reboot(5min);
    clocks.set_wall_clock(-year * 50);
    CHECK(left_of(timer, clocks.now) == 30min);
    clocks.pass(10min);
    CHECK(left_of(timer, clocks.now) == 20min);
}

TEST_CASE("a slow drift of the wall clock writes nothing")
{
    Clocks clocks;
    const Timer timer = start_timer(2h, clocks.now);
    clocks.set_wall_clock(900ms);
    CHECK_FALSE(needs_rebase(timer, clocks.now));
    clocks.set_wall_clock(200ms);
    CHECK(needs_rebase(timer, clocks.now));
}

TEST_CASE("a stopped timer keeps what is left, over hours and over a reboot, and is never written anew")
{
    Clocks clocks;
    Timer timer = start_timer(2h, clocks.now);
    clocks.pass(30min);
    timer = stopped(timer, clocks.now);
    clocks.pass(5h);
    clocks.reboot(year);
    CHECK(left_of(timer, clocks.now) == 90min);
    CHECK_FALSE(needs_rebase(timer, clocks.now));
    CHECK(rebased(timer, clocks.now).stopped);
}

TEST_CASE("restarted, a timer has its whole length again, what it was extended by included")
{
    Clocks clocks;
    Timer timer = start_timer(2h, clocks.now);
    clocks.pass(90min);
    timer = extended(timer, 1h, clocks.now);
    CHECK(left_of(timer, clocks.now) == 90min);
    CHECK(timer.length == 3h);
    timer = restarted(stopped(timer, clocks.now), clocks.now);
    CHECK_FALSE(timer.stopped);
    CHECK(left_of(timer, clocks.now) == 3h);
}

TEST_CASE("a stopped timer that is extended stays stopped")
{
    Clocks clocks;
    Timer timer = stopped(start_timer(2h, clocks.now), clocks.now);
    timer = extended(timer, 30min, clocks.now);
    clocks.pass(10h);
    CHECK(timer.stopped);
    CHECK(left_of(timer, clocks.now) == 150min);
}

TEST_CASE("a timer comes back from its JSON as it went in")
{
    Clocks clocks;
    const Timer timer = stopped(start_timer(2h, clocks.now), clocks.now);
    const Json json = timer;
    CHECK(Json(from_json_text<Timer>(json_text(json)).value()) == json);
    CHECK(from_json_text<Timer>("{}").error().kind == ErrorKind::corrupt);
}

}  // namespace
}  // namespace belay::operation
