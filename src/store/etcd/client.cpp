#include "store/etcd/client.h"

#include "store/etcd/address.h"
#include "store/etcd/fault.h"

#include <etcd/rpc.grpc.pb.h>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <mutex>
#include <thread>

namespace belay::store {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Between two rounds over the endpoints.
constexpr milliseconds pause_between_rounds = 50ms;
/// What the slowest network is taken to carry, so that a large transaction is not given up on its way.
constexpr size_t bytes_per_millisecond = 2048;
constexpr milliseconds least_share = 200ms;
constexpr size_t max_pem_bytes = 1 << 20;

/// One connection to one endpoint.
struct Connection {
    Connection(std::string name, const std::shared_ptr<grpc::Channel>& connects_by)
        : endpoint(std::move(name)),
          channel(connects_by),
          kv(channel),
          watch(channel),
          lease(channel),
          maintenance(channel)
    {
    }
    bool stands() const { return channel->GetState(false) == GRPC_CHANNEL_READY; }

    const std::string endpoint;
    const std::shared_ptr<grpc::Channel> channel;
    etcd::KV::Stub kv;
    etcd::Watch::Stub watch;
    etcd::Lease::Stub lease;
    etcd::Maintenance::Stub maintenance;
};

/// A span from now, for gRPC: unlike its time points it does not move with the wall clock.
gpr_timespec span(milliseconds time)
{
    return gpr_time_from_millis(time.count(), GPR_TIMESPAN);
}

/// An endpoint that has lost the other nodes answers "no leader" rather than nothing.
void want_leader(grpc::ClientContext& context)
{
    context.AddMetadata("hasleader", "true");
}

class GrpcWatchStream : public WatchStream {
  public:
    using LeaveEndpoint = std::function<void()>;

    GrpcWatchStream(std::shared_ptr<Connection> connection, const etcd::WatchCreateRequest& create,
                    LeaveEndpoint leave)
        : connection_(std::move(connection)), leave_(std::move(leave))
    {
        *request_.mutable_create_request() = create;
        want_leader(context_);
        stream_ = connection_->watch.PrepareAsyncWatch(&context_, &queue_);
        stream_->StartCall(tag(started));
    }
    ~GrpcWatchStream() override;
    GrpcWatchStream(const GrpcWatchStream&) = delete;
    GrpcWatchStream& operator=(const GrpcWatchStream&) = delete;

    Heard read(etcd::WatchResponse& response, milliseconds patience) override;
    void ask() override;
    Error failure() override
    {
        return fault_of(status_.error_code(), status_.error_message(), connection_->endpoint).error;
    }
    void leave_endpoint() override { leave_(); }
    void cancel() override { context_.TryCancel(); }

  private:
    enum Event : intptr_t { started = 1, was_read, written, finished };
    static void* tag(Event event)
    {
        return reinterpret_cast<void*>(event);  // NOLINT(performance-no-int-to-ptr): the queue hands it back
    }
    void write()
    {
        writing_ = true;
        stream_->Write(request_, tag(written));
    }
    void finish()
    {
        if (!std::exchange(finishing_, true)) stream_->Finish(&status_, tag(finished));
    }

    const std::shared_ptr<Connection> connection_;
    const LeaveEndpoint leave_;
    grpc::ClientContext context_;
    grpc::CompletionQueue queue_;
    std::unique_ptr<grpc::ClientAsyncReaderWriter<etcd::WatchRequest, etcd::WatchResponse>> stream_;
    etcd::WatchRequest request_;
    etcd::WatchResponse response_;
    grpc::Status status_;
    bool writing_ = true;  // nothing else is written before the first request
    bool finishing_ = false;
    bool finished_ = false;
};

GrpcWatchStream::~GrpcWatchStream()
{
    context_.TryCancel();
    finish();
    queue_.Shutdown();
    void* event = nullptr;
    for (bool ok = false; queue_.Next(&event, &ok);) {
    }
}

WatchStream::Heard GrpcWatchStream::read(etcd::WatchResponse& response, milliseconds patience)
{
    while (!finished_) {
        void* event = nullptr;
        bool ok = false;
        if (queue_.AsyncNext(&event, &ok, span(patience)) != grpc::CompletionQueue::GOT_EVENT)
            return Heard::nothing;
        if (event == tag(finished))
            finished_ = true;
        else if (!ok && event != tag(written))
            finish();
        else if (event == tag(written))
            writing_ = !ok;  // where it fails, so will the read
        else if (event == tag(started)) {
            write();
            stream_->Read(&response_, tag(was_read));
        } else {
            response.Swap(&response_);
            stream_->Read(&response_, tag(was_read));
            return Heard::response;
        }
    }
    return Heard::end;
}

void GrpcWatchStream::ask()
{
    if (writing_ || finishing_) return;
    request_.mutable_progress_request();
    write();
}

class GrpcClient : public Client {
  public:
    GrpcClient(const EtcdOptions& options, std::shared_ptr<grpc::ChannelCredentials> credentials)
        : endpoints_(options.endpoints),
          time_limit_(options.time_limit),
          over_tls_(!options.ca_file.empty()),
          credentials_(std::move(credentials)),
          connections_(options.endpoints.size())
    {
    }

