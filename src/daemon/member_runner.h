#pragma once
// Members of pairs, for upgrades: those that belay-supervisor runs, and those that are run by other means.

#include "upgrade/runner.h"

namespace belay::daemon {

class Applications;
class Driven;

/// Threads: any.
class MemberRunner final : public upgrade::Runner {
  public:
    /// Both outlive this.
    MemberRunner(Applications& applications, Driven& driven) : applications_(applications), driven_(driven) {}

    Result<upgrade::Standing> look(const std::string& member) override;
    Result<void> let_other_serve(const std::string& member) override;
    Result<void> take_over(const std::string& member) override;
    Result<void> restart(const std::string& member) override;

  private:
    Applications& applications_;
    Driven& driven_;
};

}  // namespace belay::daemon
