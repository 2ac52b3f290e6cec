#include "host/one_look.h"

#include "host/faulty.h"
#include "host/simulated.h"

#include <doctest/doctest.h>

namespace belay::host {
namespace {

TEST_CASE("what was read once is not read again, until something is changed")
{
    SimulatedHost machine;
    REQUIRE(machine.replace("/f", "old").has_value());
    FaultyHost counted(machine);
    OneLook look(counted);
    CHECK(look.read("/f", {100}).value() == "old");
    REQUIRE(machine.replace("/f", "new").has_value());  // by somebody else
    CHECK(look.read("/f", {100}).value() == "old");
    CHECK(counted.contacts() == 1);
    REQUIRE(look.write("/f", "ours").has_value());
    CHECK(look.read("/f", {100}).value() == "ours");
    CHECK(counted.contacts() == 3);
}

TEST_CASE("an error is an answer like any other")
{
    SimulatedHost machine;
    FaultyHost counted(machine);
    OneLook look(counted);
    for (int times = 0; times < 3; ++times)
        CHECK(look.read("/none", {100}).error().kind == ErrorKind::not_found);
    CHECK(counted.contacts() == 1);
}

TEST_CASE("different questions are told apart, and the clock is always asked")
{
    SimulatedHost machine;
    REQUIRE(machine.replace("/f", "0123456789").has_value());
    FaultyHost counted(machine);
    OneLook look(counted);
    CHECK(look.read_at("/f", {0}, {2}).value() == "01");
    CHECK(look.read_at("/f", {2}, {2}).value() == "23");
    CHECK(look.resolve("/f").has_value());
    CHECK(look.list("/").has_value());
    CHECK(look.space("/").has_value());
    CHECK(counted.contacts() == 5);
    CHECK(look.now().has_value());
    CHECK(look.now().has_value());
    CHECK(counted.contacts() == 7);
}

}  // namespace
}  // namespace belay::host
