#include "framework/configuration/key_file.h"

#include "host/descriptor.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::framework::configuration {
namespace {

constexpr off_t most_bytes = 64 << 10;

std::unexpected<Error> failed_to(std::string_view what, const std::string& path)
{
    return std::unexpected(system_error(fmt::format("{} {}", what, path), errno));
}

Result<void> write_all(int file, std::string_view text, const std::string& path)
{
    while (!text.empty()) {
        const ssize_t count = ::write(file, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed_to("write", path);
        text.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

Result<void> sync_folder_of(const std::string& path)
{
    const size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const host::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || fsync(opened.number()) != 0) return failed_to("sync", folder);
    return {};
}

}  // namespace

Result<Secret> read_key_file(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file) return failed_to("open", path);
    struct stat about{};
    if (fstat(file.number(), &about) != 0) return failed_to("look at", path);
    if (!S_ISREG(about.st_mode) || about.st_size > most_bytes)
        return fail(ErrorKind::corrupt, fmt::format("{} is no key file of Belay", path));
    if ((about.st_mode & 077) != 0)
        return fail(ErrorKind::permission, fmt::format("others than its owner may use the key file {}", path),
                    fmt::format("chmod 600 {}", path));
    Secret text(static_cast<size_t>(about.st_size));
    size_t have = 0;
    while (have < text.size()) {
        const ssize_t count = ::read(file.number(), text.bytes() + have, text.size() - have);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed_to("read", path);
        if (count == 0) return fail(ErrorKind::corrupt, fmt::format("{} changed while it was read", path));
        have += static_cast<size_t>(count);
    }
    return text;
}

Result<void> write_key_file(const std::string& path, std::string_view text)
{
    const std::string beside = path + ".new";
    // One that a power cut left there is of no use to anybody.
    ::unlink(beside.c_str());
    const host::Descriptor file(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return failed_to("make", beside);
    Result<void> written = write_all(file.number(), text, beside);
    if (written && fsync(file.number()) != 0) written = failed_to("sync", beside);
    if (written && std::rename(beside.c_str(), path.c_str()) != 0) written = failed_to("make", path);
    if (!written) {
        ::unlink(beside.c_str());
        return written;
    }
    return sync_folder_of(path);
}

}  // namespace belay::framework::configuration
