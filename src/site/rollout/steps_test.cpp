// What a site operation asks its members, and what a person sees of it, with members that say what the test
// wants.

#include "operation/toy_world.h"
#include "site/rollout/ledger.h"
#include "site/rollout/part_view.h"
#include "site/rollout/rollouts.h"
#include "site/rollout/settle.h"
#include "site/rollout/site_plan.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using operation::Id;
using operation::State;
using operation::Verb;
using Strings = std::vector<std::string>;

/// Says of each member what the test has put there, and does what a verb says at once.
class Scripted final : public Members {
  public:
    std::vector<Result<Json>> ask(const std::vector<MemberQuestion>& questions, const std::string& asker,
                                  Milliseconds) override
    {
        asked_together = std::max(asked_together, questions.size());
        std::vector<Result<Json>> answers;
        for (const MemberQuestion& question : questions) {
            askers.insert(asker);
            answers.push_back(answer(question));
        }
        return answers;
    }

    Milliseconds comes_within(const std::string&) const override { return 20s; }

    std::map<std::string, PartView> parts;
    std::set<std::string> away;                  ///< these do not answer
    std::map<std::string, std::string> refuses;  ///< what a member says to all that it is asked to do
    std::map<std::string, State> slow;           ///< where a member stays that is asked so: "2 add"
    std::vector<std::string> verbs;              ///< what was asked, as "2 add"
    std::map<std::string, int64_t> kept;
    std::set<std::string> askers;
    size_t asked_together = 0;

  private:
    Result<Json> answer(const MemberQuestion& question)
    {
        const std::string& id = question.member;
        PartView& part = parts[id];
        if (away.contains(id)) return fail(ErrorKind::unavailable, "it is not attached");
        if (question.method == "Parts") {
            Json list = Json::array();
            if (part.state && !operation::is_ended(*part.state)) list.push_back(part);
            return Json{{"parts", std::move(list)}};
        }
        part.key = question.parameters.at("key");
        if (question.method == "PartShow") return Json(part);
        if (refuses.contains(id)) return fail(ErrorKind::refused, refuses.at(id));
        const std::string verb =
            question.method == "PartAdopt" ? "adopt" : question.parameters.at("verb").get<std::string>();
        verbs.push_back(id + " " + verb);
        if (verb == "adopt") {
            part.operation = "1" + id;
            part.left = 1h;
        }
        if (verb == "keep") kept[id] = question.parameters.at("keep_ms");
        if (verb == "promise") part.promised = true;
        const std::map<std::string, State> becomes = {{"adopt", State::planned},
                                                      {"add", State::added},
                                                      {"activate", State::activated},
                                                      {"commit", State::committed},
                                                      {"abort", State::aborted}};
        if (const auto to = becomes.find(verb); to != becomes.end()) part.state = to->second;
        if (const auto to = slow.find(id + " " + verb); to != slow.end()) part.state = to->second;
        return Json(part);
    }
};

struct ControllerDesk {
    Scripted members;
    host::SimulatedHost machine;
    store::MemoryStore store{{.boot = "1", .now = [] { return 0ms; }}};
    Rollouts rollouts{members, store};
    operation::Catalogue catalogue;
    std::unique_ptr<operation::Engine> engine;
    std::string rollout;

    ControllerDesk()
    {
        add_rollout_actions(catalogue, rollouts);
        engine = std::move(operation::Engine::open(store, machine, catalogue, {}).value());
    }

    Result<operation::Plan> plan_for(size_t hosts, uint64_t limit = 0)
    {
        SitePlanAsk ask{.site = "branch-3", .procedure = "toy.change", .title = "Change", .limit = limit};
        ask.timer = 1h;
        for (size_t i = 1; i <= hosts; ++i)
            ask.members.push_back(
                {.member = {fmt::format("{}", i), fmt::format("web{}", i)}, .plan = operation::small_plan()});
        return make_site_plan(machine, std::move(ask));
    }
    Id keep(size_t hosts, uint64_t limit = 0)
    {
        const operation::Plan plan = plan_for(hosts, limit).value();
        rollout = plan.locks.front().substr(8);
        return engine->keep(plan, operation::anna).value().id;
    }
    operation::Next serve(const Id& id)
    {
        while (true) {
            const operation::Next next = engine->step(id).value();
            if (next.when != operation::Next::When::now) return next;
        }
    }
    void ask(const Id& id, Verb verb)
    {
        INVARIANT(engine->request(id, verb, operation::anna));
        serve(id);
    }
    void pass(const Id& id, Milliseconds span)
    {
        const auto now = [&] { return machine.now()->boot; };
        for (const Milliseconds end = now() + span; now() < end;) {
            const operation::Next next = serve(id);
            const Milliseconds due = next.when == operation::Next::When::at ? next.boot : end;
            machine.advance(std::min(std::max(due, now() + 1ms), end) - now());
        }
        serve(id);
    }
    operation::View view(const Id& id) { return engine->show(id).value(); }
    State state(const Id& id) { return view(id).operation.state; }
};

