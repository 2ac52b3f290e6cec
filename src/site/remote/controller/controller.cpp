#include "site/remote/controller/controller.h"

#include "site/identity/secret.h"
#include "site/remote/controller/ask_stream.h"
#include "site/remote/invitation.h"
#include "site/remote/peer.h"
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
/// Of what a stranger calls a method, in the audit trail.
constexpr size_t most_method_bytes = 63;
/// That are told to a member: as many as fit into a word.
constexpr size_t most_controllers = 16;
constexpr Milliseconds between_rechecks = std::chrono::minutes(1);

/// Without `who` it is about a stranger: what he says of himself is in `object`.
Json audit_entry(std::string_view who, std::string_view origin, std::string_view verb,
                 std::string_view object, std::string_view answer)
{
    return {{"who", who}, {"origin", origin}, {"verb", verb}, {"object", object}, {"answer", answer}};
}

/// Where the site's controllers are found, this one first.
std::vector<std::string> all_controllers(const ControllerOptions& options)
{
    std::vector<std::string> all = options.controllers;
    for (std::string& other : options.others()) {
        if (all.size() < most_controllers && std::ranges::find(all, other) == all.end())
            all.push_back(std::move(other));
    }
    return all;
}

}  // namespace

/// Whether this controller leads. Threads: any.
class Lead {
  public:
    /// What is answered by one that stands by; nothing: it leads.
    std::optional<grpc::Status> refusal() const
    {
        const std::lock_guard lock(mutex_);
        return refusal_;
    }
    void set(std::optional<grpc::Status> refusal)
    {
        const std::lock_guard lock(mutex_);
        refusal_ = std::move(refusal);
    }

  private:
    mutable std::mutex mutex_;
    std::optional<grpc::Status> refusal_;
};

/// For machines that have no certificate yet.
class EnrolmentService final : public v1::Enrolment::CallbackService {
  public:
    EnrolmentService(const SiteAuthority& authority, Registry& registry, const Lead& lead,
                     const ControllerOptions& options)
        : authority_(authority), registry_(registry), lead_(lead), options_(options)
    {
    }

    grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* context, const v1::JoinRequest* request,
                                   v1::JoinAnswer* answer) override
    {
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        if (const auto refusal = lead_.refusal()) {
            reactor->Finish(*refusal);
            return reactor;
        }
        const Result<Registry::Joined> joined = join(*request);
        const std::string invitation = fmt::format("invitation {}", request->invitation());
        if (!joined) {
            options_.audit(audit_entry("", address_of(*context), "join", invitation, joined.error().what));
            reactor->Finish(to_status(for_a_stranger(joined.error())));
            return reactor;
        }
        options_.audit(audit_entry(joined->member.name, address_of(*context), "join", invitation, "done"));
        answer->set_member(joined->member.id);
        answer->set_name(joined->member.name);
        answer->set_certificate(joined->certificate.pem);
        for (const std::string& address : all_controllers(options_)) answer->add_controllers(address);
        const Result<void> filled =
            joined->member.role == Role::controller ? fill_for_controller(*answer) : Result<void>();
        reactor->Finish(filled ? grpc::Status::OK : to_status(filled.error()));
        return reactor;
    }

  private:
    Result<void> fill_for_controller(v1::JoinAnswer& answer) const
    {
        answer.set_configuration_key(TRY(options_.configuration_key()));
        answer.set_authority_key(authority_.authority.key_pem());
        return {};
    }

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
    const Lead& lead_;
    const ControllerOptions& options_;
};

/// For people and their programs.
class SiteService final : public v1::Site::CallbackService {
  public:
    SiteService(Loop& loop, Workers& workers, Accounts& accounts, const Lead& lead,
                const ControllerOptions& options)
        : loop_(loop), workers_(workers), accounts_(accounts), lead_(lead), options_(options)
    {
    }

