#include "site/remote/agent/controller_stream.h"

#include <grpcpp/channel.h>

namespace belay::site {

ControllerStream::ControllerStream(const std::shared_ptr<grpc::Channel>& channel, Events events)
    : stub_(v1::Membership::NewStub(channel)), events_(std::move(events))
{
}

void ControllerStream::begin()
{
    self_ = shared_from_this();
    stub_->async()->Attach(&context_, this);
    AddHold();  // for writes, which begin outside of gRPC's own calls
    StartRead(&incoming_);
    StartCall();
}

void ControllerStream::send(const v1::FromMember& message)
{
    const std::lock_guard lock(mutex_);
    if (over_) return;
    out_.push_back(message);
    if (out_.size() == 1) StartWrite(&out_.front());
}

void ControllerStream::cut()
{
    context_.TryCancel();
    let_go();
}

void ControllerStream::let_go()
{
    {
        const std::lock_guard lock(mutex_);
        if (over_) return;
        over_ = true;
    }
    RemoveHold();
}

void ControllerStream::OnReadDone(bool ok)
{
    if (!ok) return let_go();
    events_.came(std::move(incoming_));
    incoming_.Clear();
    StartRead(&incoming_);
}

void ControllerStream::OnWriteDone(bool ok)
{
    const std::lock_guard lock(mutex_);
    out_.pop_front();
    if (ok && !over_ && !out_.empty()) StartWrite(&out_.front());
}

void ControllerStream::OnDone(const grpc::Status& status)
{
    const std::shared_ptr<ControllerStream> self = std::move(self_);
    stub_.reset();
    events_.ended(status);
    const std::lock_guard lock(mutex_);
    done_ = true;
    done_changed_.notify_all();
}

void ControllerStream::wait()
{
    std::unique_lock lock(mutex_);
    done_changed_.wait(lock, [this] { return done_; });
}

}  // namespace belay::site
