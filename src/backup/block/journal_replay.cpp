#include "backup/block/journal_replay.h"

#include <cerrno>
#include <cstdlib>
#include <unistd.h>

namespace belay::backup {
namespace {

Result<void> replay_ext(host::Host& host, const std::string& path)
{
    // It says 1 where it has changed something, which is what it is for.
    constexpr int changed = 1;
    host::Command command{.argv = {"e2fsck", "-y", "-E", "journal_only", path},
                          .effect = host::Effect::changes};
    command.limit = std::chrono::minutes(10);
    const host::Outcome outcome = TRY(host.run(command));
    if (outcome.exit_code <= changed) return {};
    Error error{ErrorKind::failed, fmt::format("e2fsck cannot replay the journal on {}", path)};
    error.argv = command.argv;
    error.exit_code = outcome.exit_code;
    error.output = (outcome.out + outcome.err).substr(0, 4096);
    return std::unexpected(std::move(error));
}

Result<void> mount_once(host::Host& host, const std::string& path, const std::string& folder)
{
    // Without nouuid the kernel refuses it beside its origin.
    host::Command mount{
        .argv = {"mount", "-t", "xfs", "-o", "rw,nouuid,nosuid,nodev,noexec,noatime", path, folder},
        .effect = host::Effect::changes};
    mount.limit = std::chrono::minutes(10);
    TRY(host::run_checked(host, mount));
    host::Command unmount{.argv = {"umount", folder}, .effect = host::Effect::changes};
    unmount.limit = std::chrono::minutes(10);
    TRY(host::run_checked(host, unmount));
    return {};
}

Result<void> replay_xfs(host::Host& host, const std::string& path)
{
    std::string folder = "/run/belay-replay-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr)
        return std::unexpected(system_error("make a folder in /run", errno));
    Result<void> done = mount_once(host, path, folder);
    ::rmdir(folder.c_str());
    return done;
}

}  // namespace

Result<void> replay_journal(host::Host& host, const std::string& path, const std::string& content)
{
    if (content.starts_with("ext")) return replay_ext(host, path);
    if (content == "xfs") return replay_xfs(host, path);
    return fail(ErrorKind::refused,
                fmt::format("nothing here replays the journal of {} on {}", content, path));
}

}  // namespace belay::backup
