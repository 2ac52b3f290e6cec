#include "site/remote/controller/conversation.h"

namespace belay::site {

Result<Conversation::Answer> Conversation::take(Milliseconds limit)
{
    std::unique_lock lock(mutex_);
    const auto there = [this] { return !answers_.empty() || ended_; };
    if (limit == Milliseconds{0})
        came_.wait(lock, there);
    else if (!came_.wait_for(lock, limit, there))
        return fail(ErrorKind::timeout, fmt::format("no answer came within {}", to_text(limit)));
    if (answers_.empty()) return std::unexpected(*ended_);
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    return answer;
}

/// What is to be called; empty where somebody waits, or it was called.
Conversation::Then Conversation::take_then()
{
    const std::lock_guard lock(mutex_);
    return std::exchange(then_, nullptr);
}

void Conversation::put(Answer answer)
{
    if (const Then then = take_then()) return then(answer.parameters);
    const std::lock_guard lock(mutex_);
    // Of a stream of states only the newest counts to one who is slow.
    if (!answers_.empty() && answers_.back().continues) answers_.pop_back();
    answers_.push_back(std::move(answer));
    came_.notify_all();
}

void Conversation::end(const Error& error)
{
    if (const Then then = take_then()) return then(std::unexpected(error));
    const std::lock_guard lock(mutex_);
    if (!ended_) ended_ = error;
    came_.notify_all();
}

}  // namespace belay::site
