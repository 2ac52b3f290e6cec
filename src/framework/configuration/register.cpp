#include "framework/configuration/register.h"

#include "framework/configuration/change.h"
#include "framework/configuration/rules.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

constexpr int most_tries = 50;
constexpr size_t most_objects_at_once = 100;    // of the 128 writes of a transaction
constexpr size_t most_bytes_at_once = 2 << 20;  // of its 8 MiB
constexpr Version forgotten_at_once = 2;

void give_ids(Json& attributes, std::string_view type, const std::map<Id, Id>& ids)
{
    for_each_reference(type, attributes, [&](const std::string&, Json& id, const std::string&) {
        const auto given = ids.find(id.get<Id>());
        if (given != ids.end()) id = given->second;
    });
}

size_t bytes_of(const std::vector<store::Write>& writes)
{
    size_t bytes = 0;
    for (const store::Write& write : writes)
        bytes += write.key.size() + (write.value ? write.value->size() : 0);
    return bytes;
}

store::Write write_of(const ObjectDelta& one)
{
    if (!one.after) return {object_key(*one.before), std::nullopt};
    return {object_key(*one.after), json_text(body_of(*one.after))};
}

}  // namespace

/// New objects with ids of their own, in this change and wherever it refers to them.
Result<Delta> Register::numbered(const Delta& delta, Id& next_id) const
{
    std::map<Id, Id> given;
    for (const ObjectDelta& one : delta.objects) {
        if (one.id() > 0) next_id = std::max(next_id, one.id() + 1);
    }
    // From -1 downward: in the order in which they were thought of.
    std::set<Id, std::greater<>> fresh;
    for (const ObjectDelta& one : delta.objects) {
        if (one.id() < 0) fresh.insert(one.id());
    }
    for (const Id id : fresh) given[id] = next_id++;
    if (next_id > most_id) return fail(ErrorKind::usage, fmt::format("ids go up to {}", most_id));
    if (given.empty()) return delta;
    Delta result;
    for (const ObjectDelta& one : delta.objects) {
        if (!one.after) {
            result.objects.push_back(one);
            continue;
        }
        Object object = *one.after;
        if (object.id < 0) object.id = given.at(object.id);
        give_ids(object.attributes, object.type, given);
        result.objects.push_back({one.before, std::make_shared<const Object>(std::move(object))});
    }
    return result;
}

/// What is older than anybody looks at goes, a little with every change; not what may still be taken back.
Result<void> Register::forget(store::Transaction& transaction, Head& head)
{
    Version keep_from = head.version - remembered_versions + 1;
    for (const Pending& one : pending_) keep_from = std::min(keep_from, one.entry.version);
    for (Version i = 0; i < forgotten_at_once && head.oldest < keep_from; ++i) {
        const std::string old = history_key(head.oldest++);
        const std::optional<store::Entry> entry = TRY(store_.get(old));
        if (!entry) continue;
        transaction.then.push_back({old, std::nullopt});
        const auto json = parse_json(entry->value);
        const std::string key = json && json->is_object() ? made_key(json->value("key", "")) : std::string();
        // Both a change and the one that took it back have its key.
        const bool known = key.empty() || std::ranges::find(transaction.then, key, &store::Write::key) !=
                                              transaction.then.end();
        if (!known) transaction.then.push_back({key, std::nullopt});
    }
    return {};
}

/// False: somebody else was faster, and nothing is written.
Result<bool> Register::commit(const HistoryEntry& entry, Id next_id, std::vector<store::Compare> when,
                              std::vector<store::Write> then)
{
    store::Transaction transaction{std::move(when), std::move(then)};
    Head head{.version = entry.version, .next_id = next_id, .oldest = head_.oldest};
    std::vector<store::Write> objects;
    if (entry.delta.objects.size() <= most_objects_at_once) {
        for (const ObjectDelta& one : entry.delta.objects) objects.push_back(write_of(one));
    }
    head.placing = objects.empty() || bytes_of(objects) > most_bytes_at_once;
    if (!head.placing) std::ranges::move(objects, std::back_inserter(transaction.then));
    TRY(forget(transaction, head));
    transaction.when.push_back({store::Compare::Of::modified, std::string(head_key), head_.modified});
    transaction.then.push_back({std::string(head_key), head_text(head)});
    std::string text = TRY(history_text(entry));
    transaction.then.push_back({history_key(entry.version), std::move(text)});
    const Result<store::Commit> done = store_.commit(transaction);
    if (!done || !done->succeeded) {
        loaded_ = loaded_ && done.has_value();
        if (!done) return std::unexpected(done.error());
        return false;
    }
    head.modified = done->revision;
    head_ = head;
    apply(configuration_, entry.delta);
    configuration_.set_next_id(next_id);
    shared_ = nullptr;
    TRY(finish_placing());
    return true;
}

