#include "framework/alarms/book.h"

#include "base/digest.h"

#include <algorithm>
#include <charconv>

namespace belay::framework::alarms {
namespace {

constexpr std::string_view open_prefix = "alarms/open/";
constexpr std::string_view past_prefix = "alarms/past/";
constexpr std::string_view key_prefix = "alarms/key/";
constexpr std::string_view outbox_prefix = "alarms/outbox/";
constexpr std::string_view mute_prefix = "alarms/mute/";
constexpr std::string_view last_key = "alarms/last";
constexpr std::string_view position_prefix = "alarms/position/";
constexpr size_t at_once = 25;  ///< verdicts of one transaction: of each at most four writes
constexpr size_t expired_at_once = 40;
constexpr int attempts_to_write = 20;  ///< when somebody else writes at the same time
constexpr size_t page_of_list = 1000;

std::string numbered(std::string_view prefix, uint64_t number)
{
    return fmt::format("{}{:012}", prefix, number);
}

uint64_t number_in(std::string_view text)
{
    uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// Names may hold any sign, so they are put into one text with their lengths.
std::string place_of(const Key& key)
{
    std::string text;
    for (const std::string* part : {&key.condition, &key.host, &key.application, &key.object})
        text += fmt::format("{}:{}", part->size(), *part);
    return fmt::format("{}{}", key_prefix, sha256(text));
}

Result<Alarm> read_entry(const store::Entry& entry)
{
    const Json json = TRY(parse_json(entry.value));
    return alarm_from(json);
}

/// Where it is kept, as it stands now.
std::string kept_at(const Alarm& alarm)
{
    return numbered(alarm.is_open() ? open_prefix : past_prefix, alarm.number);
}

/// It was kept at `from`, in that revision, and is as it is now from then on. `from` empty: it is new.
void put_alarm(store::Transaction& transaction, const Alarm& alarm, const std::string& from,
               store::Revision revision)
{
    const Json json = alarm;
    const std::string key = kept_at(alarm);
    transaction.when.push_back({store::Compare::Of::modified, from.empty() ? key : from, revision});
    transaction.then.push_back({.key = key, .value = json_text(json)});
    if (!from.empty() && from != key) transaction.then.push_back({.key = from, .value = std::nullopt});
    const bool is_due = alarm.has_open_deeds();
    if (!from.empty() || is_due)
        transaction.then.push_back({.key = numbered(outbox_prefix, alarm.number),
                                    .value = is_due ? std::optional<std::string>("due") : std::nullopt});
}

std::unexpected<Error> always_busy()
{
    return fail(ErrorKind::busy, "alarms are changed from everywhere at once");
}

/// All entries under a prefix, however many.
Result<std::vector<store::Entry>> list_all(store::Store& store, std::string_view prefix)
{
    std::vector<store::Entry> all;
    std::string after;
    while (true) {
        std::vector<store::Entry> page = TRY(store.list(prefix, after, page_of_list));
        const bool is_last = page.size() < page_of_list;
        if (!page.empty()) after = page.back().key;
        std::ranges::move(page, std::back_inserter(all));
        if (is_last) return all;
    }
}

Result<Mute> mute_from(const store::Entry& entry)
{
    const Json json = TRY(parse_json(entry.value));
    if (!json.is_object()) return fail(ErrorKind::corrupt, "what is muted is kept as no table");
    try {
        return Mute{.condition = entry.key.substr(mute_prefix.size()),
                    .until = Milliseconds(json.value("until_ms", int64_t{0})),
                    .by = json.value("by", ""),
                    .note = json.value("note", ""),
                    .at = Milliseconds(json.value("at_ms", int64_t{0}))};
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, problem.what());
    }
}

/// Why nothing is done about an alarm of it now; empty: it is.
std::string silence_of(const Key& key, const Circumstances& circumstances, const std::set<std::string>& muted)
{
    const auto condition = circumstances.conditions.find(key.condition);
    const bool is_disabled = condition != circumstances.conditions.end() && condition->second.is_muted;
    if (is_disabled || muted.contains(key.condition)) return "muted";
    return circumstances.in_maintenance.contains(key.host) ? "maintenance" : "";
}

std::vector<Deed> deeds_for(const Key& key, const Circumstances& circumstances)
{
    std::vector<Deed> deeds;
    const auto condition = circumstances.conditions.find(key.condition);
    if (condition == circumstances.conditions.end()) return deeds;
    for (const configuration::Id id : condition->second.reactions) {
        const auto script = circumstances.scripts.find(id);
        if (script != circumstances.scripts.end()) deeds.push_back(script->second);
    }
    return deeds;
}

}  // namespace

Circumstances Circumstances::of(const configuration::Configuration& configuration)
{
    Circumstances all;
    for (Condition& condition : conditions_of(configuration)) {
        const std::string name = condition.name;
        all.conditions.emplace(name, std::move(condition));
    }
    for (const configuration::Object* script : configuration.of_type("script")) {
        if (script->disabled) continue;
        all.scripts[script->id] = {.script = script->id, .name = script->name, .kind = script->text("kind")};
    }
    all.in_maintenance = hosts_in_maintenance(configuration);
    return all;
}

/// What one transaction is to change, over what was read for it.
class AlarmBook::Draft {
  public:
    explicit Draft(const AlarmBook& book) : book_(book) {}

