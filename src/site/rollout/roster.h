#pragma once
// The arguments that all steps of one site operation share: whom it is about, and how patient it is.

#include "base/json.h"
#include "site/rollout/members.h"

namespace belay::site {

/// The names that the steps of a site operation have in its plan.
inline constexpr std::string_view add_step = "add";
inline constexpr std::string_view promise_step = "promise";
inline constexpr std::string_view commit_step = "commit";

struct Roster {
    std::string rollout;  ///< 32 hexadecimal digits, made for this plan: numbers of operations may come again
                          ///< with a store that was put back
    std::string site;
    std::string step = {};                 ///< the one that asks
    std::vector<MemberName> members = {};  ///< all of them
    std::vector<std::string> group = {};   ///< the ids of those that the step is about; empty: all
    /// The ids of those that go the same way, whoever of them fails: the two of a pair.
    std::vector<std::vector<std::string>> together = {};
    uint64_t limit = 0;       ///< so many may be left out
    Milliseconds silence{0};  ///< a member that does not answer for so long has failed
    Milliseconds timer{0};    ///< the plan's
    Milliseconds soak{0};     ///< of the step that waits

    bool in_group(const std::string& member) const;
};
void to_json(Json& json, const Roster& roster);
void from_json(const Json& json, Roster& roster);

/// The lock by which its operation is found; nobody else wants it.
std::string lock_of(const Roster& roster);

/// What a member's part is known by, everywhere and for ever: "SITE/OPERATION/ROLLOUT/MEMBER".
struct PartKey {
    std::string site, operation, rollout, member;
};
std::string text_of(const PartKey& key);
/// Errors: corrupt.
Result<PartKey> part_key_in(std::string_view text);

}  // namespace belay::site
