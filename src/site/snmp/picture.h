#pragma once
// All variables of BELAY-MIB as they are at one moment. A picture never changes: a walk goes from one to the
// next, always forward, whatever came and went between.

#include "base/json.h"
#include "site/snmp/oid.h"

#include <cstdint>
#include <string>
#include <vector>

namespace belay::site::snmp {

struct Variable {
    enum class Kind { integer, gauge, text };

    Oid oid;
    Kind kind = Kind::integer;
    int64_t number = 0;  ///< within what its kind can hold
    std::string text = {};
    std::string application = {};  ///< it can be set: what this one is to do
};

/// Threads: any.
class Picture {
  public:
    /// Of variables with the same identifier the first one counts.
    explicit Picture(std::vector<Variable> variables);

    /// Null: there is none.
    const Variable* find(OidView oid) const;
    /// The first one behind it, or, `inclusive`, itself. Null: there is none.
    const Variable* next(OidView oid, bool inclusive = false) const;
    size_t size() const { return variables_.size(); }

  private:
    std::vector<Variable> variables_;
};

/// Answers of belayd (docs/protocol.md); null: it did not answer.
struct Told {
    Json status = {};  ///< Status, whole
    Json alarms = {};  ///< AlarmList
};

/// A field that is missing, or of another kind, leaves out its variable alone. Threads: any.
Picture picture_of(const Told& told, const Oid& arc);

// One row each; of what has no name, or no number, none.
std::vector<Variable> row_of_application(const Oid& arc, const Json& application);
std::vector<Variable> row_of_alarm(const Oid& arc, const Json& alarm);

/// A text that is no longer than so many bytes, and ends with a whole character where it is UTF-8.
std::string cut(std::string text, size_t most_bytes);

}  // namespace belay::site::snmp
