#include "framework/configuration/register.h"

#include "framework/configuration/change.h"

#include <algorithm>

namespace belay::framework::configuration {
namespace {

constexpr int most_tries = 50;
constexpr size_t most_objects_at_once = 100;    // of the 128 writes of a transaction
constexpr size_t most_bytes_at_once = 2 << 20;  // of its 8 MiB
constexpr size_t most_subsets_of = 4;           // unconfirmed changes whose every combination is looked at
constexpr Version forgotten_at_once = 2;

std::string time_text(int64_t at_ms)
{
    using namespace std::chrono;
    const sys_time<milliseconds> at{milliseconds(at_ms)};
    const sys_days date = floor<days>(at);
    const year_month_day ymd(date);
    const hh_mm_ss time(floor<seconds>(at - date));
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", static_cast<int>(ymd.year()),
                       static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::string author_text(const Author& author)
{
    return fmt::format("{}{}", author.who.empty() ? "somebody" : author.who,
                       author.operation.empty() ? "" : fmt::format(" by operation {}", author.operation));
}

std::string told(const HistoryEntry& entry)
{
    return fmt::format("{} at {} (version {}{})", author_text(entry.author), time_text(entry.author.at_ms),
                       entry.version, entry.author.why.empty() ? "" : ": " + entry.author.why);
}

/// A name that would be given twice.
std::optional<std::string> clash_of_names(const Configuration& configuration, const Delta& delta)
{
    std::map<Id, const ObjectDelta*> changed;
    for (const ObjectDelta& one : delta.objects) changed[one.id()] = &one;
    std::set<std::pair<std::string_view, std::string_view>> given;
    for (const ObjectDelta& one : delta.objects) {
        if (!one.after) continue;
        const Object* other = configuration.find(one.after->type, one.after->name);
        const auto moves = other == nullptr ? changed.end() : changed.find(other->id);
        const bool taken = other != nullptr && other->id != one.id() && moves == changed.end();
        if (taken || !given.emplace(one.after->type, one.after->name).second)
            return fmt::format("there would be two objects {}", title_of(*one.after));
    }
    return std::nullopt;
}

std::optional<std::string> broken_rules(const Configuration& configuration, const std::set<Id>& touched)
{
    constexpr size_t enough = 5;
    std::vector<std::string> said;
    for (const Complaint& complaint : check(configuration, &touched)) {
        if (complaint.error && said.size() < enough) said.push_back(complaint.what);
    }
    if (said.empty()) return std::nullopt;
    return fmt::format("{}", fmt::join(said, "; "));
}

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

Result<void> Register::refresh()
{
    const Head head = TRY(read_head(store_));
    const bool is_known = loaded_ && head.modified == head_.modified;
    if (!is_known) {
        shared_ = nullptr;
        std::vector<HistoryEntry> news;
        constexpr Version most_by_deltas = 20;
        const bool near =
            loaded_ && head.version >= head_.version && head.version - head_.version <= most_by_deltas;
        loaded_ = false;
        if (near) news = TRY(read_history_after(store_, head_.version, most_by_deltas));
        // Others may have gone on since the head was read: what comes after it is for the next time.
        std::erase_if(news, [&](const HistoryEntry& entry) { return entry.version > head.version; });
        if (near && head.version - head_.version == static_cast<Version>(news.size())) {
            for (const HistoryEntry& entry : news) apply(configuration_, entry.delta);
            head_ = head;
        } else {
            Loaded loaded = TRY(load(store_));
            head_ = loaded.head;
            configuration_ = std::move(loaded.configuration);
        }
        configuration_.set_next_id(head_.next_id);
        loaded_ = true;
    }
    return refresh_pending();
}

Result<void> Register::refresh_pending()
{
    const std::map<std::string, Version> now = TRY(read_pending(store_));
    std::erase_if(pending_, [&](const Pending& one) {
        const auto found = now.find(one.key);
        return found == now.end() || found->second != one.entry.version;
    });
    for (const auto& [key, version] : now) {
        if (std::ranges::find(pending_, key, &Pending::key) != pending_.end()) continue;
        auto entry = read_history(store_, version);
        // Taken back between the two reads; of a version that is kept as long as it is pending.
        if (!entry && entry.error().kind == ErrorKind::not_found) continue;
        if (!entry) return std::unexpected(std::move(entry).error());
        pending_.push_back({key, *std::move(entry)});
    }
    return {};
}

Result<Snapshot> Register::snapshot()
{
    const std::lock_guard lock(mutex_);
    TRY(refresh());
    if (!shared_) shared_ = std::make_shared<const Configuration>(configuration_);
    return Snapshot{head_.version, shared_};
}

std::string Register::who_changed(Id id)
{
    const auto entries = read_history_after(store_, std::max<Version>(head_.version - remembered_versions, 0),
                                            static_cast<size_t>(remembered_versions) + 1);
    if (entries) {
        for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
            if (entry->delta.ids().contains(id)) return told(*entry);
        }
    }
    return "somebody";
}

/// Whether every object is as the change expects it, and nobody else is about to change it.
Result<void> Register::fits_what_is_there(const Delta& delta)
{
    for (const ObjectDelta& one : delta.objects) {
        const Object* present = configuration_.find(one.id());
        const bool as_expected =
            one.before ? present != nullptr && *present == *one.before : present == nullptr;
        if (as_expected) continue;
        return fail(
            ErrorKind::busy,
            fmt::format("{} was changed meanwhile, by {}", title_of(one.object()), who_changed(one.id())),
            "look at what is there now, and ask for the change again");
    }
    return {};
}

Result<void> Register::leaves_ways_back(const Delta& delta, std::string_view key)
{
    std::vector<const Pending*> others;
    const std::set<Id> ids = delta.ids();
    for (const Pending& one : pending_) {
        if (one.key == key) continue;
        others.push_back(&one);
        for (const ObjectDelta& theirs : one.entry.delta.objects) {
            if (!ids.contains(theirs.id())) continue;
            return fail(ErrorKind::busy,
                        fmt::format("{} is being changed by {}, which is not confirmed yet",
                                    title_of(theirs.object()), told(one.entry)),
                        one.entry.author.operation.empty() ? std::string()
                                                           : "belay show " + one.entry.author.operation);
        }
    }
    // Unconfirmed changes share no object, so their ways back can be taken in any order.
    const size_t count = std::min<size_t>(others.size(), 20);
    const bool all_subsets = others.size() <= most_subsets_of;
    std::vector<std::vector<const Pending*>> subsets;
    if (all_subsets) {
        for (size_t bits = 1; bits < (size_t{1} << count); ++bits) {
            std::vector<const Pending*>& subset = subsets.emplace_back();
            for (size_t i = 0; i < count; ++i) {
                if ((bits >> i & 1) != 0) subset.push_back(others[i]);
            }
        }
    } else {
        for (const Pending* one : others) subsets.push_back({one});
        subsets.push_back(others);
    }
    for (const std::vector<const Pending*>& subset : subsets) {
        Delta way;
        for (const Pending* one : subset)
            std::ranges::move(one->entry.delta.inverse().objects, std::back_inserter(way.objects));
        std::optional<std::string> broken = clash_of_names(configuration_, way);
        if (!broken) {
            std::set<Id> touched = way.ids();
            touched.insert(ids.begin(), ids.end());
            apply(configuration_, way);
            broken = broken_rules(configuration_, touched);
            apply(configuration_, way.inverse());
        }
        if (!broken) continue;
        const Pending& first = *subset.front();
        return fail(ErrorKind::refused,
                    fmt::format("what {} changed is not confirmed yet; were it taken back, {}",
                                told(first.entry), *broken),
                    first.entry.author.operation.empty() ? std::string()
                                                         : "belay commit " + first.entry.author.operation);
    }
    return {};
}

/// Holds the site as it would be against its rules, and leaves it as it is.
Result<void> Register::keeps_rules(const Delta& delta, std::string_view key)
{
    if (const auto clash = clash_of_names(configuration_, delta)) return fail(ErrorKind::refused, *clash);
    const std::set<Id> ids = delta.ids();
    apply(configuration_, delta);
    Result<void> kept;
    if (const auto broken = broken_rules(configuration_, ids))
        kept = fail(ErrorKind::refused, *broken);
    else
        kept = leaves_ways_back(delta, key);
    apply(configuration_, delta.inverse());
    return kept;
}

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

Result<void> Register::check_change(const Delta& delta, std::string_view key)
{
    const std::lock_guard lock(mutex_);
    TRY(refresh());
    TRY(fits_what_is_there(delta));
    return keeps_rules(delta, key);
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
Result<bool> Register::commit(HistoryEntry entry, Id next_id, std::vector<store::Compare> when,
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
        if (TRY(commit(std::move(entry), next_id, std::move(when), std::move(then)))) return made.version;
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
        if (TRY(commit(std::move(entry), head_.next_id, std::move(when), std::move(then)))) return {};
    }
    return fail(ErrorKind::busy, "others change the configuration without a pause", "try again");
}

Result<void> Register::confirm(const std::string& key)
{
    const store::Commit done = TRY(store_.commit({.when = {}, .then = {{pending_key(key), std::nullopt}}}));
    static_cast<void>(done.succeeded);
    return {};
}

Result<Register::Progress> Register::progress_of(const std::string& key)
{
    using Is = Progress::Is;
    const auto made = TRY(read_made(store_, key));
    if (!made) return Progress{};
    if (made->back != 0) return Progress{Is::taken_back, made->back};
    const Head head = TRY(read_head(store_));
    if (head.placing && head.version == made->version) return Progress{Is::placing, made->version};
    const std::optional<store::Entry> pending = TRY(store_.get(pending_key(key)));
    return Progress{pending ? Is::made : Is::confirmed, made->version};
}

Result<std::vector<std::string>> Register::changes_since(Version version, const std::set<Id>& ids)
{
    std::vector<std::string> changes;
    const std::vector<HistoryEntry> entries =
        TRY(read_history_after(store_, version, static_cast<size_t>(remembered_versions) + 1));
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        for (const ObjectDelta& one : entry->delta.objects) {
            if (ids.contains(one.id()))
                changes.push_back(fmt::format("{} was changed by {}", title_of(one.object()), told(*entry)));
        }
    }
    return changes;
}

Result<std::vector<HistoryEntry>> Register::history(size_t limit)
{
    const Head head = TRY(read_head(store_));
    const Version after =
        std::max<Version>(head.version - static_cast<Version>(std::min<size_t>(limit, 1 << 20)), 0);
    std::vector<HistoryEntry> entries = TRY(read_history_after(store_, after, limit));
    std::ranges::reverse(entries);
    return entries;
}

Result<Delta> Register::back_to(Version version)
{
    const std::lock_guard lock(mutex_);
    TRY(refresh());
    if (version < 0 || version > head_.version || version < head_.oldest - 1)
        return fail(ErrorKind::not_found,
                    fmt::format("the configuration has no version {}: those from {} to {} are kept", version,
                                head_.oldest - 1, head_.version),
                    "belay config history");
    std::map<Id, ObjectPointer> then_there;
    const std::vector<HistoryEntry> entries =
        TRY(read_history_after(store_, version, static_cast<size_t>(head_.version - version)));
    for (const HistoryEntry& entry : entries) {
        for (const ObjectDelta& one : entry.delta.objects) then_there.try_emplace(one.id(), one.before);
    }
    Delta delta;
    for (const auto& [id, object] : then_there) {
        const ObjectPointer now = configuration_.share(id);
        const bool same = now == object || (now && object && *now == *object);
        if (!same) delta.objects.push_back({now, object});
    }
    return delta;
}

}  // namespace belay::framework::configuration
