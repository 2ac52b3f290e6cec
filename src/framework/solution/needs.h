#pragma once
// Who needs whom: the applications of a site and their prerequisites, as a graph.

#include "framework/configuration/object.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace belay::framework::solution {

using configuration::Configuration;
using configuration::Id;

/// Of one configuration. Disabled applications are not in it. Threads: any.
class Needs {
  public:
    explicit Needs(const Configuration& configuration);

    bool has(Id application) const { return needs_.contains(application); }
    /// What must be started before it.
    const std::set<Id>& of(Id application) const;
    /// What must be stopped before it.
    const std::set<Id>& needed_by(Id application) const;
    /// The other of its pair; 0: it is of none.
    Id partner_of(Id application) const;
    /// Of a pair, the one that takes over.
    bool is_backup(Id application) const { return backups_.contains(application); }
    /// These and all that they need, directly or not.
    std::set<Id> with_needs(const std::set<Id>& applications) const;
    /// How many must be started one after the other before it, 0 for none. Of a cycle, which the
    /// configuration refuses, as far as it can be said.
    size_t level_of(Id application) const;

  private:
    size_t level_within(Id application, std::set<Id>& path) const;

    std::map<Id, std::set<Id>> needs_, needed_by_;
    std::map<Id, Id> partners_;
    std::set<Id> backups_;
    mutable std::map<Id, size_t> levels_;
};

}  // namespace belay::framework::solution
