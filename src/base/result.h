#pragma once
// Everything that the world can do comes back as a Result: errors are journaled, sent and shown, so they are
// values.
//
//     Result<Disk> find(std::string_view serial);
//     const Disk disk = TRY(find("S123"));       // hands the error to the caller
//
// A Result that is ignored does not compile. std::expected alone is not [[nodiscard]] in g++ 12, hence the
// type.

#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace belay {

/// What went wrong, as far as the engine and the faces must tell it apart. The names are stable: they are in
/// the journal and in --json.
enum class ErrorKind {
    usage,        ///< the request itself makes no sense
    not_found,    ///< the named thing is not there
    refused,      ///< a check failed, or the state does not allow it
    busy,         ///< somebody else holds it
    permission,   ///< not allowed to
    no_space,     ///< no room left
    unavailable,  ///< nobody answers
    version,      ///< made by, or for, another version
    corrupt,      ///< what was read makes no sense
    timeout,      ///< took longer than its limit
    failed,       ///< a tool said no
    lost,         ///< done or not, nobody knows: the answer did not come back
    dead,         ///< nothing more can be done from this process
    io,           ///< the system said no
};

/// The stable name, as "not_found".
std::string_view name_of(ErrorKind kind);

/// One failure. `what` is one sentence that names the object, without a full stop; `next` is the command or
/// the act that leads on, empty where there is none. `kind` alone decides what the engine does.
struct [[nodiscard]] Error {
    ErrorKind kind = ErrorKind::failed;
    std::string what;
    std::string next = {};
    std::vector<std::string> argv = {};  ///< the command, where a command failed
    int exit_code = 0;                   ///< its exit code; 128 + signal when it was killed
    std::string output = {};             ///< what it said on standard error, at most 4 KiB
    int errno_value = 0;                 ///< of the system call, where one failed
};

/// An Error from errno: "cannot open /x: No such file or directory", its kind by the number.
Error system_error(std::string_view doing, int errno_value);

void to_json(nlohmann::json& json, const Error& error);
void from_json(const nlohmann::json& json, Error& error);

template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
  public:
    using std::expected<T, Error>::expected;
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
  public:
    using std::expected<void, Error>::expected;
};

/// `return fail(ErrorKind::not_found, "no disk S123 on this host", "belay storage show");`
std::unexpected<Error> fail(ErrorKind kind, std::string what, std::string next = {});

}  // namespace belay

#define BELAY_JOIN2(a, b) a##b
#define BELAY_JOIN(a, b) BELAY_JOIN2(a, b)
#define BELAY_TRY(result, ...)                                                               \
    ({                                                                                       \
        auto&& result = (__VA_ARGS__);                                                       \
        if (!result) return std::unexpected(std::forward<decltype(result)>(result).error()); \
        *std::forward<decltype(result)>(result);                                             \
    })

/// The value of a Result, or the return of its error from the function around. Not behind a value in the same
/// braces: g++ 12 would leak that value (tests/style/early_return).
#define TRY(...) BELAY_TRY(BELAY_JOIN(try_result_, __COUNTER__), __VA_ARGS__)