/// Brings the objects of a large change to their places. Two that do it at once write the same.
Result<void> Register::finish_placing()
{
    if (!head_.placing) return {};
    const Result<HistoryEntry> entry = read_history(store_, head_.version);
    if (!entry) return std::unexpected(entry.error());
    store::Transaction transaction;
    const auto flush = [&]() -> Result<bool> {
        // Nobody may have gone on: an object of a later version would be overwritten.
        transaction.when = {{store::Compare::Of::modified, std::string(head_key), head_.modified}};
        const store::Commit done = TRY(store_.commit(transaction));
        transaction.then.clear();
        return done.succeeded;
    };
    for (const ObjectDelta& one : entry->delta.objects) {
        transaction.then.push_back(write_of(one));
        const bool full = transaction.then.size() >= most_objects_at_once ||
                          bytes_of(transaction.then) >= most_bytes_at_once;
        if (full && !TRY(flush())) return refresh();
    }
    Head placed = head_;
    placed.placing = false;
    transaction.then.push_back({std::string(head_key), head_text(placed)});
    transaction.when = {{store::Compare::Of::modified, std::string(head_key), head_.modified}};
    const store::Commit done = TRY(store_.commit(transaction));
    if (!done.succeeded) return refresh();
    placed.modified = done.revision;
    head_ = placed;
    return {};
}

Result<Version> Register::make(const Delta& delta, const std::string& key, const Author& author,
                               Confirmation confirmation)
{
    const std::lock_guard lock(mutex_);
    if (delta.empty()) return fail(ErrorKind::usage, "a change of the configuration changes nothing");
    for (int i = 0; i < most_tries; ++i) {
        TRY(refresh());
        TRY(finish_placing());
        if (head_.placing) continue;
        if (const auto made = TRY(read_made(store_, key))) {
            if (made->back == 0) return made->version;
            return fail(ErrorKind::refused,
                        fmt::format("version {} of the configuration was taken back by version {}",
                                    made->version, made->back));
        }
        TRY(fits_what_is_there(delta));
        HistoryEntry entry{
            .version = head_.version + 1, .author = author, .key = key, .summary = summary_of(delta)};
        Id next_id = head_.next_id;
        entry.delta = TRY(numbered(delta, next_id));
        TRY(keeps_rules(entry.delta, key));
        const Made made{.version = entry.version};
        std::vector<store::Write> then = {{made_key(key), made_text(made)}};
        if (confirmation == Confirmation::later) then.push_back({pending_key(key), made_text(made)});
        std::vector<store::Compare> when = {{store::Compare::Of::created, made_key(key), 0}};
        if (TRY(commit(entry, next_id, std::move(when), std::move(then)))) return made.version;
    }
    return fail(ErrorKind::busy, "others change the configuration without a pause", "try again");
}

Result<void> Register::take_back(const std::string& key, const Author& author)
{
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < most_tries; ++i) {
        TRY(refresh());
        TRY(finish_placing());
        if (head_.placing) continue;
        const auto made = TRY(read_made(store_, key));
        if (!made || made->back != 0) return {};
        const Result<HistoryEntry> taken = read_history(store_, made->version);
        if (!taken) return std::unexpected(taken.error());
        HistoryEntry entry{.version = head_.version + 1,
                           .author = author,
                           .key = key,
                           .takes_back = made->version,
                           .delta = taken->delta.inverse()};
        entry.summary = fmt::format("takes back version {}: {}", made->version, summary_of(entry.delta));
        TRY(fits_what_is_there(entry.delta));
        if (const auto clash = clash_of_names(configuration_, entry.delta))
            return fail(ErrorKind::refused, *clash);
        // Whatever was made since was held against this very way back.
        Configuration then_there = configuration_;
        apply(then_there, entry.delta);
        if (const auto broken = broken_rules(then_there, entry.delta.ids()))
            return fail(ErrorKind::refused, *broken);
        const Made back{.version = made->version, .back = entry.version};
        std::vector<store::Compare> when = {{store::Compare::Of::modified, made_key(key), made->modified}};
        std::vector<store::Write> then = {{made_key(key), made_text(back)}, {pending_key(key), std::nullopt}};
        if (TRY(commit(entry, head_.next_id, std::move(when), std::move(then)))) return {};
    }
    return fail(ErrorKind::busy, "others change the configuration without a pause", "try again");
}

Result<void> Register::confirm(const std::string& key)
{
    const store::Commit done = TRY(store_.commit({.when = {}, .then = {{pending_key(key), std::nullopt}}}));
    static_cast<void>(done.succeeded);
    return {};
}

}  // namespace belay::framework::configuration