    Deadline deadline() const override { return steady_clock::now() + time_limit_; }
    milliseconds time_limit() const override { return time_limit_; }

    Result<etcd::StatusResponse> status(Deadline deadline) override;
    Result<etcd::RangeResponse> range(const etcd::RangeRequest& request, Deadline deadline) override;
    Result<etcd::TxnResponse> txn(const etcd::TxnRequest& request, Deadline deadline,
                                  bool& in_doubt) override;
    Result<void> compact(Revision revision, Deadline deadline) override;
    Result<void> grant(LeaseId id, std::chrono::seconds time_to_live, Deadline deadline) override;
    Result<void> revoke(LeaseId id, Deadline deadline) override;
    Result<void> keep_alive(LeaseId id, Deadline deadline) override;
    std::unique_ptr<WatchStream> watch(const etcd::WatchCreateRequest& request) override;

  private:
    std::shared_ptr<Connection> connection();
    std::shared_ptr<Connection> connect(const std::string& endpoint) const;
    /// The next call asks the next endpoint; this one is connected to anew when its turn comes, where its
    /// connection is of no use.
    void leave(const Connection& connection, bool disconnected);
    /// A share of the time for attempt number `attempt` (from 0) of a call. Short at first, for what was sent
    /// to a node that has just lost its leader is lost; longer in each round, for an etcd may be slow as
    /// well.
    milliseconds share(size_t attempt) const
    {
        return std::max(time_limit_ / 20, least_share) *
               static_cast<int64_t>(1 + attempt / endpoints_.size());
    }
    /// Makes attempts until one is answered, with a yes or a no that will not pass.
    template <typename Attempt>
    Result<void> call(Deadline deadline, size_t request_bytes, bool& in_doubt, Attempt attempt);

    const std::vector<std::string> endpoints_;
    const milliseconds time_limit_;
    const bool over_tls_;
    const std::shared_ptr<grpc::ChannelCredentials> credentials_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<Connection>> connections_;  // each where it was needed
    size_t in_use_ = 0;
};

/// As gRPC wants it told: an address needs nobody to be asked for it.
std::string target_of(const std::string& endpoint)
{
    const bool ipv6 = endpoint.starts_with('[');
    const bool ipv4 = endpoint.find_first_not_of("0123456789.:") == std::string::npos;
    return (ipv6 ? "ipv6:" : ipv4 ? "ipv4:" : "dns:///") + endpoint;
}

std::shared_ptr<Connection> GrpcClient::connect(const std::string& endpoint) const
{
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetMaxSendMessageSize(-1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);             // we must know of each attempt
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a new connection is a new one
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);          // whatever the environment says
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
    // How long one attempt to connect may take.
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                     static_cast<int>(std::max(time_limit_ / 4, least_share).count()));
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
    arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    return std::make_shared<Connection>(
        endpoint, grpc::CreateCustomChannel(target_of(endpoint), credentials_, arguments));
}

std::shared_ptr<Connection> GrpcClient::connection()
{
    const std::lock_guard lock(mutex_);
    auto& connection = connections_[in_use_];
    if (!connection) connection = connect(endpoints_[in_use_]);
    return connection;
}

