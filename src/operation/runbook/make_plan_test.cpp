// What a runbook's plan shows and holds, and what is refused when it is made.

#include "operation/runbook/make_plan.h"

#include "base/json.h"
#include "operation/runbook/sample.h"

#include <doctest/doctest.h>

namespace belay::operation::runbook {
namespace {

using namespace std::chrono_literals;

struct Scene {
    host::SimulatedHost machine;
    Catalogue catalogue;
    Scene()
    {
        give_programs(machine);
        fill(catalogue);
    }
    Result<Plan> plan(const Values& given, std::string_view text = sample)
    {
        const Linted linted = read_runbook(text);
        REQUIRE(linted.runbook);
        return make_plan(machine, *linted.runbook, given);
    }
    Finding ask(const Question& question)
    {
        const Result<Finding> finding = catalogue.ask(machine, question);
        REQUIRE(finding);
        return *finding;
    }
};

const std::string title_lines = "name = \"x\"\nsummary = \"s\"\n";

TEST_CASE("the plan of a runbook shows every command and its way back")
{
    Scene scene;
    const Plan plan = *scene.plan({{"service", "nginx"}});
    CHECK(plan.procedure == "runbook.sample");
    CHECK(plan.title == "Change the sample");
    CHECK(plan.timer == 30min);
    REQUIRE(plan.steps.size() == 7);
    CHECK(plan.steps[0].commands == std::vector<std::string>{"put /srv/copy 'data of nginx'"});
    CHECK(plan.steps[0].undo_commands == std::vector<std::string>{"drop /srv/copy"});
    CHECK(plan.steps[1].commands ==
          std::vector<std::string>{"printf '%s\\n' 'size = 10' | tee /etc/settings", "take-up"});
    CHECK(plan.steps[1].undo_commands ==
          std::vector<std::string>{"# /etc/settings as it was before", "take-up"});
    CHECK(plan.steps[2].name == "limit.1");
    CHECK(plan.steps[3].member == "two");
    CHECK(plan.steps[3].undo_commands == std::vector<std::string>{"put /srv/limit-two '${remembered}'"});
    CHECK(plan.steps[4].takes == 10s);
    CHECK(plan.steps[5].name == "blind.wait");
    CHECK(plan.steps[5].commands ==
          std::vector<std::string>{"has /srv/ready  # every 5 s until it says so, for 30 s at most"});
    CHECK(plan.steps[6].one_way == "the old data is gone");
    CHECK(plan.locks == std::vector<std::string>{"file:/etc/settings", "service:nginx"});
    CHECK(plan.topology == std::vector<std::string>{"nginx runs with the new settings"});
    CHECK(plan.gates.at(0).every == 5s);
}

TEST_CASE("a plan outlives its file: it is data, and the catalogue knows all of it")
{
    Scene scene;
    const Plan plan = *scene.plan({{"service", "nginx"}});
    CHECK(scene.catalogue.covers(plan));
    const Json json = plan;
    CHECK(Json(*from_json_text<Plan>(json_text(json))) == json);
}

TEST_CASE("values that are missing, unknown or not as their pattern says are all named at once")
{
    Scene scene;
    const auto refused = scene.plan({{"size", "7"}, {"colour", "red"}});
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::usage);
    CHECK(refused.error().what ==
          "the runbook sample cannot be planned: it has no variable colour; it wants "
          "service (the service), as --set service=nginx");
    CHECK(scene.plan({{"service", "a b"}}).error().what.contains("not as its pattern [a-z]+ says"));
    CHECK(!scene.plan({{"service", std::string(5000, 'a')}}));
}

TEST_CASE("a value cannot make two arguments of one, nor a script of an argument")
{
    Scene scene;
    const Plan plan = *scene.plan(
        {{"a", "x; rm -r / ${remembered}"}},
        title_lines +
            "[variables.a]\nmeaning = \"m\"\n[[step]]\nname = \"s\"\ntitle = \"S\"\nphase = \"activate\"\n"
            "check = [\"has\", \"/x\"]\nrun = [\"put\", \"/x\", \"${a}\"]\nundo = [\"drop\", \"/x\"]\n");
    CHECK(plan.steps[0].arguments.at("run") == Json{"put", "/x", "x; rm -r / ${remembered}"});
    CHECK(plan.steps[0].commands[0] == "put /x 'x; rm -r / ${remembered}'");
}

TEST_CASE("what is written from a file is taken into the plan when it is made")
{
    Scene scene;
    scene.machine.change([](host::Machine& m) { m.put_file("/root/new", std::string("a\xff\0b", 4)); });
    const std::string text = title_lines +
                             "[[step]]\nname = \"s\"\ntitle = \"S\"\nphase = \"activate\"\n"
                             "write = { path = \"/etc/x\", from = \"/root/new\", mode = \"0600\" }\n";
    const Plan plan = *scene.plan({}, text);
    CHECK(plan.steps[0].commands ==
          std::vector<std::string>{"cp /root/new /etc/x  # as it was when planned", "chmod 0600 /etc/x"});
    scene.machine.change([](host::Machine& m) { m.erase("/root/new"); });
    CHECK(!scene.plan({}, text));
    CHECK(from_json_text<Plan>(json_text(Json(plan))));
}

TEST_CASE("a program that is not there is said before anything begins")
{
    Scene scene;
    const Plan plan = *scene.plan({{"service", "nginx"}});
    CHECK(scene.ask(plan.checks[0].question).verdict == Verdict::pass);
    scene.machine.change([](host::Machine& m) { m.erase("/usr/bin/less"); });
    const Finding missing = scene.ask(plan.checks[0].question);
    CHECK(missing.verdict == Verdict::fail);
    CHECK(missing.found == "there is no less");
}

TEST_CASE("a question is answered by the exit code, the text and a pattern")
{
    Scene scene;
    const auto ask = [&](const Json& more) {
        Json arguments = {{"run", {"get", "/etc/settings"}}};
        arguments.update(more);
        return scene.ask({"runbook.holds", arguments}).verdict == Verdict::pass;
    };
    CHECK(ask(Json::object()));
    CHECK(!ask({{"expect_exit", 1}}));
    CHECK(ask({{"expect_text", "  size =\t1"}}));
    CHECK(!ask({{"expect_text", "size = 10"}}));
    CHECK(ask({{"expect_output", "^size"}}));
    CHECK(!ask({{"expect_output", "^ize"}}));
    CHECK(!ask({{"run", {"has", "/none"}}}));
    CHECK(ask({{"run", {"has", "/none"}}, {"expect_exit", 1}}));
}

TEST_CASE("a journal that was damaged gives errors, and nothing is run")
{
    Scene scene;
    for (const char* name : {"runbook.run", "runbook.run-once", "runbook.write", "runbook.wait"}) {
        const Action* action = *scene.catalogue.action(name);
        for (const Json& bad : {Json::object(), Json{{"run", 7}, {"path", 7}, {"check", 7}}}) {
            CHECK(!action->revert(scene.machine, bad, Json{{"was", 7}}).has_value() ==
                  (name != std::string("runbook.wait")));
        }
    }
    CHECK(!scene.catalogue.fingerprint(scene.machine, {"runbook.state", {{"files", 7}}}));
}

}  // namespace
}  // namespace belay::operation::runbook
