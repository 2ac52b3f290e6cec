#include "framework/alarms/detector.h"

#include <algorithm>
#include <cmath>

namespace belay::framework::alarms {
namespace {

/// Entries of a window. One that has to hold more events keeps those of a sixty-fourth of its span together.
constexpr uint32_t most_bursts = 64;

std::string cut_text(const std::string& text)
{
    if (text.size() <= Detector::most_text) return text;
    size_t end = Detector::most_text;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
    return text.substr(0, end);
}

}  // namespace

const Condition* Detector::find(const std::string& name) const
{
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &conditions_[found->second];
}

/// Whether it holds for as long as it is found, and not at the instant of an event alone.
bool Detector::is_state(const Condition& condition)
{
    return !std::holds_alternative<EventCount>(condition.detect);
}

/// Those of which an event must not be missing: each application that is named, else each host, else all
/// together.
std::vector<Key> Detector::awaited(const Condition& condition) const
{
    std::vector<Key> keys;
    const Selection& selection = condition.selection;
    if (!selection.any_application) {
        for (const std::string& application : selection.applications)
            keys.push_back({.condition = condition.name, .application = application});
    } else if (!selection.any_host) {
        for (const std::string& host : selection.hosts)
            keys.push_back({.condition = condition.name, .host = host});
    } else {
        keys.push_back({.condition = condition.name});
    }
    return keys;
}

void Detector::configured(std::vector<Condition> conditions, Milliseconds now)
{
    std::set<std::string> changed;
    for (const Condition& before : conditions_) {
        const auto after = std::ranges::find(conditions, before.name, &Condition::name);
        if (after == conditions.end() || after->detect != before.detect) changed.insert(before.name);
    }
    conditions_ = std::move(conditions);
    by_name_.clear();
    raised_by_.clear();
    cleared_by_.clear();
    for (size_t i = 0; i < conditions_.size(); ++i) {
        const Condition& condition = conditions_[i];
        by_name_[condition.name] = i;
        if (const auto* const event = std::get_if<EventCount>(&condition.detect))
            raised_by_[event->id].push_back(i);
        if (const auto* const event = std::get_if<EventMissing>(&condition.detect))
            raised_by_[event->id].push_back(i);
        if (condition.clear_event) cleared_by_[*condition.clear_event].push_back(i);
    }
    std::erase_if(windows_, [&](const auto& one) { return changed.contains(one.first.condition); });
    std::map<Key, Milliseconds> seen;
    for (const Condition& condition : conditions_) {
        if (!std::holds_alternative<EventMissing>(condition.detect)) continue;
        for (const Key& key : awaited(condition)) {
            const auto before = seen_.find(key);
            seen[key] = before == seen_.end() ? now : before->second;
        }
    }
    seen_ = std::move(seen);
    std::vector<std::pair<Key, std::string>> gone;
    for (const auto& [key, open] : open_) {
        const Condition* const condition = find(key.condition);
        if (condition == nullptr)
            gone.emplace_back(key, "the condition is not configured any more");
        else if (changed.contains(key.condition))
            gone.emplace_back(key, "the condition was changed");
        else if (std::holds_alternative<EventMissing>(condition->detect) && !seen_.contains(key))
            gone.emplace_back(key, "nobody waits for it any more");
    }
    for (auto& [key, why] : gone) clear(key, std::move(why), now);
    std::erase_if(subjects_, [&](const auto& one) { return !by_name_.contains(one.first); });
}

void Detector::know(const Key& key, Milliseconds last, uint64_t number, Milliseconds now)
{
    const Condition* const condition = find(key.condition);
    Open open{.first = last,
              .last = last,
              .told = last,
              .waiting = 0,
              .number = number,
              .text = {},
              .is_new = false,
              .severity = condition == nullptr ? Severity::minor : condition->severity};
    // Whether it still holds is found out anew; until then it does.
    if (condition != nullptr && is_state(*condition)) open.last = now;
    open_.insert_or_assign(key, std::move(open));
    subjects_[key.condition].insert(key);
    if (condition == nullptr) clear(key, "the condition is not configured any more", now);
}

/// With the name of what it is about, where there are not too many of them.
Key Detector::subject(const Condition& condition, const std::string& host, const std::string& application,
                      const std::string& object)
{
    Key key{.condition = condition.name, .host = host, .application = application, .object = object};
    std::set<Key>& known = subjects_[condition.name];
    if (known.contains(key)) return key;
    if (known.size() >= most_subjects) return {.condition = condition.name};
    known.insert(key);
    return key;
}

void Detector::raise(const Condition& condition, const Key& key, const std::string& text, uint64_t number,
                     Milliseconds now)
{
    // What ends and begins again before anybody was told is one alarm.
    if (const auto closed = closed_.find(key); closed != closed_.end()) {
        open_.insert_or_assign(key, std::move(closed->second.open));
        closed_.erase(closed);
    }
    const auto [found, is_new] = open_.try_emplace(key);
    Open& open = found->second;
    if (is_new) open.first = now;
    if (!is_new && open.waiting == 0) open.first = now;
    open.severity = condition.severity;
    open.last = now;
    ++open.waiting;
    open.number = std::max(open.number, number);
    open.text = cut_text(text);
}

/// A state holds: it is raised once, and goes on.
void Detector::hold(const Condition& condition, const Key& key, const std::string& text, Milliseconds now)
{
    const auto found = open_.find(key);
    if (found == open_.end()) return raise(condition, key, text, 0, now);
    found->second.last = now;
}

void Detector::clear(const Key& key, std::string why, Milliseconds now)
{
    const auto found = open_.find(key);
    if (found == open_.end()) return;
    closed_.insert_or_assign(key, Closed{.open = std::move(found->second), .at = now, .why = std::move(why)});
    open_.erase(found);
}

/// Whether so many have come within the span, this one with them. Those that have made an alarm begin anew.
bool Detector::count_in(const EventCount& wanted, const Key& key, Milliseconds now)
{
    if (wanted.count <= 1) return true;
    std::deque<Burst>& window = windows_[key];
    const Milliseconds grain = wanted.count > most_bursts ? wanted.within / most_bursts : Milliseconds{0};
    const bool joins = !window.empty() && now - window.back().at < grain;
    if (joins)
        ++window.back().count;
    else
        window.push_back({.at = now, .count = 1});
    while (!window.empty() && window.front().at <= now - wanted.within) window.pop_front();
    uint64_t count = 0;
    for (const Burst& burst : window) count += burst.count;
    if (count < wanted.count) return false;
    windows_.erase(key);
    return true;
}

/// An event that is awaited has come.
void Detector::see(size_t index, const messages::Message& message, Milliseconds now)
{
    const Condition& condition = conditions_[index];
    for (const Key& key : awaited(condition)) {
        const bool is_it = (key.host.empty() || key.host == message.host) &&
                           (key.application.empty() || key.application == message.application);
        if (!is_it) continue;
        seen_[key] = now;
        clear(key, fmt::format("event {} has come again", messages::to_text(message.id)), now);
    }
}

void Detector::message(const messages::Message& message, uint64_t number, Milliseconds now)
{
    if (const auto clearing = cleared_by_.find(message.id); clearing != cleared_by_.end()) {
        for (const size_t index : clearing->second) {
            const Condition& condition = conditions_[index];
            if (!condition.selection.fits(message.host, message.application)) continue;
            const Key key{
                .condition = condition.name, .host = message.host, .application = message.application};
            windows_.erase(key);
            clear(key, cut_text(fmt::format("event {}: {}", messages::to_text(message.id), message.text)),
                  now);
        }
    }
    const auto raising = raised_by_.find(message.id);
    if (raising == raised_by_.end()) return;
    for (const size_t index : raising->second) {
        const Condition& condition = conditions_[index];
        if (!condition.selection.fits(message.host, message.application)) continue;
        const auto* const wanted = std::get_if<EventCount>(&condition.detect);
        if (wanted == nullptr) {
            see(index, message, now);
            continue;
        }
        const Key key = subject(condition, message.host, message.application, "");
        // One that is raised counts each of them, however many it took to raise it.
        const bool is_open = open_.contains(key);
        // What stands for many hosts has messages from several stores, each with its own numbers.
        const uint64_t of_host = key.host == message.host ? number : 0;
        if (is_open || count_in(*wanted, key, now)) raise(condition, key, message.text, of_host, now);
    }
}

void Detector::recall(const messages::Message& message, Milliseconds at)
{
    const auto raising = raised_by_.find(message.id);
    if (raising == raised_by_.end()) return;
    for (const size_t index : raising->second) {
        const Condition& condition = conditions_[index];
        if (!condition.selection.fits(message.host, message.application)) continue;
        if (const auto* const wanted = std::get_if<EventCount>(&condition.detect)) {
            const Key key = subject(condition, message.host, message.application, "");
            if (!open_.contains(key)) static_cast<void>(count_in(*wanted, key, at));
        } else {
            see(index, message, at);
        }
    }
}

/// Between the two thresholds it stays as it is.
void Detector::threshold(const Condition& condition, const Threshold& threshold, const Key& key, double value,
                         const std::function<std::string(double)>& text, Milliseconds now)
{
    if (value >= static_cast<double>(threshold.rising)) return hold(condition, key, text(value), now);
    if (value <= static_cast<double>(threshold.falling)) return clear(key, text(value), now);
    if (open_.contains(key)) hold(condition, key, text(value), now);
}

void Detector::figure(const std::string& host, std::string_view figure, const std::string& object,
                      double percent, Milliseconds now)
{
    if (!std::isfinite(percent)) return;
    for (const Condition& condition : conditions_) {
        const auto* const wanted = std::get_if<Figure>(&condition.detect);
        if (wanted == nullptr || wanted->figure != figure || !condition.selection.fits(host, "")) continue;
        const Key key = subject(condition, host, "", object);
        const Threshold* const limit = wanted->on(host);
        if (limit == nullptr) {
            clear(key, "it is not watched there any more", now);
            continue;
        }
        const auto text = [&](double value) {
            return fmt::format("{}{}{} of {} is used to {:.1f} %; the limit is {} %", figure,
                               object.empty() ? "" : " ", object, host, value, limit->rising);
        };
        threshold(condition, *limit, key, percent, text, now);
    }
}

void Detector::findings(const std::string& host, const std::vector<Finding>& all, Milliseconds now)
{
    for (const Condition& condition : conditions_) {
        const auto* const wanted = std::get_if<StorageCode>(&condition.detect);
        if (wanted == nullptr || !condition.selection.fits(host, "")) continue;
        std::set<Key> found;
        for (const Finding& finding : all) {
            const bool counts =
                wanted->fits(finding.code) && (finding.is_critical || !wanted->critical_alone);
            if (!counts) continue;
            const Key key = subject(condition, host, "", fmt::format("{} {}", finding.code, finding.object));
            found.insert(key);
            hold(condition, key, fmt::format("{}: {}", finding.code, finding.text), now);
        }
        std::vector<Key> gone;
        for (const auto& [key, open] : open_) {
            if (key.condition == condition.name && key.host == host && !found.contains(key))
                gone.push_back(key);
        }
        for (const Key& key : gone) clear(key, "it is not found any more", now);
    }
}

void Detector::variable(const std::string& name, int64_t value, Milliseconds now)
{
    const Condition* const condition = find(name);
    const auto* const wanted = condition == nullptr ? nullptr : std::get_if<Variable>(&condition->detect);
    if (wanted == nullptr) return;
    const Key key = subject(*condition, "", "", fmt::format("{} {}", wanted->agent, wanted->oid));
    const auto text = [&](double) {
        return fmt::format("{} at {} is {}; the limit is {}", wanted->oid, wanted->agent, value,
                           wanted->threshold.rising);
    };
    threshold(*condition, wanted->threshold, key, static_cast<double>(value), text, now);
}

void Detector::pass(Milliseconds now)
{
    for (const auto& [key, last] : seen_) {
        const Condition* const condition = find(key.condition);
        const auto& missing = std::get<EventMissing>(condition->detect);
        if (now - last < missing.longest) continue;
        hold(*condition, key,
             fmt::format("event {} has not come for {}", messages::to_text(missing.id),
                         to_text(missing.longest)),
             now);
    }
    std::vector<Key> over;
    for (const auto& [key, open] : open_) {
        const Condition* const condition = find(key.condition);
        if (now - open.last >= condition->clear_after) over.push_back(key);
    }
    for (const Key& key : over)
        clear(key, fmt::format("it has not come for {}", to_text(find(key.condition)->clear_after)), now);
    std::erase_if(windows_, [&](const auto& one) {
        const Condition* const condition = find(one.first.condition);
        return one.second.empty() ||
               one.second.back().at <= now - std::get<EventCount>(condition->detect).within;
    });
}

std::vector<Verdict> Detector::take(Milliseconds now, bool all)
{
    pass(now);
    std::vector<Verdict> verdicts;
    const auto tell = [&](Verdict::What what, const Key& key, const Open& open) {
        verdicts.push_back({.what = what,
                            .key = key,
                            .severity = open.severity,
                            .count = open.waiting,
                            .first = open.first,
                            .last = open.last,
                            .number = open.number,
                            .text = open.text});
    };
    const auto tell_count = [&](const Key& key, const Open& open) {
        if (open.is_new) return tell(Verdict::What::raised, key, open);
        if (open.waiting > 0) tell(Verdict::What::again, key, open);
    };
    for (const auto& [key, closed] : closed_) {
        tell_count(key, closed.open);
        verdicts.push_back({.what = Verdict::What::cleared,
                            .key = key,
                            .severity = closed.open.severity,
                            .count = 0,
                            .first = closed.at,
                            .last = closed.at,
                            .number = closed.open.number,
                            .text = closed.why});
    }
    closed_.clear();
    for (auto& [key, open] : open_) {
        const bool is_due = open.is_new || (open.waiting > 0 && (all || now - open.told >= between_counts));
        if (!is_due) continue;
        tell_count(key, open);
        open.is_new = false;
        open.waiting = 0;
        open.told = now;
    }
    // What nothing is kept of any more makes room for others.
    for (auto& [name, keys] : subjects_)
        std::erase_if(keys, [&](const Key& key) { return !open_.contains(key) && !windows_.contains(key); });
    return verdicts;
}

std::optional<Milliseconds> Detector::next() const
{
    std::optional<Milliseconds> earliest;
    const auto at = [&](Milliseconds time) { earliest = std::min(earliest.value_or(time), time); };
    if (!closed_.empty()) at(Milliseconds{0});
    for (const auto& [key, open] : open_) {
        if (open.is_new) at(Milliseconds{0});
        if (open.waiting > 0) at(open.told + between_counts);
        at(open.last + find(key.condition)->clear_after);
    }
    for (const auto& [key, last] : seen_) {
        if (!open_.contains(key)) at(last + std::get<EventMissing>(find(key.condition)->detect).longest);
    }
    return earliest;
}

Milliseconds Detector::longest_memory() const
{
    Milliseconds longest{0};
    for (const Condition& condition : conditions_) {
        if (const auto* const event = std::get_if<EventCount>(&condition.detect);
            event != nullptr && event->count > 1)
            longest = std::max(longest, event->within);
        if (const auto* const event = std::get_if<EventMissing>(&condition.detect))
            longest = std::max(longest, event->longest);
    }
    return longest;
}

size_t Detector::kept() const
{
    size_t count = open_.size() + closed_.size() + seen_.size();
    for (const auto& [key, window] : windows_) count += window.size();
    for (const auto& [name, keys] : subjects_) count += keys.size();
    return count;
}

}  // namespace belay::framework::alarms
