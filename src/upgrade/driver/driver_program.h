#pragma once
// Any driver, as a program: how Belay asks the member of a pair that it does not run itself.

#include "upgrade/driver/driver.h"

namespace belay::upgrade::driver {

/// What is called.
struct ProgramAsk {
    std::vector<std::string> argv;   ///< the driver with its arguments, without a verb; not empty
    std::string image_folder = {};   ///< BELAY_IMAGE_FOLDER; empty: the member runs from no image
    std::string image_version = {};  ///< BELAY_IMAGE_VERSION
};

/// What is run for a verb, by env(1) so that it has the variables: its path may be any.
host::Command command_of(const ProgramAsk& ask, Verb verb);

/// A driver that is a program on this host. Errors of all: not_found, permission (the program cannot be
/// started); timeout (10 s for what only looks, 10 minutes else); failed, refused: what its sentence on
/// standard error says, its exit code beside it; usage (it has no such verb, or does not understand its
/// arguments); corrupt (what it printed is not what docs/drivers.md wants). The program may run on in the
/// last command that it started. Threads: as the host.
class DriverProgram final : public Driver {
  public:
    DriverProgram(host::Host& host, ProgramAsk ask);

    Result<Look> look() override;
    Result<void> stand_by() override { return run(Verb::stand_by); }
    Result<void> restart() override { return run(Verb::restart); }
    Result<void> take_over() override { return run(Verb::take_over); }
    Result<void> renew() override { return run(Verb::renew); }
    Result<void> drain() override { return run(Verb::drain); }
    Result<void> undrain() override { return run(Verb::undrain); }
    /// At most 256 lines of 4096 bytes.
    Result<std::vector<std::string>> commands(Verb verb) override;

  private:
    Result<void> run(Verb verb);
    Result<std::string> ask(host::Command command);

    host::Host& host_;
    ProgramAsk ask_;
};

/// The lines that a driver printed for `commands`. Errors: corrupt (beyond the limits above, or with control
/// characters).
Result<std::vector<std::string>> parse_commands(std::string_view text);

}  // namespace belay::upgrade::driver