    Result<void> add(const Verdict& verdict, const Circumstances& circumstances,
                     const std::set<std::string>& muted, size_t open_count)
    {
        Page* page = TRY(last_of(verdict.key));
        if (verdict.what == Verdict::What::cleared) {
            // One that was told before, of the alarm before this one.
            const bool is_old = page != nullptr && verdict.number > 0 && verdict.number < page->alarm.through;
            if (page != nullptr && page->alarm.is_open() && !is_old) end(*page, verdict);
            return {};
        }
        if (page != nullptr && is_taken(page->alarm, verdict)) return {};
        if (page != nullptr && page->alarm.is_open()) {
            Alarm& alarm = page->alarm;
            alarm.count += verdict.count;
            alarm.last = std::max(alarm.last, verdict.last);
            alarm.through = std::max(alarm.through, verdict.number);
            alarm.text = verdict.text;
            alarm.severity = verdict.severity;
            page->is_changed = true;
            return {};
        }
        if (open_count + raised_ >= most_open) return {};
        return raise(verdict, circumstances, muted);
    }

    /// Alarms that it raises or ends.
    size_t moved() const { return raised_ + ended_; }

    /// `until` null: as it was.
    Result<bool> commit(const HeardUntil* until)
    {
        store::Transaction transaction;
        for (auto& [number, page] : pages_) {
            if (page.is_changed) put_alarm(transaction, page.alarm, page.from, page.revision);
        }
        for (const auto& [key, place] : places_) {
            if (!place.is_changed) continue;
            transaction.when.push_back({store::Compare::Of::modified, key, place.revision});
            transaction.then.push_back({.key = key, .value = fmt::format("{}", place.number)});
        }
        if (raised_ > 0) {
            transaction.when.push_back({store::Compare::Of::modified, std::string(last_key), last_revision_});
            transaction.then.push_back({.key = std::string(last_key), .value = fmt::format("{}", last_)});
        }
        if (until != nullptr)
            transaction.then.push_back(
                {.key = fmt::format("{}{}", position_prefix, until->host),
                 .value = json_text({{"number", until->number}, {"base", until->base}})});
        if (transaction.then.empty()) return true;
        const store::Commit commit = TRY(book_.store_.commit(transaction));
        return commit.succeeded;
    }

  private:
    struct Page {
        std::string from = {};  ///< where it is kept; empty: nowhere yet
        store::Revision revision = 0;
        Alarm alarm;
        bool is_changed = false;
    };
    struct Place {
        store::Revision revision = 0;
        uint64_t number = 0;
        bool is_changed = false;
    };

