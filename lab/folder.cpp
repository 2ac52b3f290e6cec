#include "folder.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::lab {

Result<Folder> Folder::make()
{
    std::error_code error;
    std::string path = std::filesystem::temp_directory_path(error).string() + "/belay-lab-XXXXXX";
    if (error) return std::unexpected(system_error("find the temporary folder", error.value()));
    if (::mkdtemp(path.data()) == nullptr) return std::unexpected(system_error("make " + path, errno));
    return Folder(path, false);
}

Result<Folder> Folder::open(const std::string& path)
{
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return std::unexpected(system_error("make " + path, error.value()));
    std::filesystem::path absolute = std::filesystem::canonical(path, error);
    if (error) return std::unexpected(system_error("open " + path, error.value()));
    return Folder(absolute.string(), true);
}

Folder::Folder(Folder&& other) noexcept : path_(std::move(other.path_)), kept_(other.kept_)
{
    other.kept_ = true;
}

Folder::~Folder()
{
    if (kept_) return;
    std::error_code ignored;  // nobody is left to be told
    std::filesystem::remove_all(path_, ignored);
}

Result<std::string> Folder::image(std::string_view disk, Bytes size) const
{
    std::string path = fmt::format("{}/{}.img", path_, disk);
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return std::unexpected(system_error("open " + path, errno));
    struct stat status = {};
    int error = ::fstat(fd, &status) == 0 ? 0 : errno;
    const auto present = Bytes{static_cast<uint64_t>(status.st_size)};
    if (error == 0 && present.count == 0 && ::ftruncate(fd, static_cast<off_t>(size.count)) != 0)
        error = errno;
    ::close(fd);
    if (error != 0) return std::unexpected(system_error("make " + path, error));
    if (present.count != 0 && present != size)
        return fail(ErrorKind::refused,
                    fmt::format("{} is there with {}, not {}", path, to_text(present), to_text(size)),
                    "rm " + path);
    return path;
}

}  // namespace belay::lab
