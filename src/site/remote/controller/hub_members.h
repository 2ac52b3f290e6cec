#pragma once
// The members of a site operation, asked over their streams.

#include "site/remote/controller/hub.h"
#include "site/rollout/members.h"

#include <functional>

namespace belay::site {

/// Threads: any.
class HubMembers final : public Members {
  public:
    /// `hub`: null while there is none; what it gives outlives the questions.
    explicit HubMembers(std::function<Hub*()> hub) : hub_(std::move(hub)) {}

    std::vector<Result<Json>> ask(const std::vector<MemberQuestion>& questions, const std::string& asker,
                                  Milliseconds limit) override;

  private:
    const std::function<Hub*()> hub_;
};

}  // namespace belay::site
