#pragma once
// A change as people and programs see it: attribute by attribute, with what it does to what runs.

#include "framework/configuration/delta.h"
#include "framework/configuration/effective.h"

namespace belay::framework::configuration {

struct AttributeChange {
    std::string path;           ///< "shutdown_timeout", "options.log.level", "connections[stat server].trace"
    std::string before, after;  ///< as in TOML, shortened; empty: not set. Secrets: "(sealed)"
    Effect effect = Effect::at_once;
};

struct ObjectChange {
    enum class What { created, changed, removed } what = What::changed;
    Id id = 0;  ///< below 0: it will get one
    std::string type, name;
    std::string name_before = {};  ///< where it is renamed
    std::vector<AttributeChange> attributes = {};
};

/// What an application will have to do.
struct Consequence {
    std::string application;
    Effect effect;    ///< on_reconnect or after_restart
    std::string why;  ///< "command", "options.log.level of template \"stat\"", "host of \"urs\" moves"
};

struct Change {
    std::vector<ObjectChange> objects;  ///< by type in the order of the schema, then by name
    std::vector<Consequence> consequences;

    bool empty() const { return objects.empty(); }
};

/// `before` is the configuration that the delta is made to.
Change describe(const Configuration& before, const Delta& delta);

void to_json(Json& json, const Change& change);

/// "+ host \"h1\"", "~ application \"urs\"", "    shutdown_timeout: \"30s\" -> \"1m\" (at once)"... a line
/// each; at most `most` lines, and then one that says how many more there are.
std::vector<std::string> change_lines(const Change& change, size_t most = 10'000);

/// "3 created, 1 changed, 2 removed".
std::string summary_of(const Delta& delta);

}  // namespace belay::framework::configuration