void GrpcClient::leave(const Connection& connection, bool disconnected)
{
    const std::lock_guard lock(mutex_);
    if (connections_[in_use_].get() != &connection) return;  // another call has left it already
    if (disconnected) connections_[in_use_] = nullptr;
    in_use_ = (in_use_ + 1) % endpoints_.size();
}

/// What each endpoint said last, as one error.
Error nobody_answers(const std::map<std::string, Error>& last, bool over_tls)
{
    Error error{.kind = ErrorKind::permission, .what = "etcd does not answer: "};
    error.next =
        over_tls ? "see that etcd runs, and that the CA, the certificate and the key are those that it wants"
                 : "see that etcd runs, and whether it wants TLS";
    for (const auto& [endpoint, said] : last) {
        if (endpoint != last.begin()->first) error.what += "; ";
        error.what += said.what;
        if (said.kind != ErrorKind::permission) error.kind = ErrorKind::unavailable;
    }
    return error;
}

template <typename Attempt>
Result<void> GrpcClient::call(Deadline deadline, size_t request_bytes, bool& in_doubt, Attempt attempt)
{
    std::map<std::string, Error> last;
    const milliseconds on_its_way(request_bytes / bytes_per_millisecond);
    for (size_t made = 0;; ++made) {
        const auto connection = this->connection();
        // A node that hangs, or is cut off, is not waited for as long when it is connected to again.
        const bool stood = connection->stands();
        const milliseconds time = share(made) / (stood ? 1 : 2) + on_its_way;
        const auto left = std::max(std::chrono::ceil<milliseconds>(deadline - steady_clock::now()), 1ms);
        grpc::ClientContext context;
        context.set_deadline(span(std::min(time, left)));
        want_leader(context);
        const grpc::Status status = attempt(*connection, context);
        if (status.ok()) return {};
        Fault fault = fault_of(status.error_code(), status.error_message(), connection->endpoint);
        if (!fault.passing) return std::unexpected(std::move(fault.error));
        in_doubt = in_doubt || !fault.undone;
        const bool timed_out = status.error_code() == grpc::DEADLINE_EXCEEDED;
        // That nothing came says less than what was said before.
        if (!timed_out || !last.contains(connection->endpoint))
            last[connection->endpoint] = std::move(fault.error);
        // One that is still being made is let go on: it may stand in the next round, over a slow network.
        leave(*connection, fault.disconnected && (stood || !timed_out));
        // A connection that was cut is made anew at once.
        const bool round_is_over = (made + 1) % endpoints_.size() == 0;
        const auto pause = made > 0 && round_is_over ? pause_between_rounds : 0ms;
        if (steady_clock::now() + pause >= deadline) return std::unexpected(nobody_answers(last, over_tls_));
        std::this_thread::sleep_for(pause);
    }
}

Result<etcd::StatusResponse> GrpcClient::status(Deadline deadline)
{
    etcd::StatusResponse response;
    bool in_doubt = false;
    TRY(call(deadline, 0, in_doubt, [&](Connection& connection, grpc::ClientContext& context) {
        return connection.maintenance.Status(&context, {}, &response);
    }));
    return response;
}

Result<etcd::RangeResponse> GrpcClient::range(const etcd::RangeRequest& request, Deadline deadline)
{
    etcd::RangeResponse response;
    bool in_doubt = false;
    TRY(call(deadline, 0, in_doubt, [&](Connection& connection, grpc::ClientContext& context) {
        return connection.kv.Range(&context, request, &response);
    }));
    return response;
}

Result<etcd::TxnResponse> GrpcClient::txn(const etcd::TxnRequest& request, Deadline deadline, bool& in_doubt)
{
    etcd::TxnResponse response;
    TRY(call(deadline, request.ByteSizeLong(), in_doubt,
             [&](Connection& connection, grpc::ClientContext& context) {
                 return connection.kv.Txn(&context, request, &response);
             }));
    return response;
}

Result<void> GrpcClient::compact(Revision revision, Deadline deadline)
{
    bool in_doubt = false;
    return call(deadline, 0, in_doubt, [&](Connection& connection, grpc::ClientContext& context) {
        etcd::CompactionRequest request;
        request.set_revision(revision);
        etcd::CompactionResponse response;
        return connection.kv.Compact(&context, request, &response);
    });
}

