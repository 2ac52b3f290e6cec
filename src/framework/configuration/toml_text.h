#pragma once
// The configuration as TOML, always in the same form: types in the order of the schema, objects by name,
// attributes in the order of the schema. Reading it back changes nothing.

#include "framework/configuration/object.h"

namespace belay::framework::configuration {

enum class Ids {
    as_comments,    ///< for people, and to be read by another site
    as_attributes,  ///< to be edited: a name that is changed there renames the object
};

/// The whole. Secrets as they are sealed.
std::string toml_text(const Configuration& configuration, Ids ids = Ids::as_comments);
/// One object; others are named as they are in `configuration`.
std::string toml_text(const Configuration& configuration, const Object& object, Ids ids = Ids::as_comments);

/// What is asked for of the whole: all, where the type is empty; all of a type; one object. Errors: usage
/// (there is no such type, or a name without one), not_found.
Result<std::string> selected_toml(const Configuration& configuration, const std::string& type,
                                  const std::string& name, Ids ids);

/// One value as it is written there: `"30s"`, `["a", "b"]`. References by name.
std::string toml_value(const Configuration& configuration, const Attribute& attribute, const Json& value);
/// A text in quotes.
std::string toml_string(std::string_view text);

}  // namespace belay::framework::configuration
