#include "site/reactions/delivery.h"

#include <algorithm>

namespace belay::site {
namespace {

using framework::alarms::Alarm;
using framework::alarms::Deed;

/// What is done to what the alarm is about, and is of no use once that is well again.
bool mends(const Deed& deed)
{
    return deed.kind != "mail" && deed.kind != "webhook" && deed.kind != "command";
}

}  // namespace

Milliseconds pause_after(uint32_t attempts)
{
    Milliseconds pause = Delivery::first_pause;
    for (uint32_t i = 1; i < attempts && pause < Delivery::longest_pause; ++i) pause *= 2;
    return std::min(pause, Delivery::longest_pause);
}

bool Delivery::is_busy(uint64_t alarm) const
{
    const std::lock_guard lock(mutex_);
    return busy_.contains(alarm);
}

size_t Delivery::busy() const
{
    const std::lock_guard lock(mutex_);
    return busy_.size();
}

/// The first of its deeds that is to be done now. One that waits to be tried again does not keep the others.
std::optional<size_t> Delivery::due(const Alarm& alarm, Milliseconds wall) const
{
    std::optional<size_t> first;
    for (size_t i = 0; i < alarm.deeds.size(); ++i) {
        const Deed& deed = alarm.deeds[i];
        // Of one that this daemon began in an earlier life nothing is left: it dies with its daemon.
        const bool is_done_by_another =
            deed.stand == Deed::Stand::doing && deed.by != holder_ && deed.next > wall;
        if (is_done_by_another) return std::nullopt;
        const bool is_due =
            deed.stand == Deed::Stand::doing || (deed.stand == Deed::Stand::waiting && deed.next <= wall);
        if (is_due && !first) first = i;
    }
    return first;
}

Result<std::optional<Delivery::Work>> Delivery::claim_of(uint64_t number, Milliseconds wall)
{
    std::optional<Work> work;
    const auto claimed = book_.change(number, [&](Alarm& alarm) -> Result<bool> {
        work.reset();
        const std::optional<size_t> index = due(alarm, wall);
        if (!index) return false;
        Deed& deed = alarm.deeds[*index];
        deed.at = wall;
        if (!alarm.is_open() && mends(deed)) {
            deed.stand = Deed::Stand::skipped;
            deed.what = "the alarm has ended before";
            deed.next = Milliseconds{0};
            return true;
        }
        ++deed.attempts;
        deed.stand = Deed::Stand::doing;
        deed.by = holder_;
        deed.next = wall + limit_(deed) + grace;
        work = Work{.alarm = number, .deed = *index};
        return true;
    });
    // It was let go of meanwhile, and has nothing to be done.
    if (!claimed && claimed.error().kind == ErrorKind::not_found) return std::optional<Work>();
    if (!claimed) return std::unexpected(claimed.error());
    return work;
}

Result<std::vector<Delivery::Work>> Delivery::claim(Milliseconds wall)
{
    std::vector<Ended> unwritten;
    {
        const std::lock_guard lock(mutex_);
        unwritten.swap(unwritten_);
    }
    for (Ended& ended : unwritten) {
        if (const Result<void> written = write(ended, wall); !written) {
            const std::lock_guard lock(mutex_);
            unwritten_.push_back(std::move(ended));
        }
    }
    std::vector<Work> all;
    for (const uint64_t number : TRY(book_.outbox())) {
        if (busy() >= most_at_once) break;
        if (is_busy(number)) continue;
        const std::optional<Work> work = TRY(claim_of(number, wall));
        if (!work) continue;
        const std::lock_guard lock(mutex_);
        busy_.insert(number);
        all.push_back(*work);
    }
    return all;
}

Result<void> Delivery::perform(const Work& work, const std::function<Milliseconds()>& wall)
{
    const Result<Alarm> alarm = book_.show(work.alarm);
    Ended ended{.work = work,
                .result = alarm ? reactor_.perform(*alarm, alarm->deeds.at(work.deed))
                                : Result<std::string>(std::unexpected(alarm.error()))};
    Result<void> written = write(ended, wall());
    if (!written) {
        const std::lock_guard lock(mutex_);
        unwritten_.push_back(std::move(ended));
    }
    return written;
}

Result<void> Delivery::write(const Ended& ended, Milliseconds wall)
{
    const auto changed = book_.change(ended.work.alarm, [&](Alarm& alarm) -> Result<bool> {
        Deed& deed = alarm.deeds.at(ended.work.deed);
        deed.at = wall;
        deed.by.clear();
        deed.next = Milliseconds{0};
        deed.what = ended.result ? *ended.result : ended.result.error().what;
        if (ended.result) {
            deed.stand = Deed::Stand::done;
        } else if (is_worth_another(ended.result.error().kind) && deed.attempts < most_attempts) {
            deed.stand = Deed::Stand::waiting;
            deed.next = wall + pause_after(deed.attempts);
        } else {
            deed.stand = Deed::Stand::failed;
        }
        return true;
    });
    if (!changed && changed.error().kind != ErrorKind::not_found) return std::unexpected(changed.error());
    const std::lock_guard lock(mutex_);
    busy_.erase(ended.work.alarm);
    return {};
}

Result<std::optional<Milliseconds>> Delivery::next() const
{
    std::optional<Milliseconds> earliest;
    for (const uint64_t number : TRY(book_.outbox())) {
        if (is_busy(number)) continue;
        const Result<Alarm> alarm = book_.show(number);
        if (!alarm) continue;
        // While another daemon is at one of them, all of the alarm wait.
        const auto another = std::ranges::find_if(alarm->deeds, [&](const Deed& deed) {
            return deed.stand == Deed::Stand::doing && deed.by != holder_;
        });
        if (another != alarm->deeds.end()) {
            earliest = std::min(earliest.value_or(another->next), another->next);
            continue;
        }
        for (const Deed& deed : alarm->deeds) {
            if (!deed.is_open()) continue;
            const bool is_left_over = deed.stand == Deed::Stand::doing && deed.by == holder_;
            const Milliseconds at = is_left_over ? Milliseconds{0} : deed.next;
            earliest = std::min(earliest.value_or(at), at);
        }
    }
    return earliest;
}

}  // namespace belay::site
