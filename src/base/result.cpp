#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace belay {
namespace {

constexpr std::string_view kind_names[] = {"usage",    "not_found",   "refused", "busy",    "permission",
                                           "no_space", "unavailable", "version", "corrupt", "timeout",
                                           "failed",   "lost",        "dead",    "io"};

ErrorKind kind_of_errno(int errno_value)
{
    switch (errno_value) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
            return ErrorKind::not_found;
        case EACCES:
        case EPERM:
            return ErrorKind::permission;
        case ENOSPC:
        case EDQUOT:
            return ErrorKind::no_space;
        case EBUSY:
            return ErrorKind::busy;
        case ETIMEDOUT:
            return ErrorKind::timeout;
        case ECONNREFUSED:
        case ECONNRESET:
        case EPIPE:
            return ErrorKind::unavailable;
        default:
            return ErrorKind::io;
    }
}

}  // namespace

std::string_view name_of(ErrorKind kind)
{
    return kind_names[static_cast<size_t>(kind)];
}

Error system_error(std::string_view doing, int errno_value)
{
    return Error{.kind = kind_of_errno(errno_value),
                 .what = fmt::format("cannot {}: {}", doing, std::system_category().message(errno_value)),
                 .errno_value = errno_value};
}

void to_json(nlohmann::json& json, const Error& error)
{
    json = {{"kind", name_of(error.kind)}, {"what", error.what}};
    if (!error.next.empty()) json["next"] = error.next;
    if (!error.argv.empty()) json["argv"] = error.argv;
    if (error.exit_code != 0) json["exit_code"] = error.exit_code;
    if (!error.output.empty()) json["output"] = error.output;
    if (error.errno_value != 0) json["errno"] = error.errno_value;
}

void from_json(const nlohmann::json& json, Error& error)
{
    error = Error{.what = json.value("what", ""),
                  .next = json.value("next", ""),
                  .argv = json.value("argv", std::vector<std::string>{}),
                  .exit_code = json.value("exit_code", 0),
                  .output = json.value("output", ""),
                  .errno_value = json.value("errno", 0)};
    const std::string kind = json.value("kind", "failed");
    for (size_t i = 0; i < std::size(kind_names); ++i) {
        if (kind_names[i] == kind) error.kind = static_cast<ErrorKind>(i);
    }
}

std::unexpected<Error> fail(ErrorKind kind, std::string what, std::string next)
{
    return std::unexpected(Error{.kind = kind, .what = std::move(what), .next = std::move(next)});
}

}  // namespace belay
