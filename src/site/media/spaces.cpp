#include "site/media/spaces.h"

#include "host/files.h"
#include "site/loop.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace belay::media {
namespace {

/// How old a count may be by which somebody is refused.
constexpr Milliseconds count_holds = std::chrono::minutes(1);
constexpr mode_t data_mode = 0700;

}  // namespace

Reserved::~Reserved()
{
    if (space_ && bytes_ > 0) space_->given_back(bytes_);
}

Result<void> Reserved::add(uint64_t bytes, std::optional<uint64_t> quota)
{
    TRY(space_->reserve(bytes, quota));
    bytes_ += bytes;
    return {};
}

void Reserved::keep(uint64_t given_back)
{
    bytes_ = 0;
    if (given_back > 0) space_->given_back(given_back);
}

Result<uint64_t> Space::used()
{
    {
        const std::lock_guard lock(mutex_);
        if (is_counted_) return static_cast<uint64_t>(std::max<int64_t>(used_, 0));
    }
    TRY(count());
    const std::lock_guard lock(mutex_);
    return static_cast<uint64_t>(std::max<int64_t>(used_, 0));
}

Result<void> Space::count()
{
    const std::lock_guard one(counting_);
    {
        const std::lock_guard lock(mutex_);
        if (is_counted_ && site::boot_now() - counted_ < count_holds) return {};
        changed_ = 0;
    }
    const uint64_t found = TRY(folder_.bytes_of_all_files());
    const std::lock_guard lock(mutex_);
    // What has come and gone meanwhile may be in it or not: it is taken for not being in it, so that nobody
    // gets beyond a quota.
    used_ = static_cast<int64_t>(found) + std::max<int64_t>(changed_, 0);
    is_counted_ = true;
    counted_ = site::boot_now();
    return {};
}

void Space::given_back(uint64_t bytes)
{
    const std::lock_guard lock(mutex_);
    used_ -= static_cast<int64_t>(bytes);
    changed_ -= static_cast<int64_t>(bytes);
}

bool Space::fits(uint64_t bytes, std::optional<uint64_t> quota)
{
    const std::lock_guard lock(mutex_);
    const auto more = static_cast<int64_t>(bytes);
    if (quota) {
        const auto most = static_cast<int64_t>(std::min<uint64_t>(*quota, INT64_MAX));
        if (!is_counted_ || used_ > most - more) return false;
    }
    used_ += more;
    changed_ += more;
    return true;
}

Result<void> Space::reserve(uint64_t bytes, std::optional<uint64_t> quota)
{
    if (fits(bytes, quota)) return {};
    TRY(count());
    if (fits(bytes, quota)) return {};
    return fail(ErrorKind::no_space,
                fmt::format("the quota of the space {} is {}, and it is full", name_, to_text(Bytes(*quota))),
                fmt::format("on the media server: belay media quota {} SIZE", name_));
}

Result<std::unique_ptr<Spaces>> Spaces::open(const std::string& data_folder)
{
    if (::mkdir(data_folder.c_str(), data_mode) != 0 && errno != EEXIST)
        return std::unexpected(system_error(fmt::format("make {}", data_folder), errno));
    host::Descriptor lock(
        ::open((data_folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock) return std::unexpected(system_error(fmt::format("open {}/.lock", data_folder), errno));
    if (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0)
        return fail(ErrorKind::busy, fmt::format("another media server serves {}", data_folder),
                    fmt::format("fuser -v {}/.lock", data_folder));
    return std::unique_ptr<Spaces>(new Spaces(data_folder, std::move(lock)));
}

Result<std::shared_ptr<Space>> Spaces::find(const std::string& name)
{
    const std::lock_guard lock(mutex_);
    if (const auto found = spaces_.find(name); found != spaces_.end()) return found->second;
    if (!is_name_of_space(name)) return fail(ErrorKind::usage, fmt::format("there is no space '{}'", name));
    auto space = std::make_shared<Space>(name, TRY(SpaceFolder::open(data_folder_ + "/" + name)));
    spaces_.emplace(name, space);
    return space;
}

Result<std::vector<std::string>> Spaces::names() const
{
    std::vector<std::string> names = TRY(host::files::list(data_folder_));
    std::erase_if(names, [&](const std::string& name) {
        struct stat status{};
        return !is_name_of_space(name) || ::lstat((data_folder_ + "/" + name).c_str(), &status) != 0 ||
               !S_ISDIR(status.st_mode);
    });
    return names;
}

}  // namespace belay::media
