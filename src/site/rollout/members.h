#pragma once
// Whom a site operation works on, and how it asks them.

#include "base/json.h"
#include "base/units.h"

#include <string>
#include <vector>

namespace belay::site {

/// A host of the site, by what the register knows it as.
struct MemberName {
    std::string id;    ///< as "7": never used again
    std::string name;  ///< as "web1", for people

    bool operator==(const MemberName&) const = default;
};
void to_json(Json& json, const MemberName& member);
void from_json(const Json& json, MemberName& member);

/// One question to one member.
struct MemberQuestion {
    std::string member;  ///< its id
    std::string method;
    Json parameters = Json::object();
};

/// The way to the members. Threads: any.
class Members {
  public:
    virtual ~Members() = default;

    /// Asks all of them at the same time and waits for the answers, `limit` at most for all together. As many
    /// answers as questions, in their order. `asker`: for whom, for the members' journals. Errors of each:
    /// unavailable (not attached), timeout and lost (asked, and nobody knows what became of it), the member's
    /// own.
    virtual std::vector<Result<Json>> ask(const std::vector<MemberQuestion>& questions,
                                          const std::string& asker, Milliseconds limit) = 0;

    /// How long a member that lives may take to be attached again, from when its connection was lost.
    virtual Milliseconds comes_within(const std::string& member) const = 0;
};

}  // namespace belay::site
