#include "iosxe/tasks.h"

#include "iosxe/failures.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::tasks {

std::string location(const State& state, int member)
{
    return state.kind == Kind::stackwise_virtual || !text::is_17(state.member(member).running)
               ? fmt::format("Chassis {}", member)
               : fmt::format("R{}", member - 1);
}

void set_package(Member& member, const std::string& version, const std::string& state)
{
    const auto found = std::ranges::find(member.packages, version, &Package::version);
    if (found == member.packages.end())
        member.packages.insert(member.packages.begin(), {version, state});
    else
        found->state = state;
}

void drop_packages(Member& member, std::string_view states)
{
    std::erase_if(member.packages, [&](const Package& package) { return states.contains(package.state); });
}

void forget_issu(State& state)
{
    for (Member& member : state.members) member.issu.reset();
    state.abort_timer.reset();
}

void record(Scene& scene, std::string state, std::string operation, std::vector<std::string> transition)
{
    for (Member& member : scene.state().members) {
        if (!member.issu)
            member.issu = Issu{.one_shot = scene.job().task == Task::one_step, .state = {}, .last = {}};
        member.issu->state = state;
        member.issu->transition = transition;
        if (operation.empty()) continue;
        member.issu->last = operation;
        member.issu->done.push_back({operation, scene.now()});
    }
}

bool hot(const State& state)
{
    return state.standby_hot();
}

void refuse(Scene& scene, const std::string& why, int code)
{
    if (!why.empty()) scene.say(fmt::format("ERROR: {}: {}\n", text::name_of(scene.job().task), why));
    scene.say(text::failed(scene.job().task, code, scene.now(), scene.state().zone));
    scene.end();
}

bool sane(Scene& scene, bool standby_too)
{
    const State& state = scene.state();
    scene.say(text::sanity_begins());
    scene.say(text::verifying("install_issu supported"));
    if (standby_too) {
        scene.say(text::verifying("standby is in Standby Hot state"));
        if (!state.standby_hot()) {
            refuse(scene, "Standby is not in Standby Hot state", 1);
            return false;
        }
    }
    scene.say(text::verifying("booted from the valid media"));
    if (state.members[0].bundle || state.members[1].bundle) {
        refuse(scene, "ISSU operation is not supported in bundle boot mode", 1);
        return false;
    }
    scene.say(text::verifying("AutoBoot mode is enabled"));
    for (const Member& member : state.members)
        if (member.manual_boot) {
            refuse(
                scene,
                fmt::format("AutoBoot mode is not enabled on {} {}", text::unit(state.kind), member.number),
                1);
            return false;
        }
    scene.say(text::sanity_ends());
    return true;
}

void say_start(Scene& scene, std::string_view logged, std::string_view words)
{
    const bool behind = text::is_17(scene.job().leaving);
    if (behind) scene.log_glued(text::started(scene.state(), scene.job().here, logged));
    scene.say(text::start(scene.job().task, scene.now(), scene.state().zone));
    scene.say(std::string(words));
}

void log_start(Scene& scene, std::string_view logged)
{
    if (!text::is_17(scene.job().leaving)) scene.log(text::started(scene.state(), scene.job().here, logged));
}

bool answered(const State& state)
{
    return !state.job->asking || !state.job->reply.empty();
}

void forget(Scene& scene)
{
    scene.end();
}

void go_on(Scene& scene)
{
    const std::string said = std::exchange(scene.job().reply, {});
    if (!said.empty() && said != "y") scene.end();
}

std::vector<Moment> asking_to_reload(Milliseconds after)
{
    return {
        {after,
         [](Scene& scene) {
             if (scene.job().asks && text::is_17(scene.job().leaving)) scene.ask(text::may_reload);
         }},
        {.after = after,
         .happens = go_on,
         .awaited = answered,
         .gives_up = forget,
         .patience = 1h,
         .answers = true},
    };
}

std::vector<Moment> asking_to_save(Milliseconds after)
{
    return {
        {after,
         [](Scene& scene) {
             if (scene.job().asks && scene.state().unsaved) scene.ask(text::unsaved_configuration);
         }},
        {.after = after,
         .happens =
             [](Scene& scene) {
                 const std::string said = std::exchange(scene.job().reply, {});
                 if (said.empty() || said == "n") return;
                 if (said != "y") return scene.end();
                 scene.state().unsaved = false;
                 scene.say("Building configuration...\n[OK]Modified configuration has been saved\n");
             },
         .awaited = answered,
         .gives_up = forget,
         .patience = 1h,
         .answers = true},
    };
}

void append(std::vector<Moment>& to, std::vector<Moment> others)
{
    to.insert(to.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
}

void say_step(Scene& scene, std::string_view step, int member)
{
    scene.say(text::step_on(step, member, scene.state().kind));
}

void say_step_done(Scene& scene, std::string_view step, int member)
{
    const std::array<int, 1> there = {member};
    scene.say(text::step_done_on(step, member, scene.state().kind));
    scene.say(text::step_ends(step, there, {}));
}

}  // namespace belay::lab::iosxe::tasks
