#pragma once
// The members of pairs on this host, whoever runs them: how they stand, and the three things that an upgrade
// does to them.

#include "base/result.h"
#include "base/units.h"

#include <optional>
#include <string>
#include <vector>

namespace belay::upgrade {

/// Which of its pair a member is.
enum class Part {
    none,  ///< it is of no pair
    active,
    standby,
};
/// The stable name, as "active".
std::string_view name_of(Part part);

/// How one member stands.
struct Standing {
    Part part = Part::none;
    bool is_ready = false;    ///< it serves, or could at once: it is up, and has what it needs of the other
    bool is_coming = false;   ///< not ready, and on its way there by itself
    bool is_handing = false;  ///< active, and on its way to let the other serve
    bool is_prepared =
        false;  ///< standby: take_over() has ended well, and the other one's turn makes the move
    bool other_is_ready = false;
    /// Standby: how long ago it let the other one serve, where that is known.
    std::optional<Milliseconds> stood_down = {};
    bool is_cold = false;  ///< one that stands by has no process until it is to serve
    bool has_process = false;
    std::string version = {};      ///< of the image that its process was started from; empty: of none
    std::string program = {};      ///< of its process; empty: not known
    std::string says = {};         ///< a few words for a person: "started", "failed: exit code 3"
    bool takes_over = false;       ///< what runs it can let it serve from its own side
    bool starts_by_itself = true;  ///< after a power cut; where belayd starts it: when that is started
    /// By which a person does the same, without a verb; empty: belayd runs it.
    std::vector<std::string> driver = {};
};

/// Threads: any. Errors of all: not_found (no such member on this host), unavailable (what runs it does not
/// answer), refused (it cannot be done now, and nothing was changed).
class Runner {
  public:
    virtual ~Runner() = default;

    /// Changes nothing.
    virtual Result<Standing> look(const std::string& member) = 0;
    /// The active one begins to let the other serve, without losing anything; look() tells when it stands by.
    virtual Result<void> let_other_serve(const std::string& member) = 0;
    /// One that stands by begins to serve, in place of the other one; only where it takes over.
    virtual Result<void> take_over(const std::string& member) = 0;
    /// Begins to end its process, where it has one, and to start it anew from what packages.conf names now.
    /// Never one that is active.
    virtual Result<void> restart(const std::string& member) = 0;
};

}  // namespace belay::upgrade
