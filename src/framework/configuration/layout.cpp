#include "framework/configuration/layout.h"

#include <charconv>

namespace belay::framework::configuration {
namespace {

constexpr std::string_view made_prefix = "config/made/";
constexpr size_t page = 1000;
constexpr int most_loads = 50;

Result<int64_t> number_in(const Json& json, const char* name)
{
    const auto found = json.find(name);
    if (found != json.end() && found->is_number_integer()) return found->get<int64_t>();
    return fail(ErrorKind::corrupt, fmt::format("the configuration in the store has no {}", name));
}

std::string text_in(const Json& json, const char* name)
{
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<Json> object_in(std::string_view text)
{
    Json json = TRY(parse_json(text));
    if (!json.is_object()) return fail(ErrorKind::corrupt, "the configuration in the store is no object");
    return json;
}

/// TYPE and ID behind the prefix.
Result<Object> object_of(const store::Entry& entry)
{
    const std::string_view rest = std::string_view(entry.key).substr(object_prefix.size());
    const size_t slash = rest.find('/');
    Id id = 0;
    const char* begin = rest.data() + std::min(slash, rest.size() - 1) + 1;
    const char* end = rest.data() + rest.size();
    const auto read = std::from_chars(begin, end, id);
    if (slash == std::string_view::npos || read.ec != std::errc() || read.ptr != end)
        return fail(ErrorKind::corrupt,
                    fmt::format("the store has the key {}, which is no object's", entry.key));
    const Json body = TRY(parse_json(entry.value));
    return object_from(id, rest.substr(0, slash), body);
}

Result<Configuration> read_objects(store::Store& store)
{
    Configuration configuration;
    std::string after;
    while (true) {
        const std::vector<store::Entry> entries = TRY(store.list(object_prefix, after, page));
        for (const store::Entry& entry : entries) {
            auto object = object_of(entry);
            if (!object) return std::unexpected(std::move(object).error());
            configuration.put(std::make_shared<const Object>(*std::move(object)));
        }
        if (entries.size() < page) return configuration;
        after = entries.back().key;
    }
}

}  // namespace

std::string history_key(Version version)
{
    return fmt::format("{}{:012}", history_prefix, version);
}

std::string object_key(const Object& object)
{
    return fmt::format("{}{}/{}", object_prefix, object.type, object.id);
}

std::string made_key(std::string_view key)
{
    return fmt::format("{}{}", made_prefix, key);
}

std::string pending_key(std::string_view key)
{
    return fmt::format("{}{}", pending_prefix, key);
}

Result<Head> read_head(store::Store& store)
{
    const std::optional<store::Entry> entry = TRY(store.get(head_key));
    if (!entry) return Head{};
    const Json json = TRY(object_in(entry->value));
    Head head;
    head.version = TRY(number_in(json, "version"));
    head.next_id = TRY(number_in(json, "next_id"));
    head.oldest = TRY(number_in(json, "oldest"));
    head.placing = json.value("placing", Json(false)) == Json(true);
    head.modified = entry->modified;
    return head;
}

std::string head_text(const Head& head)
{
    return json_text({{"version", head.version},
                      {"next_id", head.next_id},
                      {"oldest", head.oldest},
                      {"placing", head.placing}});
}

Json head_line_of(const HistoryEntry& entry)
{
    return {{"version", entry.version},       {"at_ms", entry.author.at_ms},
            {"who", entry.author.who},        {"origin", entry.author.origin},
            {"why", entry.author.why},        {"operation", entry.author.operation},
            {"takes_back", entry.takes_back}, {"summary", entry.summary}};
}

Result<std::string> history_text(const HistoryEntry& entry)
{
    Json json = head_line_of(entry);
    json["key"] = entry.key;
    json["change"] = TRY(pack(entry.delta));
    return json_text(json);
}

Result<HistoryEntry> history_entry_from(std::string_view text)
{
    const Json json = TRY(object_in(text));
    HistoryEntry entry;
    entry.version = TRY(number_in(json, "version"));
    entry.author = {.who = text_in(json, "who"),
                    .origin = text_in(json, "origin"),
                    .why = text_in(json, "why"),
                    .operation = text_in(json, "operation"),
                    .at_ms = 0};
    entry.author.at_ms = TRY(number_in(json, "at_ms"));
    entry.key = text_in(json, "key");
    entry.takes_back = TRY(number_in(json, "takes_back"));
    entry.summary = text_in(json, "summary");
    entry.delta = TRY(unpack(json.value("change", Json())));
    return entry;
}

Result<std::optional<Made>> read_made(store::Store& store, std::string_view key)
{
    const std::optional<store::Entry> entry = TRY(store.get(made_key(key)));
    if (!entry) return std::optional<Made>();
    const Json json = TRY(object_in(entry->value));
    Made made;
    made.version = TRY(number_in(json, "version"));
    made.back = TRY(number_in(json, "back"));
    made.modified = entry->modified;
    return std::optional(made);
}

std::string made_text(const Made& made)
{
    return json_text({{"version", made.version}, {"back", made.back}});
}

Result<std::map<std::string, Version>> read_pending(store::Store& store)
{
    std::map<std::string, Version> pending;
    const std::vector<store::Entry> entries = TRY(store.list(pending_prefix));
    for (const store::Entry& entry : entries) {
        const Json json = TRY(object_in(entry.value));
        const Version version = TRY(number_in(json, "version"));
        pending[entry.key.substr(pending_prefix.size())] = version;
    }
    return pending;
}

Result<HistoryEntry> read_history(store::Store& store, Version version)
{
    const std::optional<store::Entry> entry =
        version > 0 ? TRY(store.get(history_key(version))) : std::optional<store::Entry>();
    if (!entry)
        return fail(ErrorKind::not_found,
                    fmt::format("the configuration has no version {} that is still kept", version),
                    "belay config history");
    return history_entry_from(entry->value);
}

Result<std::vector<HistoryEntry>> read_history_after(store::Store& store, Version version, size_t limit)
{
    std::vector<HistoryEntry> history;
    const std::vector<store::Entry> entries = TRY(store.list(history_prefix, history_key(version), limit));
    for (const store::Entry& entry : entries) {
        auto one = history_entry_from(entry.value);
        if (!one) return std::unexpected(std::move(one).error());
        history.push_back(*std::move(one));
    }
    return history;
}

Result<Loaded> load(store::Store& store)
{
    for (int i = 0; i < most_loads; ++i) {
        Loaded loaded;
        loaded.head = TRY(read_head(store));
        loaded.configuration = TRY(read_objects(store));
        loaded.configuration.set_next_id(loaded.head.next_id);
        if (loaded.head.placing) {
            const Result<HistoryEntry> entry = read_history(store, loaded.head.version);
            if (!entry) return std::unexpected(entry.error());
            apply(loaded.configuration, entry->delta);
        }
        const Head after = TRY(read_head(store));
        if (after.modified == loaded.head.modified) return loaded;
    }
    return fail(ErrorKind::busy, "the configuration is changed all the time, so no state of it could be read",
                "try again");
}

}  // namespace belay::framework::configuration
