#include "backup/block/thin_metadata.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace belay::backup {
namespace {

constexpr std::string_view held_tag = "belay.metadata-snapshot";

std::vector<std::string> words_in(const std::string& text)
{
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

/// `dmsetup ACTION` of the device MAJOR:MINOR.
host::Command dmsetup(const std::string& action, const std::string& device)
{
    const size_t colon = device.find(':');
    return {.argv = {"dmsetup", action, "--major", device.substr(0, colon), "--minor",
                     device.substr(std::min(colon, device.size() - 1) + 1)}};
}

/// The one line of a device's table or status.
Result<std::vector<std::string>> dmsetup_words(host::Host& host, const std::string& action,
                                               const std::string& device)
{
    const host::Outcome outcome = TRY(host::run_checked(host, dmsetup(action, device)));
    if (outcome.out.find('\n') + 1 != outcome.out.size())
        return fail(ErrorKind::refused, fmt::format("the device {} is not made of one piece", device));
    return words_in(outcome.out);
}

Result<void> send_to_pool(host::Host& host, const std::string& pool, const std::string& message)
{
    host::Command command = dmsetup("message", pool);
    command.argv.insert(command.argv.end(), {"0", message});
    command.effect = host::Effect::changes;
    TRY(host::run_checked(host, command));
    return {};
}

/// Where the pool's metadata snapshot begins; empty: it has none.
Result<std::string> held_root(host::Host& host, const std::string& pool)
{
    // "0 SIZE thin-pool TRANSACTION USED/ALL USED/ALL ROOT MODE ..."
    const std::vector<std::string> words = TRY(dmsetup_words(host, "status", pool));
    if (words.size() < 7 || words[2] != "thin-pool")
        return fail(ErrorKind::failed, fmt::format("the thin pool {} does not work", pool), "dmsetup status");
    return words[6] == "-" ? "" : words[6];
}

Result<std::string> mapper_path(host::Host& host, const std::string& device)
{
    std::string name = TRY(host.read("/sys/dev/block/" + device + "/dm/name"));
    while (name.ends_with('\n')) name.pop_back();
    return "/dev/mapper/" + name;
}

Result<void> change_tag(host::Host& host, const std::string& option, const std::string& volume)
{
    TRY(host::run_checked(host, {.argv = {"lvm", "lvchange", option, std::string(held_tag), volume},
                                 .effect = host::Effect::changes,
                                 .limit = std::chrono::minutes(5)}));
    return {};
}

/// Held by one process of Belay, for as long as the descriptor is open.
Result<host::Descriptor> lock_pool(const std::string& path)
{
    host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    int locked = 0;
    do locked = ::flock(file.number(), LOCK_EX);
    while (locked != 0 && errno == EINTR);
    if (locked != 0) return std::unexpected(system_error(fmt::format("lock {}", path), errno));
    return file;
}

/// A file without a name: a dump of a large volume is larger than what should be in memory.
Result<host::Descriptor> nameless_file()
{
    std::error_code problem;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(problem);
    if (problem) return std::unexpected(system_error("find a folder for a file", problem.value()));
    std::string path = folder / "belay-XXXXXX";
    host::Descriptor file(::mkostemp(path.data(), O_CLOEXEC));
    if (!file) return std::unexpected(system_error(fmt::format("make a file {}", path), errno));
    ::unlink(path.c_str());
    return file;
}

}  // namespace

Result<ThinDevice> thin_device(host::Host& host, const std::string& path)
{
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", path), errno));
    const std::string device = fmt::format("{}:{}", major(status.st_rdev), minor(status.st_rdev));
    // "0 SIZE thin POOL NUMBER", and an external origin behind it.
    const std::vector<std::string> words = TRY(dmsetup_words(host, "table", device));
    if (words.size() == 6 && words[2] == "thin")
        return fail(ErrorKind::refused, fmt::format("{} has an external origin", path));
    if (words.size() != 5 || words[0] != "0" || words[2] != "thin")
        return fail(ErrorKind::refused, fmt::format("{} is no thin volume", path));
    return ThinDevice{words[3], std::strtoull(words[4].c_str(), nullptr, 10)};
}

Result<std::unique_ptr<ThinMetadata>> ThinMetadata::take(host::Host& host, const LogicalVolume& thin)
{
    const std::string pool = TRY(thin_device(host, thin.path)).pool;
    // "0 SIZE thin-pool METADATA DATA ..."
    const std::vector<std::string> words = TRY(dmsetup_words(host, "table", pool));
    if (words.size() < 5 || words[2] != "thin-pool")
        return fail(ErrorKind::failed, fmt::format("the thin pool {} does not work", pool), "dmsetup table");
    const std::string metadata = TRY(mapper_path(host, words[3]));
    host::Descriptor lock = TRY(lock_pool(TRY(mapper_path(host, pool))));
    std::unique_ptr<ThinMetadata> taken(
        new ThinMetadata(host, pool, thin.group + "/" + thin.pool, metadata, std::move(lock)));
    TRY(taken->reserve());
    return taken;
}

Result<void> ThinMetadata::reserve()
{
    const LogicalVolume pool = TRY(logical_volume(host_, volume_));
    const bool is_tagged = std::ranges::count(pool.tags, held_tag) > 0;
    if (!TRY(held_root(host_, pool_)).empty()) {
        if (!is_tagged)
            return fail(ErrorKind::busy,
                        fmt::format("another program has a metadata snapshot of the thin pool {}", volume_),
                        fmt::format("if none runs: dmsetup message {} 0 release_metadata_snap",
                                    TRY(mapper_path(host_, pool_))));
        TRY(send_to_pool(host_, pool_, "release_metadata_snap"));
    }
    if (!is_tagged) TRY(change_tag(host_, "--addtag", volume_));
    TRY(send_to_pool(host_, pool_, "reserve_metadata_snap"));
    root_ = TRY(held_root(host_, pool_));
    if (!root_.empty()) return {};
    return fail(ErrorKind::failed, fmt::format("the thin pool {} makes no metadata snapshot", volume_));
}

ThinMetadata::~ThinMetadata()
{
    if (!root_.empty()) static_cast<void>(give_back());
}

Result<ThinMappings> ThinMetadata::mappings(const std::string& path) const
{
    const ThinDevice device = TRY(thin_device(host_, path));
    if (device.pool != pool_)
        return fail(ErrorKind::refused, fmt::format("{} is not in the thin pool {}", path, volume_));
    const host::Descriptor file = TRY(nameless_file());
    TRY(host::run_checked(
        host_, {.argv = {"thin_dump", "--metadata-snap", "--dev-id", std::to_string(device.number), "-o",
                         fmt::format("/proc/{}/fd/{}", ::getpid(), file.number()), metadata_},
                .limit = std::chrono::hours(1)}));
    ThinMappings volume = TRY(read_thin_mappings(file.number(), device.number));
    // Blocks of a snapshot that was released are written anew, and what was read of them is anything.
    const std::string root = TRY(held_root(host_, pool_));
    if (root != root_)
        return fail(ErrorKind::failed,
                    fmt::format("another program has taken away the metadata snapshot of {}", volume_));
    return volume;
}

Result<void> ThinMetadata::give_back()
{
    const std::string root = TRY(held_root(host_, pool_));
    if (root == root_) TRY(send_to_pool(host_, pool_, "release_metadata_snap"));
    root_.clear();
    return change_tag(host_, "--deltag", volume_);
}

}  // namespace belay::backup
