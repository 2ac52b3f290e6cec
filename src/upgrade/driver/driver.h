#pragma once
// What a driver of a pair offers: docs/drivers.md, as a class. The built-in drivers implement it over Host;
// command_line.h makes a program of them, driver_program.h asks any program that does the same.

#include "base/result.h"
#include "base/units.h"
#include "host/host.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::upgrade::driver {

enum class Role { none, active, standby };
enum class Reach { unknown, reachable, unreachable };
enum class Verb { look, stand_by, restart, take_over, renew, drain, undrain };

/// As on the command line and in JSON: "standby", "reachable", "stand-by".
std::string_view name_of(Role role);
std::string_view name_of(Reach reach);
std::string_view name_of(Verb verb);
std::optional<Verb> verb_named(std::string_view name);
/// Whether a driver may be without it.
bool is_optional(Verb verb);

/// How a member is; docs/drivers.md says what each means.
struct Look {
    Role role = Role::none;
    bool hot = false;
    std::string says;
    std::string version = {};
    bool starts_by_itself = false;
    std::string runs_from = {};
    Reach peer = Reach::unknown;
    std::vector<Verb> offers = {};

    bool operator==(const Look&) const = default;
};

/// Waits: the real one sleeps, that of a test moves the clock of a simulated host.
using Pause = std::function<void(Milliseconds)>;

/// Where a driver works.
struct Ground {
    host::Host& host;
    Pause pause;
    std::string image_folder = {};  ///< BELAY_IMAGE_FOLDER; empty: none
    bool is_root = true;            ///< whether it may take another's account
};

/// Asks until it is so, or `limit` has gone by: false. Errors: those of the question, at once.
Result<bool> comes_true(const Ground& ground, Milliseconds limit, const std::function<Result<bool>()>& ask,
                        Milliseconds every = std::chrono::milliseconds(50));

/// One member of a pair. Threads: one. Errors of all but look() and commands(): refused (nothing was
/// changed), or another kind: it went back, or what remains is in the sentence.
class Driver {
  public:
    virtual ~Driver() = default;

    virtual Result<Look> look() = 0;
    virtual Result<void> stand_by() = 0;
    virtual Result<void> restart() = 0;
    /// What is not offered is refused.
    virtual Result<void> take_over();
    virtual Result<void> renew();
    virtual Result<void> drain();
    virtual Result<void> undrain();
    /// What the verb would run now, as a person would type it.
    virtual Result<std::vector<std::string>> commands(Verb verb) = 0;
};

/// Any verb but look.
Result<void> perform(Driver& driver, Verb verb);

}  // namespace belay::upgrade::driver
