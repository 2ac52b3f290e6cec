#include "framework/configuration/schema.h"

#include "base/invariant.h"
#include "base/units.h"

#include <algorithm>
#include <charconv>

namespace belay::framework::configuration {
namespace {

std::vector<Schema> all_schemas()
{
    std::vector<Schema> all;
    for (auto* make : {machine_schemas, service_schemas, people_schemas, reaction_schemas})
        std::ranges::move(make(), std::back_inserter(all));
    return all;
}

struct Unit {
    int64_t size;
    std::string_view name;
};

/// By the largest unit that leaves no rest.
std::string in_units(int64_t count, std::initializer_list<Unit> units)
{
    for (const Unit& unit : units) {
        if (count % unit.size == 0 && (count != 0 || unit.size == 1))
            return fmt::format("{}{}", count / unit.size, unit.name);
    }
    return fmt::format("{}", count);
}

}  // namespace

std::string_view name_of(Kind kind)
{
    constexpr std::string_view names[] = {
        "text",        "whole number", "duration",   "size",  "true/false",     "one of",  "list of texts",
        "named texts", "reference",    "references", "table", "list of tables", "sections"};
    return names[static_cast<size_t>(kind)];
}

std::string_view name_of(Effect effect)
{
    constexpr std::string_view names[] = {"at once", "on reconnect", "after restart"};
    return names[static_cast<size_t>(effect)];
}

const Attribute* Attribute::field(std::string_view field_name) const
{
    const auto found = std::ranges::find(fields, field_name, &Attribute::name);
    return found == fields.end() ? nullptr : &*found;
}

const Attribute* Schema::attribute(std::string_view name) const
{
    const auto found = std::ranges::find(attributes, name, &Attribute::name);
    return found == attributes.end() ? nullptr : &*found;
}

const std::vector<Schema>& schemas()
{
    static const std::vector<Schema> all = all_schemas();
    return all;
}

const Schema* schema_of(std::string_view type)
{
    const auto found = std::ranges::find(schemas(), type, &Schema::type);
    return found == schemas().end() ? nullptr : &*found;
}

std::vector<std::string> type_names()
{
    std::vector<std::string> names;
    names.reserve(schemas().size());
    for (const Schema& schema : schemas()) names.push_back(schema.type);
    return names;
}

Json standard_of(const Attribute& attribute)
{
    const std::string& text = attribute.standard;
    if (text.empty()) return nullptr;
    switch (attribute.kind) {
        case Kind::span:
            return parse_span(text).value().count();
        case Kind::size:
            return static_cast<int64_t>(parse_bytes(text).value().count);
        case Kind::flag:
            return text == "true";
        case Kind::number: {
            int64_t number = 0;
            const char* begin = text.data();
            INVARIANT(std::from_chars(begin, begin + text.size(), number).ec == std::errc());
            return number;
        }
        default:
            return text;
    }
}

std::string span_text(int64_t milliseconds)
{
    if (milliseconds == 0) return "0s";
    return in_units(milliseconds,
                    {{24 * 3'600'000L, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}});
}

std::string size_text(int64_t bytes)
{
    return in_units(
        bytes, {{int64_t{1} << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"}});
}

}  // namespace belay::framework::configuration
