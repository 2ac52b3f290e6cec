// A PostgreSQL primary is told to stand by, with every single accident: each contact with its host refused,
// its answer lost, the driver dead at it, or the power gone. Never do both serve, never one that lacks
// something; and the verb, run again, ends it.

#include "host/faulty.h"
#include "upgrade/driver/testing/postgresql_model.h"

#include <doctest/doctest.h>

namespace belay::upgrade::driver::postgresql {
namespace {

using host::Fault;
using host::FaultyHost;
using testing::PairModel;

constexpr int most_runs = 3;

/// Until it says that it is done; how often it was run.
int run_until_done(PairModel& pair)
{
    for (int runs = 1; runs <= most_runs; ++runs) {
        if (pair.stand_by(pair.host())) return runs;
    }
    return most_runs + 1;
}

void hold_to_promises(PairModel& pair, const FaultyHost& host)
{
    pair.look_at_promises();
    CHECK_MESSAGE(pair.broken.empty(), pair.broken.front(), "\n", host.log());
}

TEST_CASE("without an accident the peer serves, and this one follows it")
{
    PairModel pair;
    FaultyHost host(pair.host());
    const Result<void> moved = pair.stand_by(host);
    CHECK_MESSAGE(moved.has_value(), moved.error().what);
    CHECK(pair.peer_serves);
    CHECK(pair.here_runs);
    CHECK_FALSE(pair.here_serves);
    CHECK(pair.gave_up());
    CHECK(pair.host().machine().text("/data/postgresql.auto.conf") ==
          "# by ALTER SYSTEM\nprimary_conninfo = 'host=b user=belay'\n");
    const size_t contacts = host.contacts();
    CHECK(pair.stand_by(host).has_value());
    CHECK(host.contacts() > contacts);
    hold_to_promises(pair, host);
}

TEST_CASE("with any accident both never serve, nothing is lost, and the verb run again ends it")
{
    for (const Fault::Kind kind : {Fault::Kind::refuse, Fault::Kind::lost, Fault::Kind::dead}) {
        for (const bool power : {false, true}) {
            for (size_t at = 1;; ++at) {
                PairModel pair;
                FaultyHost host(pair.host(), Fault{kind, at});
                const Result<void> first = pair.stand_by(host);
                if (host.contacts() < at) break;
                CAPTURE(static_cast<int>(kind));
                CAPTURE(power);
                CAPTURE(at);
                const bool serves_one = (pair.here_runs && pair.here_serves) || pair.peer_serves;
                CHECK_MESSAGE((kind == Fault::Kind::dead || serves_one || pair.gave_up()), host.log());
                if (power) pair.power_cut();
                CHECK_MESSAGE(run_until_done(pair) <= most_runs, host.log());
                CHECK(pair.peer_serves);
                CHECK(pair.here_runs);
                CHECK_FALSE(pair.here_serves);
                hold_to_promises(pair, host);
            }
        }
    }
}

TEST_CASE("a peer that lacks the last record is not promoted, with any accident: this one serves on")
{
    for (const Fault::Kind kind : {Fault::Kind::refuse, Fault::Kind::lost, Fault::Kind::dead}) {
        for (size_t at = 1;; ++at) {
            PairModel pair;
            pair.peer_gets_last_record = false;
            FaultyHost host(pair.host(), Fault{kind, at});
            const Result<void> moved = pair.stand_by(host);
            CHECK_FALSE(moved.has_value());
            if (host.contacts() < at) {
                CHECK(moved.error().what.find("serves again") != std::string::npos);
                CHECK((pair.here_runs && pair.here_serves));
                break;
            }
            CAPTURE(at);
            CHECK_FALSE(pair.peer_serves);
            CHECK_FALSE(pair.stand_by(pair.host()).has_value());
            CHECK_FALSE(pair.peer_serves);
            CHECK((pair.here_runs && pair.here_serves));
            hold_to_promises(pair, host);
        }
    }
}

TEST_CASE("a peer that is gone behind standby.signal leaves this one standing by: it may have been promoted")
{
    PairModel pair;
    pair.host().change([](host::Machine& machine) {
        machine.put_file("/data/standby.signal", "");
        machine.erase("/data/postmaster.pid");
    });
    pair.here_runs = pair.peer_runs = false;
    const Result<void> unknown = pair.stand_by(pair.host());
    REQUIRE_FALSE(unknown.has_value());
    CHECK(unknown.error().what.find("may have been promoted") != std::string::npos);
    CHECK(pair.here_runs);
    CHECK_FALSE(pair.here_serves);
    CHECK(pair.gave_up());
}

}  // namespace
}  // namespace belay::upgrade::driver::postgresql
