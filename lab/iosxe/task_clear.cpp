#include "iosxe/failures.h"
#include "iosxe/tasks.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::tasks {
namespace {

constexpr std::string_view clearing = "clear_install_state";

void clear_on(Scene& scene, int number)
{
    Member& member = scene.state().member(number);
    member.issu.reset();
    drop_packages(member, "I");
    scene.say(text::step_done_on(clearing, number, scene.state().kind));
}

}  // namespace

std::vector<Moment> moments_of_clear()
{
    return {
        {0s, [](Scene& scene) { scene.say(text::start(Task::clear, scene.now(), scene.state().zone)); }},
        {2s,
         [](Scene& scene) {
             scene.say(fmt::format("--- Starting {0} ---\nPerforming {0} on all members\n", clearing));
             say_step(scene, clearing, scene.job().here);
         }},
        {20s,
         [](Scene& scene) {
             clear_on(scene, scene.job().here);
             if (!scene.state().fails(failure::clear_one)) say_step(scene, clearing, scene.job().there);
         }},
        {38s,
         [](Scene& scene) {
             const bool both = !scene.state().fails(failure::clear_one);
             std::vector<int> passed = {scene.job().here};
             if (both) {
                 clear_on(scene, scene.job().there);
                 passed = {1, 2};
             }
             scene.state().abort_timer.reset();
             scene.say(fmt::format("Checking status of {} on [{}]\n", clearing, fmt::join(passed, " ")));
             scene.say(text::step_ends(clearing, passed, {}));
             scene.end();
         }},
    };
}

std::vector<Moment> moments_of_remove_inactive()
{
    return {
        {0s, [](Scene& scene) { scene.say(text::removable(scene.state(), scene.now())); }},
        {0s,
         [](Scene& scene) {
             if (scene.job().asks) scene.ask(text::may_remove);
         }},
        {.after = 0s,
         .happens = go_on,
         .awaited = answered,
         .gives_up = forget,
         .patience = 1h,
         .answers = true},
        {1s,
         [](Scene& scene) {
             scene.say(
                 "\nDeleting file(s) ... done.\nSUCCESS: Files deleted.\n--- Starting Post_Remove_Cleanup "
                 "---\n"
                 "Performing Post_Remove_Cleanup on all members\n");
         }},
        {24s,
         [](Scene& scene) {
             std::vector<int> reached;
             for (Member& member : scene.state().members) {
                 if (member.role == Role::absent) continue;
                 drop_packages(member, "I");
                 std::erase_if(member.files, [](const auto& file) { return !file.second.version.empty(); });
                 say_step(scene, "Post_Remove_Cleanup", member.number);
                 scene.say(text::step_done_on("Post_Remove_Cleanup", member.number, scene.state().kind));
                 reached.push_back(member.number);
             }
             scene.say(
                 fmt::format("Checking status of Post_Remove_Cleanup on [{}]\n", fmt::join(reached, " ")));
             scene.say(text::step_ends("Post_Remove_Cleanup", reached, {}));
             scene.say(text::success(Task::remove_inactive, scene.now(), scene.state().zone));
             scene.end();
         }},
    };
}

}  // namespace belay::lab::iosxe::tasks
