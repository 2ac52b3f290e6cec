#include "site/remote/transport.h"

#include <absl/synchronization/mutex.h>
#include <grpc/support/log.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

namespace belay::site {
namespace {

// A connection over which nothing comes back is closed after both of these.
constexpr int keepalive_after_ms = 10'000;
constexpr int keepalive_patience_ms = 5'000;
// Longer than all members of a large site take together that dial at the same time, for their handshakes
// share the processor: were it shorter, none of them would come to its end.
constexpr int handshake_patience_ms = 120'000;
constexpr int streams_of_a_connection = 100;
constexpr size_t memory_of_all_clients = 512U << 20;

}  // namespace

void hold_grpc()
{
    // A server without a port, and never destroyed: only one with a callback service takes part in the
    // threads.
    struct Held {
        grpc::CallbackGenericService service;
        std::unique_ptr<grpc::Server> server;
    };
    static const Held* const held = [] {
        // Debian builds the locks of gRPC with their search for deadlocks, under one lock for all of them.
        absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
        // It writes to standard error what our errors say better, and strangers can make it write much.
        gpr_set_log_function([](gpr_log_func_args*) {});
        auto made = std::make_unique<Held>();
        grpc::ServerBuilder builder;
        builder.RegisterCallbackGenericService(&made->service);
        made->server = builder.BuildAndStart();
        return made.release();
    }();
    static_cast<void>(held);
}

std::shared_ptr<grpc::Channel> channel_to(const std::string& address, const std::string& site,
                                          const Papers& papers, Role other)
{
    hold_grpc();
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = papers.authority;
    options.pem_private_key = papers.key;
    options.pem_cert_chain = papers.certificate;
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(other == Role::proxy ? proxy_name(site) : controller_name(site));
    arguments.SetMaxReceiveMessageSize(max_rpc_bytes);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_after_ms);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_patience_ms);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    // Else a new attempt would wait for what an older channel has learned of this address.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(address, grpc::SslCredentials(options), arguments);
}

std::shared_ptr<grpc::ServerCredentials> server_credentials(const Papers& papers)
{
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    options.pem_root_certs = papers.authority;
    options.pem_key_cert_pairs.push_back({papers.key, papers.certificate});
    return grpc::SslServerCredentials(options);
}

void set_limits(grpc::ServerBuilder& builder)
{
    hold_grpc();
    grpc::ResourceQuota quota("site");
    quota.Resize(memory_of_all_clients);
    builder.SetResourceQuota(quota);
    builder.SetMaxReceiveMessageSize(max_rpc_bytes);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams_of_a_connection);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, handshake_patience_ms);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, keepalive_after_ms);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive_patience_ms);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, keepalive_after_ms / 2);
    // Two servers must not share a port, which gRPC allows unless told.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace belay::site
