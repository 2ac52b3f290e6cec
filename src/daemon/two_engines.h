#pragma once
// A controller of a site whose state is in an etcd has two engines: that of its own machine, with its journal
// in the machine's database file, and, while it leads, that of the site, whose journal goes with the lead.
// The operations of the site have ids of their own, "S7", and each question goes to the engine that it is
// about.

#include "site/method.h"

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace belay::daemon {

/// The prefix of the ids of a site's operations where they have a journal of their own.
inline constexpr const char* site_prefix = "S";

/// Threads: any.
class TwoEngines {
  public:
    /// `of_site`: whether a plan that is asked for is one of the site. `leader`: as Place::leader().
    TwoEngines(std::function<bool(const site::Call&)> of_site, std::function<Json()> leader)
        : of_site_(std::move(of_site)), leader_(std::move(leader))
    {
    }

    /// The methods of this machine, with those about operations made to answer for the site as well. They
    /// outlive nothing: this outlives them.
    std::vector<site::Method> route(std::vector<site::Method> local);

    /// This controller leads: these are the methods of the site's engine.
    void lead(const std::vector<site::Method>& site);

  private:
    Result<site::Reply> of_one(const site::Method& local, const site::Call& call, bool is_of_site) const;
    Result<site::Reply> of_both(const site::Method& local, const site::Call& call, const char* list) const;
    std::shared_ptr<const site::Methods> led() const;

    const std::function<bool(const site::Call&)> of_site_;
    const std::function<Json()> leader_;
    mutable std::mutex mutex_;
    std::shared_ptr<const site::Methods> site_;
};

}  // namespace belay::daemon