    /// Whether this verdict is in that alarm already: it was written, and is told again after a crash.
    static bool is_taken(const Alarm& alarm, const Verdict& verdict)
    {
        return verdict.number > 0 ? verdict.number <= alarm.through : verdict.last <= alarm.last;
    }

    Result<Page*> last_of(const Key& key)
    {
        const std::string where = place_of(key);
        auto place = places_.find(where);
        if (place == places_.end()) {
            const auto entry = TRY(book_.store_.get(where));
            place = places_.emplace(where, Place{}).first;
            if (entry) place->second = {.revision = entry->modified, .number = number_in(entry->value)};
        }
        const uint64_t number = place->second.number;
        if (number == 0) return nullptr;
        if (const auto page = pages_.find(number); page != pages_.end()) return &page->second;
        const auto entry = TRY(book_.find(number));
        if (!entry) return nullptr;
        Alarm alarm = TRY(read_entry(*entry));
        Page page{.from = entry->key, .revision = entry->modified, .alarm = std::move(alarm)};
        return &pages_.emplace(number, std::move(page)).first->second;
    }

    Result<void> raise(const Verdict& verdict, const Circumstances& circumstances,
                       const std::set<std::string>& muted)
    {
        if (raised_ == 0) {
            const auto entry = TRY(book_.store_.get(last_key));
            last_ = entry ? number_in(entry->value) : 0;
            last_revision_ = entry ? entry->modified : 0;
        }
        ++raised_;
        Alarm alarm{.number = ++last_,
                    .key = verdict.key,
                    .severity = verdict.severity,
                    .state = State::raised,
                    .count = verdict.count,
                    .first = verdict.first,
                    .last = verdict.last,
                    .through = verdict.number,
                    .text = verdict.text};
        const auto condition = circumstances.conditions.find(verdict.key.condition);
        if (condition != circumstances.conditions.end()) alarm.description = condition->second.description;
        alarm.silenced = silence_of(verdict.key, circumstances, muted);
        if (alarm.silenced.empty()) alarm.deeds = deeds_for(verdict.key, circumstances);
        Place& place = places_.at(place_of(verdict.key));
        place.number = alarm.number;
        place.is_changed = true;
        pages_.insert_or_assign(
            last_, Page{.from = {}, .revision = 0, .alarm = std::move(alarm), .is_changed = true});
        return {};
    }

    void end(Page& page, const Verdict& verdict)
    {
        page.alarm.state = State::cleared;
        page.alarm.ended = verdict.last;
        page.alarm.why_ended = verdict.text;
        page.alarm.through = std::max(page.alarm.through, verdict.number);
        page.is_changed = true;
        ++ended_;
    }

