#include "daemon/alarms.h"

#include <charconv>

namespace belay::daemon {
namespace {

constexpr const char* alarm_prefix = "alarm/";
constexpr const char* state_key = "watched/state";
constexpr const char* delivered_key = "watched/delivered";
constexpr int attempts = 10;  ///< when somebody else raises one at the same time
/// At once, with room for the state and for what is dropped; more than a host's arrays can give in one look.
constexpr size_t most_at_once = 50;

std::string key_of(uint64_t number)
{
    return fmt::format("{}{:012}", alarm_prefix, number);
}

uint64_t number_of(std::string_view text)
{
    uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

Result<RaisedAlarm> read_alarm(const store::Entry& entry)
{
    const Json json = TRY(parse_json(entry.value));
    RaisedAlarm raised{.number = number_of(std::string_view(entry.key).substr(6)),
                       .at = Milliseconds{json.value("at_ms", int64_t{0})},
                       .alarm = {}};
    raised.alarm = {json.value("event", ""), json.value("severity", ""), json.value("device", ""),
                    json.value("member", ""), json.value("text", "")};
    return raised;
}

}  // namespace

void to_json(Json& json, const RaisedAlarm& raised)
{
    json = {{"number", raised.number},       {"at_ms", raised.at.count()},
            {"event", raised.alarm.event},   {"severity", raised.alarm.severity},
            {"device", raised.alarm.device}, {"member", raised.alarm.member},
            {"text", raised.alarm.text}};
}

Result<std::vector<RaisedAlarm>> Alarms::all_after(uint64_t number) const
{
    std::vector<RaisedAlarm> raised;
    for (const store::Entry& entry : TRY(store_.list(alarm_prefix, key_of(number))))
        raised.push_back(TRY(read_alarm(entry)));
    return raised;
}

/// False where somebody else was first.
Result<bool> Alarms::try_to_add(const std::vector<procedures::Alarm>& alarms, Milliseconds wall,
                                const std::optional<std::pair<store::Compare, std::string>>& state)
{
    const std::vector<RaisedAlarm> kept = TRY(all_after(0));
    uint64_t number = kept.empty() ? 0 : kept.back().number;
    store::Transaction transaction;
    if (state) {
        transaction.when.push_back(state->first);
        transaction.then.push_back({state_key, state->second});
    }
    for (const procedures::Alarm& alarm : alarms) {
        const Json json = RaisedAlarm{++number, wall, alarm};
        transaction.when.push_back({store::Compare::Of::modified, key_of(number), 0});
        transaction.then.push_back({key_of(number), json_text(json)});
    }
    const size_t too_many =
        kept.size() + alarms.size() > most_kept ? kept.size() + alarms.size() - most_kept : 0;
    for (size_t i = 0; i < std::min(too_many, most_at_once); ++i)
        transaction.then.push_back({key_of(kept[i].number), std::nullopt});
    const store::Commit commit = TRY(store_.commit(transaction));
    return commit.succeeded;
}

Result<size_t> Alarms::take(const procedures::Watched& watched, const Json& now, Milliseconds wall)
{
    for (int i = 0; i < attempts; ++i) {
        const std::optional<store::Entry> entry = TRY(store_.get(state_key));
        const Json before = entry ? TRY(parse_json(entry->value)) : Json();
        if (before == now) return size_t{0};
        std::vector<procedures::Alarm> alarms = TRY(watched.compare(before, now));
        if (alarms.size() > most_at_once) {
            const size_t left_out = alarms.size() - most_at_once + 1;
            alarms.resize(most_at_once - 1);
            alarms.push_back({"more", "critical", "", "",
                              fmt::format("{} more things happened at the same time", left_out)});
        }
        const store::Compare unchanged{store::Compare::Of::modified, state_key, entry ? entry->modified : 0};
        const std::string text = json_text(now);
        if (TRY(try_to_add(alarms, wall, std::pair(unchanged, text)))) return alarms.size();
    }
    return fail(ErrorKind::busy, "alarms are raised from everywhere at once");
}

Result<void> Alarms::raise(const procedures::Alarm& alarm, Milliseconds wall)
{
    for (int i = 0; i < attempts; ++i) {
        if (TRY(try_to_add({alarm}, wall, std::nullopt))) return {};
    }
    return fail(ErrorKind::busy, "alarms are raised from everywhere at once");
}

Result<std::vector<RaisedAlarm>> Alarms::newest(size_t limit) const
{
    std::vector<RaisedAlarm> all = TRY(all_after(0));
    if (all.size() > limit) all.erase(all.begin(), all.end() - static_cast<ptrdiff_t>(limit));
    return all;
}

Result<Json> Alarms::state() const
{
    const std::optional<store::Entry> entry = TRY(store_.get(state_key));
    return entry ? parse_json(entry->value) : Result<Json>(Json());
}

Result<std::vector<RaisedAlarm>> Alarms::undelivered() const
{
    const std::optional<store::Entry> entry = TRY(store_.get(delivered_key));
    return all_after(entry ? number_of(entry->value) : 0);
}

Result<void> Alarms::delivered(uint64_t number)
{
    TRY(store_.commit({{}, {{delivered_key, fmt::format("{}", number)}}}));
    return {};
}

}  // namespace belay::daemon
