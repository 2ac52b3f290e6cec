#include "upgrade/image/table.h"

#include "base/closest.h"
#include "base/utf8.h"

#include <algorithm>

namespace belay::upgrade::image {

namespace runbook = operation::runbook;

namespace {

constexpr size_t largest_file = 64 << 10, longest_text = 1024, most_items = 64;

bool is_control(char c)
{
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
}

}  // namespace

Result<Table> Table::of_file(std::string_view text, std::string_view file, ErrorKind kind)
{
    if (text.size() > largest_file)
        return fail(kind, fmt::format("{} is larger than {}", file, to_text(Bytes{largest_file})));
    std::vector<runbook::Problem> problems;
    std::optional<runbook::Node> root = runbook::read_document(text, problems);
    if (!root) return fail(kind, runbook::to_text(problems.front(), file));
    auto kept = std::make_shared<const File>(File{std::string(file), kind, *std::move(root)});
    const runbook::Node& node = kept->root;
    return Table(std::move(kept), node);
}

std::unexpected<Error> Table::error(std::string_view key, std::string_view what) const
{
    const runbook::Entry* entry = find(key);
    const runbook::Place place = entry != nullptr ? entry->place : node_->place;
    return fail(file_->kind, fmt::format("{}:{}:{}: {}", file_->name, place.line, place.column, what));
}

const runbook::Entry* Table::find(std::string_view key) const
{
    const auto found = std::ranges::find(node_->entries, key, &runbook::Entry::key);
    return found == node_->entries.end() ? nullptr : &*found;
}

std::vector<std::string> Table::keys() const
{
    std::vector<std::string> keys;
    for (const runbook::Entry& entry : node_->entries) keys.push_back(entry.key);
    return keys;
}

Result<std::string> Table::text_of(const runbook::Node& node, std::string_view key) const
{
    if (node.kind != runbook::Node::Kind::text)
        return error(key, fmt::format("\"{}\" is {}; it must be a text, in quotes", key, name_of(node.kind)));
    if (node.text.empty() || node.text.size() > longest_text)
        return error(key, fmt::format("\"{}\" must have 1 to {} bytes", key, longest_text));
    if (!is_utf8(node.text) || std::ranges::any_of(node.text, is_control))
        return error(key, fmt::format("\"{}\" must be UTF-8 without control characters", key));
    return node.text;
}

Result<std::string> Table::text(std::string_view key) const
{
    const runbook::Entry* entry = find(key);
    if (entry == nullptr) return error(key, fmt::format("the key \"{}\" is missing", key));
    return text_of(entry->value, key);
}

Result<std::string> Table::optional_text(std::string_view key) const
{
    if (!has(key)) return std::string();
    return text(key);
}

Result<uint64_t> Table::number(std::string_view key) const
{
    const runbook::Entry* entry = find(key);
    if (entry == nullptr) return error(key, fmt::format("the key \"{}\" is missing", key));
    if (entry->value.kind != runbook::Node::Kind::integer || entry->value.integer < 0)
        return error(key, fmt::format("\"{}\" must be a number, 0 or more", key));
    return static_cast<uint64_t>(entry->value.integer);
}

Result<std::vector<std::string>> Table::texts(std::string_view key) const
{
    std::vector<std::string> texts;
    const runbook::Entry* entry = find(key);
    if (entry == nullptr) return texts;
    if (entry->value.kind != runbook::Node::Kind::list)
        return error(key, fmt::format("\"{}\" is {}; it must be a list of texts, as [\"a\", \"b\"]", key,
                                      name_of(entry->value.kind)));
    if (entry->value.items.size() > most_items)
        return error(key, fmt::format("\"{}\" has more than {} items", key, most_items));
    for (const runbook::Node& item : entry->value.items) texts.push_back(TRY(text_of(item, key)));
    return texts;
}

Result<Table> Table::table(std::string_view key) const
{
    static const runbook::Node empty;
    const runbook::Entry* entry = find(key);
    if (entry == nullptr) return Table(file_, empty);
    if (entry->value.kind != runbook::Node::Kind::table)
        return error(key, fmt::format("\"{}\" is {}; it must be a table, as [{}]", key,
                                      name_of(entry->value.kind), key));
    return Table(file_, entry->value);
}

Result<void> Table::has_only(const std::vector<std::string>& known) const
{
    for (const runbook::Entry& entry : node_->entries) {
        if (std::ranges::find(known, entry.key) == known.end())
            return error(entry.key,
                         fmt::format("there is no key \"{}\" here{}", entry.key.substr(0, longest_text),
                                     did_you_mean(entry.key, known)));
    }
    return {};
}

std::string toml_quoted(std::string_view text)
{
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::string toml_quoted(const std::vector<std::string>& texts)
{
    std::string list;
    for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + toml_quoted(text);
    return "[" + list + "]";
}

}  // namespace belay::upgrade::image
