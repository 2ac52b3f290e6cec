// Messages over the hosts of a site, and what a controller says of them.

#include "daemon/network/testing/saying.h"

namespace belay::daemon {
namespace {

using namespace testing;

TEST_CASE("a controller finds the messages of all hosts by their time, without debug, and says who is away")
{
    Saying controller, agent;
    controller.make_controller();
    controller.begin();
    join(controller, agent, {{"name", "web1"}});
    agent.begin();
    controller.found({{"id", "05-00010"}, {"text", "web1"}}, 1);
    agent.ask("Messages");
    for (const char* level : {"debug", "trace"}) {
        const Json said = {{"level", level}, {"text", fmt::format("{} of the agent", level)}};
        need(agent.messages()->call("Put", {{"messages", {said}}}));
    }
    const auto of_all = controller.found({{"text", "of the agent"}}, 1);
    CHECK(of_all.size() == 1);
    CHECK(of_all[0].at("level") == "trace");
    CHECK(of_all[0].at("host") == "web1");
    CHECK(controller.found({{"text", "of the agent"}, {"host", "web1"}}, 1).size() == 1);
    CHECK(agent.found({{"text", "of the agent"}}, 2).size() == 2);

    Json answer = controller.ask("Messages", {{"limit", 10}});
    CHECK(answer.at("after_of").contains("web1"));
    CHECK(answer.at("problems").empty());
    need(agent.messages()->call("Put", {{"messages", {{{"text", "the newest"}}}}}));
    const Json next = controller.ask("Messages", {{"after_of", answer.at("after_of")}, {"host", "web1"}});
    REQUIRE(next.at("messages").size() == 1);
    CHECK(next.at("messages")[0].at("text") == "the newest");

    agent.stop();
    controller.found({{"id", "05-00020"}}, 1);
    answer = controller.ask("Messages");
    REQUIRE(answer.at("problems").size() == 1);
    CHECK(answer.at("problems")[0].at("host") == "web1");
}

TEST_CASE("an operation of the site is one piece of work in the messages of all its hosts")
{
    Saying controller, agent;
    controller.make_controller();
    controller.begin();
    join(controller, agent, {{"name", "web1"}});
    agent.begin();
    REQUIRE(agent.await_status(is_attached));
    REQUIRE(mkdir((agent.state() + "/files").c_str(), 0700) == 0);
    const Ran added =
        controller.belay({"add", "test.files", "--folder", "/proc/self/cwd/files", "--on", "web1"});
    REQUIRE_MESSAGE(added.code == 0, added.said);
    const std::string site = controller.status().at("place").at("site");
    const Json of_it = {{"interaction", "operation 1 of " + site}, {"text", "is added"}};
    CHECK(controller.found(of_it, 2).size() == 2);
}

}  // namespace
}  // namespace belay::daemon