Result<void> GrpcClient::grant(LeaseId id, std::chrono::seconds time_to_live, Deadline deadline)
{
    bool in_doubt = false;
    return call(deadline, 0, in_doubt, [&](Connection& connection, grpc::ClientContext& context) {
        etcd::LeaseGrantRequest request;
        request.set_id(id);
        request.set_ttl(time_to_live.count());
        etcd::LeaseGrantResponse response;
        const grpc::Status status = connection.lease.LeaseGrant(&context, request, &response);
        const bool granted_before = status.error_code() == grpc::FAILED_PRECONDITION && in_doubt;
        return granted_before ? grpc::Status::OK : status;
    });
}

Result<void> GrpcClient::revoke(LeaseId id, Deadline deadline)
{
    bool in_doubt = false;
    return call(deadline, 0, in_doubt, [&](Connection& connection, grpc::ClientContext& context) {
        etcd::LeaseRevokeRequest request;
        request.set_id(id);
        etcd::LeaseRevokeResponse response;
        return connection.lease.LeaseRevoke(&context, request, &response);
    });
}

Result<void> GrpcClient::keep_alive(LeaseId id, Deadline deadline)
{
    etcd::LeaseKeepAliveRequest request;
    request.set_id(id);
    etcd::LeaseKeepAliveResponse response;
    bool in_doubt = false;
    TRY(call(deadline, 0, in_doubt, [&](Connection& connection, grpc::ClientContext& context) {
        const auto stream = connection.lease.LeaseKeepAlive(&context);
        const bool answered = stream->Write(request) && stream->Read(&response);
        if (!answered) return stream->Finish();
        context.TryCancel();  // one answer was wanted
        static_cast<void>(stream->Finish());
        return grpc::Status::OK;
    }));
    if (response.ttl() > 0) return {};
    return fail(ErrorKind::not_found, fmt::format("the lease {} has ended", id));
}

std::unique_ptr<WatchStream> GrpcClient::watch(const etcd::WatchCreateRequest& request)
{
    auto connection = this->connection();
    auto leave = [this, connection] { this->leave(*connection, true); };
    return std::make_unique<GrpcWatchStream>(std::move(connection), request, std::move(leave));
}

Result<std::string> read_pem(const std::string& path)
{
    if (path.empty()) return "";
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    std::string text(max_pem_bytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(file.gcount()));
    if (text.find("-----BEGIN ") == std::string::npos)
        return fail(ErrorKind::usage, fmt::format("{} holds nothing in PEM format", path));
    return text;
}

Result<std::shared_ptr<grpc::ChannelCredentials>> read_credentials(const EtcdOptions& options)
{
    const bool ours = !options.certificate_file.empty();
    if (ours != !options.key_file.empty())
        return fail(ErrorKind::usage, "a certificate for etcd wants its key, and a key its certificate");
    if (options.ca_file.empty()) {
        if (ours) return fail(ErrorKind::usage, "a certificate for etcd wants the CA that signed etcd's own");
        return grpc::InsecureChannelCredentials();
    }
    grpc::SslCredentialsOptions pem;
    pem.pem_root_certs = TRY(read_pem(options.ca_file));
    pem.pem_cert_chain = TRY(read_pem(options.certificate_file));
    pem.pem_private_key = TRY(read_pem(options.key_file));
    return grpc::SslCredentials(pem);
}

}  // namespace

Result<std::unique_ptr<Client>> Client::make(const EtcdOptions& options)
{
    if (options.endpoints.empty()) return fail(ErrorKind::usage, "no endpoint of etcd is named");
    for (const std::string& endpoint : options.endpoints) TRY(check_endpoint(endpoint));
    if (options.time_limit < 100ms || options.time_limit > 1h)
        return fail(ErrorKind::usage,
                    fmt::format("a time limit of {} ms for etcd, 100 ms to an hour is possible",
                                options.time_limit.count()));
    auto credentials = TRY(read_credentials(options));
    // What goes wrong comes back in a status; gRPC would print it as well.
    static std::once_flag quiet;
    std::call_once(quiet, [] { gpr_set_log_function([](gpr_log_func_args*) {}); });
    return std::make_unique<GrpcClient>(options, std::move(credentials));
}

}  // namespace belay::store
