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
        // What a command did, or undid, is on the disk before the journal says so.
        CHECK(trial.log().contains(" changes: run sync"));
        CHECK(trial.times_held == 0);
    }
}

/// The contact at which the counter is raised.
size_t contact_of_more()
{
    Trial whole(Wish::commit, std::nullopt);
    whole.run();
    const std::string log = whole.log();
    const size_t at = log.find(" changes: run more");
    const size_t line = log.rfind('\n', at) + 1;
    return std::stoul(log.substr(line, at - line));
}

TEST_CASE(
    "where nobody knows whether a step ran, it is neither repeated nor undone before a person has looked")
{
    for (const auto kind : {Fault::Kind::lost, Fault::Kind::dead}) {
        Trial trial(Wish::commit, Fault{kind, contact_of_more()});
        CHECK(trial.run() == State::aborted);
        CHECK(trial.times_held == 1);
        CHECK(trial.held.contains("nobody knows whether the step blind ran"));
        CHECK(trial.runs["more"] == (kind == Fault::Kind::lost ? 1 : 0));
        CHECK(trial.runs["less"] == 1);
    }
}

TEST_CASE("a step that was not even started is not undone, and all the rest is")
{
    Trial trial(Wish::commit, Fault{Fault::Kind::refuse, contact_of_more()});
    CHECK(trial.run() == State::aborted);
    CHECK(trial.times_held == 0);
    CHECK(trial.runs["less"] == 0);
    CHECK(trial.operation.differences.empty());
}

TEST_CASE("a step that waits gives up after its time, and what was done is taken back")
{
    Trial trial(Wish::commit, std::nullopt);
    trial.machine.change([](host::Machine& m) { m.erase("/srv/ready"); });
    CHECK(trial.run() == State::aborted);
    CHECK(trial.operation.reason.contains("blind.wait has made no progress for 30 s"));
    CHECK(trial.machine.machine().boot >= std::chrono::seconds(30));
    CHECK(trial.machine.machine().boot < std::chrono::seconds(40));
    CHECK(trial.operation.differences.empty());
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
