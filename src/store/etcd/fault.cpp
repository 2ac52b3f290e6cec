#include "store/etcd/fault.h"

#include <algorithm>
#include <optional>

namespace belay::store {
namespace {

/// grpc::StatusCode, whose header takes seconds to compile.
enum Code {
    cancelled = 1,
    unknown = 2,
    deadline_exceeded = 4,
    permission_denied = 7,
    resource_exhausted = 8,
    aborted = 10,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
};

constexpr std::string_view etcd_says = "etcdserver: ";

/// What etcd refuses for good, by its own words.
struct Refusal {
    std::string_view words;
    ErrorKind kind;
    std::string_view what;
    std::string_view next;
};

constexpr Refusal refusals[] = {
    {"mvcc: database space exceeded", ErrorKind::no_space, "the database of etcd is full",
     "etcdctl endpoint status; then compact, defrag, and etcdctl alarm disarm (docs/site.md)"},
    {"requested lease not found", ErrorKind::not_found, "the lease has ended", ""},
    {"mvcc: required revision has been compacted", ErrorKind::not_found,
     "what changed after that revision is forgotten", ""},
    {"mvcc: required revision is a future revision", ErrorKind::not_found,
     "etcd has not reached that revision", ""},
    {"request is too large", ErrorKind::refused, "the transaction is larger than etcd takes",
     "start every etcd with --max-request-bytes=10485760"},
    {"too many operations in txn request", ErrorKind::refused,
     "the transaction has more writes or comparisons than etcd takes",
     "start every etcd with --max-txn-ops=128"},
    {"corrupt cluster", ErrorKind::corrupt,
     "etcd has raised its alarm CORRUPT: its nodes hold different data",
     "restore the node that differs (docs/site.md)"},
    {"permission denied", ErrorKind::permission, "etcd asks for a user, which Belay has none of",
     "let etcd tell its clients by their certificates: --client-cert-auth (docs/site.md)"},
    {"user name is empty", ErrorKind::permission, "etcd asks for a user, which Belay has none of",
     "let etcd tell its clients by their certificates: --client-cert-auth (docs/site.md)"},
    {"invalid auth token", ErrorKind::permission, "etcd asks for a user, which Belay has none of",
     "let etcd tell its clients by their certificates: --client-cert-auth (docs/site.md)"},
};

/// Refusals of etcd before anything was proposed to its nodes. "leader changed" is none: it is of a read.
constexpr std::string_view nothing_proposed[] = {"no leader", "not capable", "too many requests",
                                                 "rpc not supported for learner"};

bool has(std::string_view text, std::string_view words)
{
    return text.find(words) != std::string_view::npos;
}

/// gRPC wraps what happened in what it tried: what stands behind the endpoint's last mention tells it.
std::string_view heart_of(std::string_view message, std::string_view endpoint)
{
    const size_t at = message.rfind(endpoint);
    if (at == std::string_view::npos || !message.substr(at + endpoint.size()).starts_with(": "))
        return message;
    return message.substr(at + endpoint.size() + 2);
}

/// "tcp handshaker shutdown" is none: gRPC says so of a connection that did not come about in time.
bool is_tls(std::string_view message)
{
    return has(message, "SSL") || has(message, "ertificate");
}

std::optional<Fault> refused_by_etcd(int code, std::string_view message, std::string_view endpoint)
{
    for (const auto& [words, kind, what, next] : refusals) {
        if (!has(message, words)) continue;
        return Fault{.error = {.kind = kind,
                               .what = fmt::format("{} ({})", what, endpoint),
                               .next = std::string(next)},
                     .undone = kind != ErrorKind::no_space};
    }
    // The limit of etcd's gRPC itself, which stands a little above --max-request-bytes.
    if (code == resource_exhausted && has(message, "larger than max"))
        return refused_by_etcd(code, "etcdserver: request is too large", endpoint);
    return std::nullopt;
}

}  // namespace

Fault fault_of(int code, std::string_view message, std::string_view endpoint)
{
    if (auto refused = refused_by_etcd(code, message, endpoint)) return *std::move(refused);
    const bool from_etcd = message.starts_with(etcd_says);
    const std::string_view said = from_etcd ? message.substr(etcd_says.size()) : heart_of(message, endpoint);
    Fault fault{.error = {.kind = ErrorKind::unavailable, .what = fmt::format("{}: {}", endpoint, said)}};
    switch (code) {
        case cancelled:
        case unknown:
        case aborted:
        case internal:
        case unavailable:
        case resource_exhausted:
            fault.passing = true;
            fault.disconnected = !from_etcd;
            fault.undone = has(message, "failed to connect to all addresses") ||
                           std::ranges::any_of(nothing_proposed, [&](auto words) { return said == words; });
            if (!from_etcd && is_tls(message)) fault.error.kind = ErrorKind::permission;
            return fault;
        case deadline_exceeded:
            fault.error.what = fmt::format("{}: no answer in time", endpoint);
            fault.passing = true;
            fault.disconnected = true;
            return fault;
        case permission_denied:
        case unauthenticated:
            fault.error.kind = ErrorKind::permission;
            break;
        case unimplemented:
            fault.error = {.kind = ErrorKind::version,
                           .what = fmt::format("{} is no etcd of version 3.4 or newer", endpoint)};
            break;
        case data_loss:
            fault.error.kind = ErrorKind::corrupt;
            break;
        default:
            fault.error.kind = ErrorKind::failed;
            break;
    }
    fault.undone = true;
    return fault;
}

}  // namespace belay::store
