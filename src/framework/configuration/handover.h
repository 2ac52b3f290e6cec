#pragma once
// How the configuration goes from a controller to the copy of a member: by steps from one version to a later
// one, and where there is none, whole, in pieces. What the method ConfigTake says (docs/protocol.md):
//
//     {}                                                       which version is there?
//     {"from": POINT, "to": POINT, "change": {...}}            a step; `change` as of pack()
//     {"to": POINT, "digest", "piece", "pieces", "bytes"}      a piece of the whole, base64
//     POINT is {"version", "mark"}
//
// and what is answered: {"version", "mark", "fitted"}.
//
// The whole is the list of all objects, as a change from nothing (to_json_list), packed by zstd and cut.
//
// A version alone does not say what it holds: a site whose store was restored from a backup counts on from an
// older version, and another site counts as well. So each version has a mark, by which its change is known.

#include "framework/configuration/layout.h"

#include <string>
#include <variant>
#include <vector>

namespace belay::framework::configuration {

/// A version of one site's configuration. That of nothing is {0, ""}.
struct Point {
    Version version = 0;
    std::string mark = {};
    bool operator==(const Point&) const = default;
};
void to_json(Json& json, const Point& point);
/// Errors: corrupt.
Result<Point> point_from(const Json& json);

/// After this change.
Point point_of(const HistoryEntry& entry);

/// What leads from one version to a later one; each object once, whatever happened to it between.
struct Step {
    Point from = {}, to = {};
    Delta delta = {};
};

struct Piece {
    Point to = {};
    std::string digest = {};  ///< SHA-256 of all pieces together
    size_t number = 0;        ///< from 0
    size_t of = 0;
    std::string bytes = {};
};

constexpr size_t most_piece_bytes = 1 << 20;
constexpr size_t most_pieces = 64;

struct Whole {
    Point at = {};
    std::string digest = {};
    std::vector<std::string> pieces = {};  ///< one at least
};
/// Errors: usage, where it is too large.
Result<Whole> whole_of(const Configuration& configuration, Point at, size_t piece_bytes = most_piece_bytes);
/// From all pieces together. Errors: corrupt, version (it has what this Belay does not know).
Result<Configuration> configuration_in(const std::string& packed);

/// What a copy answers.
struct Taken {
    Point at = {};        ///< that it has now
    bool fitted = false;  ///< false: what came does not follow what it has; the whole is wanted
};
void to_json(Json& json, const Taken& taken);
/// Errors: corrupt.
Result<Taken> taken_from(const Json& json);

/// monostate: a mere question.
using Handover = std::variant<std::monostate, Step, Piece>;
/// Errors: usage, where the step is too large for one message.
Result<Json> parameters_of(const Step& step);
Json parameters_of(const Whole& whole, size_t piece);
/// Errors: usage (it is none of these), corrupt, version.
Result<Handover> handover_from(const Json& parameters);

}  // namespace belay::framework::configuration
