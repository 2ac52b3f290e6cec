#include "operation/runbook/document.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// The library asserts what the text must be where it then deals with any text: "[[" and a control character
// ended the process. The fuzzer watches over what goes on without.
#define TOML_ASSERT(expr) static_assert(true)
#include <algorithm>
#include <toml++/toml.h>

namespace belay::operation::runbook {
namespace {

Place place_of(const toml::source_region& region)
{
    return {std::max<size_t>(region.begin.line, 1), std::max<size_t>(region.begin.column, 1)};
}

Node node_of(const toml::node& from);

Node list_of(const toml::array& from)
{
    Node list;
    list.kind = Node::Kind::list;
    for (const toml::node& item : from) list.items.push_back(node_of(item));
    // A list of tables begins where its first table does: the library gives it no place of its own.
    if (from.is_array_of_tables() && !list.items.empty()) list.place = list.items.front().place;
    return list;
}

Node table_of(const toml::table& from)
{
    Node table;
    table.kind = Node::Kind::table;
    for (const auto& [key, value] : from)
        table.entries.push_back({std::string(key.str()), place_of(key.source()), node_of(value)});
    std::ranges::sort(table.entries, {}, &Entry::place);
    return table;
}

Node node_of(const toml::node& from)
{
    Node node;
    node.kind = Node::Kind::other;
    if (const auto* table = from.as_table()) {
        node = table_of(*table);
    } else if (const auto* list = from.as_array()) {
        node = list_of(*list);
    } else if (const auto* text = from.as_string()) {
        node.kind = Node::Kind::text;
        node.text = text->get();
    } else if (const auto* integer = from.as_integer()) {
        node.kind = Node::Kind::integer;
        node.integer = integer->get();
    } else if (const auto* boolean = from.as_boolean()) {
        node.kind = Node::Kind::boolean;
        node.integer = boolean->get() ? 1 : 0;
    }
    if (from.source().begin.line > 0) node.place = place_of(from.source());
    return node;
}

}  // namespace

std::string to_text(const Problem& problem, std::string_view file)
{
    return fmt::format("{}:{}:{}: {}: {}", file, problem.place.line, problem.place.column,
                       problem.error ? "error" : "warning", problem.what);
}

bool any_error(const std::vector<Problem>& problems)
{
    return std::ranges::any_of(problems, &Problem::error);
}

std::string_view name_of(Node::Kind kind)
{
    constexpr std::string_view names[] = {"a text", "a number", "true or false",
                                          "a list", "a table",  "a value"};
    return names[static_cast<size_t>(kind)];
}

std::optional<Node> read_document(std::string_view text, std::vector<Problem>& problems)
{
    const toml::parse_result parsed = toml::parse(text);
    if (parsed) return table_of(parsed.table());
    const toml::parse_error& error = parsed.error();
    problems.push_back(
        {place_of(error.source()), true,
         fmt::format("this is no TOML: {}; mend it and lint again, for nothing behind it was read",
                     error.description())});
    return std::nullopt;
}

}  // namespace belay::operation::runbook