TEST_CASE("all are asked together, for the person who asked, and how far they are is told by host")
{
    ControllerDesk desk;
    const Id id = desk.keep(3);
    desk.members.slow = {{"2 add", State::adding}, {"3 add", State::adding}};
    desk.ask(id, Verb::add);
    CHECK(desk.members.asked_together == 3);
    CHECK(desk.members.askers.contains("anna"));
    CHECK(desk.state(id) == State::adding);
    const operation::View view = desk.view(id);
    REQUIRE(view.progress);
    CHECK(view.progress->done == 1);
    CHECK(view.progress->total == 3);
    CHECK(view.progress->unit == "hosts");
    CHECK(view.waits_for == "web2 is adding (operation 12 there); web3 is adding (operation 13 there)");
    CHECK(Json(view).at("waits_for") == view.waits_for);
    desk.members.parts["2"].state = State::added;
    desk.members.parts["3"].state = State::added;
    desk.pass(id, 3s);
    CHECK(desk.state(id) == State::added);
    CHECK(desk.view(id).operation.steps[0].detail == "3 hosts");
}

TEST_CASE("hundreds of hosts go together")
{
    ControllerDesk desk;
    const Id id = desk.keep(300);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 125s);
    REQUIRE(desk.state(id) == State::activated);
    desk.ask(id, Verb::commit);
    CHECK(desk.state(id) == State::committed);
    CHECK(desk.members.asked_together == 300);
    CHECK(desk.view(id).operation.steps.back().detail == "300 hosts");
}

TEST_CASE("a wait between two waves is shown in seconds")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 30s);
    REQUIRE(desk.view(id).progress);
    CHECK(desk.view(id).progress->unit == "seconds");
    CHECK(desk.view(id).progress->total == 60);
    CHECK(desk.view(id).progress->done >= 25);
    CHECK(desk.members.parts["2"].state == State::added);
    desk.pass(id, 31s);
    CHECK(desk.members.parts["2"].state == State::activated);
    CHECK(desk.state(id) == State::activated);
}

TEST_CASE("a check that a host does not answer refuses the plan, or warns within the limit")
{
    ControllerDesk desk;
    desk.members.away = {"2"};
    const auto refused = desk.engine->keep(desk.plan_for(3).value(), operation::anna);
    CHECK(refused.error().what == "toy.change cannot begin: members.answer: web2: it is not attached");
    CHECK(desk.engine->keep(desk.plan_for(3, 1).value(), operation::anna));
}

TEST_CASE("nobody prepares before all have taken in their plan; one refuses, and all are let go")
{
    ControllerDesk desk;
    const Id id = desk.keep(3);
    desk.members.refuses = {{"2", "toy.change cannot begin: room: 3 MiB free"}};
    desk.ask(id, Verb::add);
    CHECK(desk.view(id).operation.reason ==
          "the step add failed: web2: toy.change cannot begin: room: 3 MiB free");
    CHECK(std::ranges::find(desk.members.verbs, "1 add") == desk.members.verbs.end());
    CHECK(desk.members.parts["1"].state == State::aborted);
    desk.members.refuses.clear();
    desk.pass(id, 20s);
    CHECK(desk.state(id) == State::aborted);
}

TEST_CASE("a host that does not answer is waited for, and then fails the step with its name")
{
    ControllerDesk desk;
    const Id id = desk.keep(3);
    desk.members.slow = {{"2 add", State::adding}};
    desk.ask(id, Verb::add);
    desk.members.away = {"2"};
    desk.pass(id, 4min);
    CHECK(desk.state(id) == State::adding);
    CHECK(desk.view(id).waits_for == "web2 does not answer: it is not attached");
    desk.pass(id, 70s);
    CHECK(desk.state(id) == State::aborting);
    CHECK(desk.view(id).operation.reason == "the step add failed: web2 does not answer: it is not attached");
    desk.pass(id, 50min);
    CHECK(desk.state(id) == State::aborting);
    desk.pass(id, 15min);
    CHECK(desk.state(id) == State::held);
    CHECK(desk.view(id).operation.reason ==
          "the step add could not be undone: web2 does not answer: it is not attached, and by its deadline "
          "it has "
          "gone back by itself, unless it had promised to stay");
    desk.members.away.clear();
    desk.members.slow.clear();
    desk.ask(id, Verb::abort);
    desk.pass(id, 20s);
    CHECK(desk.state(id) == State::aborted);
}

