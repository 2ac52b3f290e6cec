#include "upgrade/iosxe/show/fields.h"

namespace belay::upgrade::iosxe::show {

std::optional<bool> flag_of(std::string_view text)
{
    for (const std::string_view yes : {"yes", "enabled", "true", "1"})
        if (same_words(text, yes)) return true;
    for (const std::string_view no : {"no", "disabled", "false", "0"})
        if (same_words(text, no)) return false;
    return std::nullopt;
}

bool assign(std::string& field, std::string_view value)
{
    if (!field.empty()) return false;
    field = value;
    return true;
}

bool assign(std::optional<std::string>& field, std::string_view value)
{
    if (field) return false;
    field = std::string(value);
    return true;
}

bool assign(std::optional<uint64_t>& field, std::string_view value)
{
    if (field) return false;
    field = printed::whole_number(value);
    return field.has_value();
}

bool assign(std::optional<bool>& field, std::string_view value)
{
    if (field) return false;
    field = flag_of(value);
    return field.has_value();
}

void put(Json& json, const char* key, const std::string& value)
{
    if (!value.empty()) json[key] = value;
}

}  // namespace belay::upgrade::iosxe::show
