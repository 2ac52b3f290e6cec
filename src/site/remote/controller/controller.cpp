#include "site/remote/controller/controller.h"

#include "site/identity/secret.h"
#include "site/remote/controller/ask_stream.h"
#include "site/remote/invitation.h"
#include "site/remote/status.h"
#include "site/remote/transport.h"

#include <algorithm>
#include <atomic>
#include <belay/v1/membership.grpc.pb.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <mutex>
#include <set>

namespace belay::site {
namespace {

constexpr std::string_view bearer = "Bearer ";
/// Logins that wait for each other; more are turned away at once.
constexpr int most_logins = 16;

Json audit_entry(std::string_view who, std::string_view origin, std::string_view verb,
                 std::string_view answer)
{
    return {{"who", who}, {"origin", origin}, {"verb", verb}, {"answer", answer}};
}

}  // namespace

/// For machines that have no certificate yet.
class EnrolmentService final : public v1::Enrolment::CallbackService {
  public:
    EnrolmentService(const SiteAuthority& authority, Registry& registry, const ControllerOptions& options)
        : authority_(authority), registry_(registry), options_(options)
    {
    }

    grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* context, const v1::JoinRequest* request,
                                   v1::JoinAnswer* answer) override
    {
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        const Result<Registry::Joined> joined = join(*request);
        const std::string verb = fmt::format("join with the invitation {}", request->invitation());
        if (!joined) {
            options_.audit(audit_entry("", context->peer(), verb, joined.error().what));
            reactor->Finish(to_status(for_a_stranger(joined.error())));
            return reactor;
        }
        options_.audit(audit_entry(joined->member.name, context->peer(), verb, "done"));
        answer->set_member(joined->member.id);
        answer->set_name(joined->member.name);
        answer->set_certificate(joined->certificate.pem);
        for (const std::string& address : options_.controllers) answer->add_controllers(address);
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }

  private:
    Result<Registry::Joined> join(const v1::JoinRequest& request)
    {
        const Milliseconds now = options_.wall();
        const std::string key = TRY(Authority::key_digest(request.signing_request()));
        return registry_.enrol({.invitation = request.invitation(),
                                .secret = request.secret(),
                                .key_digest = key,
                                .host_name = request.host_name()},
                               now, [&](Role role, const std::string& id) {
                                   return authority_.authority.issue(request.signing_request(),
                                                                     {authority_.site, role, id}, now,
                                                                     Controller::certificate_lasts);
                               });
    }

    /// Which of them it was is for the audit trail.
    static Error for_a_stranger(const Error& error)
    {
        if (error.kind != ErrorKind::permission) return error;
        return {.kind = ErrorKind::permission,
                .what = "this invitation is not good, or no longer",
                .next = error.next};
    }

    const SiteAuthority& authority_;
    Registry& registry_;
    const ControllerOptions& options_;
};

/// For people and their programs.
class SiteService final : public v1::Site::CallbackService {
  public:
    SiteService(Loop& loop, Workers& workers, Accounts& accounts, const ControllerOptions& options)
        : loop_(loop), workers_(workers), accounts_(accounts), options_(options)
    {
    }

    grpc::ServerUnaryReactor* Login(grpc::CallbackServerContext* context, const v1::LoginRequest* request,
                                    v1::LoginAnswer* answer) override
    {
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        const Result<Session> session = log_in(*request);
        options_.audit(audit_entry(request->account().substr(0, 63), context->peer(), "log in",
                                   session ? "done" : session.error().what));
        if (session) {
            answer->set_token(session->token);
            answer->set_ends_ms(session->ends.count());
            answer->set_role(std::string(name_of(session->account.right)));
        }
        reactor->Finish(session ? grpc::Status::OK : to_status(session.error()));
        return reactor;
    }

    grpc::ServerUnaryReactor* Logout(grpc::CallbackServerContext* context, const v1::LogoutRequest*,
                                     v1::LogoutAnswer*) override
    {
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        const Result<void> ended = accounts_.log_out(token_of(*context));
        reactor->Finish(ended ? grpc::Status::OK : to_status(ended.error()));
        return reactor;
    }

    grpc::ServerWriteReactor<v1::Answer>* Ask(grpc::CallbackServerContext* context,
                                              const v1::Question* question) override
    {
        const Result<Account> account = accounts_.holder(token_of(*context), options_.wall());
        const auto stream = std::make_shared<AskStream>(loop_, workers_, *options_.methods);
        if (!account) {
            stream->refuse(to_status(account.error()));
            return stream.get();
        }
        streams_.add(stream);
        stream->begin(*question,
                      {.user = account->name,
                       .origin = fmt::format("the account {} at {}", account->name, context->peer()),
                       .right = account->right,
                       .more_by = "belay account role, by one who may administer"});
        return stream.get();
    }

    std::vector<std::shared_ptr<AskStream>> streams() { return streams_.open(); }

  private:
    Result<Session> log_in(const v1::LoginRequest& request)
    {
        struct Counted {
            std::atomic<int>& count;
            explicit Counted(std::atomic<int>& one) : count(one) { ++count; }
            ~Counted() { --count; }
            Counted(const Counted&) = delete;
            Counted& operator=(const Counted&) = delete;
        };
        const Counted counted(logins_);
        if (logins_ > most_logins)
            return fail(ErrorKind::busy, "too many log in at the same time", "the same, again");
        return accounts_.log_in(request.account(), request.password(), options_.wall(), boot_now());
    }

