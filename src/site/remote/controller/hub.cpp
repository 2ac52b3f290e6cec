#include "site/remote/controller/hub.h"

#include "site/remote/controller/file_stream.h"
#include "site/remote/controller/member_stream.h"
#include "site/remote/peer.h"
#include "site/remote/status.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace belay::site {
namespace {

constexpr std::array state_names = {std::pair{Presence::State::never, std::string_view("never")},
                                    std::pair{Presence::State::attached, std::string_view("attached")},
                                    std::pair{Presence::State::silent, std::string_view("silent")},
                                    std::pair{Presence::State::gone, std::string_view("gone")}};

/// For one who may not attach: a stream that ends at once.
class RefusedStream final : public grpc::ServerBidiReactor<v1::FromMember, v1::ToMember> {
  public:
    explicit RefusedStream(const grpc::Status& status) { Finish(status); }
    void OnDone() override { delete this; }
};

}  // namespace

std::string_view name_of(Presence::State state)
{
    return std::ranges::find(state_names, state, [](const auto& pair) { return pair.first; })->second;
}

void to_json(Json& json, const Presence& presence)
{
    json = {{"state", name_of(presence.state)},
            {"since_ms", presence.since.count()},
            {"why", presence.why},
            {"address", presence.address},
            {"host_name", presence.host_name},
            {"version", presence.version},
            {"boot_id", presence.boot_id},
            {"clock_ahead_ms", presence.clock_ahead.count()}};
}

/// The service, and all that its streams work with: it stays until the last of them is gone.
class Hub::Streams : public v1::Membership::CallbackService, public std::enable_shared_from_this<Streams> {
  public:
    Streams(Loop& loop, Registry& registry, HubOptions options)
        : loop_(loop), registry_(registry), options_(std::move(options))
    {
    }

    grpc::ServerBidiReactor<v1::FromMember, v1::ToMember>* Attach(
        grpc::CallbackServerContext* context) override
    {
        if (const auto closed = closed_with()) return new RefusedStream(*closed);
        Result<Admitted> admitted = admit(*context);
        if (!admitted) {
            options_.refused(admitted.error(), address_of(*context));
            return new RefusedStream(to_status(admitted.error()));
        }
        MemberStream::Events events{
            .greeted = [this](MemberStream& stream, const v1::Hello& hello) { greeted(stream, hello); },
            .ended = [this](MemberStream& stream, const std::string& why) { ended(stream, why); },
            .boot = boot_now,
            .cut = [context] { context->TryCancel(); }};
        const auto stream = std::make_shared<MemberStream>(
            std::move(admitted->member), admitted->certificate_ends, address_of(*context), std::move(events));
        {
            const std::lock_guard lock(mutex_);
            if (closed_) return new RefusedStream(*closed_);
            open_.emplace(stream.get(), stream);
        }
        stream->begin();
        return stream.get();
    }

    grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context, const v1::RenewRequest* request,
                                    v1::RenewAnswer* answer) override
    {
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        if (const auto closed = closed_with()) {
            reactor->Finish(*closed);
            return reactor;
        }
        const Result<std::string> renewed = renew(*context, request->signing_request());
        if (!renewed) options_.refused(renewed.error(), address_of(*context));
        if (renewed) answer->set_certificate(*renewed);
        reactor->Finish(renewed ? grpc::Status::OK : to_status(renewed.error()));
        return reactor;
    }

    grpc::ServerWriteReactor<v1::FetchPiece>* Fetch(grpc::CallbackServerContext* context,
                                                    const v1::FetchRequest* request) override
    {
        if (const auto closed = closed_with()) return new FileStream(*closed);
        const Result<Admitted> admitted = admit(*context);
        if (!admitted) {
            options_.refused(admitted.error(), address_of(*context));
            return new FileStream(to_status(admitted.error()));
        }
        const Result<std::string> path = options_.file(request->sha256());
        if (!path) return new FileStream(to_status(path.error()));
        return new FileStream(*path, request->offset());
    }

    Presence presence(const std::string& member)
    {
        const std::lock_guard lock(mutex_);
        const auto found = presences_.find(member);
        return found == presences_.end() ? Presence{} : found->second;
    }

    /// Errors: unavailable.
    Result<std::shared_ptr<MemberStream>> attached(const std::string& member)
    {
        const std::lock_guard lock(mutex_);
        const auto found = attached_.find(member);
        if (found == attached_.end())
            return fail(ErrorKind::unavailable, fmt::format("the host {} is not attached", member),
                        "belay host list");
        return found->second.stream;
    }

    void set_configuration(int64_t version)
    {
        const std::lock_guard lock(mutex_);
        configuration_ = version;
    }

    std::vector<std::string> attached_members()
    {
        const std::lock_guard lock(mutex_);
        std::vector<std::string> members;
        members.reserve(attached_.size());
        for (const auto& [member, there] : attached_) members.push_back(member);
        return members;
    }

    void beat()
    {
        const Turn turn = next_turn();
        const Milliseconds wall = options_.wall();
        for (const auto& [stream, timeout] : turn.due) {
            if (wall >= stream->certificate_ends())
                stream->end(to_status(Error{.kind = ErrorKind::permission,
                                            .what = "the certificate of this host has expired",
                                            .next = "belay host invite, on a controller"}));
            const bool silent = boot_now() - stream->heard_at() > timeout;
            note(stream->member().id, silent ? Presence::State::silent : Presence::State::attached);
            stream->send(turn.message);
        }
        arm();
    }

    /// For the next beat that is due.
    void arm()
    {
        if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
        const std::lock_guard lock(mutex_);
        if (due_.empty() || closed_) return;
        timer_ = loop_.at(due_.begin()->first, [this] {
            timer_.reset();
            beat();
        });
    }

    void cast_out(const std::string& member, const Error& why)
    {
        if (const auto stream = attached(member)) (*stream)->end(to_status(why));
    }

    /// Ends all streams with this status, and answers further ones with it.
    void close(const grpc::Status& status)
    {
        std::vector<std::shared_ptr<MemberStream>> all;
        {
            const std::lock_guard lock(mutex_);
            closed_ = status;
            for (const auto& [pointer, stream] : open_) all.push_back(stream);
        }
        for (const auto& stream : all) stream->end(status);
    }

    void reopen()
    {
        const std::lock_guard lock(mutex_);
        closed_.reset();
        presences_.clear();
    }

    void stop()
    {
        if (timer_) loop_.cancel(*std::exchange(timer_, std::nullopt));
        close({grpc::UNAVAILABLE, "this controller ends"});
    }

  private:
    struct Admitted {
        Member member;
        Milliseconds certificate_ends{0};
    };
    Result<Admitted> admit(const grpc::ServerContextBase& context)
    {
        const Certificate certificate = TRY(certificate_of(context, options_.authority_pem, options_.wall()));
        if (certificate.identity.site != options_.site)
            return fail(ErrorKind::permission, "this certificate is of another site");
        Member member = TRY(registry_.admit(certificate, options_.wall()));
        return Admitted{std::move(member), certificate.not_after};
    }

    std::optional<grpc::Status> closed_with()
    {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

    Result<std::string> renew(const grpc::ServerContextBase& context, const std::string& request)
    {
        const Member member = TRY(admit(context)).member;
        const Certificate next = TRY(options_.issue(request, member.role, member.id));
        TRY(registry_.give_next(member.id, next));
        return next.pem;
    }

    void greeted(MemberStream& stream, const v1::Hello& hello)
    {
        const Member& member = stream.member();
        const Pace pace = options_.pace(member);
        std::shared_ptr<MemberStream> before;
        {
            const std::lock_guard lock(mutex_);
            Attached& place = attached_[member.id];
            if (place.stream) due_.erase({place.due, member.id});
            before = std::exchange(place.stream, stream.shared_from_this());
            place.pace = pace;
            place.due = boot_now() + pace.heartbeat;
            due_.emplace(place.due, member.id);
            const Milliseconds wall = options_.wall();
            presences_[member.id] = {.state = Presence::State::attached,
                                     .since = wall,
                                     .address = stream.address(),
                                     .host_name = hello.host_name(),
                                     .version = hello.version(),
                                     .boot_id = hello.boot_id(),
                                     .clock_ahead = Milliseconds(hello.clock_ms()) - wall};
        }
        const std::vector<std::string> controllers = options_.controllers();
        if (before) before->end({grpc::ABORTED, "the same host has attached anew"});
        v1::ToMember message;
        v1::Welcome& welcome = *message.mutable_welcome();
        welcome.set_version(BELAY_VERSION);
        welcome.set_heartbeat_ms(static_cast<uint32_t>(pace.heartbeat.count()));
        welcome.set_timeout_ms(static_cast<uint32_t>(pace.timeout.count()));
        for (const std::string& address : controllers) welcome.add_controllers(address);
        stream.send(message);
        loop_.post([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->arm();
        });
        options_.changed(member.id);
    }

    void ended(MemberStream& stream, const std::string& why)
    {
        const std::string member = stream.member().id;
        {
            const std::lock_guard lock(mutex_);
            open_.erase(&stream);
            const auto found = attached_.find(member);
            if (found == attached_.end() || found->second.stream.get() != &stream) return;
            due_.erase({found->second.due, member});
            attached_.erase(found);
            Presence& presence = presences_[member];
            presence.state = Presence::State::gone;
            presence.since = options_.wall();
            presence.why = why;
        }
        options_.changed(member);
    }

    void note(const std::string& member, Presence::State state)
    {
        {
            const std::lock_guard lock(mutex_);
            Presence& presence = presences_[member];
            // Its end may have come meanwhile.
            if (presence.state == state || !attached_.contains(member)) return;
            presence.state = state;
            presence.since = options_.wall();
        }
        options_.changed(member);
    }

    /// Those whose heartbeat is due now, or so soon that it is not worth a turn of its own; not so many that
    /// the loop has no time for other work.
    struct Turn {
        std::vector<std::pair<std::shared_ptr<MemberStream>, Milliseconds>> due =
            {};  ///< with their timeouts
        v1::ToMember message = {};
    };
    Turn next_turn()
    {
        constexpr size_t most_of_turn = 64;
        constexpr Milliseconds soon(10);
        const std::lock_guard lock(mutex_);
        const Milliseconds now = boot_now();
        Turn turn;
        turn.message.mutable_heartbeat()->set_number(++beats_);
        turn.message.mutable_heartbeat()->set_configuration(configuration_);
        while (turn.due.size() < most_of_turn && !due_.empty() && due_.begin()->first <= now + soon) {
            const std::string member = due_.begin()->second;
            due_.erase(due_.begin());
            Attached& there = attached_.at(member);
            turn.due.emplace_back(there.stream, there.pace.timeout);
            there.due = now + there.pace.heartbeat;
            due_.emplace(there.due, member);
        }
        return turn;
    }

    struct Attached {
        std::shared_ptr<MemberStream> stream;
        Pace pace;
        Milliseconds due{0};  ///< boot clock; of its next heartbeat
    };

    Loop& loop_;
    Registry& registry_;
    const HubOptions options_;
    std::optional<Loop::TimerId> timer_;  ///< of the next heartbeat; only the loop touches it
    std::mutex mutex_;
    std::optional<grpc::Status> closed_;  ///< what further streams are answered
    uint64_t beats_ = 0;
    int64_t configuration_ = 0;
    std::map<MemberStream*, std::shared_ptr<MemberStream>> open_;
    std::map<std::string, Attached> attached_;
    std::set<std::pair<Milliseconds, std::string>> due_;  ///< the heartbeats of those that are attached
    std::map<std::string, Presence> presences_;
};

