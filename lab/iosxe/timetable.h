#pragma once
// What the install engine does in a task, and when: moments, each at its offset. The offsets are those of the
// two runs that Cisco shows ("In-Service Software Upgrade on Catalyst 3850, Catalyst 9000 series switches"),
// to the second; where that page shows nothing, they are like those beside them.

#include "iosxe/device.h"

#include <functional>

namespace belay::lab::iosxe {

/// What a moment may do: change the state, and speak.
class Scene {
  public:
    Scene(Device& device, Time now) : device_(device), now_(now) {}

    State& state() { return device_.state_; }
    Job& job() { return *device_.state_.job; }
    Member& here() { return state().member(job().here); }
    Member& there() { return state().member(job().there); }
    Time now() const { return now_; }

    void say(std::string text);
    void log(std::string text);
    /// A message behind which what is said next stands.
    void log_glued(std::string text);
    /// One of the install engine itself, which has neither star nor zone in its stamp.
    void log_bare(std::string text);
    /// The line is asked; a moment that `answers` comes next.
    void ask(std::string_view question);
    /// The line has its prompt again, though the task goes on.
    void prompt();
    bool prompted();
    /// The task has ended, and the line has its prompt again.
    void end();
    /// `member` leaves, to come up with what is provisioned on it.
    void reboot(Member& member, const Boot& boot);
    /// The standby takes over, and the active member reboots. Every connection ends.
    void switch_over(const Boot& boot_of_old_active, std::string reason);

  private:
    Device& device_;
    Time now_;
};

struct Moment {
    Milliseconds after = {};  ///< since the task began, or since the end of the waiting before
    std::function<void(Scene&)> happens;
    /// A waiting: the moment comes as soon as this is so, and the offsets behind it count from there.
    std::function<bool(const State&)> awaited = {};
    std::function<void(Scene&)> gives_up = {};  ///< what happens where it never is, after `patience`
    Milliseconds patience = {};
    bool answers =
        false;  ///< it awaits an answer, and the offsets behind it count as if that had taken no time
};

/// The moments of this job: the same whenever it is asked.
std::vector<Moment> timetable(const Job& job);

/// How a member comes up: as the standby; as the standby after it was active; alone after both have gone, and
/// beside that.
Boot boot_of_standby(Time now, bool versions_differ);
Boot boot_after_switchover(Time now);
Boot boot_of_active(Time now);
Boot boot_beside(Time now);
Milliseconds standby_boot_length();

}  // namespace belay::lab::iosxe