TEST_CASE("the hosts' deadlines follow the operation's timer, and without one they are kept going by halves")
{
    ControllerDesk desk;
    const Id id = desk.keep(1);
    desk.ask(id, Verb::add);
    desk.members.parts["1"].left = 31min;
    desk.pass(id, 20s);
    CHECK(desk.members.kept.empty());
    desk.members.parts["1"].left = 30min;
    desk.pass(id, 20s);
    CHECK(desk.members.kept["1"] == Milliseconds(61min).count());
    desk.members.parts["1"].left = 61min;
    desk.ask(id, Verb::activate);
    desk.members.kept.clear();
    REQUIRE(desk.engine->change_timer(id, {operation::TimerChange::What::extend, 2h}, operation::anna));
    desk.pass(id, 20s);
    CHECK(desk.members.kept["1"] > Milliseconds(3h).count());
    CHECK(desk.members.kept["1"] <= Milliseconds(181min).count());
}

TEST_CASE("a host that went back by itself takes all back from the soak")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 70s);
    REQUIRE(desk.state(id) == State::activated);
    desk.members.parts["2"].state = State::aborted;
    desk.members.parts["2"].reason = "the gate healthy was broken for 30 s: bad";
    // With the next look: it will not come again, as one that is silent may.
    desk.pass(id, 11s);
    CHECK(desk.state(id) == State::aborted);
    CHECK(desk.view(id).operation.reason.find("web2 is aborted (operation 12 there): the gate healthy") !=
          std::string::npos);
    CHECK(desk.members.parts["1"].state == State::aborted);
}

TEST_CASE("a promise that is not given takes all back, the last wave first")
{
    ControllerDesk desk;
    const Id id = desk.keep(3);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 3min);
    REQUIRE(desk.state(id) == State::activated);
    desk.members.refuses = {{"2", "the gate healthy is broken: bad"}};
    desk.members.verbs.clear();
    desk.ask(id, Verb::commit);
    desk.pass(id, 3s);
    desk.members.refuses.clear();
    desk.pass(id, 1min);
    CHECK(desk.state(id) == State::aborted);
    CHECK(desk.view(id).operation.reason == "the step promise failed: web2: the gate healthy is broken: bad");
    const Strings last(desk.members.verbs.end() - 3, desk.members.verbs.end());
    CHECK(last.back() == "1 abort");
    CHECK(std::ranges::find(desk.members.verbs, "1 release") != desk.members.verbs.end());
}

TEST_CASE("a host that has gone back, and is away before the others have, holds up nothing")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    desk.members.parts["1"].differences = {"a log line"};
    desk.members.slow = {{"2 abort", State::aborting}};
    desk.ask(id, Verb::abort);
    CHECK(desk.state(id) == State::aborting);
    desk.members.away = {"1"};
    desk.members.parts["2"].state = State::aborted;
    desk.pass(id, 10s);
    const operation::View view = desk.view(id);
    CHECK(view.operation.state == State::aborted);
    CHECK(view.operation.differences.size() == 1);
}

TEST_CASE("a host that cannot let the old go holds the operation by its name, and commit goes on")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 70s);
    desk.members.slow = {{"2 commit", State::held}};
    desk.members.parts["2"].held_in = State::committing;
    desk.members.parts["2"].reason = "the step old failed";
    desk.ask(id, Verb::commit);
    desk.pass(id, 30s);
    CHECK(desk.state(id) == State::held);
    CHECK(desk.view(id).operation.reason.find("web2 is held while committing (operation 12 there)") !=
          std::string::npos);
    CHECK(desk.members.parts["1"].state == State::committed);
    CHECK(desk.engine->request(id, Verb::abort, operation::anna).error().kind == ErrorKind::refused);
    desk.members.slow.clear();
    desk.ask(id, Verb::commit);
    desk.pass(id, 10s);
    CHECK(desk.state(id) == State::committed);
}

