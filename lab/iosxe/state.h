#pragma once
// What the simulated pair is: two members, what lies in their flash, what is installed on them, and the work
// that they are at. Plain data, all of it in the state file, so that a pair that was killed comes back as it
// was.
//
// Times are of the device's own clock, as its line shows it.

#include "base/json.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::lab::iosxe {

using Milliseconds = std::chrono::milliseconds;
using Time = std::chrono::sys_time<Milliseconds>;

/// How two members are one device: two chassis with a StackWise Virtual link, or one chassis with two
/// supervisors.
enum class Kind { stackwise_virtual, supervisors };

enum class Role { active, standby, absent };

/// absent: it is reloading, or gone; cold: it has joined and takes over the configuration; hot: it may take
/// over.
enum class Redundancy { absent, cold, hot, active };

/// A version as `show install summary` names it ("16.9.3.0.3127"), with its state there: I, U, C or D.
struct Package {
    std::string version;
    std::string state;
};

/// A file in the flash. Its bytes are not kept: what verify says of them is.
struct File {
    uint64_t size = 0;
    Time written = {};
    std::string md5 = {};
    std::string sha512 = {};
    std::string version = {};  ///< of the image that it is; empty: it is none
    bool sound = true;         ///< false: its signature does not hold
};

/// A member on its way up. The offsets count from `began`; each is told of once (`told` of them have been).
struct Boot {
    Time began = {};
    Milliseconds joins = {};       ///< it is seen by the active member, cold
    Milliseconds mismatches = {};  ///< the active member says that the versions differ; zero: it does not
    Milliseconds synchronized = {};
    Milliseconds hot = {};
    int told = 0;
    bool leads = false;  ///< it comes up as the active member; `joins` alone counts
};

/// What `show issu state detail` knows; each member has its own.
struct Issu {
    bool one_shot = false;
    std::string state;  ///< "Added state"
    std::string last;   ///< "Switchover"
    struct Done {
        std::string operation;
        Time began = {};
    };
    std::vector<Done> done = {};
    std::vector<std::string> transition = {};
};

struct Member {
    int number = 1;
    Role role = Role::absent;
    Redundancy redundancy = Redundancy::absent;
    std::string running;      ///< the version that it runs
    std::string provisioned;  ///< the version that it will boot
    bool bundle = false;
    bool manual_boot = false;
    Time up_since = {};
    Time role_since = {};
    std::optional<Boot> boot = {};
    std::vector<Package> packages = {};
    std::map<std::string, File> files = {};
    uint64_t flash_total = 0;
    uint64_t flash_other = 0;  ///< what lies there besides `files`
    std::optional<Issu> issu = {};
};

enum class Task { add, activate, commit, abort, one_step, clear, remove_inactive };

/// The one thing that the install engine is at. What it does and when is in timetable.h; this is where it has
/// got to.
struct Job {
    Task task = Task::add;
    Time began = {};
    Time from = {};  ///< what the offsets of its moments count from: `began`, or the end of a waiting
    int next = 0;    ///< of the moments in its timetable
    int here = 1;    ///< the member that was active when it began
    int there = 2;   ///< the other
    std::string file = {};
    std::string version = {};  ///< the new one; when going back, the old one
    std::string leaving = {};  ///< what ran before
    Milliseconds timer = {};   ///< of the auto abort timer that it starts
    bool by_itself = false;    ///< the timer began it
    bool prompted = false;     ///< its line has the prompt again
    bool asks = false;         ///< it asks before what cannot be undone in a moment (no `prompt-level none`)
    bool asking = false;       ///< it waits for an answer
    Time asked = {};           ///< since when
    std::string reply = {};    ///< "y", "n", "q"; empty: none yet
    int line = 0;              ///< whose line it occupies; 0: nobody's (any more)
};

/// Of a copy, one after each part that has come; and of how many bytes it is at most.
constexpr int copy_marks = 20;
constexpr uint64_t largest_copy = uint64_t{1} << 40;

/// A file that the device copies from a web server, at its own pace.
struct Copying {
    std::string url;
    std::string name;
    File whole = {};  ///< what it will be
    Time began = {};
    int marks = 0;            ///< that were shown
    bool breaks_off = false;  ///< the server ends the connection in the middle
    int line = 0;             ///< whose line it occupies; 0: nobody's (any more)
};

/// After `ends` the device goes back by itself.
struct AbortTimer {
    Time ends = {};
    bool stopped = false;
};

struct State {
    Kind kind = Kind::stackwise_virtual;
    std::string hostname = "C9500";
    std::string zone = "UTC";
    std::array<Member, 2> members;
    std::optional<Job> job = {};
    std::optional<Copying> copying = {};
    std::optional<AbortTimer> abort_timer = {};
    bool service_internal = false;
    bool unsaved = false;  ///< the configuration was changed and not written
    std::optional<Time> deaf_until =
        {};  ///< the address does not answer before: the pair has no active member
    Time up_since = {};
    int switchovers = 0;
    int standby_failures = 0;
    std::string switchover_reason = "none";
    std::string reload_reason = "Reload Command";
    std::map<std::string, int> failures =
        {};  ///< by their names (failures.h), with the member that they strike

    Member& member(int number) { return members.at(static_cast<size_t>(number - 1)); }
    const Member& member(int number) const { return members.at(static_cast<size_t>(number - 1)); }
    /// The member whose line this is; null while there is none.
    Member* active();
    const Member* active() const;
    /// The member beside the active one, whatever has become of it; null while there is no active one.
    Member* standby();
    const Member* standby() const;
    bool standby_hot() const;
    bool fails(std::string_view name) const { return failures.contains(std::string(name)); }
};

/// What a person chooses at the start.
struct Beginning {
    Kind kind = Kind::stackwise_virtual;
    std::string hostname = {};  ///< empty: by the kind
    std::string zone = "UTC";
    int active = 1;
    std::string version = "16.9.2.0.2433";
    Time start = {};
};

/// Two members on one version, installed and committed, the standby hot.
State first_state(const Beginning& beginning);

Json to_json_value(const State& state);
/// Errors: corrupt, naming the field.
Result<State> read_state(const Json& json);

/// "2019-02-08 09:21:00" or "2019-02-08T09:21:00.250". Errors: usage.
Result<Time> parse_time(std::string_view text);

}  // namespace belay::lab::iosxe
