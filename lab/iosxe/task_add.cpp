#include "iosxe/failures.h"
#include "iosxe/tasks.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::tasks {
namespace {

void sync_files(Scene& scene)
{
    State& state = scene.state();
    const Job& job = scene.job();
    const std::string name = job.file.substr(job.file.find(':') + 1);
    Member& other = scene.there();
    const File& file = scene.here().files.at(name);
    uint64_t used = other.flash_other;
    for (const auto& [one, about] : other.files)
        if (one != name) used += about.size;
    // An expanded image needs as much again.
    if (state.fails(failure::no_space) || used + 2 * file.size > other.flash_total) {
        scene.say(text::sync_failed(job, state.kind));
        return refuse(scene, "", 1);
    }
    other.files[name] = file;
    scene.say(text::sync_ends(job, state.kind));
}

void end_add(Scene& scene)
{
    const bool fails = scene.state().fails(failure::add_fails);
    const std::array<int, 2> both = {1, 2};
    const std::array<int, 1> first = {scene.job().here}, second = {scene.job().there};
    std::string told = fmt::format("Checking status of Add on [1 2]\n");
    told += fails ? text::step_ends("Add", first, second) : text::step_ends("Add", both, {});
    scene.say(told);
    if (!fails) return;
    for (Member& member : scene.state().members)
        member.issu = Issu{.one_shot = scene.job().task == Task::one_step,
                           .state = "Added state",
                           .last = "Add",
                           .done = {},
                           .transition = {"Added"}};
    refuse(scene, "", 1);
}

}  // namespace

bool addable(Scene& scene)
{
    State& state = scene.state();
    Job& job = scene.job();
    const std::string name = job.file.substr(job.file.find(':') + 1);
    const auto file = scene.here().files.find(name);
    const bool one_step = job.task == Task::one_step;
    const std::string subject = one_step ? "One-Shot ISSU operation" : "ADD operation";
    if (one_step && state.active()->bundle)
        refuse(scene, "One-Shot ISSU operation is not supported in bundle boot mode", 1);
    else if (scene.here().issu || scene.there().issu)
        refuse(scene,
               fmt::format("{} is not allowed, ISSU operation is in progress on {} {}", subject,
                           text::unit(state.kind), scene.here().issu ? job.here : job.there),
               1);
    else if (file == scene.here().files.end())
        refuse(scene, fmt::format("{} is not found", job.file), 1);
    else if (file->second.version.empty())
        refuse(scene, fmt::format("{} is not a valid image", job.file), 1);
    else if (!file->second.sound)
        refuse(scene, fmt::format("Signature verification of {} failed", job.file), 1);
    else if (file->second.version == scene.here().running)
        refuse(scene, fmt::format("{} is already installed", file->second.version), 1);
    else {
        job.version = file->second.version;
        return true;
    }
    return false;
}

std::vector<Moment> moments_of_adding()
{
    return {
        {4s, [](Scene& scene) { scene.say(text::sync_begins(scene.job(), scene.state().kind)); }},
        {64s, sync_files},
        {66s,
         [](Scene& scene) {
             scene.say(text::add_begins());
             say_step(scene, "Add", scene.job().here);
         }},
        {150s,
         [](Scene& scene) {
             set_package(scene.here(), scene.job().version, "I");
             scene.say(text::step_done_on("Add", scene.job().here, scene.state().kind));
             say_step(scene, "Add", scene.job().there);
         }},
        {235s,
         [](Scene& scene) {
             if (scene.state().fails(failure::add_fails))
                 scene.say("    cp: cannot stat '/tmp/packages.conf': No such file or directory\n");
             else
                 set_package(scene.there(), scene.job().version, "I");
             scene.say(text::step_done_on("Add", scene.job().there, scene.state().kind));
         }},
        {245s, end_add},
    };
}

std::vector<Moment> moments_of_add()
{
    std::vector<Moment> moments = {
        {0s,
         [](Scene& scene) {
             const bool is_17 = text::is_17(scene.job().leaving);
             say_start(scene, "add " + scene.job().file, is_17 ? text::adding(scene.job()) : "");
         }},
        {2055ms,
         [](Scene& scene) {
             if (!text::is_17(scene.job().leaving)) {
                 scene.log_glued(text::started(scene.state(), scene.job().here, "add " + scene.job().file));
                 scene.say(text::adding(scene.job()));
             }
             addable(scene);
         }},
    };
    append(moments, moments_of_adding());
    moments.push_back({266s, [](Scene& scene) {
                           scene.say(text::added(scene.job(), scene.now(), scene.state().zone));
                           const bool is_17 = text::is_17(scene.job().leaving);
                           const std::string done =
                               text::completed(scene.state(), scene.job().here, "add " + scene.job().file);
                           scene.end();
                           if (is_17) scene.log(done);
                       }});
    return moments;
}

}  // namespace belay::lab::iosxe::tasks
