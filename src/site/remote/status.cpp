#include "site/remote/status.h"

#include <algorithm>
#include <array>
#include <optional>

namespace belay::site {
namespace {

struct Meaning {
    ErrorKind kind;
    grpc::StatusCode code;
};
constexpr std::array meanings = {
    Meaning{ErrorKind::usage, grpc::INVALID_ARGUMENT},
    Meaning{ErrorKind::not_found, grpc::NOT_FOUND},
    Meaning{ErrorKind::refused, grpc::FAILED_PRECONDITION},
    Meaning{ErrorKind::busy, grpc::ABORTED},
    Meaning{ErrorKind::permission, grpc::PERMISSION_DENIED},
    Meaning{ErrorKind::no_space, grpc::RESOURCE_EXHAUSTED},
    Meaning{ErrorKind::unavailable, grpc::UNAVAILABLE},
    Meaning{ErrorKind::version, grpc::UNIMPLEMENTED},
    Meaning{ErrorKind::corrupt, grpc::DATA_LOSS},
    Meaning{ErrorKind::timeout, grpc::DEADLINE_EXCEEDED},
    Meaning{ErrorKind::failed, grpc::UNKNOWN},
    Meaning{ErrorKind::lost, grpc::UNKNOWN},
    Meaning{ErrorKind::dead, grpc::UNAVAILABLE},
    Meaning{ErrorKind::io, grpc::INTERNAL},
};

std::optional<v1::Error> details_of(const grpc::Status& status)
{
    v1::Error message;
    if (status.error_details().empty() || !message.ParseFromString(status.error_details())) return {};
    return message;
}

/// What the system said, where gRPC tells in many words that it could not connect.
std::string_view plain_reason(std::string_view message)
{
    constexpr std::string_view before = "Failed to connect to remote host: ";
    const size_t at = message.rfind(before);
    return at == std::string_view::npos ? message : message.substr(at + before.size());
}

ErrorKind kind_of(grpc::StatusCode code)
{
    if (code == grpc::UNAUTHENTICATED) return ErrorKind::permission;
    const auto* const found = std::ranges::find(meanings, code, &Meaning::code);
    return found == meanings.end() ? ErrorKind::failed : found->kind;
}

}  // namespace

v1::Error to_message(const Error& error)
{
    v1::Error message;
    message.set_kind(std::string(name_of(error.kind)));
    message.set_what(error.what);
    message.set_next(error.next);
    for (const std::string& word : error.argv) message.add_argv(word);
    message.set_exit_code(error.exit_code);
    message.set_output(error.output);
    return message;
}

Error from_message(const v1::Error& message)
{
    Error error{.kind = ErrorKind::failed, .what = message.what(), .next = message.next()};
    for (const Meaning& meaning : meanings) {
        if (name_of(meaning.kind) == message.kind()) error.kind = meaning.kind;
    }
    error.argv = {message.argv().begin(), message.argv().end()};
    error.exit_code = message.exit_code();
    error.output = message.output();
    return error;
}

grpc::Status to_status(const Error& error)
{
    const auto* const meaning = std::ranges::find(meanings, error.kind, &Meaning::kind);
    return {meaning->code, error.what, to_message(error).SerializeAsString()};
}

grpc::Status stands_by(const std::vector<std::string>& leader)
{
    const Error error{.kind = ErrorKind::unavailable,
                      .what = leader.empty()
                                  ? "this controller stands by, and none leads at the moment"
                                  : fmt::format("this controller stands by; {} leads", leader.front()),
                      .next = "the same, again"};
    v1::Error message = to_message(error);
    message.set_stands_by(true);
    for (const std::string& address : leader) message.add_leader(address);
    return {grpc::UNAVAILABLE, error.what, message.SerializeAsString()};
}

/// As gRPC says it.
bool is_stranger(const grpc::Status& status)
{
    const std::string message = status.error_message();
    return message.find("certificate verify failed") != std::string::npos ||
           message.find("is not in peer certificate") != std::string::npos;
}

Error error_of(const grpc::Status& status, std::string_view doing)
{
    if (const std::optional<v1::Error> message = details_of(status)) return from_message(*message);
    if (is_stranger(status))
        return Error{
            .kind = ErrorKind::unavailable,
            .what = fmt::format(
                "cannot {}: what answers there has no certificate of this site that is good now", doing),
            .next = "see that the address is right, and the clocks of both"};
    return Error{.kind = kind_of(status.error_code()),
                 .what = fmt::format("cannot {}: {}", doing, plain_reason(status.error_message()))};
}

/// As gRPC says it, too.
bool is_lost(const grpc::Status& status)
{
    const std::string message = status.error_message();
    const bool was_reached = message.find("failed to connect") == std::string::npos &&
                             message.find("DNS resolution failed") == std::string::npos;
    return status.error_code() == grpc::UNAVAILABLE && status.error_details().empty() && was_reached &&
           !is_stranger(status);
}

bool is_stand_by(const grpc::Status& status)
{
    const std::optional<v1::Error> message = details_of(status);
    return message && message->stands_by();
}

std::vector<std::string> leader_in(const grpc::Status& status)
{
    const std::optional<v1::Error> message = details_of(status);
    if (!message) return {};
    return {message->leader().begin(), message->leader().end()};
}

}  // namespace belay::site
