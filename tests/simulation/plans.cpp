#include "plans.h"

#include "world.h"

#include <algorithm>

namespace belay::simulation {
namespace {

using namespace std::chrono_literals;
using operation::Phase;
using operation::Plan;
using operation::Question;
using operation::Step;

constexpr std::string_view never_there = "/env/never";

Question file_is(std::string path, std::string text = "")
{
    return {"file_is", {{"path", std::move(path)}, {"text", std::move(text)}}};
}

/// What a step of a phase may do.
std::vector<std::string> actions_of(Phase phase)
{
    switch (phase) {
        case Phase::add:
            return {"stage"};
        case Phase::activate:
            return {"set", "set", "join", "join", "job", "job", "charge", "note_down", "wipe", "wipe"};
        case Phase::commit:
            return {"set", "join", "job", "charge", "wipe", "wipe", "wipe"};
    }
    return {};
}

Step make_step(Dice& dice, int plan, size_t index, Phase phase, const std::string& resource, Trouble trouble)
{
    Step step;
    step.name = fmt::format("step-{}", index);
    step.title = "a step";
    step.phase = phase;
    step.action = dice.one_of(actions_of(phase));
    const std::string token = token_of(plan, index);
    std::string name = token;
    const bool often_there = dice.chance(0.2);
    if (step.action == "stage" && often_there) name = "p0";
    if (step.action == "join" && often_there) name = "m0";
    if (step.action == "set") name = fmt::format("s{}", dice.below(3));
    if (step.action == "wipe") {
        name = fmt::format("o{}", dice.below(3));
        step.one_way = "the old is destroyed";
    }
    step.arguments = {{"token", token}, {"resource", resource}, {"name", name}};
    if (step.action == "set")
        step.arguments["value"] = often_there ? "first" : fmt::format("by plan {} step {}", plan, index);
    if (step.action == "job") {
        step.arguments["job"] = dice.chance(0.5) ? "volatile" : "";
        const bool stalls = trouble == Trouble::some && dice.chance(0.1);
        step.arguments["takes_ms"] = stalls ? -1 : dice.between(1s, 40s).count();
        step.arguments["undo_ms"] = dice.chance(0.3) ? dice.between(1s, 30s).count() : 0;
        step.stalled_after = 60s;
    }
    if (dice.chance(0.3)) step.identity.push_back(file_is(resource_path(resource) + "/member/m0", "ready"));
    if (dice.chance(0.2)) step.expects.push_back(file_is(resource_path(resource) + "/member/m0"));
    if (trouble == Trouble::none) return step;
    if (dice.chance(0.08)) step.arguments["fails"] = dice.chance(0.5) ? "always" : "first";
    if (dice.chance(0.01)) step.expects.push_back(file_is(std::string(never_there)));
    if (dice.chance(0.01)) step.identity.push_back(file_is(std::string(never_there)));
    return step;
}

/// The last step destroys something, and goes back by a restore of what a step before it saves.
void save_before(Plan& plan, int number, size_t index, bool fails)
{
    Step& wipe = plan.steps.back();
    wipe.one_way.clear();
    Step save;
    save.name = fmt::format("save-{}", index);
    save.title = "a step that saves";
    save.phase = wipe.phase;
    save.action = "save";
    save.arguments = wipe.arguments;
    save.arguments.erase("fails");
    if (fails) save.arguments["fails"] = "first";
    save.arguments["token"] = fmt::format("{}-save-{}", number, index);
    save.arguments["saved"] = wipe.arguments.at("token");
    Json back = wipe.arguments;
    back.erase("fails");
    back["saved"] = wipe.arguments.at("token");
    wipe.restore =
        operation::Restore{save.name,
                           "put_back",
                           back,
                           {{"old", {{"resource", back.at("resource")}, {"name", back.at("name")}}}}};
    plan.steps.insert(plan.steps.end() - 1, std::move(save));
}

}  // namespace

std::string token_of(int plan, size_t step)
{
    return fmt::format("{}-{}", plan, step);
}

Plan make_plan(Dice& dice, int number, Trouble trouble)
{
    Plan plan{.procedure = "simulated.change", .title = fmt::format("plan {}", number)};
    plan.asked = {{"plan", number}};
    const std::string first = fmt::format("{}", dice.below(resources));
    std::vector<std::string> mine = {first};
    if (dice.chance(0.3)) {
        const std::string second = fmt::format("{}", dice.below(resources));
        if (second != first) mine.push_back(second);
    }
    for (const std::string& resource : mine) {
        plan.locks.push_back("res:" + resource);
        plan.fingerprints.push_back({"slice", {{"resource", resource}}});
    }
    const int most = dice.chance(0.2) ? 12 : 4;
    std::vector<Phase> phases(static_cast<size_t>(dice.between(1, most)));
    for (Phase& phase : phases) phase = static_cast<Phase>(dice.below(3));
    std::ranges::sort(phases);
    for (size_t i = 0; i < phases.size(); ++i) {
        const std::string& resource = dice.one_of(mine);
        plan.steps.push_back(make_step(dice, number, i, phases[i], resource, trouble));
        // A one-way step in the middle is rare in life: keep it so, or nothing could be aborted.
        Step& step = plan.steps.back();
        const bool destroys = step.action == "wipe" && step.phase == Phase::activate;
        if (destroys && dice.chance(0.7))
            save_before(plan, number, i, trouble == Trouble::some && dice.chance(0.08));
        else if (destroys && dice.chance(0.6))
            step = make_step(dice, number, i, Phase::commit, resource, trouble), step.phase = Phase::commit;
        if (plan.steps.back().action == "note_down")
            plan.left_by_abort.push_back(resource_path(resource) + "/log: lines stay in it");
    }
    std::ranges::stable_sort(plan.steps, {}, &Step::phase);
    if (dice.chance(0.5))
        plan.checks.push_back({"sim.member", "the member is ready",
                               file_is(resource_path(first) + "/member/m0", "ready"), dice.chance(0.5)});
    if (trouble == Trouble::some && dice.chance(0.02))
        plan.checks.push_back({"sim.never", "this never passes", file_is(std::string(never_there))});
    plan.timer = dice.between(60s, 20min);
    if (dice.chance(0.4)) {
        plan.gates.push_back({.name = "healthy",
                              .title = "the service is healthy",
                              .question = file_is("/env/gate/" + first, "good"),
                              .every = std::max<Milliseconds>(10s, plan.timer / 8),
                              .grace = dice.between(10s, 60s)});
    }
    if (dice.chance(0.2)) plan.room.push_back({"/res", Bytes{1 << 20}});
    return plan;
}

}  // namespace belay::simulation
