// What a member answers about its parts, as the controller asks it.

#include "site/rollout/part_methods.h"

#include "operation/toy_world.h"
#include "site/rollout/part_view.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

constexpr const char* web_part = "branch-3/7/abc/4";

struct MemberDesk {
    operation::ToyWorld world;
    std::vector<operation::Id> woken;
    std::vector<Method> methods =
        part_methods(*world.engine, [this](const operation::Id& id) { woken.push_back(id); });

    Result<Json> ask(std::string_view name, Json parameters)
    {
        const auto method = std::ranges::find(methods, name, &Method::name);
        const auto reply = method->answer(
            {.parameters = std::move(parameters), .caller = {.user = "anna", .origin = "the controller"}});
        if (!reply) return std::unexpected(reply.error());
        return reply->parameters;
    }
    Result<Json> adopt()
    {
        return ask(
            "PartAdopt",
            {{"key", web_part}, {"site", "branch-3"}, {"operation", "7"}, {"plan", operation::small_plan()}});
    }
    /// The state that it answers with; or the kind of its error.
    std::string request(std::string_view verb, Json more = Json::object())
    {
        more["key"] = web_part;
        more["verb"] = verb;
        const Result<Json> answer = ask("PartRequest", std::move(more));
        if (!answer) return std::string(name_of(answer.error().kind));
        for (const operation::Id& id : woken) world.serve(id);
        woken.clear();
        return answer->at("state");
    }
    PartView shown()
    {
        return from_json_value<PartView>(ask("PartShow", {{"key", web_part}}).value()).value();
    }
};

TEST_CASE("a part goes from its plan to its end by its key alone, and each question may come twice")
{
    MemberDesk desk;
    CHECK_FALSE(desk.shown().state);
    CHECK(desk.adopt()->at("state") == "planned");
    CHECK(desk.adopt()->at("operation") == "1");
    CHECK(desk.request("add") == "adding");
    CHECK(desk.request("add") == "added");
    CHECK(desk.shown().left == 2h);
    CHECK(desk.request("activate") == "activating");
    CHECK(desk.request("activate") == "activated");
    CHECK(desk.request("commit") == "refused");  // it has not promised
    CHECK(desk.request("promise") == "activated");
    CHECK(desk.request("promise") == "activated");
    CHECK(desk.shown().promised);
    CHECK_FALSE(desk.shown().left);
    CHECK(desk.request("commit") == "committing");
    CHECK(desk.request("commit") == "committed");
    CHECK(desk.request("abort") == "committed");  // and says so
    CHECK(desk.world.etc("old") == "gone");
    const auto audit = desk.world.engine->audit().value();
    CHECK(audit.front().at("origin") == "the controller");
}

TEST_CASE("a part is aborted wherever it stands, and before it has come")
{
    for (const Strings& verbs :
         {Strings{}, Strings{"add"}, Strings{"add", "activate"}, Strings{"add", "activate", "promise"}}) {
        MemberDesk desk;
        REQUIRE(desk.adopt());
        for (const std::string& verb : verbs) desk.request(verb);
        desk.request("abort");
        CHECK(desk.request("abort") == "aborted");
        CHECK(desk.world.etc("current") == "old");
    }
    MemberDesk late;
    CHECK(late.request("abort") == "aborted");
    CHECK(late.request("abort") == "aborted");
    CHECK(late.adopt().error().kind == ErrorKind::refused);
    CHECK(late.shown().operation.empty());
}

TEST_CASE("a part whose deadline has passed unseen is aborted by that, and whoever asks for it is told so")
{
    MemberDesk desk;
    REQUIRE(desk.adopt());
    desk.request("add");
    desk.world.machine.advance(3h);
    CHECK(desk.request("abort") == "aborting");
    CHECK(desk.request("abort") == "aborted");
}

TEST_CASE("a deadline is put off, and a promise given back, as long as is said")
{
    MemberDesk desk;
    REQUIRE(desk.adopt());
    desk.request("add");
    desk.request("keep", {{"keep_ms", Milliseconds(5h).count()}});
    CHECK(desk.shown().left == 5h);
    desk.request("activate");
    CHECK(desk.shown().left == 5h);  // activate does not shorten it
    desk.request("promise");
    desk.request("keep", {{"keep_ms", Milliseconds(9h).count()}});
    CHECK_FALSE(desk.shown().left);
    desk.request("release", {{"keep_ms", Milliseconds(2min).count()}});
    CHECK(desk.shown().left == 2min);
    CHECK_FALSE(desk.shown().promised);
    for (const Json& span : {Json(), Json(-1), Json("x"), Json(1.5), Json(1ULL << 60)}) {
        CHECK(desk.request("keep", {{"keep_ms", span}}) == "usage");
        CHECK(desk.request("release", {{"keep_ms", span}}) == "usage");
    }
}

TEST_CASE("only parts of the site that have not ended are listed")
{
    MemberDesk desk;
    REQUIRE(desk.adopt());
    desk.world.keep(operation::small_plan());
    const auto parts_of = [&](const char* site) {
        return desk.ask("Parts", {{"site", site}}).value().at("parts");
    };
    CHECK(parts_of("branch-3").size() == 1);
    CHECK(parts_of("branch-3").at(0).at("key") == web_part);
    CHECK(parts_of("another").empty());
    desk.request("abort");
    CHECK(parts_of("branch-3").empty());
}

TEST_CASE("what makes no sense is refused with the parameter's name")
{
    MemberDesk desk;
    const auto said = [&](const char* method, Json parameters) {
        const auto answer = desk.ask(method, std::move(parameters));
        return answer ? "nothing" : answer.error().what;
    };
    CHECK(said("PartShow", Json::object()) == "the parameter key is not a text");
    CHECK(said("PartShow", {{"key", 7}}) == "the parameter key is not a text");
    CHECK(said("PartShow", {{"key", "k"}, {"kee", "k"}}) == "no parameter of this method is called kee");
    CHECK(said("Parts", Json::object()) == "the parameter site is not a text");
    CHECK(said("PartAdopt", {{"key", web_part}, {"site", "s"}, {"operation", "7"}})
              .starts_with("the parameter plan is no plan"));
    CHECK(said("PartRequest", {{"key", web_part}, {"verb", "add"}}).find("no part") != std::string::npos);
    REQUIRE(desk.adopt());
    CHECK(desk.request("clear") == "usage");
    CHECK(desk.request("explode") == "usage");
}

}  // namespace
}  // namespace belay::site
