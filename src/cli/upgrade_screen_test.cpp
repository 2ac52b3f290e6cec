// What a person sees of the upgrade of a pair on a terminal, held to the letter: `belay image summary` with a
// version in each of its states and the timer in each of its, and `belay show`. The screens are in
// src/cli/screens.

#include "cli/live_text.h"
#include "cli/screens.h"

namespace belay::cli::upgrade_screen_test {
namespace {

using namespace screens;
using namespace std::chrono_literals;
using operation::Phase;
using operation::StepState;

constexpr Milliseconds noon = samples::noon;

/// As a controller plans it for two hosts.
operation::Plan plan_of_pair()
{
    operation::Plan plan{.procedure = "pair.upgrade", .title = "Upgrade the pair servers to shop 2.0"};
    plan.asked = {{"pair", "servers"}, {"version", "2.0"}};
    const std::string all = "web2 (standby), web1 (active)";
    const auto step = [&](const char* name, const char* title, Phase phase, const std::string& member) {
        plan.steps.push_back(
            {.name = name, .title = title, .phase = phase, .member = member, .action = "members.said"});
    };
    step("add", "prepare on 2 hosts at once", Phase::add, all);
    step("wave-1", "wave 1 of 2: switch 1 host", Phase::activate, "web2 (standby)");
    step("wave-2", "wave 2 of 2: switch 1 host", Phase::activate, "web1 (active)");
    step("promise", "all promise to stay as they are until they are told", Phase::commit, all);
    step("commit", "all let the old go", Phase::commit, all);
    plan.locks = {"rollout:0b5c"};
    return plan;
}

/// The operation S3, as it stands when it has come so far.
operation::View upgrade_at(State state)
{
    operation::View view;
    operation::Operation& operation = view.operation;
    operation.id = "S3";
    operation.plan = plan_of_pair();
    operation.asked_by = {"anna", "the account anna, from 10.0.0.7"};
    operation.created = noon;
    operation.steps.resize(operation.plan.steps.size());
    operation.transitions = {{State::planned, noon, "anna", ""}};
    view.seen = host::Moment{noon + 60s, 1000s, "boot"};
    const auto move = [&](State to, Milliseconds after, const std::string& who) {
        operation.transitions.push_back({to, noon + after, who, ""});
        operation.state = to;
    };
    const auto done = [&](size_t step, Milliseconds from, Milliseconds to) {
        operation.steps[step].status = StepState::Status::done;
        operation.steps[step].started = noon + from;
        operation.steps[step].ended = noon + to;
    };
    move(State::adding, 1s, "anna");
    done(0, 1s, 3s);
    move(State::added, 3s, "");
    if (state == State::added) return view;
    move(State::activating, 10s, "anna");
    operation.timer = operation::start_timer(2h, host::Moment{noon + 10s, 950s, "boot"});
    done(1, 10s, 14s);
    if (state == State::activating) {
        operation.steps[2].status = StepState::Status::intended;
        operation.steps[2].started = noon + 14s;
        view.current = 2;
        view.progress = operation::Progress{.done = 0, .total = 1, .unit = "hosts"};
        return view;
    }
    done(2, 14s, 19s);
    move(State::activated, 19s, "");
    if (state == State::activated) return view;
    move(State::committing, 40s, "anna");
    done(3, 40s, 41s);
    done(4, 41s, 42s);
    move(State::committed, 42s, "");
    return view;
}

/// As ImageSummary has an operation.
Json in_summary(const operation::View& view)
{
    Json json = view;
    json.erase("plan");
    return json;
}

struct Runs {
    std::string version = "1.0", phase = "started";
};

Json pairs_answer(const Runs& first, const Runs& second, const Json& serves)
{
    const auto side = [](const char* name, const char* host, const Runs& runs) {
        return Json{{"name", name},
                    {"host", host},
                    {"phase", runs.phase},
                    {"image", {{"name", "shop"}, {"version", runs.version}}}};
    };
    const Json sides = {side("server-1", "web1", first), side("server-2", "web2", second)};
    return {
        {"pairs",
         Json::array(
             {{{"name", "servers"}, {"redundancy", "hot"}, {"serves", serves}, {"applications", sides}}})}};
}

/// Two hosts with the same versions, "1.0" and "2.0" in these states; none: it is not there.
Json summary(const std::string& first, const std::string& second, const Json& pairs,
             const std::vector<operation::View>& operations)
{
    Json versions = Json::array();
    for (const auto& [version, state] : {std::pair("1.0", first), std::pair("2.0", second)})
        if (!state.empty()) versions.push_back({{"image", "shop"}, {"version", version}, {"state", state}});
    const Json& pair = pairs.at("pairs").at(0);
    Json hosts = Json::array();
    for (const Json& side : pair.at("applications")) {
        Json one = side;
        one["pair"] = {{"name", "servers"}, {"serves", pair.at("serves") == side.at("name")}};
        hosts.push_back(
            {{"host", side.at("host")}, {"versions", versions}, {"applications", Json::array({one})}});
    }
    Json all = {{"hosts", hosts},
                {"published", Json::array({{{"image", "shop"}, {"version", "2.0"}}})},
                {"operations", Json::array()}};
    for (const operation::View& view : operations) all["operations"].push_back(in_summary(view));
    return all;
}

void summary_shows(const std::string& scene, const Json& summary, const Json& pairs)
{
    shows({"image", "summary"}, "image-summary-" + scene,
          {.environment = {{"TZ", "UTC"}}, .answers = {{"ImageSummary", summary}, {"Pairs", pairs}}}, true);
}

}  // namespace

TEST_CASE("an image summary, from before an upgrade until after its commit")
{
    const Json before = pairs_answer({}, {.phase = "standby"}, "server-1");
    summary_shows("before", summary("C", "", before, {}), before);
    summary_shows("added", summary("C", "I", before, {upgrade_at(State::added)}), before);
    const Json half = pairs_answer({.phase = "starting"}, {.version = "2.0"}, "server-2");
    summary_shows("activating", summary("D", "U", half, {upgrade_at(State::activating)}), half);
    const Json after = pairs_answer({.version = "2.0", .phase = "standby"}, {.version = "2.0"}, "server-2");
    summary_shows("activated", summary("D", "U", after, {upgrade_at(State::activated)}), after);
    operation::View stopped = upgrade_at(State::activated);
    stopped.operation.timer->stopped = true;
    summary_shows("timer-stopped", summary("D", "U", after, {stopped}), after);
    summary_shows("committed", summary("I", "C", after, {}), after);
}

TEST_CASE("an image summary says which host does not answer, and that nobody serves")
{
    const Json pairs = pairs_answer({.phase = "unknown"}, {.phase = "failed"}, nullptr);
    Json answer = summary("C", "", pairs, {});
    answer["hosts"][0] = {{"host", "web1"}, {"problem", "it has not answered for 15 s"}};
    summary_shows("host-away", answer, pairs);
}

TEST_CASE("an upgrade in full says what its members run and how its pair stands, each of them once")
{
    const Json after = pairs_answer({.version = "2.0", .phase = "standby"}, {.version = "2.0"}, "server-2");
    for (const State state : {State::activated, State::committed}) {
        const Json view = upgrade_at(state);
        shows({"show", "S3"}, fmt::format("show-upgrade-{}", name_of(state)),
              {.environment = {{"TZ", "UTC"}}, .answers = {{"Show", view}, {"Pairs", after}}}, true);
    }
}

TEST_CASE("an upgrade that goes on counts one of one in few words")
{
    operation::View view = upgrade_at(State::activating);
    view.waits_for = "web1: it finishes what it has";
    CHECK(fmt::format("{}\n", fmt::join(live_lines(samples::plain(79), view, 5s, 23), "\n")) ==
          R"(Operation S3: Upgrade the pair servers to shop 2.0  activating
  ✓ add       prepare on 2 hosts at once [web2 (standby), web1 (active)]  2 s
  ✓ activate  wave 1 of 2: switch 1 host [web2 (standby)]  4 s
  ▸ activate  wave 2 of 2: switch 1 host [web1 (active)]
      ░░░░░░░░░░░░░░░░░░░░░░░░  0 %, 0 of 1 host
      web1: it finishes what it has
  · commit    all promise to stay as they are until they are told [web2 (stand…
  · commit    all let the old go [web2 (standby), web1 (active)]
timer: 1 h 59 min left of 2 h, then it aborts by itself
)");
}

}  // namespace belay::cli::upgrade_screen_test
