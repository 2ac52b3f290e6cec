#pragma once
// What a TOML file says about the objects of a site, held against the schema, but not yet against the site.
//
//     [host.h1]
//     address = "10.0.0.1"
//
//     [application."stat server"]
//     host = "h1"                          # others are named
//     command = ["/usr/bin/stat-server"]
//     shutdown_timeout = "20s"
//
// Besides its attributes a table may have: id (tells which object is meant; the name is then its new name),
// disabled, remove = true (the object is removed), unset = ["limits", "options.log.level"] (go back to their
// standard values).

#include "framework/configuration/object.h"
#include "framework/configuration/seal.h"
#include "operation/runbook/problem.h"

#include <vector>

namespace belay::framework::configuration {

using operation::runbook::Place;
using operation::runbook::Problem;

/// A reference by name: the value at `pointer` is null until it is resolved.
struct DraftReference {
    std::string pointer;  ///< "/connections/0/to"
    std::string target;
    std::string name;
    Place place;
};

struct DraftUnset {
    std::string path;  ///< "options.log.level"
    Place place;
};

struct DraftObject {
    std::string type;
    std::string name;
    Place place;
    std::optional<Id> id = {};
    std::optional<bool> disabled = {};
    bool remove = false;
    std::vector<DraftUnset> unset = {};
    Json attributes = Json::object();
    std::vector<DraftReference> references = {};
    std::map<std::string, Place> places = {};  ///< of values, by pointer
};

struct Draft {
    std::vector<DraftObject> objects;  ///< in the order of the file
};

constexpr size_t most_file_bytes = 64 << 20;

/// Adds to `problems` whatever is wrong, all of it; a draft with errors is not to be used. Plain secrets are
/// sealed by `keys` as they are read; without keys (a mere check) they become "sealed:". Threads: any.
Draft read_draft(std::string_view text, const KeyRing* keys, std::vector<Problem>& problems);

/// The names "id", "disabled", "remove" and "unset": no attribute of any type is called so.
const std::vector<std::string>& reserved_names();

}  // namespace belay::framework::configuration
