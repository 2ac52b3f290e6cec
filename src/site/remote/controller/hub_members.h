#pragma once
// The members of a site operation, asked over their streams.

#include "site/remote/controller/hub.h"
#include "site/rollout/members.h"

#include <functional>

namespace belay::site {

/// Threads: any.
class HubMembers final : public Members {
  public:
    /// `hub`: null while there is none; what it gives outlives the questions. `comes_within`: as that of
    /// Members.
    HubMembers(std::function<Hub*()> hub, std::function<Milliseconds(const std::string& member)> comes_within)
        : hub_(std::move(hub)), comes_within_(std::move(comes_within))
    {
    }

    std::vector<Result<Json>> ask(const std::vector<MemberQuestion>& questions, const std::string& asker,
                                  Milliseconds limit) override;
    Milliseconds comes_within(const std::string& member) const override { return comes_within_(member); }

  private:
    const std::function<Hub*()> hub_;
    const std::function<Milliseconds(const std::string& member)> comes_within_;
};

}  // namespace belay::site
