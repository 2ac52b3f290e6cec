#include "site/remote/controller/member_stream.h"

#include "site/remote/status.h"

namespace belay::site {

MemberStream::MemberStream(Member member, Milliseconds certificate_ends, std::string address, Events events)
    : member_(std::move(member)),
      certificate_ends_(certificate_ends),
      address_(std::move(address)),
      events_(std::move(events)),
      heard_at_ms_(events_.boot().count())
{
}

void MemberStream::begin()
{
    self_ = shared_from_this();
    StartRead(&incoming_);
}

void MemberStream::send(v1::ToMember message)
{
    const size_t size = message.ByteSizeLong();
    bool too_slow = false;
    {
        const std::lock_guard lock(mutex_);
        if (over_) return;
        too_slow = out_bytes_ + size > max_waiting_bytes;
        if (!too_slow) {
            out_.push_back(std::move(message));
            out_bytes_ += size;
            if (out_.size() == 1) StartWrite(&out_.front());
        }
    }
    if (too_slow) end({grpc::RESOURCE_EXHAUSTED, "it reads too slowly"});
}

void MemberStream::end(const grpc::Status& status)
{
    bool is_writing = false;
    {
        const std::lock_guard lock(mutex_);
        if (over_) return;
        over_ = true;
        is_writing = !out_.empty();
        if (why_.empty()) why_ = status.error_message();
    }
    // First: after Finish() the call may be gone.
    if (is_writing) events_.cut();
    Finish(status);
}

uint64_t MemberStream::ask(std::string_view method, const std::string& parameters, bool more,
                           const std::string& asker, const std::shared_ptr<Conversation>& conversation)
{
    v1::ToMember message;
    v1::Question& question = *message.mutable_question();
    bool is_over = false;
    {
        const std::lock_guard lock(mutex_);
        question.set_number(++last_question_);
        is_over = over_;
        if (!is_over) conversations_.emplace(question.number(), conversation);
    }
    const uint64_t number = question.number();
    if (is_over) {
        conversation->end(Error{.kind = ErrorKind::unavailable,
                                .what = fmt::format("{} is not attached", member_.name),
                                .next = "belay host list"});
        return number;
    }
    question.set_method(std::string(method));
    question.set_parameters(parameters);
    question.set_more(more);
    question.set_asker(asker);
    send(std::move(message));
    return number;
}

void MemberStream::forget(uint64_t question, bool tell)
{
    {
        const std::lock_guard lock(mutex_);
        conversations_.erase(question);
    }
    if (!tell) return;
    v1::ToMember message;
    message.set_cancel(question);
    send(message);
}

void MemberStream::OnReadDone(bool ok)
{
    if (!ok) return end(grpc::Status::OK);
    heard_at_ms_ = events_.boot().count();
    take(incoming_);
    StartRead(&incoming_);
}

void MemberStream::take(const v1::FromMember& message)
{
    switch (message.message_case()) {
        case v1::FromMember::kHello:
            if (greeted_) return end({grpc::INVALID_ARGUMENT, "it has said hello twice"});
            greeted_ = true;
            return events_.greeted(*this, message.hello());
        case v1::FromMember::kAnswer:
            return take_answer(message.answer());
        case v1::FromMember::kHeartbeat:
        case v1::FromMember::MESSAGE_NOT_SET:
            return;
    }
}

void MemberStream::take_answer(const v1::Answer& answer)
{
    std::shared_ptr<Conversation> conversation;
    {
        const std::lock_guard lock(mutex_);
        const auto found = conversations_.find(answer.number());
        if (found == conversations_.end()) return;
        conversation = found->second;
        if (answer.has_error() || !answer.continues()) conversations_.erase(found);
    }
    if (answer.has_error()) return conversation->end(from_message(answer.error()));
    Result<Json> parameters = parse_json(answer.parameters());
    if (!parameters)
        return conversation->end(Error{.kind = ErrorKind::corrupt,
                                       .what = fmt::format("{} answers what is no JSON", member_.name)});
    conversation->put({*std::move(parameters), answer.continues()});
}

void MemberStream::OnWriteDone(bool ok)
{
    const std::lock_guard lock(mutex_);
    out_bytes_ -= out_.front().ByteSizeLong();
    out_.pop_front();
    if (ok && !over_ && !out_.empty()) StartWrite(&out_.front());
}

void MemberStream::OnCancel()
{
    {
        const std::lock_guard lock(mutex_);
        if (why_.empty()) why_ = "the connection was lost";
    }
    end({grpc::CANCELLED, "the connection was lost"});
}

void MemberStream::OnDone()
{
    std::map<uint64_t, std::shared_ptr<Conversation>> open;
    std::string why;
    {
        const std::lock_guard lock(mutex_);
        open.swap(conversations_);
        why = why_.empty() ? "it has hung up" : why_;
    }
    for (const auto& [number, conversation] : open)
        conversation->end(
            Error{.kind = ErrorKind::lost,
                  .what = fmt::format("{} was asked, and its connection ended before the answer came: {}",
                                      member_.name, why),
                  .next = "belay host list"});
    events_.ended(*this, why);
    self_.reset();
}

}  // namespace belay::site
