// Holds an object that comes from the store or from a plan against the schema of this Belay.

#include "framework/configuration/object.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

Result<void> fits_value(const Attribute& attribute, const Json& value);

bool is_texts(const Json& value)
{
    return std::ranges::all_of(value, [](const Json& item) { return item.is_string(); });
}

bool is_scalar(const Json& value)
{
    return value.is_string() || value.is_number_integer() || value.is_boolean();
}

bool is_id(const Json& value)
{
    return value.is_number_integer() && value.get<Id>() != 0 && value.get<Id>() <= most_id;
}

bool is_sections(const Json& value)
{
    return value.is_object() && std::ranges::all_of(value, [](const Json& section) {
               return section.is_object() && std::ranges::all_of(section, is_scalar);
           });
}

bool is_in_range(const Attribute& attribute, const Json& value)
{
    if (!value.is_number_integer()) return false;
    const int64_t number = value.get<int64_t>();
    return number >= attribute.least && number <= attribute.most;
}

bool has_kind(const Attribute& attribute, const Json& value)
{
    switch (attribute.kind) {
        case Kind::text:
            return value.is_string();
        case Kind::choice:
            return value.is_string() &&
                   std::ranges::find(attribute.choices, value.get_ref<const std::string&>()) !=
                       attribute.choices.end();
        case Kind::number:
        case Kind::span:
        case Kind::size:
            return is_in_range(attribute, value);
        case Kind::flag:
            return value.is_boolean();
        case Kind::texts:
            return value.is_array() && is_texts(value);
        case Kind::named_texts:
            return value.is_object() && is_texts(value);
        case Kind::reference:
            return is_id(value);
        case Kind::references:
            return value.is_array() && std::ranges::all_of(value, is_id);
        case Kind::table:
            return value.is_object();
        case Kind::tables:
            return value.is_array() &&
                   std::ranges::all_of(value, [](const Json& item) { return item.is_object(); });
        case Kind::sections:
            return is_sections(value);
    }
    return false;
}

Result<void> fits_fields(const Attribute& attribute, const Json& table)
{
    for (const auto& [name, value] : table.items()) {
        const Attribute* field = attribute.field(name);
        if (field == nullptr)
            return fail(ErrorKind::version, fmt::format("this Belay knows no {}.{}", attribute.name, name));
        TRY(fits_value(*field, value));
    }
    for (const Attribute& field : attribute.fields) {
        if (field.required && !table.contains(field.name))
            return fail(ErrorKind::corrupt,
                        fmt::format("{} is kept without its {}", attribute.name, field.name));
    }
    return {};
}

Result<void> fits_value(const Attribute& attribute, const Json& value)
{
    if (!has_kind(attribute, value))
        return fail(ErrorKind::corrupt, fmt::format("{} is kept as no {} that it may be", attribute.name,
                                                    name_of(attribute.kind)));
    if (attribute.kind == Kind::table) return fits_fields(attribute, value);
    if (attribute.kind == Kind::tables) {
        for (const Json& table : value) TRY(fits_fields(attribute, table));
    }
    return {};
}

}  // namespace

Result<void> fits(const Object& object)
{
    const auto named = [&](Error error) -> Result<void> {
        error.what = fmt::format("{}: {}", title_of(object), error.what);
        return std::unexpected(std::move(error));
    };
    const Schema* schema = schema_of(object.type);
    if (schema == nullptr)
        return fail(ErrorKind::version,
                    fmt::format("this Belay knows no objects of the type {}", object.type));
    if (const auto complaint = complaint_about_name(object.name)) return fail(ErrorKind::corrupt, *complaint);
    for (const auto& [name, value] : object.attributes.items()) {
        const Attribute* attribute = schema->attribute(name);
        if (attribute == nullptr)
            return named(
                {.kind = ErrorKind::version, .what = fmt::format("this Belay knows no attribute {}", name)});
        if (const Result<void> fit = fits_value(*attribute, value); !fit) return named(fit.error());
    }
    return {};
}

}  // namespace belay::framework::configuration
