// A pair that keepalived keeps, for real, on two hosts of its own: its address is moved both ways while it is
// asked 200 times a second.

#include "keepalived_pair.h"

namespace belay {
namespace {

using daemon::testing::Ran;
using testing::KeepalivedPair;
using testing::Pings;
using testing::unanswered;
using upgrade::driver::Look;
using upgrade::driver::Role;

TEST_CASE(
    "keepalived's address is moved to the standby and back: raised before, lowered after, and asked all the "
    "time")
{
    if (!testing::can_run({"/usr/sbin/keepalived", "/usr/bin/ping"})) return;
    const testing::OwnHosts hosts;
    const KeepalivedPair pair(hosts);
    REQUIRE(testing::becomes([&] { return pair.is_settled(1); }));
    const Look standby = pair.look(2);
    CHECK(standby.hot);
    CHECK(standby.version.starts_with("v2") == false);
    CHECK(standby.runs_from == "/usr/sbin/keepalived");

    const Ran serves = pair.driver(1, "restart");
    CHECK(serves.code == 1);
    CHECK(serves.said == "belay-driver: 10.77.0.100 is here (stand-by comes first)\n");
    const pid_t before = pair.pid_of(2);
    const Ran restarted = pair.driver(2, "restart");
    CHECK_MESSAGE(restarted.code == 0, restarted.said);
    CHECK(pair.pid_of(2) != before);

    int active = 1;
    for (int move = 0; move < 4; ++move) {
        CAPTURE(move);
        Pings pings;
        const auto begun = std::chrono::steady_clock::now();
        const Ran raised = pair.driver(3 - active, "take-over");
        CHECK_MESSAGE(raised.code == 0, raised.said);
        const Ran lowered = pair.driver(active, "stand-by");
        CHECK_MESSAGE(lowered.code == 0, lowered.said);
        active = 3 - active;
        REQUIRE(testing::becomes([&] { return pair.is_settled(active); }));
        const auto took = std::chrono::steady_clock::now() - begun;
        const int lost = unanswered(pings.end());
        MESSAGE("a move of ", std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), " ms, ",
                lost, " pings of one each 5 ms unanswered");
        CHECK(lost <= 60);
    }
    CHECK(pair.driver(active, "take-over").code == 0);
    CHECK(pair.driver(3 - active, "stand-by").code == 0);
    CHECK(pair.is_settled(active));
}

TEST_CASE("keepalived's address stays where it is when nobody would take it")
{
    if (!testing::can_run({"/usr/sbin/keepalived", "/usr/bin/ping"})) return;
    const testing::OwnHosts hosts;
    const KeepalivedPair pair(hosts);
    REQUIRE(testing::becomes([&] { return pair.is_settled(1); }));
    const pid_t other = pair.pid_of(2);
    kill(other, SIGTERM);
    REQUIRE(testing::becomes([&] { return kill(other, 0) != 0; }));
    CHECK(pair.look(2).role == Role::none);
    CHECK(pair.driver(2, "take-over").code == 1);
    const Ran refused = pair.driver(1, "stand-by");
    CHECK(refused.code == 1);
    CHECK(refused.said == "belay-driver: nobody takes 10.77.0.100 over: the priority is what it was\n");
    const Look look = pair.look(1);
    CHECK(look.role == Role::active);
    CHECK(look.says == "has 10.77.0.100, its priority changed by 0");
}

}  // namespace
}  // namespace belay
