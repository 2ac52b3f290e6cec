#include "iosxe/failures.h"
#include "iosxe/tasks.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::tasks {

void make_permanent(State& state, const std::string& version)
{
    for (Member& member : state.members) {
        set_package(member, version, "C");
        drop_packages(member, "UD");
    }
    forget_issu(state);
}

std::vector<Moment> moments_of_commit()
{
    return {
        {0s, [](Scene& scene) { say_start(scene, "commit", "install_commit: Committing ISSU\n"); }},
        {1533ms, [](Scene& scene) { log_start(scene, "commit"); }},
        {2s,
         [](Scene& scene) {
             const Member& here = scene.here();
             const auto fresh = std::ranges::find(here.packages, std::string("U"), &Package::state);
             if (!here.issu || here.issu->state != "Activated state" || fresh == here.packages.end())
                 return refuse(scene,
                               fmt::format("COMMIT operation is not allowed in {} state",
                                           here.issu ? "ADDED" : "COMMITTED"),
                               2);
             scene.job().version = fresh->version;
             scene.say("NOTE: Going to start Commit ISSU install process\n\n");
             if (sane(scene, true)) scene.state().abort_timer.reset();
         }},
        {4s,
         [](Scene& scene) {
             const std::string step = fmt::format("install_commit_{}", scene.job().here);
             scene.say(text::step_begins(step, scene.job().here));
             say_step(scene, step, scene.job().here);
         }},
        {186s,
         [](Scene& scene) {
             set_package(scene.here(), scene.job().version, "C");
             drop_packages(scene.here(), "D");
             say_step_done(scene, fmt::format("install_commit_{}", scene.job().here), scene.job().here);
         }},
        {190s,
         [](Scene& scene) {
             scene.say(
                 "STAGE 1: Dispatching the commit command to remote\n"
                 "===================================================\n");
             scene.say(text::step_begins("install_commit_remote", scene.job().there));
         }},
        {191'352ms,
         [](Scene& scene) { scene.log(text::started(scene.state(), scene.job().there, "commit")); }},
        {191'364ms,
         [](Scene& scene) {
             scene.log_bare(text::started_below(scene.state(), scene.job().there, "commit"));
         }},
        {365'505ms,
         [](Scene& scene) {
             scene.log_bare(text::completed_below(scene.state(), scene.job().there, "commit ISSU"));
         }},
        {365'600ms,
         [](Scene& scene) {
             make_permanent(scene.state(), scene.job().version);
             say_step(scene, "install_commit_remote", scene.job().there);
             say_step_done(scene, "install_commit_remote", scene.job().there);
             scene.say(text::success(Task::commit, scene.now(), scene.state().zone));
             scene.end();
         }},
    };
}

}  // namespace belay::lab::iosxe::tasks
