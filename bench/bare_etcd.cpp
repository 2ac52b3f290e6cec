#include "bare_etcd.h"

#include "host/descriptor.h"
#include "store/etcd/etcd.h"

#include <arpa/inet.h>
#include <cerrno>
#include <condition_variable>
#include <etcd/rpc.grpc.pb.h>
#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <mutex>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace belay::bench {
namespace {

namespace etcd = etcdserverpb;

constexpr const char* etcd_program = "/usr/bin/etcd";
constexpr const char* measured_key = "bench/value";
constexpr auto etcd_patience = std::chrono::seconds(30);

/// One that was free a moment ago.
Result<int> free_port()
{
    const host::Descriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const where = reinterpret_cast<sockaddr*>(&address);
    if (!listener || bind(listener.number(), where, size) != 0 ||
        getsockname(listener.number(), where, &size) != 0)
        return std::unexpected(system_error("find a free port", errno));
    return ntohs(address.sin_port);
}

}  // namespace

Result<Etcd> Etcd::start(const std::string& folder)
{
    if (access(etcd_program, X_OK) != 0)
        return fail(ErrorKind::not_found, "there is no etcd to measure",
                    "packaging/install-needs bench-site");
    const std::string endpoint = fmt::format("127.0.0.1:{}", TRY(free_port()));
    const std::string peer = fmt::format("http://127.0.0.1:{}", TRY(free_port()));
    Program program = TRY(
        Program::start({etcd_program, "--data-dir", folder + "/etcd", "--log-level", "error",
                        "--listen-client-urls", "http://" + endpoint, "--advertise-client-urls",
                        "http://" + endpoint, "--listen-peer-urls", peer, "--initial-advertise-peer-urls",
                        peer, "--initial-cluster", "default=" + peer, "--max-request-bytes", "10485760"}));
    const auto end = std::chrono::steady_clock::now() + etcd_patience;
    while (!store::open_etcd({.endpoints = {endpoint}})) {
        if (std::chrono::steady_clock::now() > end)
            return fail(ErrorKind::unavailable, "the etcd that was started does not answer");
    }
    return Etcd(std::move(program), endpoint);
}

struct BareEtcd::Parts {
    explicit Parts(const std::string& endpoint)
        : channel(grpc::CreateChannel(endpoint, grpc::InsecureChannelCredentials())),
          values(etcd::KV::NewStub(channel)),
          watches(etcd::Watch::NewStub(channel)),
          stream(watches->Watch(&context))
    {
    }

    Result<void> begin_watch()
    {
        etcd::WatchRequest request;
        request.mutable_create_request()->set_key(measured_key);
        etcd::WatchResponse response;
        if (!stream->Write(request) || !stream->Read(&response) || !response.created())
            return fail(ErrorKind::unavailable, "etcd gives no watch");
        thread = std::thread([this] { follow(); });
        return {};
    }

    void follow()
    {
        etcd::WatchResponse response;
        while (stream->Read(&response)) {
            const Nanoseconds now = reading(CLOCK_MONOTONIC);
            const std::lock_guard lock(mutex);
            for (const etcd::Event& event : response.events()) {
                revision = event.kv().mod_revision();
                came = now;
            }
            changed.notify_all();
        }
    }

    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<etcd::KV::Stub> values;
    std::unique_ptr<etcd::Watch::Stub> watches;
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReaderWriter<etcd::WatchRequest, etcd::WatchResponse>> stream;
    std::thread thread;
    std::mutex mutex;
    std::condition_variable changed;
    int64_t revision = 0;  ///< of the last event
    Nanoseconds came{0};   ///< when
};

BareEtcd::BareEtcd(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

BareEtcd::~BareEtcd()
{
    parts_->context.TryCancel();
    if (parts_->thread.joinable()) parts_->thread.join();
}

Result<std::unique_ptr<BareEtcd>> BareEtcd::open(const std::string& endpoint)
{
    std::unique_ptr<BareEtcd> bare(new BareEtcd(std::make_unique<Parts>(endpoint)));
    TRY(bare->parts_->begin_watch());
    return bare;
}

Result<BareEtcd::Times> BareEtcd::put(const std::string& value)
{
    etcd::TxnRequest request;
    etcd::PutRequest& put = *request.add_success()->mutable_request_put();
    put.set_key(measured_key);
    put.set_value(value);
    Times times{.begun = reading(CLOCK_MONOTONIC)};
    grpc::ClientContext context;
    etcd::TxnResponse answer;
    const grpc::Status status = parts_->values->Txn(&context, request, &answer);
    times.put = reading(CLOCK_MONOTONIC);
    if (!status.ok()) return fail(ErrorKind::unavailable, "etcd refuses a put: " + status.error_message());
    std::unique_lock lock(parts_->mutex);
    const bool watched = parts_->changed.wait_for(
        lock, etcd_patience, [&] { return parts_->revision >= answer.header().revision(); });
    if (!watched) return fail(ErrorKind::unavailable, "etcd's watch tells of no put");
    times.watched = parts_->came;
    return times;
}

}  // namespace belay::bench
