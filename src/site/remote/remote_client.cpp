#include "site/remote/remote_client.h"

#include "site/remote/status.h"
#include "site/remote/transport.h"

#include <belay/v1/site.grpc.pb.h>
#include <condition_variable>
#include <deque>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <mutex>

namespace belay::site {
namespace {

/// For what is answered at once.
constexpr std::chrono::seconds moment_patience{20};
/// For a question, which may be a plan of a large host.
constexpr std::chrono::minutes long_patience{10};

/// After the death of the controller that led, until another one does: the lease, and the election.
constexpr Milliseconds another_leads_within = std::chrono::seconds(15);
constexpr Milliseconds pause_between_rounds = std::chrono::milliseconds(500);

bool may_try_another(const grpc::Status& status)
{
    return status.error_code() == grpc::UNAVAILABLE;
}

/// Whether nobody answered, or one that stands by; else a method has said what is missing.
bool nobody_leads(const grpc::Status& status)
{
    return may_try_another(status) && !is_stranger(status) &&
           (status.error_details().empty() || is_stand_by(status));
}

/// Who is asked, and what is shown to them.
struct Door {
    Role role = Role::controller;
    std::string site;
    std::vector<std::string> addresses;
    Papers papers;
    std::string token = {};
};

Door door_of(const RemoteSite& site, std::string token = {})
{
    return {.role = Role::controller,
            .site = site.site,
            .addresses = site.controllers,
            .papers = {.authority = site.authority_pem},
            .token = std::move(token)};
}

struct Round {
    Result<std::string> answered;  ///< the address
    bool nobody_leads = false;
};

/// Asks the controllers (or proxies) one after the other until one answers, and gives it to `ask`; those that
/// say who leads are believed.
/// `only_looks`: it may be asked twice; else, where a connection ends before the answer, that is the end.
Round ask_around(const Door& door, bool only_looks, const std::function<grpc::Status(v1::Site::Stub&)>& ask)
{
    std::deque<std::string> addresses(door.addresses.begin(), door.addresses.end());
    const std::string_view who = name_of(door.role);
    Round round{.answered = fail(ErrorKind::unavailable, fmt::format("no {} of the site is known", who))};
    // Two that name each other must not go on for ever.
    for (size_t left = 2 * addresses.size() + 2; left > 0 && !addresses.empty(); --left) {
        std::string address = addresses.front();
        addresses.pop_front();
        const auto channel = channel_to(address, door.site, door.papers, door.role);
        const auto stub = v1::Site::NewStub(channel);
        const grpc::Status status = ask(*stub);
        if (status.ok()) return {.answered = std::move(address)};
        round.answered = std::unexpected(error_of(status, fmt::format("talk to the {} {}", who, address)));
        const bool may_be_done = !only_looks && is_lost(status);
        if (may_be_done) {
            round.answered =
                fail(ErrorKind::lost,
                     fmt::format("the connection to the {} {} ended before the answer came: what "
                                 "was asked for may have been done",
                                 who, address),
                     "belay history");
        }
        round.nobody_leads = !may_be_done && nobody_leads(status);
        if (may_be_done || !may_try_another(status)) break;
        for (const std::string& leader : leader_in(status)) addresses.push_front(leader);
    }
    return round;
}

void add_token(grpc::ClientContext& context, const std::string& token)
{
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

class RemoteClient final : public Client {
  public:
    explicit RemoteClient(Door door) : door_(std::move(door)) {}

    Result<Json> call(std::string_view method, const Json& parameters) override
    {
        Result<Json> answer = fail(ErrorKind::unavailable, "no answer came");
        TRY(ask(method, parameters, false, [&](const Json& came) {
            answer = came;
            return true;
        }));
        return answer;
    }

    Result<void> stream(std::string_view method, const Json& parameters,
                        const std::function<bool(const Json&)>& each) override
    {
        return ask(method, parameters, true, each);
    }

    void interrupt() override
    {
        const std::lock_guard lock(mutex_);
        interrupted_ = true;
        interrupted_changed_.notify_all();
        if (context_ != nullptr) context_->TryCancel();
    }

  private:
    Result<void> ask(std::string_view method, const Json& parameters, bool more,
                     const std::function<bool(const Json&)>& each)
    {
        v1::Question question;
        question.set_method(std::string(method));
        question.set_parameters(json_text(parameters));
        question.set_more(more);
        std::optional<Error> own;
        bool enough = false;
        const auto ask_one = [&](v1::Site::Stub& stub) {
            grpc::ClientContext context;
            add_token(context, door_.token);
            if (!more) context.set_deadline(std::chrono::system_clock::now() + long_patience);
            const Current current(*this, context);
            const auto answers = stub.Ask(&context, question);
            v1::Answer answer;
            while (answers->Read(&answer)) {
                const Result<Json> came = parse_json(answer.parameters());
                if (!came) own = came.error();
                enough = !came || !each(*came);
                if (enough) context.TryCancel();
            }
            const grpc::Status status = answers->Finish();
            return enough || was_interrupted() ? grpc::Status::OK : status;
        };
        begin();
        const auto end = std::chrono::steady_clock::now() + another_leads_within;
        Round round = ask_around(door_, more, ask_one);
        while (round.nobody_leads && std::chrono::steady_clock::now() < end && wait_for_another())
            round = ask_around(door_, more, ask_one);
        if (own) return std::unexpected(*own);
        if (!round.answered && !was_interrupted()) return std::unexpected(round.answered.error());
        return {};
    }

    void begin()
    {
        const std::lock_guard lock(mutex_);
        interrupted_ = false;
    }

    bool was_interrupted() const
    {
        const std::lock_guard lock(mutex_);
        return interrupted_;
    }

    /// False: there is nothing to wait for. A proxy has no other one that would come in its place.
    bool wait_for_another()
    {
        if (door_.role == Role::proxy) return false;
        std::unique_lock lock(mutex_);
        return !interrupted_changed_.wait_for(lock, pause_between_rounds, [this] { return interrupted_; });
    }

    /// The call that interrupt() ends, while this lives.
    class Current {
      public:
        Current(RemoteClient& client, grpc::ClientContext& context) : client_(client)
        {
            const std::lock_guard lock(client_.mutex_);
            client_.context_ = &context;
            if (client_.interrupted_) context.TryCancel();
        }
        ~Current()
        {
            const std::lock_guard lock(client_.mutex_);
            client_.context_ = nullptr;
        }
        Current(const Current&) = delete;
        Current& operator=(const Current&) = delete;

      private:
        RemoteClient& client_;
    };

    const Door door_;
    mutable std::mutex mutex_;
    grpc::ClientContext* context_ = nullptr;
    bool interrupted_ = false;
    std::condition_variable interrupted_changed_;
};

}  // namespace

Result<LoggedIn> log_in(const RemoteSite& site, const std::string& account, const std::string& password)
{
    v1::LoginRequest request;
    request.set_account(account);
    request.set_password(password);
    v1::LoginAnswer answer;
    Round round = ask_around(door_of(site), true, [&](v1::Site::Stub& stub) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + moment_patience);
        return stub.Login(&context, request, &answer);
    });
    const std::string controller = TRY(std::move(round.answered));
    const Right right = TRY(right_named(answer.role()));
    return LoggedIn{.token = answer.token(),
                    .ends = Milliseconds(answer.ends_ms()),
                    .right = right,
                    .controller = controller};
}

Result<void> log_out(const RemoteSite& site, const std::string& token)
{
    Round round = ask_around(door_of(site, token), true, [&](v1::Site::Stub& stub) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + moment_patience);
        add_token(context, token);
        v1::LogoutAnswer answer;
        return stub.Logout(&context, {}, &answer);
    });
    TRY(std::move(round.answered));
    return {};
}

std::unique_ptr<Client> remote_client(const RemoteSite& site, std::string token)
{
    return std::make_unique<RemoteClient>(door_of(site, std::move(token)));
}

std::unique_ptr<Client> proxy_client(std::vector<std::string> proxies, const Membership& membership)
{
    return std::make_unique<RemoteClient>(
        Door{.role = Role::proxy,
             .site = membership.identity.site,
             .addresses = std::move(proxies),
             .papers = {membership.authority_pem, membership.certificate_pem, membership.key_pem}});
}

}  // namespace belay::site
