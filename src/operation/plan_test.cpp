#include "operation/plan.h"

#include "base/json.h"

#include <doctest/doctest.h>

namespace belay::operation {
namespace {

using namespace std::chrono_literals;

Step step(std::string name, Phase phase)
{
    Step step;
    step.name = std::move(name);
    step.phase = phase;
    step.action = "toy.put";
    return step;
}

/// A plan in which no field has its first value.
Plan full_plan()
{
    Plan plan;
    plan.procedure = "disk.replace";
    plan.title = "Replace a disk";
    plan.asked = {{"disk", "S1"}};
    plan.checks = {{"disk.unused", "nothing uses it", {"disk.unused", {{"serial", "S2"}}}, false}};
    plan.steps = {step("copy", Phase::add), step("switch", Phase::activate), step("wipe", Phase::commit)};
    plan.steps.insert(plan.steps.begin() + 2, step("agree", Phase::commit));
    plan.steps[2].failure_aborts = true;
    plan.steps[0].title = "copy the table";
    plan.steps[0].member = "S2";
    plan.steps[0].arguments = {{"from", "S1"}};
    plan.steps[0].commands = {"sfdisk /dev/sdb"};
    plan.steps[0].undo_commands = {"wipefs /dev/sdb"};
    plan.steps[0].identity = {{"disk.is", {{"serial", "S2"}}}};
    plan.steps[0].expects = {{"disk.has_table", {{"serial", "S2"}}}};
    plan.steps[0].takes = 3s;
    plan.steps[0].stalled_after = 4min;
    plan.steps[3].one_way = "its data is gone";
    plan.keeps = {"/var/lib/belay/restore-points/7"};
    plan.gates = {{"sync", "in sync", {"md.in_sync", {{"array", "A"}}}, 5s, 7s, Phase::add}};
    plan.locks = {"disk:S1", "disk:S2"};
    plan.fingerprints = {{"disk.table", {{"serial", "S1"}}}};
    plan.room = {{"/var", Bytes{4096}}};
    plan.left_by_abort = {"a log line"};
    plan.topology = {"A: S2"};
    plan.timer = 42min;
    return plan;
}

TEST_CASE("a plan comes back from its JSON as it went in, field by field")
{
    Plan plan = full_plan();
    plan.steps[1].restore =
        Restore{"copy", "disk.put-back", {{"from", "S1"}}, {{"disk.table", {{"serial", "S1"}}}}};
    const Json json = plan;
    const Plan back = from_json_text<Plan>(json_text(json)).value();
    CHECK(Json(back) == json);
    CHECK(back.steps.size() == 4);
    CHECK(back.steps[0].identity[0].arguments.at("serial") == "S2");
    CHECK(back.steps[0].stalled_after == 4min);
    CHECK(back.steps[2].failure_aborts);
    CHECK(back.steps[3].one_way == "its data is gone");
    CHECK(back.steps[3].phase == Phase::commit);
    CHECK(back.gates[0].from == Phase::add);
    CHECK_FALSE(back.checks[0].again);
    CHECK(back.gates[0].grace == 7s);
    CHECK(back.room[0].bytes == Bytes{4096});
    CHECK(back.timer == 42min);
    CHECK(validate(back));
}

TEST_CASE("a plan of an older Belay lacks fields that were added since, and gets what they mean when absent")
{
    const Plan plan = from_json_text<Plan>(
                          R"({"procedure": "p", "title": "t", "steps": [
                             {"name": "a", "title": "", "phase": "add", "action": "x", "arguments": {}}]})")
                          .value();
    CHECK(plan.timer == 2h);
    CHECK(plan.locks.empty());
    CHECK(plan.steps[0].one_way.empty());
}

TEST_CASE("what is not a plan is corrupt, whatever is wrong with it")
{
    for (const char* text : {"{}", "[]", "7", R"({"procedure": "p", "title": "t", "steps": 3})",
                             R"({"procedure": "p", "title": "t", "steps": [{"name": "a"}]})",
                             R"({"procedure": "p", "title": "t", "steps": [{"name": "a", "title": "",
                                 "phase": "later", "action": "x", "arguments": {}}]})"}) {
        CAPTURE(text);
        const auto plan = from_json_text<Plan>(text);
        REQUIRE_FALSE(plan);
        CHECK(plan.error().kind == ErrorKind::corrupt);
    }
}

TEST_CASE("a plan that the engine cannot carry is refused, and the step is named")
{
    const auto refused = [](const Plan& plan, std::string_view part) {
        const Result<void> valid = validate(plan);
        REQUIRE_FALSE(valid);
        CHECK(valid.error().kind == ErrorKind::usage);
        CHECK_MESSAGE(valid.error().what.find(part) != std::string::npos, valid.error().what);
    };
    Plan plan = full_plan();
    plan.steps.clear();
    refused(plan, "no step");

    plan = full_plan();
    plan.steps[1].name = "copy";
    refused(plan, "called copy");

    plan = full_plan();
    std::swap(plan.steps[0], plan.steps[1]);
    refused(plan, "the step copy stands after a later phase");

    plan = full_plan();
    plan.steps[1].action.clear();
    refused(plan, "the step switch has no action");

    plan = full_plan();
    plan.steps[0].one_way = "because";
    refused(plan, "the step copy of the add phase");

    plan = full_plan();
    std::swap(plan.steps[2], plan.steps[3]);
    refused(plan, "the step agree goes back when it fails");

    plan = full_plan();
    plan.steps[1].one_way = "because";
    refused(plan, "the step agree goes back when it fails");

    plan = full_plan();
    plan.steps[1].failure_aborts = true;
    refused(plan, "the step switch goes back when it fails");

    plan = full_plan();
    plan.gates[0].from = Phase::commit;
    refused(plan, "the gate sync is for the commit phase");

    plan = full_plan();
    plan.locks.push_back("disk:S1");
    refused(plan, "a lock twice");
}

}  // namespace
}  // namespace belay::operation
