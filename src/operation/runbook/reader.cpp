#include "operation/runbook/reader.h"

#include "operation/runbook/pattern.h"

#include <algorithm>

namespace belay::operation::runbook {
namespace {

constexpr size_t most_words = 500;

std::string shown_word(std::string_view key)
{
    constexpr size_t enough = 40;
    return std::string(key.substr(0, enough)) + (key.size() > enough ? "..." : "");
}

}  // namespace

Reader::Reader(const Node& table, Place place, std::string what, std::vector<Problem>& problems)
    : node_(table), place_(place), what_(std::move(what)), problems_(problems)
{
}

const Entry* Reader::find(std::string_view key)
{
    asked_for_.emplace(key);
    const auto found = std::ranges::find(node_.entries, key, &Entry::key);
    return found == node_.entries.end() ? nullptr : &*found;
}

const Node* Reader::find(std::string_view key, Node::Kind kind, std::string_view example)
{
    const Entry* entry = find(key);
    if (entry == nullptr) return nullptr;
    if (entry->value.kind == kind) return &entry->value;
    error(entry->value.place, fmt::format("\"{}\" is {} here, and {} is wanted: write {}", key,
                                          name_of(entry->value.kind), name_of(kind), example));
    return nullptr;
}

bool Reader::has(std::string_view key) const
{
    return std::ranges::find(node_.entries, key, &Entry::key) != node_.entries.end();
}

Place Reader::place_of(std::string_view key) const
{
    const auto found = std::ranges::find(node_.entries, key, &Entry::key);
    return found == node_.entries.end() ? place_ : found->value.place;
}

std::optional<Text> Reader::text_of(const Node& node, std::string_view key) const
{
    if (node.kind != Node::Kind::text)
        error(node.place, fmt::format("\"{}\" has {} here, and a text is wanted: put it in quotes", key,
                                      name_of(node.kind)));
    else if (node.text.contains('\0'))
        error(node.place,
              fmt::format("\"{}\" has a zero byte, which no command can be given: take it out", key));
    else
        return Text{node.text, node.place};
    return std::nullopt;
}

std::optional<Text> Reader::text(std::string_view key)
{
    const Entry* entry = find(key);
    return entry == nullptr ? std::nullopt : text_of(entry->value, key);
}

Text Reader::required(std::string_view key, std::string_view wanted)
{
    const auto found = text(key);
    if (found && !found->text.empty()) return *found;
    if (!has(key) || found)
        error(found ? found->place : place_, fmt::format("{} needs \"{}\", {}", what_, key, wanted));
    return {"", place_};
}

std::optional<Milliseconds> Reader::span(std::string_view key)
{
    const Node* node = find(key, Node::Kind::text, "\"30s\", \"10m\" or \"2h\"");
    if (node == nullptr) return std::nullopt;
    const Result<Milliseconds> span = parse_span(node->text);
    if (span && *span > Milliseconds{0}) return *span;
    error(node->place, fmt::format("\"{}\" is no length of time for \"{}\": write \"30s\", \"10m\" or \"2h\"",
                                   shown_word(node->text), key));
    return std::nullopt;
}

std::optional<int64_t> Reader::integer(std::string_view key, int64_t least, int64_t most)
{
    const Node* node = find(key, Node::Kind::integer, "it without quotes");
    if (node == nullptr) return std::nullopt;
    if (node->integer >= least && node->integer <= most) return node->integer;
    error(node->place,
          fmt::format("\"{}\" is {}: write a number from {} to {}", key, node->integer, least, most));
    return std::nullopt;
}

std::optional<bool> Reader::flag(std::string_view key)
{
    const Node* node = find(key, Node::Kind::boolean, "true or false, without quotes");
    return node == nullptr ? std::nullopt : std::optional(node->integer != 0);
}

std::vector<Text> Reader::texts(std::string_view key)
{
    std::vector<Text> texts;
    const Node* node = find(key, Node::Kind::list, "[\"one\", \"two\"]");
    if (node == nullptr) return texts;
    for (const Node& item : node->items) {
        if (const auto text = text_of(item, key)) texts.push_back(*text);
    }
    return texts;
}

std::optional<Words> Reader::words_of(const Node& node, std::string_view key) const
{
    if (node.kind != Node::Kind::list) {
        error(node.place, fmt::format("\"{}\" is {} here, and a command is wanted: write it word by word, as "
                                      "[\"systemctl\", \"reload\", \"nginx\"]",
                                      key, name_of(node.kind)));
        return std::nullopt;
    }
    Words words;
    bool whole = true;
    for (const Node& item : node.items) {
        const auto text = text_of(item, key);
        whole = whole && text.has_value();
        if (text) words.push_back(*text);
    }
    if (!whole) return std::nullopt;
    const auto refuse = [&](Place place, std::string_view why) {
        error(place, fmt::format("\"{}\" {}", key, why));
        return std::nullopt;
    };
    if (words.empty() || words.front().text.empty())
        return refuse(node.place, "names no program: write [\"program\", \"argument\"]");
    if (words.size() > most_words) return refuse(node.place, "has more than 500 words: put them into a file");
    if (words.front().text.contains('/'))
        return refuse(words.front().place,
                      "has a path for its program, and a bare name is wanted: programs are "
                      "looked up in the system's folders; write [\"env\", \"/the/path\"] "
                      "where yours stands elsewhere");
    return words;
}

std::optional<Words> Reader::words(std::string_view key)
{
    const Entry* entry = find(key);
    return entry == nullptr ? std::nullopt : words_of(entry->value, key);
}

std::vector<Words> Reader::commands(std::string_view key)
{
    std::vector<Words> commands;
    const Node* node = find(key, Node::Kind::list, "[[\"program\", \"argument\"], [\"another\"]]");
    if (node == nullptr) return commands;
    for (const Node& item : node->items) {
        if (const auto command = words_of(item, key)) commands.push_back(*command);
    }
    return commands;
}

std::optional<Text> Reader::pattern(std::string_view key)
{
    std::optional<Text> found = text(key);
    if (!found) return std::nullopt;
    const Result<void> sound = check_pattern(found->text);
    if (sound) return found;
    error(found->place, fmt::format("{}; patterns are written as for grep -E", sound.error().what));
    return std::nullopt;
}

std::optional<Probe> Reader::own_probe()
{
    Probe probe;
    const auto run = words("run");
    if (!run && !has("run"))
        error(place_, fmt::format("{} needs \"run\", the command that answers it", what_));
    probe.expect_exit = static_cast<int>(integer("expect-exit", 0, 255).value_or(0));
    probe.expect_output = pattern("expect-output");
    probe.expect_text = text("expect-text");
    if (!run) return std::nullopt;
    probe.run = *run;
    return probe;
}

std::optional<Probe> Reader::probe(std::string_view key)
{
    const Entry* entry = find(key);
    if (entry == nullptr) return std::nullopt;
    if (entry->value.kind != Node::Kind::table) {
        const auto run = words_of(entry->value, key);
        return run ? std::optional(Probe{.run = *run}) : std::nullopt;
    }
    Reader reader(entry->value, entry->value.place, fmt::format("\"{}\"", key), problems_);
    const auto probe = reader.own_probe();
    reader.no_other();
    return probe;
}

std::vector<const Node*> Reader::tables(std::string_view key)
{
    std::vector<const Node*> tables;
    const std::string example = fmt::format("[[{}]] on a line of its own, and its keys below", key);
    const Node* node = find(key, Node::Kind::list, example);
    if (node == nullptr) return tables;
    for (const Node& item : node->items) {
        if (item.kind == Node::Kind::table)
            tables.push_back(&item);
        else
            error(item.place, fmt::format("\"{}\" has {} here, and a table is wanted: write {}", key,
                                          name_of(item.kind), example));
    }
    return tables;
}

std::vector<const Entry*> Reader::named_tables(std::string_view key)
{
    std::vector<const Entry*> tables;
    const std::string example = fmt::format("[{}.NAME] on a line of its own, and its keys below", key);
    const Node* node = find(key, Node::Kind::table, example);
    if (node == nullptr) return tables;
    for (const Entry& entry : node->entries) {
        if (entry.value.kind == Node::Kind::table)
            tables.push_back(&entry);
        else
            error(entry.place, fmt::format("\"{}\" is {} here, and a table is wanted: write {}",
                                           shown_word(entry.key), name_of(entry.value.kind), example));
    }
    return tables;
}

std::optional<Reader> Reader::table(std::string_view key, std::string what)
{
    const Node* node = find(key, Node::Kind::table, fmt::format("{} = {{ ... }}", key));
    return node == nullptr
               ? std::nullopt
               : std::optional<Reader>(std::in_place, *node, node->place, std::move(what), problems_);
}

void Reader::no_other() const
{
    for (const Entry& entry : node_.entries) {
        if (asked_for_.contains(entry.key)) continue;
        error(entry.place, fmt::format("{} has no key \"{}\"; it may have {}", what_, shown_word(entry.key),
                                       fmt::join(asked_for_, ", ")));
    }
}

}  // namespace belay::operation::runbook
