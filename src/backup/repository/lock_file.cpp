#include "backup/repository/lock_file.h"

#include "backup/repository/this_process.h"
#include "base/json.h"

#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace belay::backup {

LockFile LockFile::of_this_process(bool exclusive)
{
    return {.id = {},
            .time = Timestamp::now(),
            .exclusive = exclusive,
            .hostname = host_name(),
            .username = user_name(),
            .pid = ::getpid(),
            .uid = ::getuid(),
            .gid = ::getgid()};
}

bool LockFile::is_stale(const Timestamp& now) const
{
    if (now.seconds - time.seconds > std::chrono::seconds(grows_stale).count()) return true;
    if (hostname != host_name() || pid <= 0 || pid > INT32_MAX) return false;
    return ::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH;
}

std::string LockFile::owner() const
{
    return fmt::format("PID {} on {} by {}, since {}", pid, hostname, username, time.text());
}

Result<LockFile> LockFile::from_text(std::string_view text)
{
    const Json json = TRY(parse_json(text));
    const auto time = json.find("time");
    if (!json.is_object() || time == json.end() || !time->is_string())
        return fail(ErrorKind::corrupt, "a lock has no time");
    LockFile lock;
    lock.time = TRY(Timestamp::from_text(time->get_ref<const std::string&>()));
    const auto number = [&](const char* name) {
        const auto found = json.find(name);
        return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
    };
    const auto word = [&](const char* name) {
        const auto found = json.find(name);
        return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto exclusive = json.find("exclusive");
    lock.exclusive = exclusive != json.end() && exclusive->is_boolean() && exclusive->get<bool>();
    lock.hostname = word("hostname");
    lock.username = word("username");
    lock.pid = static_cast<int64_t>(std::min<uint64_t>(number("pid"), INT64_MAX));
    lock.uid = static_cast<uint32_t>(number("uid"));
    lock.gid = static_cast<uint32_t>(number("gid"));
    return lock;
}

std::string LockFile::to_text() const
{
    return json_text({{"time", time.text()},
                      {"exclusive", exclusive},
                      {"hostname", hostname},
                      {"username", username},
                      {"pid", pid},
                      {"uid", uid},
                      {"gid", gid}});
}

}  // namespace belay::backup
