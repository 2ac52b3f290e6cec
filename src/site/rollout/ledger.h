#pragma once
// What a site operation has decided beyond its journal, in the site's store. All values JSON:
//
//   rollout/ROLLOUT/operation        {operation}: its number
//   rollout/ROLLOUT/added            {}: all members had their part, and had prepared it
//   rollout/ROLLOUT/out/MEMBER       {why, at_ms}: it is left out, and goes back
//   rollout/ROLLOUT/timer/NAME       the Timer of a wait
//
// It is written only while the operation stands where the writer believes that it stands: a controller that
// was slow to notice that another leads cannot write here, as it cannot write the journal.

#include "operation/journal.h"

#include <map>

namespace belay::site {

/// Threads: any.
class Ledger {
  public:
    /// The store outlives it.
    Ledger(store::Store& store, std::string rollout) : store_(store), rollout_(std::move(rollout)) {}

    Result<std::optional<std::string>> operation() const;
    Result<bool> all_added() const;
    /// Those that are left out, by id, with the reason.
    Result<std::map<std::string, std::string>> left_out() const;
    Result<std::optional<operation::Timer>> timer(std::string_view name) const;

    /// Errors of these: busy (the operation has moved on), those of the store. What is there already stays.
    Result<void> begin(const operation::Standing& standing);
    Result<void> note_added(const operation::Standing& standing);
    Result<void> leave_out(const operation::Standing& standing,
                           const std::map<std::string, std::string>& members, Milliseconds now);
    Result<void> start_timer(const operation::Standing& standing, std::string_view name, Milliseconds length,
                             const host::Moment& now);

  private:
    std::string key(std::string_view of) const;
    Result<void> write(const operation::Standing& standing, std::vector<store::Write> writes);

    store::Store& store_;
    std::string rollout_;
};

}  // namespace belay::site
