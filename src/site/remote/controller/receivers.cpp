#include "site/remote/controller/receivers.h"

#include "base/invariant.h"

#include <algorithm>

namespace belay::site {

using framework::configuration::Point;
using framework::configuration::Taken;
using framework::configuration::Whole;

namespace {

/// More answers in a row by which a member does not get on mean that it never will.
constexpr int most_misfits = 3;

}  // namespace

void Receivers::set_at(Receiver& receiver, std::optional<Point> at)
{
    if (is_current(receiver)) --current_;
    receiver.at = std::move(at);
    if (is_current(receiver)) ++current_;
}

void Receivers::make_due(const std::string& member, Receiver& receiver)
{
    if (std::exchange(receiver.due_, true)) return;
    due_.push_back(member);
}

void Receivers::attached(const std::string& member)
{
    Receiver& receiver = receivers_[member];
    if (receiver.question_ != 0) {
        // To this stream or to the one before: its end tells.
        receiver.again_ = true;
        return;
    }
    set_at(receiver, std::nullopt);
    receiver.whole.reset();
    receiver.problem.reset();
    receiver.misfits_ = 0;
    make_due(member, receiver);
}

void Receivers::gone(const std::string& member)
{
    const auto found = receivers_.find(member);
    if (found == receivers_.end()) return;
    close_question(found->second.question_);
    set_at(found->second, std::nullopt);
    receivers_.erase(found);
}

void Receivers::set_newest(const Point& newest)
{
    newest_ = newest;
    current_ = 0;
    for (auto& [member, receiver] : receivers_) {
        if (is_current(receiver))
            ++current_;
        else if (receiver.question_ == 0)
            make_due(member, receiver);
    }
}

std::optional<std::string> Receivers::next(Milliseconds now)
{
    while (!put_off_.empty() && put_off_.begin()->first <= now) {
        const auto found = receivers_.find(put_off_.begin()->second);
        put_off_.erase(put_off_.begin());
        if (found == receivers_.end()) continue;
        Receiver& receiver = found->second;
        if (receiver.question_ == 0 && !is_current(receiver)) make_due(found->first, receiver);
    }
    for (auto question = questions_.begin(); bytes_ >= most_bytes_ && question != questions_.end();
         ++question) {
        if (now - question->second.at < slow_after_) return std::nullopt;
        bytes_ -= std::exchange(question->second.bytes, 0);
    }
    while (!due_.empty()) {
        std::string member = std::move(due_.front());
        due_.pop_front();
        const auto found = receivers_.find(member);
        // It may have gone and come meanwhile, and stand there twice.
        if (found == receivers_.end() || !std::exchange(found->second.due_, false)) continue;
        if (found->second.question_ == 0 && !is_current(found->second)) return member;
    }
    return std::nullopt;
}

std::optional<Milliseconds> Receivers::next_time() const
{
    std::optional<Milliseconds> time;
    if (!put_off_.empty()) time = put_off_.begin()->first;
    if (due_.empty() || bytes_ < most_bytes_) return time;
    for (const auto& [number, question] : questions_) {
        if (question.bytes == 0) continue;
        const Milliseconds slow = question.at + slow_after_;
        return time ? std::min(*time, slow) : slow;
    }
    return time;
}

uint64_t Receivers::asked(const std::string& member, size_t bytes, const std::shared_ptr<const Whole>& whole,
                          Milliseconds now)
{
    const auto found = receivers_.find(member);
    if (found == receivers_.end()) return 0;
    Receiver& receiver = found->second;
    INVARIANT(receiver.question_ == 0);
    if (receiver.whole != whole) receiver.piece = 0;
    receiver.whole = whole;
    receiver.question_ = ++last_question_;
    receiver.again_ = false;
    questions_[receiver.question_] = {.member = member, .bytes = bytes, .at = now};
    bytes_ += bytes;
    return receiver.question_;
}

void Receivers::close_question(uint64_t question)
{
    const auto found = questions_.find(question);
    if (found == questions_.end()) return;
    bytes_ -= found->second.bytes;
    questions_.erase(found);
}

void Receivers::put_off(const std::string& member, const Error& problem, Milliseconds until)
{
    const auto found = receivers_.find(member);
    if (found == receivers_.end()) return;
    found->second.problem = problem;
    found->second.whole.reset();
    put_off_.emplace(until, member);
}

void Receivers::answered(const std::string& member, uint64_t question, const Result<Taken>& answer,
                         Milliseconds now)
{
    const auto found = receivers_.find(member);
    if (found == receivers_.end() || found->second.question_ != question) return;
    Receiver& receiver = found->second;
    close_question(question);
    receiver.question_ = 0;
    const bool again = std::exchange(receiver.again_, false);
    if (answer) return take(member, receiver, *answer, now);
    // Its stream has ended: when it attaches, or has already, it is asked what it has.
    const bool ended =
        answer.error().kind == ErrorKind::lost || answer.error().kind == ErrorKind::unavailable;
    if (again) return attached(member);
    put_off(member, answer.error(), now + retry_after);
    if (ended) set_at(receiver, std::nullopt);
}

void Receivers::take(const std::string& member, Receiver& receiver, const Taken& answer, Milliseconds now)
{
    const bool moved = !receiver.at || *receiver.at != answer.at;
    const bool is_piece = answer.fitted && receiver.whole != nullptr;
    set_at(receiver, answer.at);
    receiver.problem.reset();
    if (is_piece) ++receiver.piece;
    if (!is_piece || receiver.piece == receiver.whole->pieces.size() || is_current(receiver))
        receiver.whole.reset();
    receiver.misfits_ = moved || is_piece ? 0 : receiver.misfits_ + 1;
    if (is_current(receiver)) return;
    if (receiver.misfits_ < most_misfits) return make_due(member, receiver);
    receiver.misfits_ = 0;
    put_off(member,
            {.kind = ErrorKind::failed,
             .what = fmt::format("the host {} does not take what follows its own version {}", member,
                                 answer.at.version)},
            now + retry_after);
}

const Receivers::Receiver* Receivers::find(const std::string& member) const
{
    const auto found = receivers_.find(member);
    return found == receivers_.end() ? nullptr : &found->second;
}

}  // namespace belay::site
