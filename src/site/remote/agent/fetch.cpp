#include "site/remote/agent/fetch.h"

#include "site/remote/status.h"

#include <belay/v1/membership.grpc.pb.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

namespace belay::site {

Result<void> fetch_file(const std::shared_ptr<grpc::Channel>& channel, const std::string& sha256,
                        uint64_t offset, const std::function<Result<void>(std::string_view)>& take,
                        const std::stop_token& stop)
{
    v1::FetchRequest request;
    request.set_sha256(sha256);
    request.set_offset(offset);
    grpc::ClientContext context;
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    const auto stub = v1::Membership::NewStub(channel);
    const auto reader = stub->Fetch(&context, request);
    v1::FetchPiece piece;
    Result<void> taken;
    while (taken && reader->Read(&piece)) taken = take(piece.data());
    if (!taken) context.TryCancel();
    const grpc::Status status = reader->Finish();
    if (!taken) return taken;
    if (!status.ok()) return std::unexpected(error_of(status, "fetch a file from the controller"));
    return {};
}

}  // namespace belay::site
