// A runbook with every single accident: each contact with the machine refused, its answer lost, the process
// dead at it; and all of it again for runs that go back.

#include "operation/runbook/trial.h"

#include <doctest/doctest.h>

namespace belay::operation::runbook {
namespace {

using host::Fault;

constexpr Wish wishes[] = {Wish::commit, Wish::abort_when_added, Wish::abort_when_activated};

void check(Trial& trial, Wish wish, State ended, const std::string& what)
{
    INFO(what);
    INFO(trial.log());
    INFO(trial.held);
    const host::Machine after = trial.machine.machine();
    // Nothing that must not run twice did so, whatever happened.
    CHECK(trial.runs["more"] <= 1);
    CHECK(trial.times_held <= 2);
    CHECK(trial.refusals <= 1);
    if (ended == State::committed) {
        CHECK(wish == Wish::commit);
        CHECK(after.text("/etc/settings") == "size = 10\n");
        CHECK(after.text("/srv/taken-up") == "size = 10\n");
        CHECK(after.text("/srv/limit-two") == "10");
        CHECK(after.text("/srv/count") == "6");
        CHECK(!after.text("/srv/old"));
        return;
    }
    REQUIRE(ended == State::aborted);
    CHECK(trial.operation.verified);
    CHECK(trial.operation.differences == std::vector<std::string>{});
    for (const auto& [path, node] : trial.before.nodes) {
        const host::Node* now = after.find(path);
        CHECK_MESSAGE((now != nullptr && *now == node), path);
    }
    CHECK(after.nodes.size() == trial.before.nodes.size());
}

size_t fault_at_every_contact(Fault::Kind kind)
{
    size_t runs = 0;
    for (const Wish wish : wishes) {
        Trial whole(wish, std::nullopt);
        whole.run();
        for (size_t at = 1; at <= whole.contacts(); ++at, ++runs) {
            Trial trial(wish, Fault{kind, at});
            const State ended = trial.run();
            check(trial, wish, ended,
                  fmt::format("wish {}, fault {} at contact {}", static_cast<int>(wish),
                              static_cast<int>(kind), at));
        }
    }
    return runs;
}

TEST_CASE("without an accident the runbook goes through, and back from wherever it is aborted")
{
    for (const Wish wish : wishes) {
        Trial trial(wish, std::nullopt);
        const State ended = trial.run();
        check(trial, wish, ended, "no fault");
        CHECK((ended == State::committed) == (wish == Wish::commit));
        CHECK(trial.times_held == 0);
    }
}

TEST_CASE("any contact of a runbook may be refused")
{
    CHECK(fault_at_every_contact(Fault::Kind::refuse) > 150);
}

TEST_CASE("the answer of any contact of a runbook may be lost")
{
    CHECK(fault_at_every_contact(Fault::Kind::lost) > 150);
}

TEST_CASE("the process may die at any contact of a runbook")
{
    CHECK(fault_at_every_contact(Fault::Kind::dead) > 150);
}

}  // namespace
}  // namespace belay::operation::runbook
