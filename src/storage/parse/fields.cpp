#include "storage/parse/fields.h"

#include "storage/parse/lines.h"

namespace belay::storage::parse {

const Json& value_of(const Json& json, const char* key)
{
    static const Json nothing;
    if (!json.is_object()) return nothing;
    const auto found = json.find(key);
    return found == json.end() ? nothing : *found;
}

const Json& value_at(const Json& json, std::initializer_list<const char*> path)
{
    const Json* found = &json;
    for (const char* key : path) found = &value_of(*found, key);
    return *found;
}

std::string text_of(const Json& json, const char* key)
{
    const Json& value = value_of(json, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<uint64_t> number_of(const Json& json, const char* key)
{
    const Json& value = value_of(json, key);
    if (value.is_number_unsigned()) return value.get<uint64_t>();
    if (!value.is_string()) return std::nullopt;
    return whole_number(value.get_ref<const std::string&>());
}

std::optional<bool> flag_of(const Json& json, const char* key)
{
    const Json& value = value_of(json, key);
    if (value.is_boolean()) return value.get<bool>();
    const std::optional<uint64_t> number = number_of(json, key);
    if (!number || *number > 1) return std::nullopt;
    return *number == 1;
}

Result<Json> object_of(std::string_view text, std::string_view command)
{
    TRY(check_text(text, command));
    auto json = parse_json(text);
    if (!json) return foreign(command, 0, json.error().what);
    if (!json->is_object()) return foreign(command, 0, "it is JSON, but no object");
    return json;
}

void put(Json& json, const char* key, const std::string& text)
{
    if (!text.empty()) json[key] = text;
}

void put(Json& json, const char* key, const std::vector<std::string>& texts)
{
    if (!texts.empty()) json[key] = texts;
}

void put(Json& json, const char* key, const std::map<std::string, std::string>& texts)
{
    if (!texts.empty()) json[key] = texts;
}

}  // namespace belay::storage::parse
