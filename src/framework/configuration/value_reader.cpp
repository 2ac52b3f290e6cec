#include "framework/configuration/value_reader.h"

#include "base/closest.h"
#include "base/units.h"

#include <algorithm>
#include <set>

namespace belay::framework::configuration {
namespace {

constexpr size_t most_items = 10'000;

std::string range_of(const Attribute& attribute)
{
    const auto text = [&](int64_t value) {
        if (attribute.kind == Kind::span) return span_text(value);
        if (attribute.kind == Kind::size) return size_text(value);
        return fmt::format("{}{}", value, attribute.unit.empty() ? "" : " " + attribute.unit);
    };
    if (attribute.most == std::numeric_limits<int64_t>::max())
        return fmt::format("at least {}", text(attribute.least));
    return fmt::format("{} to {}", text(attribute.least), text(attribute.most));
}

bool in_range(const Attribute& attribute, int64_t value)
{
    return value >= attribute.least && value <= attribute.most;
}

std::string quoted(const std::vector<std::string>& names)
{
    std::string text;
    for (size_t i = 0; i < names.size(); ++i)
        text += fmt::format("{}\"{}\"", i == 0 ? "" : (i + 1 == names.size() ? " or " : ", "), names[i]);
    return text;
}

}  // namespace

std::string shown(std::string_view text)
{
    constexpr size_t enough = 60;
    if (text.size() <= enough) return std::string(text);
    size_t end = enough;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return std::string(text.substr(0, end)) + "...";
}

bool ValueReader::is(const Node& node, Node::Kind kind, const Attribute& attribute, std::string_view example)
{
    if (node.kind == kind) return true;
    error(node.place,
          fmt::format("\"{}\" is {} here, and {} is wanted: write {}", attribute.name,
                      operation::runbook::name_of(node.kind), operation::runbook::name_of(kind), example));
    return false;
}

std::optional<std::string> ValueReader::text_of(const Node& node, std::string_view name)
{
    if (node.kind != Node::Kind::text) {
        error(node.place, fmt::format("\"{}\" has {} here, and a text is wanted: put it in quotes", name,
                                      operation::runbook::name_of(node.kind)));
        return std::nullopt;
    }
    if (node.text.contains('\0')) {
        error(node.place,
              fmt::format("\"{}\" has a zero byte, which no program can be given: take it out", name));
        return std::nullopt;
    }
    return node.text;
}

std::optional<Json> ValueReader::read(const Attribute& attribute, const Node& node,
                                      const std::string& pointer)
{
    object_.places[pointer] = node.place;
    switch (attribute.kind) {
        case Kind::text:
        case Kind::choice:
            return attribute.secret ? read_secret(attribute, node) : read_text(attribute, node);
        case Kind::number:
            return read_number(attribute, node);
        case Kind::span:
        case Kind::size:
            return read_measure(attribute, node);
        case Kind::flag:
            if (!is(node, Node::Kind::boolean, attribute, "true or false, without quotes"))
                return std::nullopt;
            return Json(node.integer != 0);
        case Kind::texts:
            return read_texts(attribute, node);
        case Kind::named_texts:
            return read_named_texts(attribute, node, pointer);
        case Kind::reference:
            return read_reference(attribute, node, pointer);
        case Kind::references:
            return read_references(attribute, node, pointer);
        case Kind::table:
            return read_table(attribute, node, pointer);
        case Kind::tables:
            return read_tables(attribute, node, pointer);
        case Kind::sections:
            return read_sections(node, pointer);
    }
    return std::nullopt;
}

std::optional<Json> ValueReader::read_text(const Attribute& attribute, const Node& node)
{
    const std::string example =
        attribute.kind == Kind::choice ? quoted(attribute.choices) : std::string("it in quotes");
    if (!is(node, Node::Kind::text, attribute, example)) return std::nullopt;
    const auto text = text_of(node, attribute.name);
    if (!text) return std::nullopt;
    if (attribute.kind == Kind::choice &&
        std::ranges::find(attribute.choices, *text) == attribute.choices.end()) {
        error(node.place, fmt::format("\"{}\" is \"{}\", and {} is wanted{}", attribute.name, shown(*text),
                                      quoted(attribute.choices), did_you_mean(*text, attribute.choices)));
        return std::nullopt;
    }
    if (const auto complaint = complaint_about(attribute.form, *text)) {
        error(node.place, fmt::format("\"{}\" is \"{}\", {}", attribute.name, shown(*text), *complaint));
        return std::nullopt;
    }
    return Json(*text);
}

/// No problem that is told here may quote the text.
std::optional<Json> ValueReader::read_secret(const Attribute& attribute, const Node& node)
{
    if (!is(node, Node::Kind::text, attribute, "it in quotes")) return std::nullopt;
    if (!node.text.starts_with(sealed_prefix))
        return Json(keys_ != nullptr ? keys_->seal(node.text) : "sealed:");
    if (keys_ == nullptr) return Json(node.text);
    if (const auto opened = keys_->unseal(node.text); !opened) {
        error(node.place,
              fmt::format("\"{}\" cannot be opened: {}; write it in plain text, and it is sealed before "
                          "it is kept",
                          attribute.name, opened.error().what));
        return std::nullopt;
    }
    return Json(node.text);
}

std::optional<Json> ValueReader::read_number(const Attribute& attribute, const Node& node)
{
    if (!is(node, Node::Kind::integer, attribute, "it without quotes")) return std::nullopt;
    if (in_range(attribute, node.integer)) return Json(node.integer);
    error(node.place,
          fmt::format("\"{}\" is {}, and {} is possible", attribute.name, node.integer, range_of(attribute)));
    return std::nullopt;
}

/// A duration or a size: with its unit, so a text.
std::optional<Json> ValueReader::read_measure(const Attribute& attribute, const Node& node)
{
    const bool is_span = attribute.kind == Kind::span;
    const std::string_view example =
        is_span ? "\"500ms\", \"30s\" or \"2h\"" : "\"64KiB\", \"512MiB\" or \"4GiB\"";
    if (!is(node, Node::Kind::text, attribute, example)) return std::nullopt;
    int64_t value = 0;
    bool read = false;
    if (is_span) {
        const auto span = parse_span(node.text);
        read = span.has_value();
        if (read) value = span->count();
    } else {
        const auto size = parse_bytes(node.text);
        read = size.has_value() && size->count <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
        if (read) value = static_cast<int64_t>(size->count);
    }
    if (!read)
        error(node.place, fmt::format("\"{}\" is \"{}\", which is no {}: write {}", attribute.name,
                                      shown(node.text), is_span ? "length of time" : "size", example));
    else if (in_range(attribute, value))
        return Json(value);
    else
        error(node.place, fmt::format("\"{}\" is {}, and {} is possible", attribute.name, shown(node.text),
                                      range_of(attribute)));
    return std::nullopt;
}

std::optional<Json> ValueReader::read_texts(const Attribute& attribute, const Node& node)
{
    if (!is(node, Node::Kind::list, attribute, "[\"one\", \"two\"]")) return std::nullopt;
    if (node.items.size() > most_items) {
        error(node.place, fmt::format("\"{}\" has more than {} items", attribute.name, most_items));
        return std::nullopt;
    }
    Json texts = Json::array();
    for (const Node& item : node.items) {
        const auto text = text_of(item, attribute.name);
        if (!text) continue;
        if (!attribute.choices.empty() &&
            std::ranges::find(attribute.choices, *text) == attribute.choices.end())
            error(item.place,
                  fmt::format("\"{}\" has \"{}\", and {} are possible{}", attribute.name, shown(*text),
                              quoted(attribute.choices), did_you_mean(*text, attribute.choices)));
        texts.push_back(*text);
    }
    const bool program = attribute.name.ends_with("command");
    if (program && (texts.empty() || texts.front().get_ref<const std::string&>().empty())) {
        error(node.place,
              fmt::format("\"{}\" names no program: write [\"/the/program\", \"argument\"]", attribute.name));
        return std::nullopt;
    }
    return texts;
}

std::optional<Json> ValueReader::read_named_texts(const Attribute& attribute, const Node& node,
                                                  const std::string& pointer)
{
    if (!is(node, Node::Kind::table, attribute, "{ NAME = \"value\" }")) return std::nullopt;
    Json texts = Json::object();
    for (const Entry& entry : node.entries) {
        const Attribute one{.name = entry.key, .meaning = "", .secret = attribute.secret};
        object_.places[pointer + "/" + entry.key] = entry.place;
        const bool named = !entry.key.empty() && entry.key.size() <= most_name_bytes &&
                           entry.key.find_first_of(std::string_view("=\0", 2)) == std::string::npos;
        if (!named)
            error(entry.place,
                  fmt::format("\"{}\" is no name for a value of \"{}\": it is empty, too long, or has "
                              "\"=\" or a zero byte in it",
                              shown(entry.key), attribute.name));
        else if (const auto complaint = complaint_about(attribute.form, entry.key))
            error(entry.place,
                  fmt::format("\"{}\" has \"{}\", {}", attribute.name, shown(entry.key), *complaint));
        const auto text = attribute.secret ? read_secret(one, entry.value) : read_text(one, entry.value);
        if (named && text) texts[entry.key] = *text;
    }
    return texts;
}

std::optional<Json> ValueReader::read_reference(const Attribute& attribute, const Node& node,
                                                const std::string& pointer)
{
    if (!is(node, Node::Kind::text, attribute, fmt::format("the name of the {} in quotes", attribute.target)))
        return std::nullopt;
    object_.places[pointer] = node.place;
    object_.references.push_back({pointer, attribute.target, node.text, node.place});
    return Json(nullptr);
}

std::optional<Json> ValueReader::read_references(const Attribute& attribute, const Node& node,
                                                 const std::string& pointer)
{
    if (!is(node, Node::Kind::list, attribute, "[\"one name\", \"another\"]")) return std::nullopt;
    Json list = Json::array();
    std::set<std::string> seen;
    for (const Node& item : node.items) {
        if (item.kind == Node::Kind::text && !seen.insert(item.text).second)
            error(item.place, fmt::format("\"{}\" names \"{}\" twice", attribute.name, shown(item.text)));
        else if (const auto one = read_reference(attribute, item, fmt::format("{}/{}", pointer, list.size())))
            list.push_back(*one);
    }
    return list;
}

std::optional<Json> ValueReader::read_table(const Attribute& attribute, const Node& node,
                                            const std::string& pointer)
{
    if (!is(node, Node::Kind::table, attribute, fmt::format("{{ {} = ... }}", attribute.fields.front().name)))
        return std::nullopt;
    Json table = Json::object();
    std::vector<std::string> names;
    for (const Attribute& field : attribute.fields) names.push_back(field.name);
    for (const Entry& entry : node.entries) {
        const Attribute* field = attribute.field(entry.key);
        if (field == nullptr) {
            error(entry.place, fmt::format("\"{}\" has no \"{}\"{}", attribute.name, shown(entry.key),
                                           did_you_mean(entry.key, names)));
            continue;
        }
        // What is wrong stands there all the same, so that it is not called missing as well.
        const auto value = read(*field, entry.value, pointer + "/" + entry.key);
        table[entry.key] = value.value_or(Json(nullptr));
    }
    check_fields(attribute, table, node.place);
    return table;
}

/// What is required, always or beside what else is there.
void ValueReader::check_fields(const Attribute& attribute, const Json& table, Place place)
{
    for (const Attribute& field : attribute.fields) {
        if (table.contains(field.name)) continue;
        if (field.required)
            error(place, fmt::format("\"{}\" needs \"{}\": {}", attribute.name, field.name, field.meaning));
        if (field.needed_when.empty()) continue;
        const size_t equals = field.needed_when.find('=');
        const auto beside = table.find(field.needed_when.substr(0, equals));
        if (beside != table.end() && *beside == field.needed_when.substr(equals + 1))
            error(place, fmt::format("\"{}\" of the kind \"{}\" needs \"{}\": {}", attribute.name,
                                     field.needed_when.substr(equals + 1), field.name, field.meaning));
    }
}

std::optional<Json> ValueReader::read_tables(const Attribute& attribute, const Node& node,
                                             const std::string& pointer)
{
    const std::string example = fmt::format("[{{ {} = ... }}], or [[...{}]] on a line of its own",
                                            attribute.fields.front().name, attribute.name);
    if (!is(node, Node::Kind::list, attribute, example)) return std::nullopt;
    if (node.items.size() > most_items) {
        error(node.place, fmt::format("\"{}\" has more than {} items", attribute.name, most_items));
        return std::nullopt;
    }
    Json tables = Json::array();
    for (const Node& item : node.items) {
        const std::string at = fmt::format("{}/{}", pointer, tables.size());
        object_.places[at] = item.place;
        const auto table = read_table(attribute, item, at);
        tables.push_back(table.value_or(Json::object()));
    }
    check_keys(attribute, tables, node);
    return tables;
}

/// What tells one table from another is different in each of them. References are compared where they are
/// resolved.
void ValueReader::check_keys(const Attribute& attribute, const Json& tables, const Node& node)
{
    if (attribute.keys.empty()) return;
    std::set<std::string> seen;
    for (size_t i = 0; i < tables.size(); ++i) {
        std::string key;
        bool whole = true;
        for (const std::string& name : attribute.keys) {
            const bool has = tables[i].contains(name) && tables[i].at(name).is_string();
            whole = whole && has;
            if (has)
                key +=
                    fmt::format("{}\"{}\"", key.empty() ? "" : ", ", tables[i].at(name).get<std::string>());
        }
        if (whole && !seen.insert(key).second)
            error(node.items[i].place, fmt::format("\"{}\" has {} twice", attribute.name, key));
    }
}

std::optional<Json> ValueReader::read_sections(const Node& node, const std::string& pointer)
{
    const Attribute options{.name = pointer.substr(1), .meaning = ""};
    if (!is(node, Node::Kind::table, options, "{ section = { option = \"value\" } }")) return std::nullopt;
    Json sections = Json::object();
    for (const Entry& section : node.entries) {
        const Attribute inside{.name = fmt::format("{}.{}", options.name, section.key), .meaning = ""};
        const std::string at = pointer + "/" + section.key;
        object_.places[at] = section.place;
        if (section.key.empty())
            error(section.place, fmt::format("a section of \"{}\" has no name", options.name));
        if (!is(section.value, Node::Kind::table, inside, "{ option = \"value\" }")) continue;
        Json& values = sections[section.key] = Json::object();
        for (const Entry& option : section.value.entries) {
            const Node& value = option.value;
            object_.places[at + "/" + option.key] = option.place;
            if (option.key.empty())
                error(option.place, fmt::format("an option of \"{}\" has no name", inside.name));
            if (value.kind == Node::Kind::integer)
                values[option.key] = value.integer;
            else if (value.kind == Node::Kind::boolean)
                values[option.key] = value.integer != 0;
            else if (value.kind != Node::Kind::text)
                error(value.place,
                      fmt::format("\"{}.{}\" is {} here, and an option is a text, a whole number, true or "
                                  "false: put it in quotes",
                                  inside.name, shown(option.key), operation::runbook::name_of(value.kind)));
            else if (const auto text = text_of(value, option.key))
                values[option.key] = *text;
        }
    }
    return sections;
}

}  // namespace belay::framework::configuration
