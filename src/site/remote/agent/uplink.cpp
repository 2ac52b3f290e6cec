#include "site/remote/agent/uplink.h"

#include "site/remote/agent/controller_stream.h"
#include "site/remote/status.h"
#include "site/remote/transport.h"
#include "site/wire.h"

#include <algorithm>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

namespace belay::site {
namespace {

/// Of its life, so much is left when a certificate is renewed: a third.
constexpr int renewed_at_a = 3;
constexpr std::chrono::seconds renewal_patience{20};

/// A membership with a new key and certificate. Waits for the controller.
Result<Membership> renew_by(const std::shared_ptr<grpc::Channel>& channel, Membership membership,
                            const std::function<Result<std::string>()>& next_key)
{
    membership.key_pem = TRY(next_key());
    v1::RenewRequest request;
    request.set_signing_request(TRY(make_request(membership.key_pem)));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + renewal_patience);
    v1::RenewAnswer answer;
    const grpc::Status status = v1::Membership::NewStub(channel)->Renew(&context, request, &answer);
    if (!status.ok()) return std::unexpected(error_of(status, "get a new certificate"));
    membership.certificate_pem = TRY(read_certificate(answer.certificate())).pem;
    return membership;
}

}  // namespace

Uplink::Uplink(Loop& loop, Workers& workers, Membership membership, UplinkOptions options)
    : loop_(loop),
      workers_(workers),
      membership_(std::move(membership)),
      options_(std::move(options)),
      patience_(options_.connect_timeout)
{
}

Uplink::~Uplink() = default;

void Uplink::start()
{
    dial();
}

void Uplink::stop()
{
    stopped_ = true;
    if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
    if (renewal_) loop_.cancel(*std::exchange(renewal_, std::nullopt));
    for (const auto& [question, exchange] : exchanges_) exchange->cancel();
    exchanges_.clear();
    ++attempt_;
    if (!stream_) return;
    stream_->cut();
    stream_->wait();  // its events speak to this object
    stream_.reset();
}

/// Not all members at once: a span between half of it and the whole.
Milliseconds Uplink::spread(Milliseconds span)
{
    std::uniform_int_distribution<int64_t> within(span.count() / 2, span.count());
    return Milliseconds(within(random_));
}

std::string Uplink::next_address()
{
    if (!hinted_.empty()) {
        std::string address = hinted_.front();
        hinted_.pop_front();
        return address;
    }
    return membership_.controllers[next_++ % membership_.controllers.size()];
}

void Uplink::dial()
{
    timer_.reset();
    state_.controller = next_address();
    state_.since = boot_now();
    problem_.reset();
    const uint64_t attempt = ++attempt_;
    // What was posted may find that this object is gone.
    const auto if_current = [this, attempt, is_there = std::weak_ptr(there_)](const auto& then) {
        loop_.post([this, attempt, then, is_there] {
            if (!is_there.expired() && attempt == attempt_ && !stopped_) then();
        });
    };
    channel_ = channel_to(state_.controller, membership_.identity.site,
                          {membership_.authority_pem, membership_.certificate_pem, membership_.key_pem});
    stream_ = std::make_shared<ControllerStream>(
        channel_,
        ControllerStream::Events{
            .came = [this, if_current](
                        const v1::ToMember& message) { if_current([this, message] { came(message); }); },
            .ended = [this, if_current](
                         const grpc::Status& status) { if_current([this, status] { ended(status); }); }});
    stream_->begin();
    v1::FromMember message;
    v1::Hello& hello = *message.mutable_hello();
    hello.set_version(BELAY_VERSION);
    hello.set_host_name(options_.host_name);
    hello.set_boot_id(options_.boot_id);
    hello.set_clock_ms(options_.wall().count());
    stream_->send(message);
    timer_ = loop_.at(boot_now() + patience_, [this] {
        timer_.reset();
        patience_ = std::min(patience_ * 2, longest_welcome_patience);
        cut_off({.kind = ErrorKind::timeout,
                 .what = fmt::format("the controller {} does not answer", state_.controller)});
    });
}

void Uplink::cut_off(const Error& problem)
{
    problem_ = problem;
    stream_->cut();
}

void Uplink::came(const v1::ToMember& message)
{
    heard_at_ = boot_now();
    switch (message.message_case()) {
        case v1::ToMember::kWelcome:
            return welcomed(message.welcome());
        case v1::ToMember::kQuestion:
            return asked(message.question());
        case v1::ToMember::kCancel:
            if (const auto found = exchanges_.find(message.cancel()); found != exchanges_.end()) {
                found->second->cancel();
                exchanges_.erase(found);
            }
            return;
        case v1::ToMember::kRenewNow:
            return renew();
        case v1::ToMember::kHeartbeat:
            return options_.heard(message.heartbeat().configuration() > 0
                                      ? std::optional(message.heartbeat().configuration())
                                      : std::nullopt);
        case v1::ToMember::MESSAGE_NOT_SET:
            return;
    }
}

void Uplink::welcomed(const v1::Welcome& welcome)
{
    if (timer_) loop_.cancel(*timer_);
    state_.attached = true;
    state_.since = boot_now();
    state_.problem.reset();
    pause_ = first_pause;
    patience_ = options_.connect_timeout;
    hinted_.clear();
    heartbeat_ = std::clamp(Milliseconds(welcome.heartbeat_ms()), Milliseconds(10), Milliseconds(3'600'000));
    timeout_ = std::max(heartbeat_ * 2, Milliseconds(welcome.timeout_ms()));
    const std::vector<std::string> controllers(welcome.controllers().begin(), welcome.controllers().end());
    if (!controllers.empty() && controllers != membership_.controllers) {
        membership_.controllers = controllers;
        options_.changed(membership_);
    }
    options_.moved();
    options_.heard(std::nullopt);
    beat();
    renew_when_due();
}

