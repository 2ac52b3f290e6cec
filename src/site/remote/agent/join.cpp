#include "site/remote/agent/join.h"

#include "site/remote/status.h"
#include "site/remote/transport.h"

#include <belay/v1/membership.grpc.pb.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

namespace belay::site {
namespace {

constexpr std::chrono::seconds join_patience{20};

Result<v1::JoinAnswer> ask(const std::string& address, const Invitation& invitation,
                           const v1::JoinRequest& request)
{
    const auto channel = channel_to(address, invitation.site, {.authority = invitation.authority_pem});
    const auto stub = v1::Enrolment::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + join_patience);
    v1::JoinAnswer answer;
    const grpc::Status status = stub->Join(&context, request, &answer);
    if (!status.ok()) return std::unexpected(error_of(status, "talk to the controller " + address));
    return answer;
}

}  // namespace

Result<Membership> join(const Invitation& invitation, const MembershipFile& file,
                        const std::string& host_name, const KeepKeys& keep)
{
    if (const std::optional<Membership> there = TRY(file.read()))
        return fail(ErrorKind::busy,
                    fmt::format("this machine is a member of the site {} already, as {}",
                                there->identity.site, there->name),
                    "belayd leave");
    Membership membership;
    membership.authority_pem = invitation.authority_pem;
    membership.key_pem = TRY(file.next_key());
    v1::JoinRequest request;
    request.set_invitation(invitation.number);
    request.set_secret(invitation.secret);
    request.set_signing_request(TRY(make_request(membership.key_pem)));
    request.set_host_name(host_name);
    Error problem{.kind = ErrorKind::unavailable, .what = "the invitation names no controller"};
    for (const std::string& address : invitation.controllers) {
        const Result<v1::JoinAnswer> answer = ask(address, invitation, request);
        if (!answer) {
            problem = answer.error();
            // Only one that does not answer, or does not lead, leaves a hope in the next.
            if (problem.kind == ErrorKind::unavailable || problem.kind == ErrorKind::timeout) continue;
            return std::unexpected(problem);
        }
        const Certificate certificate = TRY(read_certificate(answer->certificate()));
        membership.identity = certificate.identity;
        membership.certificate_pem = certificate.pem;
        membership.name = answer->name();
        membership.controllers = {answer->controllers().begin(), answer->controllers().end()};
        if (membership.controllers.empty()) membership.controllers = invitation.controllers;
        if (membership.identity.role == Role::controller) {
            Authority authority = TRY(Authority::open(invitation.authority_pem, answer->authority_key()));
            if (keep) TRY(keep(membership.identity, {std::move(authority), answer->configuration_key()}));
        }
        TRY(file.write(membership));
        return membership;
    }
    return std::unexpected(problem);
}

}  // namespace belay::site
