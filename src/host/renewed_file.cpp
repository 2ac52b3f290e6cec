#include "host/renewed_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::host {

Result<RenewedFile> RenewedFile::open(const std::string& path)
{
    const size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
    Descriptor news(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!news ||
        inotify_add_watch(news.number(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0)
        return std::unexpected(system_error(fmt::format("watch {}", path), errno));
    return RenewedFile(std::move(news), path, path.substr(slash == std::string::npos ? 0 : slash + 1));
}

bool RenewedFile::take() const
{
    bool is_renewed = false;
    alignas(inotify_event) std::array<char, 4096> room{};
    for (ssize_t count = 0; (count = read(folder_.number(), room.data(), room.size())) > 0;) {
        for (ssize_t at = 0; at < count;) {
            inotify_event event{};
            std::memcpy(&event, room.data() + at, sizeof event);
            // What did not find room in the kernel's queue may have been about it.
            const bool is_it = event.len > 0 && name_ == room.data() + at + sizeof event;
            // A link is whole when it is made; a file is being written, which is said when that is done.
            struct stat status{};
            const bool is_begun = (event.mask & IN_CREATE) != 0 &&
                                  (lstat(path_.c_str(), &status) != 0 || !S_ISLNK(status.st_mode));
            if ((is_it && !is_begun) || (event.mask & IN_Q_OVERFLOW) != 0) is_renewed = true;
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
    return is_renewed;
}

std::string version_of(const std::string& path)
{
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return {};
    return fmt::format("{}:{} {}.{:09}", status.st_dev, status.st_ino, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec);
}

}  // namespace belay::host
