#include "iosxe/failures.h"
#include "iosxe/tasks.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::tasks {

void begin_standby(Scene& scene, std::string_view step)
{
    scene.say(text::stage(1));
    scene.say(text::step_begins(step, 0));
}

void reload_standby(Scene& scene, Milliseconds mismatches, Milliseconds synchronized)
{
    Boot boot = boot_of_standby(scene.now(), true);
    boot.mismatches = mismatches;
    boot.synchronized = synchronized;
    scene.reboot(scene.there(), boot);
    scene.say(
        "Finished standby reload\n\n--- Starting wait for Standby to reach terminal redundancy state ---\n");
}

void standby_never_came(Scene& scene)
{
    refuse(scene, "Standby did not reach terminal redundancy state", 1);
}

void begin_active(Scene& scene)
{
    scene.say("Finished wait for Standby to reach terminal redundancy state\n\n");
    scene.say(text::stage(3));
    scene.say(text::step_begins("install_active", scene.job().here));
}

void end_active(Scene& scene)
{
    Job& job = scene.job();
    say_step_done(scene, "install_active", job.here);
    scene.here().provisioned = job.version;
    scene.say(fmt::format("Chassis {} reloading, reason - Non participant detected\n", job.here));
    scene.say(text::stage(4));
    scene.say("--- Starting active reload ---\nNew software will load after reboot process is completed\n");
}

void activated_on(Member& member, const Job& job)
{
    set_package(member, job.version, "U");
    set_package(member, job.leaving, "D");
}

void take_over(Scene& scene)
{
    Job& job = scene.job();
    if (scene.state().fails(failure::left_behind)) scene.here().provisioned = job.leaving;
    if (scene.state().fails(failure::timer_soon) && scene.state().abort_timer)
        scene.state().abort_timer->ends = scene.now() + 10min;
    scene.switch_over(boot_after_switchover(scene.now()), "user forced");
}

}  // namespace belay::lab::iosxe::tasks
