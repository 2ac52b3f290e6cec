#include "iosxe/failures.h"
#include "iosxe/tasks.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::tasks {
namespace {

/// Whether this member has, or would boot, what is to be left.
bool has_new(const Member& member, const Job& job)
{
    return member.running != job.version || member.provisioned != job.version;
}

void went_back(Scene& scene)
{
    for (Member& member : scene.state().members) {
        for (Package& package : member.packages)
            package.state = package.version == scene.job().version ? "C" : "I";
        member.provisioned = scene.job().version;
    }
    forget_issu(scene.state());
}

}  // namespace

std::vector<Moment> moments_of_abort()
{
    std::vector<Moment> moments = {
        {0s,
         [](Scene& scene) {
             if (scene.job().by_itself) return;
             say_start(scene, "abort ISSU", "install_abort: Abort type ISSU subtype NONE smutype NONE\n");
         }},
    };
    append(moments, asking_to_reload(0s));
    append(
        moments,
        {
            {1759ms, [](Scene& scene) { log_start(scene, "abort ISSU"); }},
            {2s,
             [](Scene& scene) {
                 scene.say("NOTE: Going to start Abort ISSU install process\n\n");
                 sane(scene, false);
             }},
            {9s,
             [](Scene& scene) {
                 const Member& here = scene.here();
                 const bool nothing = std::ranges::none_of(scene.state().members, [](const Member& member) {
                     return std::ranges::any_of(member.packages,
                                                [](const Package& one) { return one.state == "U"; });
                 });
                 if (!nothing && !scene.state().fails(failure::abort_refused)) return;
                 const bool added =
                     here.issu || std::ranges::any_of(here.packages, [](const Package& package) {
                         return package.state == "I";
                     });
                 scene.say(fmt::format("\nFAILED: ABORT operation is not allowed in {} state\n",
                                       !nothing ? "ACTIVATED"
                                       : added  ? "ADDED"
                                                : "COMMITTED"));
                 scene.say(fmt::format("ERROR: install_abort exit(2 ) {}\n",
                                       text::stamp(scene.now(), scene.state().zone)));
                 scene.prompt();
             }},
            // It says so of an abort that it has refused as well.
            {9756ms,
             [](Scene& scene) {
                 if (!scene.prompted()) return;
                 scene.log(text::completed(scene.state(), scene.job().here, "abort ISSU"));
                 scene.end();
             }},
            {12s,
             [](Scene& scene) {
                 scene.state().abort_timer.reset();
                 record(scene, "Aborting state", "Abort", {"Added", "Aborting"});
                 if (!has_new(scene.there(), scene.job())) return;
                 begin_standby(scene, "abort_remote");
                 say_step(scene, "abort_remote", scene.job().there);
             }},
            {62s,
             [](Scene& scene) {
                 if (!has_new(scene.there(), scene.job())) return;
                 scene.there().provisioned = scene.job().version;
                 say_step_done(scene, "abort_remote", scene.job().there);
                 scene.say(text::stage(2));
                 scene.say("--- Starting standby reload ---\n");
             }},
            {64'240ms,
             [](Scene& scene) {
                 if (scene.there().running != scene.job().version)
                     reload_standby(scene, 345'249ms, 388'998ms);
             }},
            {.after = 0s,
             .happens =
                 [](Scene& scene) {
                     if (has_new(scene.here(), scene.job())) return begin_active(scene);
                     went_back(scene);
                     scene.say(text::success(Task::abort, scene.now(), scene.state().zone));
                     scene.log(text::completed(scene.state(), scene.job().here, "abort ISSU"));
                     scene.end();
                 },
             .awaited = hot,
             .gives_up = standby_never_came,
             .patience = patience},
            {2s, [](Scene& scene) { say_step(scene, "install_active", scene.job().here); }},
            {60s, end_active},
            {72'760ms,
             [](Scene& scene) {
                 scene.say(text::success(Task::abort, scene.now(), scene.state().zone));
                 scene.prompt();
             }},
            {75s, [](Scene& scene) { scene.switch_over(boot_after_switchover(scene.now()), "user forced"); }},
            {.after = 0s,
             .happens = went_back,
             .awaited = hot,
             .gives_up = standby_never_came,
             .patience = patience},
            {1s,
             [](Scene& scene) {
                 scene.log(text::completed(scene.state(), scene.job().there, "abort ISSU"));
                 scene.end();
             }},
        });
    return moments;
}

}  // namespace belay::lab::iosxe::tasks
