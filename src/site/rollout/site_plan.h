#pragma once
// The plan of a site operation: the members' own plans, carried out together.

#include "operation/action.h"
#include "operation/operation.h"
#include "site/rollout/roster.h"

namespace belay::site {

/// What one member would do, by its own answer to Plan.
struct MemberPlan {
    MemberName member;
    std::string role = {};  ///< shown beside its name, as "standby"
    operation::Plan plan = {};
    std::vector<operation::Checked> findings = {};
};

struct SitePlanAsk {
    std::string site;
    std::string procedure;  ///< as "disk.replace"
    std::string title;
    Json asked = Json::object();
    std::vector<MemberPlan> members = {};  ///< in the order in which they are switched: standby first
    /// Where nobody leads them back, members do not go back all at once: those of the last wave first.
    bool back_in_order = false;
    std::vector<uint64_t> waves = {};  ///< how many at once; the rest follow together. Empty: one, a tenth
    /// What is done between two waves: after so many of them; after none: before the first one.
    std::map<size_t, std::vector<operation::Step>> between = {};
    /// The ids of those that are left out together: the two of a pair.
    std::vector<std::vector<std::string>> together = {};
    uint64_t limit = 0;                      ///< so many members may fail before the promise and be left out
    std::optional<Milliseconds> timer = {};  ///< of the abort; nothing: the longest of the members' plans
    Milliseconds soak = std::chrono::minutes(1);     ///< between two waves
    Milliseconds silence = std::chrono::minutes(5);  ///< a member that does not answer for so long has failed
    Milliseconds grace = std::chrono::minutes(1);    ///< the same in the soak before commit
};

constexpr size_t most_members = 1000;

/// All hosts prepare at once; then they are switched wave by wave, with a soak between two; then all promise
/// to stay as they are, and only then all let the old go. `host` gives random bytes. Errors: usage (no
/// member, one twice, a limit as high as there are members, too many or too large plans), those of the host.
Result<operation::Plan> make_site_plan(host::Host& host, SitePlanAsk ask);

}  // namespace belay::site
