#include "daemon/scheduler.h"

namespace belay::daemon {

using operation::Id;
using operation::Next;

void Scheduler::wake(const Id& id)
{
    if (stopping_) return;
    Task& task = tasks_[id];
    if (task.running) {
        task.again = true;
        return;
    }
    if (task.due) loop_.cancel(*task.due);
    task.due.reset();
    start(id, task);
}

void Scheduler::start(const Id& id, Task& task)
{
    if (running_ == most_at_once) {
        if (std::ranges::find(waiting_, id) == waiting_.end()) waiting_.push_back(id);
        return;
    }
    task.running = true;
    task.again = false;
    ++running_;
    const auto started = workers_.run(
        [this, id]() -> site::Loop::Callback { return [this, id, next = work(id)] { worked(id, next); }; });
    if (!started) worked(id, std::unexpected(started.error()));
}

/// In a thread of its own.
Result<Next> Scheduler::work(const Id& id)
{
    Result<Next> next = Next{};
    do {
        next = engine_.step(id);
    } while (next && next->when == Next::When::now && !stopping_);
    return next;
}

void Scheduler::worked(const Id& id, const Result<Next>& next)
{
    --running_;
    if (stopping_) return;
    Task& task = tasks_[id];
    task.running = false;
    if (!next) {
        // Nothing is lost by an error: the engine looks at the world anew. What failed is most often the disk
        // under the journal, and somebody must make room first.
        task.pause = std::clamp(task.pause * 2, first_pause, longest_pause);
        note_stuck(id, next.error());
        come_again(id, task, site::boot_now() + task.pause);
    } else {
        task.pause = {};
        note_stuck(id, std::nullopt);
        if (task.again)
            start(id, task);
        else if (next->when == Next::When::at)
            come_again(id, task, next->boot);
        else
            tasks_.erase(id);
    }
    if (!waiting_.empty() && running_ < most_at_once) {
        const Id first = waiting_.front();
        waiting_.pop_front();
        wake(first);
    }
}

void Scheduler::come_again(const Id& id, Task& task, Milliseconds boot)
{
    task.again = false;
    // The time from which it counts was cut to whole milliseconds: it may be as much too early.
    task.due = loop_.at(boot + Milliseconds(1), [this, id] { wake(id); });
}

void Scheduler::stop()
{
    stopping_ = true;
    for (const auto& [id, task] : tasks_) {
        if (task.due) loop_.cancel(*task.due);
    }
    waiting_.clear();
}

void Scheduler::note_stuck(const Id& id, const std::optional<Error>& error)
{
    {
        const std::lock_guard lock(stuck_mutex_);
        const bool was = stuck_.contains(id);
        if (!error && !was) return;
        if (error)
            stuck_.insert_or_assign(id, *error);
        else
            stuck_.erase(id);
    }
    changed_(id);
}

std::optional<Error> Scheduler::stuck(const Id& id) const
{
    const std::lock_guard lock(stuck_mutex_);
    const auto found = stuck_.find(id);
    if (found == stuck_.end()) return std::nullopt;
    return found->second;
}

}  // namespace belay::daemon
