#include "site/remote/proxy/branch.h"

#include "site/remote/controller/ask_stream.h"
#include "site/remote/peer.h"
#include "site/remote/status.h"
#include "site/remote/transport.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

namespace belay::site {

class BranchService final : public v1::Site::CallbackService {
  public:
    BranchService(Loop& loop, Workers& workers, const Membership& membership, const BranchOptions& options)
        : loop_(loop),
          workers_(workers),
          site_(membership.identity.site),
          authority_pem_(membership.authority_pem),
          methods_(*options.methods),
          wall_(options.wall)
    {
    }

    grpc::ServerWriteReactor<v1::Answer>* Ask(grpc::CallbackServerContext* context,
                                              const v1::Question* question) override
    {
        const auto stream = std::make_shared<AskStream>(loop_, workers_, methods_);
        const Result<Identity> member = member_of(*context);
        if (!member) {
            stream->refuse(to_status(member.error()));
            return stream.get();
        }
        streams.add(stream);
        const std::string who = fmt::format("the {} {}", name_of(member->role), member->id);
        stream->begin(*question, {.user = who,
                                  .origin = fmt::format("{} at {}", who, context->peer()),
                                  .right = Right::view,
                                  .more_by = "the same, of a controller"});
        return stream.get();
    }

    AskStreams streams;

  private:
    Result<Identity> member_of(const grpc::ServerContextBase& context) const
    {
        Identity identity = TRY(certificate_of(context, authority_pem_, wall_())).identity;
        if (identity.site != site_) return fail(ErrorKind::permission, "this certificate is of another site");
        return identity;
    }

    Loop& loop_;
    Workers& workers_;
    const std::string site_;
    const std::string authority_pem_;
    const Methods& methods_;
    const std::function<Milliseconds()> wall_;
};

struct Branch::Parts {
    BranchService service;
    std::unique_ptr<grpc::Server> server = {};
    std::string address = {};
};

Branch::Branch(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Branch::~Branch() = default;

Result<std::unique_ptr<Branch>> Branch::open(Loop& loop, Workers& workers, const Membership& membership,
                                             const BranchOptions& options)
{
    if (membership.identity.role != Role::proxy)
        return fail(ErrorKind::usage,
                    fmt::format("this machine is {} {} of its site, and no proxy",
                                membership.identity.role == Role::agent ? "an" : "a",
                                name_of(membership.identity.role)),
                    "belay host invite --role proxy, on a controller");
    std::unique_ptr<Branch> branch(
        new Branch(std::unique_ptr<Parts>(new Parts{.service = {loop, workers, membership, options}})));
    grpc::ServerBuilder builder;
    set_limits(builder);
    int port = 0;
    builder.AddListeningPort(
        options.listen,
        server_credentials({membership.authority_pem, membership.certificate_pem, membership.key_pem}),
        &port);
    builder.RegisterService(&branch->parts_->service);
    branch->parts_->server = builder.BuildAndStart();
    if (!branch->parts_->server || port == 0)
        return fail(
            ErrorKind::unavailable,
            fmt::format("cannot listen at {}: another program has this port, or the address is not one of "
                        "this machine",
                        options.listen));
    branch->parts_->address = fmt::format("{}:{}", options.listen.substr(0, options.listen.rfind(':')), port);
    return branch;
}

const std::string& Branch::address() const
{
    return parts_->address;
}

void Branch::topic_changed(const std::string& topic)
{
    for (const auto& stream : parts_->service.streams.open()) stream->topic_changed(topic);
}

void Branch::stop()
{
    for (const auto& stream : parts_->service.streams.open()) stream->settle();
    parts_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
}

}  // namespace belay::site