    static std::string_view token_of(const grpc::CallbackServerContext& context)
    {
        const auto found = context.client_metadata().find("authorization");
        if (found == context.client_metadata().end()) return {};
        const std::string_view value(found->second.data(), found->second.size());
        return value.starts_with(bearer) ? value.substr(bearer.size()) : std::string_view();
    }

    Loop& loop_;
    Workers& workers_;
    Accounts& accounts_;
    const ControllerOptions& options_;
    std::atomic<int> logins_ = 0;
    AskStreams streams_;
};

/// In the order in which one rests upon the other.
struct Controller::Parts {
    Parts(Loop& loop, Workers& workers, store::Store& store, SiteAuthority site, ControllerOptions given)
        : options(std::move(given)),
          authority(std::move(site)),
          registry(store),
          accounts(store),
          enrolment(authority, registry, options),
          people(loop, workers, accounts, options)
    {
    }

    ControllerOptions options;
    SiteAuthority authority;
    Registry registry;
    Accounts accounts;
    EnrolmentService enrolment;
    SiteService people;
    std::optional<Hub> hub;
    std::optional<Distributor> distributor;
    std::unique_ptr<grpc::Server> server;
    std::string address;

    Result<Papers> papers() const
    {
        Papers papers{.authority = authority.authority.certificate_pem()};
        papers.key = TRY(make_key());
        papers.certificate = TRY(authority.authority.issue(TRY(make_request(papers.key)),
                                                           {authority.site, Role::controller, "0"},
                                                           options.wall(), certificate_lasts))
                                 .pem;
        return papers;
    }

    HubOptions hub_options()
    {
        return {.site = authority.site,
                .heartbeat = options.heartbeat,
                .timeout = options.timeout,
                .controllers = options.controllers,
                .wall = options.wall,
                .issue =
                    [this](const std::string& request, Role role, const std::string& id) {
                        return authority.authority.issue(request, {authority.site, role, id}, options.wall(),
                                                         certificate_lasts);
                    },
                .refused =
                    [this](const Error& error) { options.audit(audit_entry("", "", "attach", error.what)); },
                .changed =
                    [this](const std::string& member) {
                        distributor->presence_changed(member);
                        options.changed(member);
                    }};
    }
};

Controller::Controller(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Controller::~Controller() = default;

Result<std::unique_ptr<Controller>> Controller::open(Loop& loop, Workers& workers, store::Store& store,
                                                     SiteAuthority authority, ControllerOptions options)
{
    std::unique_ptr<Controller> controller(new Controller(
        std::make_unique<Parts>(loop, workers, store, std::move(authority), std::move(options))));
    Parts& parts = *controller->parts_;
    const Papers papers = TRY(parts.papers());
    grpc::ServerBuilder builder;
    set_limits(builder);
    int port = 0;
    builder.AddListeningPort(parts.options.listen, server_credentials(papers), &port);
    const std::string host = parts.options.listen.substr(0, parts.options.listen.rfind(':'));
    parts.hub.emplace(loop, parts.registry, parts.hub_options());
    parts.distributor.emplace(*parts.hub, store);
    builder.RegisterService(&parts.enrolment);
    builder.RegisterService(&parts.people);
    builder.RegisterService(&parts.hub->service());
    parts.server = builder.BuildAndStart();
    if (!parts.server || port == 0) {
        parts.distributor->stop();
        parts.hub->stop();
        return fail(
            ErrorKind::unavailable,
            fmt::format("cannot listen at {}: another program has this port, or the address is not one "
                        "of this machine",
                        parts.options.listen));
    }
    parts.address = fmt::format("{}:{}", host, port);
    if (parts.options.controllers.empty()) {
        parts.options.controllers = {parts.address};
        parts.hub->set_controllers(parts.options.controllers);
    }
    return controller;
}

Result<std::string> Controller::invite(const InvitationAsk& ask)
{
    const OpenInvitation open =
        TRY(parts_->registry.invite(ask, new_secret(secret_bytes), parts_->options.wall()));
    return to_word({.site = parts_->authority.site,
                    .authority_pem = parts_->authority.authority.certificate_pem(),
                    .controllers = parts_->options.controllers,
                    .number = open.number,
                    .secret = open.secret,
                    .role = ask.role});
}

Result<Member> Controller::revoke(std::string_view member)
{
    Member revoked = TRY(parts_->registry.revoke(member));
    parts_->hub->cast_out(revoked.id,
                          {.kind = ErrorKind::permission, .what = "the membership of this host was revoked"});
    return revoked;
}

Registry& Controller::registry()
{
    return parts_->registry;
}

Accounts& Controller::accounts()
{
    return parts_->accounts;
}

Hub& Controller::hub()
{
    return *parts_->hub;
}

const Distributor& Controller::distributor() const
{
    return *parts_->distributor;
}

const std::string& Controller::address() const
{
    return parts_->address;
}

void Controller::topic_changed(const std::string& topic)
{
    for (const auto& stream : parts_->people.streams()) stream->topic_changed(topic);
}

void Controller::stop()
{
    parts_->distributor->stop();
    parts_->hub->stop();
    for (const auto& stream : parts_->people.streams()) stream->settle();
    // Not longer than a moment: who does not take the end is cut off.
    parts_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
}

}  // namespace belay::site
