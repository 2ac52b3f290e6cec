#include "cli/fields.h"

namespace belay::cli {
namespace {

const Json& empty_list()
{
    static const Json list = Json::array();
    return list;
}

const Json& empty_object()
{
    static const Json object = Json::object();
    return object;
}

const Json* find(const Json& json, std::string_view field)
{
    if (!json.is_object()) return nullptr;
    const auto found = json.find(field);
    return found == json.end() || found->is_null() ? nullptr : &*found;
}

std::string as_text(const Json& value)
{
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number() || value.is_boolean()) return json_text(value);
    return {};
}

}  // namespace

std::string raw_text(const Json& json, std::string_view field)
{
    const Json* value = find(json, field);
    return value == nullptr ? std::string() : as_text(*value);
}

std::string text_of(const Style& style, const Json& json, std::string_view field)
{
    return clean(style, raw_text(json, field));
}

int64_t number_of(const Json& json, std::string_view field)
{
    const Json* value = find(json, field);
    return value != nullptr && value->is_number() ? value->get<int64_t>() : 0;
}

bool flag_of(const Json& json, std::string_view field)
{
    const Json* value = find(json, field);
    return value != nullptr && value->is_boolean() && value->get<bool>();
}

Milliseconds span_of(const Json& json, std::string_view field)
{
    return Milliseconds{number_of(json, field)};
}

bool has(const Json& json, std::string_view field)
{
    return find(json, field) != nullptr;
}

const Json& list_of(const Json& json, std::string_view field)
{
    const Json* value = find(json, field);
    return value != nullptr && value->is_array() ? *value : empty_list();
}

const Json& object_of(const Json& json, std::string_view field)
{
    const Json* value = find(json, field);
    return value != nullptr && value->is_object() ? *value : empty_object();
}

std::vector<std::string> texts_of(const Style& style, const Json& json, std::string_view field)
{
    std::vector<std::string> texts;
    for (const Json& value : list_of(json, field)) texts.push_back(clean(style, as_text(value)));
    return texts;
}

}  // namespace belay::cli
