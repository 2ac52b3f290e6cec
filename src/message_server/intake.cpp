#include "message_server/intake.h"

#include "framework/messages/own_events.h"
#include "message_server/time_text.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace belay::message_server {
namespace {

namespace own = framework::messages::own;

/// What each level may use of a share.
constexpr std::array<double, framework::messages::levels> part_of_level = {1.0, 0.85, 0.7, 0.6, 0.5};
/// Nobody's batch is so large that others wait for it.
constexpr size_t bytes_at_a_turn = 256 << 10;
constexpr Milliseconds before_gap_is_said{1000};
constexpr size_t most_speakers_counted = 1000;

bool fits(double used, double more, double capacity, double part)
{
    // A single one always does, however large.
    return used <= 0 || used + more <= capacity * part;
}

}  // namespace

size_t bytes_of(const Message& message)
{
    size_t bytes = sizeof(Group) + sizeof(Message) + message.text.size() + message.host.size() +
                   message.application.size() + message.interaction.size();
    for (const auto& [name, value] : message.attributes) bytes += 128 + name.size() + value.size();
    return bytes;
}

void Intake::refresh(Queue& queue, Milliseconds now) const
{
    const double seconds = static_cast<double>((now - queue.refreshed).count()) / 1000;
    queue.used = std::max(0.0, queue.used - seconds * limits_.rate);
    queue.refreshed = now;
}

Intake::Queue& Intake::queue_of(const Speaker& speaker, Milliseconds now)
{
    const auto [found, is_new] = queues_.try_emplace(speaker.name);
    if (is_new) {
        found->second.speaker = speaker;
        found->second.refreshed = now;
    }
    return found->second;
}

bool Intake::admits(const Queue& queue, Level level, size_t bytes) const
{
    const double part = part_of_level.at(static_cast<size_t>(level));
    const auto size = static_cast<double>(bytes);
    return fits(queue.used, 1, limits_.burst, part) &&
           fits(static_cast<double>(queue.bytes), size, static_cast<double>(limits_.speaker_bytes), part) &&
           fits(static_cast<double>(bytes_), size, static_cast<double>(limits_.bytes), part);
}

bool Intake::offer(const Speaker& speaker, Message message, Milliseconds now, Milliseconds wall)
{
    Queue& queue = queue_of(speaker, now);
    refresh(queue, now);
    const size_t bytes = bytes_of(message);
    if (!admits(queue, message.level, bytes)) {
        count_dropped(speaker, message.level, now, wall);
        return false;
    }
    queue.used += 1;
    Group group{.bytes = bytes};
    group.messages.push_back(std::move(message));
    put(speaker, std::move(group));
    return true;
}

void Intake::put(const Speaker& speaker, Group group)
{
    if (group.bytes == 0) {
        for (const Message& message : group.messages) group.bytes += bytes_of(message);
    }
    const auto [found, is_new] = queues_.try_emplace(speaker.name);
    if (is_new) found->second.speaker = speaker;
    found->second.bytes += group.bytes;
    bytes_ += group.bytes;
    ++waiting_groups_;
    found->second.groups.push_back(std::move(group));
}

void Intake::count_dropped(const Speaker& speaker, Level level, Milliseconds now, Milliseconds wall)
{
    Queue& queue = queue_of(speaker, now);
    if (!queue.gap) queue.gap = Gap{.since = now, .first = wall, .last = wall};
    queue.gap->last = wall;
    ++queue.gap->count.at(static_cast<size_t>(level));
    ++dropped_.at(static_cast<size_t>(level));
    if (dropped_by_speaker_.size() < most_speakers_counted || dropped_by_speaker_.contains(speaker.name))
        ++dropped_by_speaker_[speaker.name];
}

bool Intake::has_room(const std::string& name) const
{
    const auto found = queues_.find(name);
    const size_t own = found == queues_.end() ? 0 : found->second.bytes;
    return own < limits_.speaker_bytes / 2 && bytes_ < limits_.bytes / 2;
}

std::vector<Group> Intake::take(size_t most, Milliseconds now, Milliseconds wall, bool all_gaps)
{
    std::vector<Group> taken;
    size_t bytes = 0;
    auto next = queues_.upper_bound(turn_);
    while (bytes < most && waiting_groups_ > 0) {
        if (next == queues_.end()) next = queues_.begin();
        Queue& queue = next->second;
        size_t of_this = 0;
        while (!queue.groups.empty() && of_this < bytes_at_a_turn && bytes + of_this < most) {
            Group& group = queue.groups.front();
            of_this += group.bytes;
            taken.push_back(std::move(group));
            queue.groups.pop_front();
            --waiting_groups_;
        }
        queue.bytes -= of_this;
        bytes_ -= of_this;
        bytes += of_this;
        turn_ = next->first;
        ++next;
    }
    take_gaps(taken, now, wall, all_gaps);
    forget_quiet_ones(now);
    return taken;
}

void Intake::take_gaps(std::vector<Group>& taken, Milliseconds now, Milliseconds wall, bool all)
{
    for (auto& [name, queue] : queues_) {
        if (!queue.gap || (!all && now - queue.gap->since < before_gap_is_said)) continue;
        Group said;
        said.messages.push_back(said_of(queue, wall));
        taken.push_back(std::move(said));
        queue.gap.reset();
    }
}

Message Intake::said_of(const Queue& queue, Milliseconds wall)
{
    const Gap& gap = *queue.gap;
    uint64_t count = 0;
    std::vector<std::string> by_level;
    for (size_t level = 0; level < gap.count.size(); ++level) {
        if (gap.count.at(level) == 0) continue;
        count += gap.count.at(level);
        by_level.push_back(fmt::format("{} {}", gap.count.at(level), name_of(static_cast<Level>(level))));
    }
    Message message = own_message(own::dropped,
                                  {{"count", std::to_string(count)},
                                   {"speaker", queue.speaker.name},
                                   {"from", time_text(gap.first)},
                                   {"until", time_text(gap.last)},
                                   {"levels", fmt::format("{}", fmt::join(by_level, ", "))}},
                                  wall);
    message.application = queue.speaker.application;
    return message;
}

std::optional<Milliseconds> Intake::next_gap() const
{
    std::optional<Milliseconds> next;
    for (const auto& [name, queue] : queues_) {
        if (queue.gap && (!next || queue.gap->since + before_gap_is_said < *next))
            next = queue.gap->since + before_gap_is_said;
    }
    return next;
}

void Intake::forget_quiet_ones(Milliseconds now)
{
    for (auto queue = queues_.begin(); queue != queues_.end();) {
        refresh(queue->second, now);
        const bool is_quiet = queue->second.groups.empty() && !queue->second.gap && queue->second.used <= 0;
        queue = is_quiet ? queues_.erase(queue) : std::next(queue);
    }
}

}  // namespace belay::message_server
