#include "site/exchange.h"

namespace belay::site {

Exchange::Exchange(Loop& loop, Workers& workers, const Method& method, Call call, Answered answered)
    : loop_(loop), workers_(workers), method_(method), call_(std::move(call)), answered_(std::move(answered))
{
}

void Exchange::begin()
{
    run();
}

void Exchange::run()
{
    doing_ = Doing::running;
    changed_ = false;
    const auto started = workers_.run([self = shared_from_this()]() -> Loop::Callback {
        return [self, reply = self->method_.answer(self->call_)] { self->take_reply(reply); };
    });
    if (!started) take_reply(std::unexpected(started.error()));
}

void Exchange::take_reply(const Result<Reply>& reply)
{
    if (is_over()) return;
    answered_at_ = boot_now();
    if (!reply) return give(std::unexpected(reply.error()), Doing::over);
    if (call_.more && reply->rest) {
        rest_ = reply->rest;
        piece_ = reply->parameters;
        return send_piece();
    }
    const bool follows = call_.more && !reply->topic.empty() && !settled_;
    if (follows) topic_ = reply->topic;
    give(reply->parameters, follows ? Doing::following : Doing::over);
}

void Exchange::give(const Result<Json>& answer, Doing then)
{
    doing_ = then;
    taken_ = false;
    answered_(answer, then != Doing::over);
}

void Exchange::send_piece()
{
    const Json piece = *std::move(piece_);
    piece_ = rest_();
    if (!piece_) rest_ = nullptr;
    give(piece, piece_ ? Doing::sending : Doing::over);
}

void Exchange::taken()
{
    taken_ = true;
    if (doing_ == Doing::sending)
        send_piece();
    else if (doing_ == Doing::following && changed_)
        follow();
}

void Exchange::follow()
{
    if (boot_now() >= answered_at_ + between_answers) return run();
    if (pause_) return;
    pause_ = loop_.at(answered_at_ + between_answers, [this] {
        pause_.reset();
        if (doing_ == Doing::following) run();
    });
}

void Exchange::topic_changed(const std::string& topic)
{
    // While the first answer is made its topic is not known yet, so any change may be one of it.
    if (!is_at_work() || (!topic_.empty() && topic_ != topic)) return;
    changed_ = true;
    if (doing_ == Doing::following && taken_) follow();
}

void Exchange::settle()
{
    settled_ = true;
    if (doing_ == Doing::following) cancel();
}

void Exchange::cancel()
{
    doing_ = Doing::over;
    rest_ = nullptr;
    if (pause_) loop_.cancel(*std::exchange(pause_, std::nullopt));
}

}  // namespace belay::site