    const AlarmBook& book_;
    std::map<uint64_t, Page> pages_;
    std::map<std::string, Place> places_;
    uint64_t last_ = 0;
    store::Revision last_revision_ = 0;
    size_t raised_ = 0, ended_ = 0;
};

/// What has ended has moved from one place to the other, and never moves back.
Result<std::optional<store::Entry>> AlarmBook::find(uint64_t number) const
{
    const auto entry = TRY(store_.get(numbered(open_prefix, number)));
    return entry ? entry : store_.get(numbered(past_prefix, number));
}

Result<size_t> AlarmBook::take(const std::vector<Verdict>& verdicts, const std::optional<HeardUntil>& until,
                               const Circumstances& circumstances, Milliseconds wall)
{
    if (verdicts.empty() && !until) return size_t{0};
    std::set<std::string> muted;
    for (const Mute& mute : TRY(mutes(wall))) muted.insert(mute.condition);
    const bool raises = std::ranges::any_of(
        verdicts, [](const Verdict& verdict) { return verdict.what != Verdict::What::cleared; });
    const size_t open_count = raises ? TRY(open()).size() : 0;
    size_t moved = 0;
    for (size_t begin = 0; begin < std::max<size_t>(verdicts.size(), 1); begin += at_once) {
        const size_t end = std::min(begin + at_once, verdicts.size());
        int attempt = 0;
        for (bool is_written = false; !is_written;) {
            if (++attempt > attempts_to_write) return always_busy();
            Draft draft(*this);
            for (size_t i = begin; i < end; ++i)
                TRY(draft.add(verdicts[i], circumstances, muted, open_count + moved));
            is_written = TRY(draft.commit(until && end == verdicts.size() ? &*until : nullptr));
            if (is_written) moved += draft.moved();
        }
    }
    return moved;
}

Result<std::optional<HeardUntil>> AlarmBook::heard_until(const std::string& host) const
{
    const auto entry = TRY(store_.get(fmt::format("{}{}", position_prefix, host)));
    if (!entry) return std::nullopt;
    const Json json = TRY(parse_json(entry->value));
    const auto number = TRY(from_json_value<uint64_t>(json.value("number", Json())));
    const auto base = TRY(from_json_value<uint64_t>(json.value("base", Json())));
    return HeardUntil{.host = host, .number = number, .base = base};
}

Result<size_t> AlarmBook::attend(const Circumstances& circumstances, Milliseconds wall)
{
    std::set<std::string> muted;
    for (const Mute& mute : TRY(mutes(wall))) muted.insert(mute.condition);
    size_t count = 0;
    for (const Alarm& alarm : TRY(open())) {
        if (alarm.silenced.empty() || !silence_of(alarm.key, circumstances, muted).empty()) continue;
        bool is_done = false;
        TRY(change(alarm.number, [&](Alarm& now) -> Result<bool> {
            is_done = now.is_open() && !now.silenced.empty();
            if (!is_done) return false;
            now.silenced.clear();
            now.deeds = deeds_for(now.key, circumstances);
            return true;
        }));
        count += is_done ? 1 : 0;
    }
    return count;
}

Result<std::vector<Alarm>> AlarmBook::all_under(std::string_view prefix) const
{
    std::vector<Alarm> alarms;
    for (const store::Entry& entry : TRY(list_all(store_, prefix))) alarms.push_back(TRY(read_entry(entry)));
    return alarms;
}

Result<std::vector<Alarm>> AlarmBook::open() const
{
    return all_under(open_prefix);
}

Result<std::vector<Alarm>> AlarmBook::newest(size_t limit) const
{
    const auto entry = TRY(store_.get(last_key));
    const uint64_t last = entry ? number_in(entry->value) : 0;
    // Of the last numbers each is in one place or the other.
    const uint64_t after = last > limit ? last - limit : 0;
    std::vector<Alarm> alarms;
    for (const std::string_view prefix : {open_prefix, past_prefix}) {
        for (const store::Entry& one : TRY(store_.list(prefix, numbered(prefix, after), limit)))
            alarms.push_back(TRY(read_entry(one)));
    }
    std::ranges::sort(alarms, {}, &Alarm::number);
    // One that ended between the two looks is there twice.
    const auto twice = std::ranges::unique(alarms, {}, &Alarm::number);
    alarms.erase(twice.begin(), twice.end());
    return alarms;
}

Result<Alarm> AlarmBook::show(uint64_t number) const
{
    const auto entry = TRY(find(number));
    if (!entry)
        return fail(ErrorKind::not_found, fmt::format("there is no alarm {}", number), "belay alarms --all");
    return read_entry(*entry);
}

Result<Alarm> AlarmBook::change(uint64_t number, const std::function<Result<bool>(Alarm&)>& change)
{
    for (int attempt = 0; attempt < attempts_to_write; ++attempt) {
        const auto entry = TRY(find(number));
        if (!entry)
            return fail(ErrorKind::not_found, fmt::format("there is no alarm {}", number),
                        "belay alarms --all");
        Alarm alarm = TRY(read_entry(*entry));
        if (!TRY(change(alarm))) return alarm;
        store::Transaction transaction;
        put_alarm(transaction, alarm, entry->key, entry->modified);
        const store::Commit commit = TRY(store_.commit(transaction));
        if (commit.succeeded) return alarm;
    }
    return always_busy();
}

Result<Alarm> AlarmBook::acknowledge(uint64_t number, const std::string& by, const std::string& note,
                                     Milliseconds wall)
{
    if (note.size() > most_note)
        return fail(ErrorKind::usage, fmt::format("a note has {} bytes at most", most_note));
    return change(number, [&](Alarm& alarm) -> Result<bool> {
        if (!alarm.is_open())
            return fail(ErrorKind::refused, fmt::format("alarm {} has ended already", number),
                        fmt::format("belay alarm show {}", number));
        if (alarm.acknowledged) return false;
        alarm.acknowledged = Alarm::Acknowledgement{.by = by, .note = note, .at = wall};
        alarm.state = State::acknowledged;
        return true;
    });
}

Result<void> AlarmBook::mute(const Mute& mute)
{
    if (mute.note.size() > most_note)
        return fail(ErrorKind::usage, fmt::format("a note has {} bytes at most", most_note));
    const Json json = {
        {"until_ms", mute.until.count()}, {"by", mute.by}, {"note", mute.note}, {"at_ms", mute.at.count()}};
    const bool ends = mute.until <= mute.at;
    TRY(store_.commit(
        {.when = {},
         .then = {{.key = fmt::format("{}{}", mute_prefix, mute.condition),
                   .value = ends ? std::nullopt : std::optional<std::string>(json_text(json))}}}));
    return {};
}

Result<std::vector<Mute>> AlarmBook::mutes(Milliseconds wall) const
{
    std::vector<Mute> all;
    for (const store::Entry& entry : TRY(list_all(store_, mute_prefix))) {
        Mute mute = TRY(mute_from(entry));
        if (mute.until > wall) all.push_back(std::move(mute));
    }
    return all;
}

Result<std::vector<uint64_t>> AlarmBook::outbox() const
{
    std::vector<uint64_t> numbers;
    for (const store::Entry& entry : TRY(list_all(store_, outbox_prefix)))
        numbers.push_back(number_in(std::string_view(entry.key).substr(outbox_prefix.size())));
    return numbers;
}

Result<size_t> AlarmBook::expire(Milliseconds wall)
{
    std::vector<Alarm> ended = TRY(all_under(past_prefix));
    std::erase_if(ended, &Alarm::has_open_deeds);
    const size_t too_many = ended.size() > most_kept ? ended.size() - most_kept : 0;
    size_t count = 0;
    store::Transaction transaction;
    const auto commit = [&]() -> Result<void> {
        if (transaction.then.empty()) return {};
        // Where one has changed meanwhile, the next time will do.
        const store::Commit done = TRY(store_.commit(transaction));
        if (done.succeeded) count += transaction.when.size();
        transaction = {};
        return {};
    };
    for (size_t i = 0; i < ended.size(); ++i) {
        if (i >= too_many && wall - ended[i].ended < longest_kept) continue;
        const std::string place = place_of(ended[i].key);
        const auto entry = TRY(store_.get(place));
        transaction.then.push_back({.key = kept_at(ended[i]), .value = std::nullopt});
        transaction.when.push_back({store::Compare::Of::modified, place, entry ? entry->modified : 0});
        const bool is_last = entry && number_in(entry->value) == ended[i].number;
        if (is_last) transaction.then.push_back({.key = place, .value = std::nullopt});
        // Two of one key would compare it twice, the second time against what the first has changed.
        if (is_last || transaction.then.size() >= expired_at_once) TRY(commit());
    }
    TRY(commit());
    return count;
}

}  // namespace belay::framework::alarms
