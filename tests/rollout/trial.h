#pragma once
// One site operation from its plan to its end, with what goes wrong on the way, and then again when all is
// mended.

#include "world.h"

namespace belay::site {

struct Story {
    size_t hosts = 3;
    enum class Person {
        commits,
        aborts,  ///< in the soak
        leaves,  ///< and never comes back
    } person = Person::commits;
    std::optional<size_t> cannot_activate = {};  ///< this host
    uint64_t limit = 0;
    std::vector<Accident> accidents = {};
    size_t crash_at = 0;       ///< the controller dies in its n-th write; 0: it does not
    bool crash_after = false;  ///< and what it wrote is there
    Milliseconds crash_for = 5s;
    Milliseconds attach_after{0};  ///< the hosts, once it is back
    bool taken_over = false;       ///< and it is another machine that goes on
    bool false_promises = false;   ///< the hosts' belayd has a defect
};

struct Ending {
    State state = State::planned;  ///< before anything was mended
    std::string reason;
    std::vector<std::string> outcomes;  ///< of the hosts, in the end
    std::vector<std::string> left_out;  ///< their names
    size_t writes = 0;                  ///< of the controller
    std::vector<size_t> asked;          ///< how often each host was
    std::string complaint;              ///< what must not be; empty: all is well
};

Ending play(const Story& story);

}  // namespace belay::site
