#include "framework/configuration/toml_text.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace belay::framework::configuration {
namespace {

/// A key bare where TOML lets it be.
std::string key_text(std::string_view key)
{
    const auto is_bare = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    };
    return !key.empty() && std::ranges::all_of(key, is_bare) ? std::string(key) : toml_string(key);
}

std::string name_in(const Configuration& configuration, const Json& id)
{
    const Object* object = configuration.find(id.get<Id>());
    return toml_string(object == nullptr ? fmt::format("({})", id.get<Id>()) : object->name);
}

std::string scalar(const Json& value)
{
    return value.is_string() ? toml_string(value.get_ref<const std::string&>()) : json_text(value);
}

template <typename Items, typename Text>
std::string list(const Items& items, Text text)
{
    std::vector<std::string> texts;
    for (const auto& item : items) texts.push_back(text(item));
    return fmt::format("[{}]", fmt::join(texts, ", "));
}

/// `{ a = 1, b = "x" }`, the fields in the order of the schema.
std::string inline_table(const Configuration& configuration, const Attribute& attribute, const Json& value)
{
    std::vector<std::string> texts;
    for (const Attribute& field : attribute.fields) {
        const auto found = value.find(field.name);
        if (found != value.end())
            texts.push_back(
                fmt::format("{} = {}", key_text(field.name), toml_value(configuration, field, *found)));
    }
    return texts.empty() ? "{}" : fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

/// `{ a = 1, b = { c = true } }`, by name.
std::string free_table(const Json& value)
{
    if (!value.is_object()) return scalar(value);
    std::vector<std::string> texts;
    for (const auto& [name, inside] : value.items())
        texts.push_back(fmt::format("{} = {}", key_text(name), free_table(inside)));
    return texts.empty() ? "{}" : fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

class Writer {
  public:
    Writer(const Configuration& configuration, const Object& object, Ids ids)
        : configuration_(configuration),
          object_(object),
          path_(fmt::format("{}.{}", object.type, key_text(object.name)))
    {
        text_ = fmt::format("[{}]{}\n", path_,
                            ids == Ids::as_comments ? fmt::format("  # id {}", object.id) : "");
        if (ids == Ids::as_attributes) text_ += fmt::format("id = {}\n", object.id);
        if (object.disabled) text_ += "disabled = true\n";
    }

    std::string write()
    {
        const Schema& schema = *schema_of(object_.type);
        for (const Attribute& attribute : schema.attributes) {
            if (!has_header(attribute)) write_line(attribute);
        }
        // A header ends the table above it, so they come last.
        for (const Attribute& attribute : schema.attributes) {
            if (has_header(attribute)) write_tables(attribute);
        }
        return std::move(text_);
    }

  private:
    static bool has_header(const Attribute& attribute)
    {
        return attribute.kind == Kind::table || attribute.kind == Kind::tables ||
               attribute.kind == Kind::sections || attribute.kind == Kind::named_texts;
    }

    const Json* value_of(const Attribute& attribute) const
    {
        const auto found = object_.attributes.find(attribute.name);
        return found == object_.attributes.end() ? nullptr : &*found;
    }

    void write_line(const Attribute& attribute)
    {
        if (const Json* value = value_of(attribute))
            text_ += fmt::format("{} = {}\n", attribute.name, toml_value(configuration_, attribute, *value));
    }

    void write_fields(const Attribute& attribute, const Json& table)
    {
        for (const Attribute& field : attribute.fields) {
            const auto found = table.find(field.name);
            if (found != table.end())
                text_ += fmt::format("{} = {}\n", field.name, toml_value(configuration_, field, *found));
        }
    }

    void write_named(const std::string& header, const Json& table)
    {
        text_ += fmt::format("\n[{}]\n", header);
        for (const auto& [name, value] : table.items())
            text_ += fmt::format("{} = {}\n", key_text(name), scalar(value));
    }

    void write_tables(const Attribute& attribute)
    {
        const Json* value = value_of(attribute);
        if (value == nullptr) return;
        const std::string header = fmt::format("{}.{}", path_, attribute.name);
        if (attribute.kind == Kind::table) {
            text_ += fmt::format("\n[{}]\n", header);
            write_fields(attribute, *value);
        } else if (attribute.kind == Kind::tables) {
            for (const Json& table : *value) {
                text_ += fmt::format("\n[[{}]]\n", header);
                write_fields(attribute, table);
            }
        } else if (attribute.kind == Kind::sections) {
            for (const auto& [section, options] : value->items())
                write_named(fmt::format("{}.{}", header, key_text(section)), options);
        } else {
            write_named(header, *value);
        }
    }

    const Configuration& configuration_;
    const Object& object_;
    std::string path_;
    std::string text_;
};

}  // namespace

std::string toml_string(std::string_view text)
{
    std::string quoted = "\"";
    for (const char c : text) {
        switch (c) {
            case '"':
                quoted += "\\\"";
                break;
            case '\\':
                quoted += "\\\\";
                break;
            case '\n':
                quoted += "\\n";
                break;
            case '\t':
                quoted += "\\t";
                break;
            case '\r':
                quoted += "\\r";
                break;
            default:
                if ((c >= 0 && c < ' ') || c == '\x7f')
                    quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
                else
                    quoted += c;
        }
    }
    return quoted + '"';
}

std::string toml_value(const Configuration& configuration, const Attribute& attribute, const Json& value)
{
    switch (attribute.kind) {
        case Kind::span:
            return toml_string(span_text(value.get<int64_t>()));
        case Kind::size:
            return toml_string(size_text(value.get<int64_t>()));
        case Kind::reference:
            return name_in(configuration, value);
        case Kind::references:
            return list(value, [&](const Json& id) { return name_in(configuration, id); });
        case Kind::texts:
            return list(value, scalar);
        case Kind::table:
            return inline_table(configuration, attribute, value);
        case Kind::tables:
            return list(value, [&](const Json& one) { return inline_table(configuration, attribute, one); });
        case Kind::named_texts:
        case Kind::sections:
            return free_table(value);
        default:
            return scalar(value);
    }
}

std::string toml_text(const Configuration& configuration, const Object& object, Ids ids)
{
    return Writer(configuration, object, ids).write();
}

std::string toml_text(const Configuration& configuration, Ids ids)
{
    std::string text;
    for (const Schema& schema : schemas()) {
        for (const Object* object : configuration.of_type(schema.type)) {
            if (!text.empty()) text += '\n';
            text += toml_text(configuration, *object, ids);
        }
    }
    return text;
}

Result<std::string> selected_toml(const Configuration& configuration, const std::string& type,
                                  const std::string& name, Ids ids)
{
    if (type.empty() && !name.empty())
        return fail(ErrorKind::usage, "a name is wanted together with its type");
    if (type.empty()) return toml_text(configuration, ids);
    if (schema_of(type) == nullptr)
        return fail(ErrorKind::usage, fmt::format("there is no type \"{}\": the types are {}", type,
                                                  fmt::join(type_names(), ", ")));
    if (!name.empty()) {
        const Object* object = configuration.find(type, name);
        if (object == nullptr)
            return fail(ErrorKind::not_found, fmt::format("there is no {}", title_of(type, name)),
                        fmt::format("belay config get {}", type));
        return toml_text(configuration, *object, ids);
    }
    std::string text;
    for (const Object* object : configuration.of_type(type))
        text += fmt::format("{}{}", text.empty() ? "" : "\n", toml_text(configuration, *object, ids));
    return text;
}

}  // namespace belay::framework::configuration
