#pragma once
// What the tasks of the install engine are made of: their moments, and the words and changes that several of
// them share.

#include "iosxe/timetable.h"

namespace belay::lab::iosxe::tasks {

using namespace std::chrono_literals;

/// How long the install engine waits for a standby to become hot.
inline constexpr Milliseconds patience = 45min;

/// "Chassis 2"; of release 17 with supervisors "R1".
std::string location(const State& state, int member);
/// A package's state; one that is not there is added.
void set_package(Member& member, const std::string& version, const std::string& state);
/// Those in one of these states ("UD") go.
void drop_packages(Member& member, std::string_view states);
/// No upgrade in service is under way, on both members.
void forget_issu(State& state);
/// What `show issu state detail` says: the same on both members, for they tell each other. An empty operation
/// is none.
void record(Scene& scene, std::string state, std::string operation, std::vector<std::string> transition);

/// What a moment waits for: the standby is hot.
bool hot(const State& state);
/// A refusal: its words, and the prompt.
void refuse(Scene& scene, const std::string& why, int code);

/// Stage 0. False: it refused, and the job is over.
bool sane(Scene& scene, bool standby_too);

/// The first words of a task. Release 17 says them behind its system message, on the same line; release 16
/// before it.
void say_start(Scene& scene, std::string_view logged, std::string_view words);

/// The system message of release 16, which comes after those.
void log_start(Scene& scene, std::string_view logged);

/// What a moment waits for: nothing was asked, or it was answered.
bool answered(const State& state);
/// Nobody answered.
void forget(Scene& scene);
/// Whoever does not say yes has the prompt again.
void go_on(Scene& scene);

/// Asks at that offset, where it is to ask, and waits.
std::vector<Moment> asking_to_reload(Milliseconds after);

/// The same where the configuration was changed and not written.
std::vector<Moment> asking_to_save(Milliseconds after);

void append(std::vector<Moment>& to, std::vector<Moment> others);
/// "[1] Add package(s) on switch 1".
void say_step(Scene& scene, std::string_view step, int member);
/// The same at its end, with what came of it.
void say_step_done(Scene& scene, std::string_view step, int member);

// Stages, which an activation, the one-step install and an abort have in common.

/// The standby's software, and its reload: `step` is what the device calls it.
void begin_standby(Scene& scene, std::string_view step);
/// With the offsets of its messages, which are not the same in every run of the source.
void reload_standby(Scene& scene, Milliseconds mismatches, Milliseconds synchronized);
void standby_never_came(Scene& scene);
/// The active member's software: begun, and put in place for its next boot.
void begin_active(Scene& scene);
void end_active(Scene& scene);
/// The new version is U, what ran before is D.
void activated_on(Member& member, const Job& job);
/// The switch-over of an activation.
void take_over(Scene& scene);

/// The version is committed on both members, and what ran before is gone.
void make_permanent(State& state, const std::string& version);
/// From the copying on: the same in install add and in the one-step install.
std::vector<Moment> moments_of_adding();
/// Whether the image may be added; if not, that is said.
bool addable(Scene& scene);

std::vector<Moment> moments_of_add();
std::vector<Moment> moments_of_activate();
std::vector<Moment> moments_of_one_step();
std::vector<Moment> moments_of_commit();
std::vector<Moment> moments_of_abort();
std::vector<Moment> moments_of_clear();
std::vector<Moment> moments_of_remove_inactive();

}  // namespace belay::lab::iosxe::tasks
