#include "site/remote/controller/ask_stream.h"

#include "site/remote/status.h"
#include "site/wire.h"

namespace belay::site {

void AskStream::begin(const v1::Question& question, Caller caller)
{
    self_ = shared_from_this();
    loop_.post([self = self_, question, caller = std::move(caller)] { self->ask(question, caller); });
}

void AskStream::refuse(const grpc::Status& status)
{
    self_ = shared_from_this();
    finish(status);
}

void AskStream::ask(const v1::Question& question, const Caller& caller)
{
    if (has_finished()) return;
    const Result<const Method*> method = find_method(methods_, question.method(), caller);
    if (!method) return fail_with(method.error());
    Result<Json> parameters = parse_parameters(question.parameters());
    if (!parameters) return finish(to_status(parameters.error()));
    exchange_ = std::make_shared<Exchange>(
        loop_, workers_, **method, Call{*std::move(parameters), question.more(), caller},
        [this](const Result<Json>& answer, bool continues) { answered(answer, continues); });
    exchange_->begin();
}

void AskStream::answered(const Result<Json>& answer, bool continues)
{
    if (!answer) return fail_with(answer.error());
    const std::string text = json_text(*answer);
    if (text.size() > max_message_bytes) return finish(to_status(answer_too_long()));
    outgoing_.set_parameters(text);
    outgoing_.set_continues(continues);
    continues_ = continues;
    const std::lock_guard lock(mutex_);
    if (!finished_) StartWrite(&outgoing_);
}

void AskStream::OnWriteDone(bool ok)
{
    loop_.post([self = shared_from_this(), ok] {
        if (!ok || !self->continues_) return self->finish(grpc::Status::OK);
        self->exchange_->taken();
    });
}

void AskStream::OnCancel()
{
    // At once: the loop may be waiting for the end of all streams.
    const std::shared_ptr<AskStream> self = shared_from_this();
    finish_once({grpc::CANCELLED, "nobody wants it any more"});
    loop_.post([self] {
        if (self->exchange_) self->exchange_->cancel();
    });
}

void AskStream::fail_with(const Error& error)
{
    if (error.kind == ErrorKind::permission) denied_(error);
    finish(to_status(error));
}

void AskStream::finish(const grpc::Status& status)
{
    const std::shared_ptr<AskStream> self = shared_from_this();  // gRPC may be done with it at once
    if (finish_once(status) && exchange_) exchange_->cancel();
}

/// False: it has ended already. Threads: any.
bool AskStream::finish_once(const grpc::Status& status)
{
    const std::lock_guard lock(mutex_);
    if (finished_) return false;
    finished_ = true;
    Finish(status);
    return true;
}

bool AskStream::has_finished()
{
    const std::lock_guard lock(mutex_);
    return finished_;
}

void AskStream::topic_changed(const std::string& topic)
{
    if (exchange_) exchange_->topic_changed(topic);
}

void AskStream::settle()
{
    if (exchange_) exchange_->settle();
    if (exchange_ && exchange_->is_over()) finish({grpc::UNAVAILABLE, "this controller ends"});
}

void AskStream::end(const grpc::Status& status)
{
    loop_.post([self = shared_from_this(), status] { self->finish(status); });
}

void AskStream::OnDone()
{
    self_.reset();
}

void AskStreams::add(const std::shared_ptr<AskStream>& stream)
{
    const std::lock_guard lock(mutex_);
    std::erase_if(streams_, [](const auto& one) { return one.expired(); });
    streams_.push_back(stream);
}

std::vector<std::shared_ptr<AskStream>> AskStreams::open()
{
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<AskStream>> open;
    for (const auto& one : streams_) {
        if (auto stream = one.lock()) open.push_back(std::move(stream));
    }
    return open;
}

}  // namespace belay::site
