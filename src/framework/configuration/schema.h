#pragma once
// What may be written about the objects of a site: one table for each type. The tables are data, and read as
// the documentation that docs/configuration.md is made from.
//
// How the value of an attribute is kept (Json), by its kind:
//   text, choice      a string; a secret one as "sealed:BASE64"
//   number            a whole number
//   span              milliseconds
//   size              bytes
//   flag              true or false
//   texts             a list of strings
//   named_texts       an object of strings; secret ones sealed, as above
//   reference         the id of the other object
//   references        a list of ids, each once
//   table             an object of fields
//   tables            a list of such objects
//   sections          an object of objects of strings, whole numbers, true and false
// What is not set is not kept: its standard value is that of the running Belay.

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace belay::framework::configuration {

using Json = nlohmann::json;

enum class Kind {
    text,
    number,
    span,
    size,
    flag,
    choice,
    texts,
    named_texts,
    reference,
    references,
    table,
    tables,
    sections,
};
std::string_view name_of(Kind kind);

/// When a change is taken up by what runs; the later ones disturb more.
enum class Effect { at_once, on_reconnect, after_restart };
/// "at once", "on reconnect", "after restart".
std::string_view name_of(Effect effect);

/// What a text must look like.
enum class Form {
    any,
    path,      ///< absolute
    failures,  ///< "6/10s", or "0"
    day,       ///< "2027-01-31"
    user,      ///< the name of an account on a host
    variable,  ///< the name of an environment variable: "LOG_LEVEL"
    image,     ///< the name of an image: "web-shop"
    address,   ///< an IP address with the length of its network: "192.0.2.7/24"
};

struct Attribute {
    std::string name;
    Kind kind = Kind::text;
    std::string meaning;              ///< one sentence
    Effect effect = Effect::at_once;  ///< of a field: its own
    bool required = false;            ///< in a field: within its table
    std::string needed_when = {};     ///< "kind=file": required where the field beside it is that; "!other":
                                      ///< where that one is not set
    bool secret = false;              ///< of text and named_texts
    bool mirrored = false;            ///< a backup has what its primary has
    std::string standard = {};        ///< the value where none is set, as it is written in TOML
    int64_t least = 0;                ///< of number, span (ms) and size (bytes)
    int64_t most = std::numeric_limits<int64_t>::max();
    std::string unit = {};                  ///< of a number
    std::vector<std::string> choices = {};  ///< of a choice, and of texts where not any will do
    Form form = Form::any;                  ///< of the text; in named_texts: of the names
    std::string target = {};                ///< the type that a reference leads to
    std::vector<Attribute> fields = {};     ///< of table and tables
    std::vector<std::string> keys = {};     ///< of tables: the fields that tell one from another

    const Attribute* field(std::string_view field_name) const;
};

struct Schema {
    std::string type;     ///< as "application"
    std::string meaning;  ///< one sentence
    std::vector<Attribute> attributes;

    const Attribute* attribute(std::string_view name) const;
};

/// Every type, in the order in which a person would fill them in. Threads: any.
const std::vector<Schema>& schemas();
/// Null: there is no such type.
const Schema* schema_of(std::string_view type);
std::vector<std::string> type_names();

// The tables, a file for each group of them.
std::vector<Schema> machine_schemas();  ///< host, device, storage
Schema application_schema();
std::vector<Schema> service_schemas();   ///< template, application, pair, solution
std::vector<Schema> people_schemas();    ///< person, group, role
std::vector<Schema> reaction_schemas();  ///< alarm, script, relay, snmp, output, policy

/// The standard value as it would be kept; null: there is none.
Json standard_of(const Attribute& attribute);

/// "30s", "1GiB", "90s": the shortest that reads back as the same.
std::string span_text(int64_t milliseconds);
std::string size_text(int64_t bytes);

}  // namespace belay::framework::configuration
