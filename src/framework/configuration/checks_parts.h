#pragma once
// The checks of checks.h, each a walk of its own over what it is about.

#include "framework/configuration/checks.h"

namespace belay::framework::configuration {

/// What the checks share.
struct Round {
    const Configuration& configuration;
    const Pairs& pairs;
    const std::set<Id>* touched;  ///< null: all
    std::vector<Complaint>& complaints;

    bool is_touched(Id id) const { return touched == nullptr || touched->contains(id); }
    void error(const Object& object, std::string pointer, std::string what, Id other = 0) const
    {
        complaints.push_back({object.id, std::move(pointer), true, std::move(what), other});
    }
    void warning(const Object& object, std::string pointer, std::string what, Id other = 0) const
    {
        complaints.push_back({object.id, std::move(pointer), false, std::move(what), other});
    }
};

void check_objects(const Round& round);  ///< required attributes, size, references
void check_options(const Round& round);  ///< declared options
void check_ports(const Round& round);
void check_pairs(const Round& round);
void check_prerequisites(const Round& round);  ///< no cycle
void check_alarms(const Round& round);         ///< one kind of detection, and what belongs to it
void check_outputs(const Round& round);        ///< addresses, files that two would write
void check_reactions(const Round& round);      ///< addresses of mails, of webhooks, of relays

}  // namespace belay::framework::configuration
