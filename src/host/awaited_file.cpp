#include "host/awaited_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>

namespace belay::host {

Result<AwaitedFile> AwaitedFile::open(const std::string& path)
{
    Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!file) return std::unexpected(system_error("open " + path, errno));
    AwaitedFile awaited(std::move(file));
    awaited.take();
    return awaited;
}

void AwaitedFile::take() const
{
    lseek(file_.number(), 0, SEEK_SET);
    std::array<char, 4096> unread{};
    while (read(file_.number(), unread.data(), unread.size()) > 0) {
    }
}

}  // namespace belay::host
