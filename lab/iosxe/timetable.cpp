#include "iosxe/timetable.h"

#include "iosxe/failures.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;

/// How long a standby takes from its reload to the terminal redundancy state.
constexpr Milliseconds standby_boot = 390s;
/// The same of a member that was active before the switch-over.
constexpr Milliseconds after_switchover = 367'742ms;
/// How long the install engine waits for a standby to become hot.
constexpr Milliseconds patience = 45min;

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

/// The same on both members, for they tell each other.
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

/// A refusal: its words, and the prompt.
void refuse(Scene& scene, const std::string& why, int code)
{
    if (!why.empty()) scene.say(fmt::format("ERROR: {}: {}\n", text::name_of(scene.job().task), why));
    scene.say(text::failed(scene.job().task, code, scene.now(), scene.state().zone));
    scene.end();
}

/// Stage 0. False: it refused, and the job is over.
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

/// The first words of a task. Release 17 says them behind its system message, on the same line; release 16
/// before it.
void say_start(Scene& scene, std::string_view logged, std::string_view words)
{
    const bool behind = text::is_17(scene.job().leaving);
    if (behind) scene.log_glued(text::started(scene.state(), scene.job().here, logged));
    scene.say(text::start(scene.job().task, scene.now(), scene.state().zone));
    scene.say(std::string(words));
}

/// The system message of release 16, which comes after those.
void log_start(Scene& scene, std::string_view logged)
{
    if (!text::is_17(scene.job().leaving)) scene.log(text::started(scene.state(), scene.job().here, logged));
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

/// Whether the image may be added; if not, that is said.
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

/// From the copying on: the same in install add and in the one-step install.
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
        {244s, end_add},
    };
}