TEST_CASE("after the promise and before the decision a host that was taken back by hand holds the operation")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 70s);
    // Between the two steps of commit: the controller dies as it has written the first one's intent.
    desk.store.set_fault_hook([&](const store::Transaction& transaction) {
        for (const store::Write& write : transaction.then) {
            if (write.value && write.value->find("\"step\":\"commit\"") != std::string::npos)
                return store::MemoryStore::Fault::lost_before;
        }
        return store::MemoryStore::Fault::none;
    });
    REQUIRE(desk.engine->request(id, Verb::commit, operation::anna));
    while (desk.engine->step(id)) {
    }
    desk.members.parts["2"].state = State::aborted;
    desk.store.revive();
    desk.store.set_fault_hook({});
    desk.engine = std::move(operation::Engine::open(desk.store, desk.machine, desk.catalogue, {}).value());
    desk.serve(id);
    desk.pass(id, 10s);
    // The first step sees it: nothing is decided, and all go back.
    CHECK(desk.state(id) == State::aborted);
    CHECK(desk.members.parts["1"].state == State::aborted);
}

TEST_CASE("a host that was committed by hand has no way back, and its operation says so")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 70s);
    desk.members.parts["1"].state = State::committed;
    desk.pass(id, 5min);
    CHECK(desk.state(id) == State::activated);  // so far all go the same way
    desk.ask(id, Verb::abort);
    desk.pass(id, 10s);
    CHECK(desk.state(id) == State::held);
    CHECK(desk.view(id).operation.reason ==
          "the step add could not be undone: web1 is committed (operation 11 there), and there is no way "
          "back from "
          "there");
    CHECK(desk.members.parts["2"].state == State::aborted);
}

TEST_CASE("a host that has lost its part is not taken for one that has gone back")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    desk.ask(id, Verb::activate);
    desk.pass(id, 70s);
    desk.members.parts["2"] = {};
    desk.pass(id, 2min);
    CHECK(desk.state(id) == State::held);
    CHECK(desk.view(id).operation.reason ==
          "the step add could not be undone: web2 knows nothing of its part any more, and cannot go back by "
          "it");
    CHECK(desk.members.parts["1"].state == State::aborted);
    CHECK(desk.view(id).operation.ways_on().back().verb == Verb::clear);
}

TEST_CASE("a host that comes back is told what was decided without it")
{
    ControllerDesk desk;
    const Id id = desk.keep(4, 1);
    desk.ask(id, Verb::add);
    CHECK(settle_parts(desk.rollouts, "branch-3", "4")->empty());  // nothing is decided yet
    desk.ask(id, Verb::activate);
    desk.members.away = {"4"};
    desk.pass(id, 10min);
    REQUIRE(desk.state(id) == State::activated);
    CHECK(Ledger(desk.store, desk.rollout).left_out().value().at("4") ==
          "web4 does not answer: it is not attached");
    desk.ask(id, Verb::commit);
    REQUIRE(desk.state(id) == State::committed);
    const std::string key = desk.members.parts["4"].key;
    CHECK(verdict_on(desk.store, key).value() == Verb::abort);
    CHECK(verdict_on(desk.store, desk.members.parts["1"].key).value() == Verb::commit);
    desk.members.away.clear();
    CHECK(*settle_parts(desk.rollouts, "branch-3", "4") ==
          Strings{"operation 14 of the host 4 was told to abort"});
    CHECK(desk.members.parts["4"].state == State::aborted);
    // Of what this site does not know it says nothing.
    for (const std::string& other :
         {std::string("x"), std::string("branch-3/1/abc/4"), "branch-3/2/" + desk.rollout + "/4"})
        CHECK_FALSE(verdict_on(desk.store, other).value());
}

TEST_CASE("a controller that does not know that another leads can write nothing that counts")
{
    ControllerDesk desk;
    const Id id = desk.keep(2);
    desk.ask(id, Verb::add);
    const operation::Standing old = operation::standing_of(desk.store, id).value();
    desk.ask(id, Verb::activate);
    Ledger ledger(desk.store, desk.rollout);
    CHECK(ledger.leave_out(old, {{"2", "why"}}, 0ms).error().kind == ErrorKind::busy);
    CHECK(ledger.start_timer(old, "x", 1min, *desk.machine.now()).error().kind == ErrorKind::busy);
    CHECK(ledger.left_out()->empty());
    const operation::Standing now = operation::standing_of(desk.store, id).value();
    CHECK(ledger.leave_out(now, {{"2", "why"}}, 0ms));
    CHECK(ledger.left_out()->at("2") == "why");
}

}  // namespace
}  // namespace belay::site