Hub::Hub(Loop& loop, Registry& registry, HubOptions options)
    : streams_(std::make_shared<Streams>(loop, registry, std::move(options)))
{
}

Hub::~Hub() = default;

grpc::Service& Hub::service()
{
    return *streams_;
}

void Hub::set_configuration(int64_t version)
{
    streams_->set_configuration(version);
}

std::vector<std::string> Hub::attached() const
{
    return streams_->attached_members();
}

Presence Hub::presence(const std::string& member) const
{
    return streams_->presence(member);
}

Result<Json> Hub::ask(const std::string& member, std::string_view method, const Json& parameters,
                      const std::string& asker, Milliseconds limit)
{
    const std::shared_ptr<MemberStream> stream = TRY(streams_->attached(member));
    const auto conversation = std::make_shared<Conversation>();
    const uint64_t number = stream->ask(method, json_text(parameters), false, asker, conversation);
    Result<Conversation::Answer> answer = conversation->take(limit);
    stream->forget(number, !answer && answer.error().kind == ErrorKind::timeout);
    return TRY(std::move(answer)).parameters;
}

void Hub::ask(const std::string& member, std::string_view method, const std::string& parameters,
              const std::string& asker, std::function<void(const Result<Json>& answer)> then)
{
    const auto stream = streams_->attached(member);
    if (!stream) return then(std::unexpected(stream.error()));
    (*stream)->ask(method, parameters, false, asker, std::make_shared<Conversation>(std::move(then)));
}

Result<void> Hub::follow(const std::string& member, std::string_view method, const Json& parameters,
                         const std::string& asker, const std::function<bool(const Json&)>& each,
                         Milliseconds limit)
{
    const std::shared_ptr<MemberStream> stream = TRY(streams_->attached(member));
    const auto conversation = std::make_shared<Conversation>();
    const uint64_t number = stream->ask(method, json_text(parameters), true, asker, conversation);
    while (true) {
        const Result<Conversation::Answer> answer = conversation->take(limit);
        const bool goes_on = answer && each(answer->parameters) && answer->continues;
        if (goes_on) continue;
        stream->forget(number, !answer || answer->continues);
        if (!answer) return std::unexpected(answer.error());
        return {};
    }
}

Result<void> Hub::renew(const std::string& member)
{
    v1::ToMember message;
    message.mutable_renew_now();
    TRY(streams_->attached(member))->send(message);
    return {};
}

void Hub::cast_out(const std::string& member, const Error& why)
{
    streams_->cast_out(member, why);
}

void Hub::stand_by(const std::vector<std::string>& leader)
{
    streams_->close(stands_by(leader));
}

void Hub::lead()
{
    streams_->reopen();
}

void Hub::stop()
{
    streams_->stop();
}

}  // namespace belay::site