    grpc::ServerUnaryReactor* Login(grpc::CallbackServerContext* context, const v1::LoginRequest* request,
                                    v1::LoginAnswer* answer) override
    {
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        if (const auto refusal = lead_.refusal()) {
            reactor->Finish(*refusal);
            return reactor;
        }
        const Result<Session> session = log_in(*request);
        const std::string name = request->account().substr(0, 63);
        options_.audit(audit_entry(session ? name : "", address_of(*context), "log in", "account " + name,
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
        if (const auto refusal = lead_.refusal()) {
            reactor->Finish(*refusal);
            return reactor;
        }
        const Result<void> ended = accounts_.log_out(token_of(*context));
        if (ended) recheck();
        reactor->Finish(ended ? grpc::Status::OK : to_status(ended.error()));
        return reactor;
    }

    grpc::ServerWriteReactor<v1::Answer>* Ask(grpc::CallbackServerContext* context,
                                              const v1::Question* question) override
    {
        const auto stream = std::make_shared<AskStream>(loop_, workers_, *options_.methods);
        if (const auto refusal = lead_.refusal()) {
            stream->refuse(*refusal);
            return stream.get();
        }
        const Result<Account> account = accounts_.holder(token_of(*context), options_.wall());
        if (!account) {
            stream->refuse(to_status(account.error()));
            return stream.get();
        }
        stream->of_session({std::string(token_of(*context)), account->right});
        stream->when_denied([this, who = account->name, address = address_of(*context),
                             method = question->method().substr(0, most_method_bytes)](const Error& error) {
            audit_denial(audit_entry(who, address, "ask", method, error.what));
        });
        streams_.add(stream);
        stream->begin(*question,
                      {.user = account->name,
                       .origin = fmt::format("the account {} at {}", account->name, address_of(*context)),
                       .right = account->right,
                       .more_by = "belay account role, by one who may administer",
                       .is_account = true});
        return stream.get();
    }

    std::vector<std::shared_ptr<AskStream>> streams() { return streams_.open(); }

    void recheck()
    {
        for (const auto& stream : streams_.open()) {
            const Result<Account> account = accounts_.holder(stream->session().token, options_.wall());
            if (!account)
                stream->end(to_status(account.error()));
            else if (account->right != stream->session().right)
                stream->end(to_status(Error{.kind = ErrorKind::permission,
                                            .what = "your account may do other things now",
                                            .next = "the same, again"}));
        }
    }

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

    /// Not in the loop, which must not wait for the disk. Where there is no thread for it, it is left out.
    void audit_denial(Json entry)
    {
        entry["denied"] = true;
        static_cast<void>(workers_
                              .run([this, entry]() -> Loop::Callback {
                                  options_.audit(entry);
                                  return [] {};
                              })
                              .has_value());
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
    const Lead& lead_;
    const ControllerOptions& options_;
    std::atomic<int> logins_ = 0;
    AskStreams streams_;
};

/// In the order in which one rests upon the other.
struct Controller::Parts {
    Parts(Loop& loop_of_daemon, Workers& workers, store::Store& store, SiteAuthority site,
          ControllerOptions given)
        : loop(loop_of_daemon),
          options(std::move(given)),
          authority(std::move(site)),
          registry(store),
          accounts(store),
          enrolment(authority, registry, lead, options),
          people(loop_of_daemon, workers, accounts, lead, options)
    {
    }

    Loop& loop;
    ControllerOptions options;
    SiteAuthority authority;
    Registry registry;
    Accounts accounts;
    Lead lead;
    EnrolmentService enrolment;
    SiteService people;
    std::optional<Hub> hub;
    std::optional<Distributor> distributor;
    std::unique_ptr<grpc::Server> server;
    std::string address;
    std::optional<Loop::TimerId> recheck_at;  ///< only the loop touches it

    /// They are for this process alone, which may run for years, and are good as long as the authority is:
    /// who can take their key out of its memory can take that of the authority as well.
    Result<Papers> papers() const
    {
        Papers papers{.authority = authority.authority.certificate_pem()};
        papers.key = TRY(make_key());
        papers.certificate = TRY(authority.authority.issue(TRY(make_request(papers.key)),
                                                           {authority.site, Role::controller, "0"},
                                                           options.wall(), Authority::lasts))
                                 .pem;
        return papers;
    }

    void recheck_often(Workers& workers)
    {
        recheck_at = loop.at(boot_now() + between_rechecks, [this, &workers] {
            recheck_at.reset();
            // Where there is no thread for it, the next minute has one.
            static_cast<void>(workers
                                  .run([this]() -> Loop::Callback {
                                      people.recheck();
                                      return [] {};
                                  })
                                  .has_value());
            recheck_often(workers);
        });
    }

    /// Serves at these addresses, empty ones left out. The port of the first; 0: it could not.
    int listen(const std::vector<std::string>& addresses, const Papers& papers)
    {
        grpc::ServerBuilder builder;
        set_limits(builder);
        std::vector<int> ports(addresses.size());
        for (size_t at = 0; at < addresses.size(); ++at) {
            if (!addresses[at].empty())
                builder.AddListeningPort(addresses[at], server_credentials(papers), &ports[at]);
        }
        builder.RegisterService(&enrolment);
        builder.RegisterService(&people);
        builder.RegisterService(&hub->service());
        server = builder.BuildAndStart();
        return server ? ports.front() : 0;
    }

    HubOptions hub_options()
    {
        return {.site = authority.site,
                .authority_pem = authority.authority.certificate_pem(),
                .pace = options.pace,
                .controllers = [this] { return all_controllers(options); },
                .wall = options.wall,
                .issue =
                    [this](const std::string& request, Role role, const std::string& id) {
                        return authority.authority.issue(request, {authority.site, role, id}, options.wall(),
                                                         certificate_lasts);
                    },
                .file = options.file,
                .refused =
                    [this](const Error& error, const std::string& from) {
                        options.audit(audit_entry("", from, "attach", "", error.what));
                    },
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
    parts.hub.emplace(loop, parts.registry, parts.hub_options());
    parts.distributor.emplace(*parts.hub, store);
    if (!parts.options.leads) controller->stand_by({});
    const std::string& emergency = parts.options.emergency;
    int port = parts.listen({parts.options.listen, emergency}, papers);
    // What it is there for: the other address is taken, or is none of this machine any more.
    if (port == 0 && !emergency.empty()) {
        parts.options.listen = emergency;
        port = parts.listen({emergency}, papers);
    }
    if (port == 0) {
        parts.distributor->stop();
        parts.hub->stop();
        return fail(
            ErrorKind::unavailable,
            fmt::format("cannot listen at {}: another program has this port, or the address is not one "
                        "of this machine",
                        parts.options.listen),
            "belayd --listen HOST:PORT");
    }
    const std::string host = parts.options.listen.substr(0, parts.options.listen.rfind(':'));
    parts.address = fmt::format("{}:{}", host, port);
    if (parts.options.controllers.empty()) parts.options.controllers = {parts.address};
    parts.recheck_often(workers);
    return controller;
}

Result<std::string> Controller::invite(const InvitationAsk& ask)
{
    const OpenInvitation open =
        TRY(parts_->registry.invite(ask, new_secret(secret_bytes), parts_->options.wall()));
    return to_word(Invitation{.site = parts_->authority.site,
                              .authority_pem = parts_->authority.authority.certificate_pem(),
                              .controllers = all_controllers(parts_->options),
                              .number = open.number,
                              .secret = open.secret,
                              .role = ask.role});
}

Result<std::string> Controller::site_word() const
{
    return to_word(RemoteSite{.site = parts_->authority.site,
                              .authority_pem = parts_->authority.authority.certificate_pem(),
                              .controllers = all_controllers(parts_->options)});
}

Result<Member> Controller::revoke(std::string_view member)
{
    Member revoked = TRY(parts_->registry.revoke(member));
    parts_->hub->cast_out(revoked.id,
                          {.kind = ErrorKind::permission, .what = "the membership of this host was revoked"});
    return revoked;
}

void Controller::stand_by(const std::vector<std::string>& leader)
{
    parts_->lead.set(stands_by(leader));
    parts_->hub->stand_by(leader);
    for (const auto& stream : parts_->people.streams()) stream->end(stands_by(leader));
}

void Controller::recheck_people()
{
    parts_->people.recheck();
}

void Controller::lead()
{
    parts_->hub->lead();
    parts_->lead.set(std::nullopt);
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
    if (parts_->recheck_at) parts_->loop.cancel(*std::exchange(parts_->recheck_at, std::nullopt));
    parts_->distributor->stop();
    parts_->hub->stop();
    for (const auto& stream : parts_->people.streams()) stream->settle();
    // Not longer than a moment: who does not take the end is cut off.
    parts_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
}

}  // namespace belay::site