void append(std::vector<Moment>& to, std::vector<Moment> others)
{
    to.insert(to.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
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

/// The standby's software, and its reload: `step` is what the device calls it.
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

std::vector<Moment> moments_of_activate()
{
    return {
        {0s, [](Scene& scene) { say_start(scene, "activate ISSU", "install_activate: Activating ISSU\n"); }},
        {1905ms, [](Scene& scene) { log_start(scene, "activate ISSU"); }},
        {2s,
         [](Scene& scene) {
             const auto added = std::ranges::find(scene.here().packages, std::string("I"), &Package::state);
             if (scene.here().issu || scene.there().issu)
                 return refuse(scene, "ACTIVATE operation is not allowed, ISSU operation is in progress", 1);
             if (added == scene.here().packages.end())
                 return refuse(scene, "No inactive package to activate", 1);
             scene.job().version = added->version;
             scene.say("NOTE: Going to start Activate ISSU install process\n\n");
             sane(scene, true);
         }},
        {4s, [](Scene& scene) { begin_standby(scene, "install_remote"); }},
        {4880ms,
         [](Scene& scene) {
             scene.state().abort_timer = AbortTimer{.ends = scene.now() + scene.job().timer};
             const std::string runs = text::timer_runs(scene.state(), scene.job().here, scene.job().timer);
             text::is_17(scene.job().leaving) ? scene.log_glued(runs) : scene.log(runs);
         }},
        {5s,
         [](Scene& scene) {
             record(scene, "Added state",
                    "Activate location standby " + location(scene.state(), scene.job().there), {"Added"});
             say_step(scene, "install_remote", scene.job().there);
         }},
        {58s,
         [](Scene& scene) {
             scene.there().provisioned = scene.job().version;
             activated_on(scene.there(), scene.job());
             say_step_done(scene, "install_remote", scene.job().there);
         }},
        {62s,
         [](Scene& scene) {
             scene.say(text::stage(2));
             scene.say("--- Starting standby reload ---\n");
         }},
        {64'240ms, [](Scene& scene) { reload_standby(scene, 345'249ms, 388'998ms); }},
        {.after = 0s,
         .happens = begin_active,
         .awaited = hot,
         .gives_up = standby_never_came,
         .patience = patience},
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
        {72'760ms,
         [](Scene& scene) {
             scene.say(text::success(Task::activate, scene.now(), scene.state().zone));
             scene.prompt();
         }},
        {75s,
         [](Scene& scene) {
             record(scene, "Activated state", "Switchover",
                    {"Added", "Standby activated", "Active switched-over"});
             take_over(scene);
             scene.end();
         }},
    };
}

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
        {365'505ms,
         [](Scene& scene) { scene.log(text::completed(scene.state(), scene.job().there, "commit ISSU")); }},
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
        {3s, [](Scene& scene) { addable(scene); }},
    };
    append(moments, moments_of_adding());
    const std::vector<Moment> rest = {
        {264s,
         [](Scene& scene) {
             scene.say(
                 "install_add_activate_commit: Activating ISSU\n\n"
                 "NOTE: Going to start Oneshot ISSU install process\n\n");
             sane(scene, true);
         }},
        {266s, [](Scene& scene) { begin_standby(scene, "install_remote"); }},
        {268s,
         [](Scene& scene) {
             record(scene, "Added state",
                    "Activate location standby " + location(scene.state(), scene.job().there), {"Added"});
             say_step(scene, "install_remote", scene.job().there);
         }},
        {322s,
         [](Scene& scene) {
             scene.there().provisioned = scene.job().version;
             activated_on(scene.there(), scene.job());
             say_step_done(scene, "install_remote", scene.job().there);
         }},
        {326s,
         [](Scene& scene) {
             scene.say(text::stage(2));
             scene.say("--- Starting standby reload ---\n");
         }},
        {328'422ms, [](Scene& scene) { reload_standby(scene, 350'801ms, 388'999ms); }},
        {.after = 0s,
         .happens = begin_active,
         .awaited = hot,
         .gives_up = standby_never_came,
         .patience = patience},
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
        {73'553ms,
         [](Scene& scene) {
             record(scene, "Activated state", "Switchover",
                    {"Added", "Standby activated", "Active switched-over"});
             take_over(scene);
         }},
        {.after = 0s,
         .happens = [](Scene&) {},
         .awaited = hot,
         .gives_up = standby_never_came,
         .patience = patience},
        {76'585ms, [](Scene& scene) { scene.log(text::started(scene.state(), scene.job().here, "commit")); }},
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
    };
    append(moments, rest);
    return moments;
}

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

std::vector<Moment> moments_of_abort()
{
    return {
        {0s,
         [](Scene& scene) {
             if (scene.job().by_itself) return;
             say_start(scene, "abort ISSU", "install_abort: Abort type ISSU subtype NONE smutype NONE\n");
         }},
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
             const bool added = here.issu || std::ranges::any_of(here.packages, [](const Package& package) {
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
             if (scene.there().running != scene.job().version) reload_standby(scene, 345'249ms, 388'998ms);
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
    };
}

constexpr std::string_view clearing = "clear_install_state";

void clear_on(Scene& scene, int number)
{
    Member& member = scene.state().member(number);
    member.issu.reset();
    drop_packages(member, "I");
    scene.say(text::step_done_on(clearing, number, scene.state().kind));
}

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

}  // namespace

std::vector<Moment> timetable(const Job& job)
{
    switch (job.task) {
        case Task::add:
            return moments_of_add();
        case Task::activate:
            return moments_of_activate();
        case Task::commit:
            return moments_of_commit();
        case Task::abort:
            return moments_of_abort();
        case Task::one_step:
            return moments_of_one_step();
        case Task::clear:
            return moments_of_clear();
        case Task::remove_inactive:
            return moments_of_remove_inactive();
    }
    return {};
}

Boot boot_of_standby(Time now, bool versions_differ)
{
    return {.began = now,
            .joins = 300s,
            .mismatches = versions_differ ? Milliseconds(345'249) : Milliseconds(0),
            .synchronized = standby_boot - 1002ms,
            .hot = standby_boot};
}

Boot boot_after_switchover(Time now)
{
    return {.began = now,
            .joins = 300s,
            .mismatches = {},
            .synchronized = after_switchover - 1002ms,
            .hot = after_switchover};
}

Boot boot_of_active(Time now)
{
    return {.began = now,
            .joins = 240s,
            .mismatches = {},
            .synchronized = {},
            .hot = {},
            .told = 0,
            .leads = true};
}

Milliseconds standby_boot_length()
{
    return standby_boot;
}

Boot boot_beside(Time now)
{
    return {.began = now, .joins = 330s, .mismatches = {}, .synchronized = 419s, .hot = 420s};
}

}  // namespace belay::lab::iosxe
