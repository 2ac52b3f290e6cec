#pragma once
// What goes wrong in a site, and at which record of a site operation.

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace belay::faults {

/// The hosts of the site, by their place in it. The first is its controller, the others carry out the
/// operation, in this order and one after the other.
inline constexpr size_t alpha = 0, web1 = 1, web2 = 2;
inline constexpr size_t hosts = 3;

enum class Fault {
    daemon_killed,  ///< that of the host
    power_cut,      ///< that of the host
    cut_off,        ///< its link, both ways
    cut_for_long,   ///< the same, until its own deadline is over
    deaf,           ///< what it is sent does not arrive, and what it sends does
    mute,           ///< the other way round
    etcd_leader_killed,
    clock_ahead,  ///< that of the host, by an hour
    clock_back,
    disk_full,           ///< that with the host's state
    supervisor_killed,   ///< that of the host's applications
    application_killed,  ///< the host's
};

/// What is to become of the operation.
enum class Course {
    commits,  ///< a person activates it and says commit
    aborts,   ///< a person activates it and says abort
    fails,    ///< the second wave cannot be activated
    expires,  ///< a person activates it, and nobody comes back
};

struct Strike {
    Fault fault = Fault::daemon_killed;
    size_t host = alpha;     ///< whom it befalls
    size_t journal = alpha;  ///< the host whose journal is looked at; alpha's is the site's, too
    unsigned record = 0;     ///< of this operation there, counted from 1; 0: no strike
    bool before = false;     ///< just before it is written, or just after
    Course course = Course::commits;

    /// The controller that leads has gone, and is back when another one leads.
    bool takes_over() const;
    std::string text() const;
    /// What it is, without the record: of each kind some are tried, whatever the dice say.
    std::string kind() const;
};

/// How many records the hosts write for one operation.
using Counts = std::array<unsigned, hosts>;

/// What the hosts write in a course.
struct Journals {
    Counts counts{};
    Counts before_the_turn{};  ///< what comes until then is the same in all courses, and tried in one
    std::optional<Counts> before_the_timer_ends = {};  ///< nothing: nobody waits for it
    unsigned timer_runs_from = 0;                      ///< the record of the site's journal
    bool of_applications = false;
};

/// Every fault at every record of a course. What comes before it turns back is there once.
std::vector<Strike> strikes_of(Course course, const Journals& journals);

}  // namespace belay::faults
