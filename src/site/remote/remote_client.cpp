#include "site/remote/remote_client.h"

#include "site/remote/status.h"
#include "site/remote/transport.h"

#include <belay/v1/site.grpc.pb.h>
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

bool may_try_another(const grpc::Status& status)
{
    return status.error_code() == grpc::UNAVAILABLE;
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

/// Asks the controllers (or proxies) one after the other until one answers, and gives it to `ask`; those that
/// say who leads are believed.
Result<std::string> with_one_of(const Door& door, const std::function<grpc::Status(v1::Site::Stub&)>& ask)
{
    std::deque<std::string> addresses(door.addresses.begin(), door.addresses.end());
    const std::string_view who = name_of(door.role);
    Error problem{.kind = ErrorKind::unavailable, .what = fmt::format("no {} of the site is known", who)};
    // Two that name each other must not go on for ever.
    for (size_t left = 2 * addresses.size() + 2; left > 0 && !addresses.empty(); --left) {
        std::string address = addresses.front();
        addresses.pop_front();
        const auto channel = channel_to(address, door.site, door.papers, door.role);
        const auto stub = v1::Site::NewStub(channel);
        const grpc::Status status = ask(*stub);
        if (status.ok()) return address;
        problem = error_of(status, fmt::format("talk to the {} {}", who, address));
        if (!may_try_another(status)) break;
        for (const std::string& leader : leader_in(status)) addresses.push_front(leader);
    }
    return std::unexpected(problem);
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
        const Result<std::string> asked = with_one_of(door_, [&](v1::Site::Stub& stub) {
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
            return enough || current.was_interrupted() ? grpc::Status::OK : status;
        });
        if (own) return std::unexpected(*own);
        if (!asked) return std::unexpected(asked.error());
        return {};
    }

    /// The call that interrupt() ends, while this lives.
    class Current {
      public:
        Current(RemoteClient& client, grpc::ClientContext& context) : client_(client)
        {
            const std::lock_guard lock(client_.mutex_);
            client_.interrupted_ = false;
            client_.context_ = &context;
        }
        ~Current()
        {
            const std::lock_guard lock(client_.mutex_);
            client_.context_ = nullptr;
        }
        Current(const Current&) = delete;
        Current& operator=(const Current&) = delete;
        bool was_interrupted() const
        {
            const std::lock_guard lock(client_.mutex_);
            return client_.interrupted_;
        }

      private:
        RemoteClient& client_;
    };

    const Door door_;
    std::mutex mutex_;
    grpc::ClientContext* context_ = nullptr;
    bool interrupted_ = false;
};

}  // namespace

Result<LoggedIn> log_in(const RemoteSite& site, const std::string& account, const std::string& password)
{
    v1::LoginRequest request;
    request.set_account(account);
    request.set_password(password);
    v1::LoginAnswer answer;
    const std::string controller = TRY(with_one_of(door_of(site), [&](v1::Site::Stub& stub) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + moment_patience);
        return stub.Login(&context, request, &answer);
    }));
    const Right right = TRY(right_named(answer.role()));
    return LoggedIn{.token = answer.token(),
                    .ends = Milliseconds(answer.ends_ms()),
                    .right = right,
                    .controller = controller};
}

Result<void> log_out(const RemoteSite& site, const std::string& token)
{
    TRY(with_one_of(door_of(site), [&](v1::Site::Stub& stub) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + moment_patience);
        add_token(context, token);
        v1::LogoutAnswer answer;
        return stub.Logout(&context, {}, &answer);
    }));
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