void Uplink::renew_when_due()
{
    if (renewal_) loop_.cancel(*std::exchange(renewal_, std::nullopt));
    const Result<Certificate> certificate = read_certificate(membership_.certificate_pem);
    if (!certificate) return;
    const Milliseconds due =
        certificate->not_after - (certificate->not_after - certificate->not_before) / renewed_at_a;
    const Milliseconds left = due - options_.wall();
    if (left <= Milliseconds{0}) return renew();
    // The wall clock may be set meanwhile.
    renewal_ = loop_.at(boot_now() + std::min(left, Milliseconds(std::chrono::hours(24))), [this] {
        renewal_.reset();
        if (state_.attached) renew_when_due();
    });
}

void Uplink::renew()
{
    if (std::exchange(renewing_, true)) return;
    // This object may be gone before the controller answers.
    const auto work = [this, channel = channel_, membership = membership_, next_key = options_.next_key,
                       is_there = std::weak_ptr(there_)]() -> Loop::Callback {
        const Result<Membership> answer = renew_by(channel, membership, next_key);
        return [this, answer, is_there] {
            if (!is_there.expired() && !stopped_) renewed(answer);
        };
    };
    if (!workers_.run(work)) renewing_ = false;
}

void Uplink::renewed(const Result<Membership>& answer)
{
    renewing_ = false;
    if (!answer) {
        if (renewal_) loop_.cancel(*renewal_);
        renewal_ = loop_.at(boot_now() + renewal_pause, [this] {
            renewal_.reset();
            if (state_.attached) renew_when_due();
        });
        return;
    }
    membership_.key_pem = answer->key_pem;
    membership_.certificate_pem = answer->certificate_pem;
    options_.changed(membership_);
    if (stream_)
        cut_off({.kind = ErrorKind::unavailable, .what = "it attaches anew with its new certificate"});
}

void Uplink::beat()
{
    timer_.reset();
    if (boot_now() - heard_at_ > timeout_)
        return cut_off({.kind = ErrorKind::timeout,
                        .what = fmt::format("the controller {} has said nothing for {}", state_.controller,
                                            to_text(boot_now() - heard_at_))});
    v1::FromMember message;
    message.mutable_heartbeat()->set_number(++beats_);
    stream_->send(message);
    timer_ = loop_.at(boot_now() + heartbeat_, [this] { beat(); });
}

void Uplink::asked(const v1::Question& question)
{
    const uint64_t number = question.number();
    const Caller caller{.user = question.asker(),
                        .origin = fmt::format("the controller {}", state_.controller),
                        .right = Right::administer};
    const Result<const Method*> method = find_method(*options_.methods, question.method(), caller);
    if (!method) return send_answer(number, std::unexpected(method.error()), false);
    Result<Json> parameters = parse_parameters(question.parameters());
    if (!parameters) return send_answer(number, std::unexpected(parameters.error()), false);
    const auto exchange = std::make_shared<Exchange>(
        loop_, workers_, **method, Call{*std::move(parameters), question.more(), caller},
        [this, number](const Result<Json>& answer, bool continues) {
            send_answer(number, answer, continues);
            const auto found = exchanges_.find(number);
            if (found == exchanges_.end()) return;
            // Not at once: we are inside of it.
            if (continues)
                loop_.post([still = found->second] { still->taken(); });
            else
                exchanges_.erase(found);
        });
    exchanges_.emplace(number, exchange);
    exchange->begin();
}

void Uplink::send_answer(uint64_t question, const Result<Json>& answer, bool continues)
{
    if (!stream_) return;
    v1::FromMember message;
    v1::Answer& sent = *message.mutable_answer();
    sent.set_number(question);
    sent.set_continues(continues);
    const std::string text = answer ? json_text(*answer) : "";
    if (!answer)
        *sent.mutable_error() = to_message(answer.error());
    else if (text.size() > max_message_bytes)
        *sent.mutable_error() = to_message(answer_too_long());
    else
        sent.set_parameters(text);
    stream_->send(message);
}

void Uplink::ended(const grpc::Status& status)
{
    if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
    for (const auto& [question, exchange] : exchanges_) exchange->cancel();
    exchanges_.clear();
    stream_.reset();
    const bool was_attached = std::exchange(state_.attached, false);
    state_.since = boot_now();
    state_.problem =
        problem_ ? *problem_ : error_of(status, fmt::format("talk to the controller {}", state_.controller));
    for (const std::string& address : leader_in(status)) hinted_.push_back(address);
    Milliseconds wait = spread(pause_);
    if (!was_attached && state_.problem->kind == ErrorKind::permission)
        wait = spread(refused_pause);
    else
        pause_ = std::min(pause_ * 2, longest_pause);
    timer_ = loop_.at(boot_now() + wait, [this] { dial(); });
    options_.moved();
}

void Uplink::topic_changed(const std::string& topic)
{
    // A change may bring an answer at once, and with it the end of an exchange.
    const auto exchanges = exchanges_;
    for (const auto& [question, exchange] : exchanges) exchange->topic_changed(topic);
}

}  // namespace belay::site
