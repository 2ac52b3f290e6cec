#include "iosxe/failures.h"
#include "iosxe/tasks.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::tasks {
namespace {

/// When the parts of it happen, since the command was typed; the last two since the standby reloads.
struct StandbyTimes {
    Milliseconds begins, recorded, activated, reloads;
    Milliseconds mismatches, synchronized;
};

std::vector<Moment> moments_of_standby(const StandbyTimes& times)
{
    return {
        {times.begins, [](Scene& scene) { begin_standby(scene, "install_remote"); }},
        {times.recorded,
         [](Scene& scene) {
             record(scene, "Added state",
                    "Activate location standby " + location(scene.state(), scene.job().there), {"Added"});
             say_step(scene, "install_remote", scene.job().there);
         }},
        {times.activated,
         [](Scene& scene) {
             scene.there().provisioned = scene.job().version;
             activated_on(scene.there(), scene.job());
             say_step_done(scene, "install_remote", scene.job().there);
         }},
        {times.activated + 4s,
         [](Scene& scene) {
             scene.say(text::stage(2));
             scene.say("--- Starting standby reload ---\n");
         }},
        {times.reloads,
         [times](Scene& scene) { reload_standby(scene, times.mismatches, times.synchronized); }},
        {.after = 0s,
         .happens = begin_active,
         .awaited = hot,
         .gives_up = standby_never_came,
         .patience = patience},
    };
}

/// Since the standby is hot, until the other is to reload.
std::vector<Moment> moments_of_active()
{
    return {
        {2s,
         [](Scene& scene) {
             record(scene, "Standby activated state",
                    "Activate location active " + location(scene.state(), scene.job().here),
                    {"Added", "Standby activated"});
             say_step(scene, "install_active", scene.job().here);
         }},
        {60s,
         [](Scene& scene) {
             activated_on(scene.here(), scene.job());
             end_active(scene);
         }},
    };
}

void switch_over(Scene& scene)
{
    record(scene, "Activated state", "Switchover", {"Added", "Standby activated", "Active switched-over"});
    take_over(scene);
}

}  // namespace

std::vector<Moment> moments_of_activate()
{
    std::vector<Moment> moments = {
        {0s, [](Scene& scene) { say_start(scene, "activate ISSU", "install_activate: Activating ISSU\n"); }},
    };
    append(moments, asking_to_save(0s));
    append(moments, asking_to_reload(0s));
    append(moments, {
                        {1905ms, [](Scene& scene) { log_start(scene, "activate ISSU"); }},
                        {2s,
                         [](Scene& scene) {
                             const auto added =
                                 std::ranges::find(scene.here().packages, std::string("I"), &Package::state);
                             if (scene.here().issu || scene.there().issu)
                                 return refuse(
                                     scene,
                                     "ACTIVATE operation is not allowed, ISSU operation is in progress", 1);
                             if (added == scene.here().packages.end())
                                 return refuse(scene, "No inactive package to activate", 1);
                             scene.job().version = added->version;
                             scene.say("NOTE: Going to start Activate ISSU install process\n\n");
                             sane(scene, true);
                         }},
                    });
    std::vector<Moment> standby = moments_of_standby({.begins = 4s,
                                                      .recorded = 5s,
                                                      .activated = 58s,
                                                      .reloads = 64'240ms,
                                                      .mismatches = 345'249ms,
                                                      .synchronized = 388'998ms});
    const Moment timer = {4880ms, [](Scene& scene) {
                              scene.state().abort_timer = AbortTimer{.ends = scene.now() + scene.job().timer};
                              const std::string runs =
                                  text::timer_runs(scene.state(), scene.job().here, scene.job().timer);
                              text::is_17(scene.job().leaving) ? scene.log_glued(runs) : scene.log(runs);
                          }};
    standby.insert(standby.begin() + 1, timer);
    append(moments, std::move(standby));
    append(moments, moments_of_active());
    append(moments, {
                        {72'760ms,
                         [](Scene& scene) {
                             scene.say(text::success(Task::activate, scene.now(), scene.state().zone));
                             scene.prompt();
                         }},
                        {75s,
                         [](Scene& scene) {
                             switch_over(scene);
                             scene.end();
                         }},
                    });
    return moments;
}

std::vector<Moment> moments_of_one_step()
{
    std::vector<Moment> moments = {
        {0s,
         [](Scene& scene) {
             const bool is_17 = text::is_17(scene.job().leaving);
             say_start(scene, "one-shot ISSU " + scene.job().file,
                       is_17 ? "install_add_activate_commit: Adding ISSU\n" : "");
         }},
        {1456ms,
         [](Scene& scene) {
             if (text::is_17(scene.job().leaving)) return;
             scene.log_glued(
                 text::started(scene.state(), scene.job().here, "one-shot ISSU " + scene.job().file));
             scene.say("install_add_activate_commit: Adding ISSU\n");
         }},
    };
    append(moments, asking_to_save(2s));
    append(moments, {{3s, [](Scene& scene) { addable(scene); }}});
    append(moments, moments_of_adding());
    append(moments,
           {{264s, [](Scene& scene) { scene.say("install_add_activate_commit: Activating ISSU\n\n"); }}});
    append(moments, asking_to_reload(264s));
    append(moments, {{264s, [](Scene& scene) {
                          scene.say("NOTE: Going to start Oneshot ISSU install process\n\n");
                          sane(scene, true);
                      }}});
    append(moments, moments_of_standby({.begins = 266s,
                                        .recorded = 268s,
                                        .activated = 322s,
                                        .reloads = 328'422ms,
                                        .mismatches = 350'801ms,
                                        .synchronized = 388'999ms}));
    append(moments, moments_of_active());
    append(moments,
           {
               {73'553ms, switch_over},
               {.after = 0s,
                .happens = [](Scene&) {},
                .awaited = hot,
                .gives_up = standby_never_came,
                .patience = patience},
               {76'585ms,
                [](Scene& scene) { scene.log(text::started(scene.state(), scene.job().here, "commit")); }},
               {141s,
                [](Scene& scene) {
                    make_permanent(scene.state(), scene.job().version);
                    scene.log(std::string(text::one_shot_finished));
                }},
               {141'410ms,
                [](Scene& scene) {
                    scene.log(text::completed(scene.state(), scene.job().here, "commit ISSU"));
                    scene.end();
                }},
           });
    return moments;
}

}  // namespace belay::lab::iosxe::tasks
