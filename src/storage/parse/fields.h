#pragma once
// Fields of the JSON that tools print, by their versions as numbers, texts or null; and fields of ours, which
// are absent where nothing is known.

#include "base/json.h"

#include <map>
#include <optional>

namespace belay::storage::parse {

/// The text under `key`; empty where there is none, or something else than a text.
std::string text_of(const Json& json, const char* key);
/// The whole number under `key`, also where it is written as a text. Nothing for what is negative or broken.
std::optional<uint64_t> number_of(const Json& json, const char* key);
/// true, false, "1", "0", 1, 0; nothing for everything else.
std::optional<bool> flag_of(const Json& json, const char* key);
/// The value under `key`; null where there is none, or where `json` is no object.
const Json& value_of(const Json& json, const char* key);
/// The value at the end of a path of keys.
const Json& value_at(const Json& json, std::initializer_list<const char*> path);

/// Reads a JSON text that must be an object. Errors: corrupt, naming the command and the line.
Result<Json> object_of(std::string_view text, std::string_view command);

/// Put a field into an object, where there is something to put.
void put(Json& json, const char* key, const std::string& text);
void put(Json& json, const char* key, const std::vector<std::string>& texts);
void put(Json& json, const char* key, const std::map<std::string, std::string>& texts);
template <typename T>
void put(Json& json, const char* key, const std::optional<T>& value)
{
    if (value) json[key] = *value;
}

}  // namespace belay::storage::parse
