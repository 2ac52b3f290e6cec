#pragma once
// The fields of a struct in a table: the label under which a device prints each, the key under which `belay
// parse` tells it, and where it is kept. A field without a label is read in another way.

#include "base/json.h"
#include "upgrade/iosxe/show/shown.h"

#include <set>
#include <variant>

namespace belay::upgrade::iosxe::show {

template <typename T>
struct Field {
    std::string_view label;
    const char* key;
    std::variant<std::string T::*, std::optional<std::string> T::*, std::optional<uint64_t> T::*,
                 std::optional<bool> T::*>
        member;
};

/// "yes", "enabled", "1" and their contraries, in any case of letters.
std::optional<bool> flag_of(std::string_view text);

/// Reads a value as what the field is. false: it is no such thing, or the field has a value already.
bool assign(std::string& field, std::string_view value);
bool assign(std::optional<std::string>& field, std::string_view value);
bool assign(std::optional<uint64_t>& field, std::string_view value);
bool assign(std::optional<bool>& field, std::string_view value);

/// Fills the field that has this label. false: none has it. Errors: corrupt, where the value is not what the
/// field is, or where the text says it twice.
template <typename T, size_t n>
Result<bool> take(const Shown& shown, const Line& line, const Field<T> (&fields)[n], Labelled found, T& into)
{
    for (const Field<T>& field : fields) {
        if (field.label.empty() || !same_words(field.label, found.label)) continue;
        if (std::visit([&](auto member) { return assign(into.*member, found.value); }, field.member))
            return true;
        return shown.foreign(
            line.number, fmt::format("\"{}\" is \"{}\" here, or is said twice", found.label, found.value));
    }
    return false;
}

/// Whether a list has two with the same name.
template <typename T, typename Name>
bool has_twice(const std::vector<T>& list, Name T::* name)
{
    std::set<Name> names;
    for (const T& one : list)
        if (!names.insert(one.*name).second) return true;
    return false;
}

void put(Json& json, const char* key, const std::string& value);
template <typename T>
void put(Json& json, const char* key, const std::optional<T>& value)
{
    if (value) json[key] = *value;
}

/// Puts those that have a value.
template <typename T, size_t n>
void put_fields(Json& json, const T& from, const Field<T> (&fields)[n])
{
    for (const Field<T>& field : fields)
        std::visit([&](auto member) { put(json, field.key, from.*member); }, field.member);
}

/// An object of the fields that have a value.
template <typename T, size_t n>
Json object_of(const T& from, const Field<T> (&fields)[n])
{
    Json json = Json::object();
    put_fields(json, from, fields);
    return json;
}

/// An array of such objects.
template <typename T, size_t n>
Json array_of(const std::vector<T>& from, const Field<T> (&fields)[n])
{
    Json json = Json::array();
    for (const T& one : from) json.push_back(object_of(one, fields));
    return json;
}

}  // namespace belay::upgrade::iosxe::show
