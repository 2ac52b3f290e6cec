#pragma once
// Members of pairs that belay-supervisor runs, for upgrades.

#include "upgrade/runner.h"

namespace belay::daemon {

class Applications;

/// Threads: any.
class SupervisedRunner final : public upgrade::Runner {
  public:
    /// It outlives this.
    explicit SupervisedRunner(Applications& applications) : applications_(applications) {}

    Result<upgrade::Standing> look(const std::string& member) override;
    Result<void> let_other_serve(const std::string& member) override;
    Result<void> restart(const std::string& member) override;

  private:
    Applications& applications_;
};

}  // namespace belay::daemon
