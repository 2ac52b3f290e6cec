#include "host/program.h"

#include <array>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::host {
namespace {

constexpr std::array system_folders = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                       "/usr/bin",        "/sbin",          "/bin"};

}  // namespace

std::string own_program()
{
    std::string self(4096, '\0');
    const ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
    self.resize(length > 0 ? static_cast<size_t>(length) : 0);
    // An update has put another program in its place.
    constexpr std::string_view replaced = " (deleted)";
    if (self.ends_with(replaced)) self.resize(self.size() - replaced.size());
    return self;
}

Error become_sibling(std::string_view ending, char** argv)
{
    const std::string sibling = fmt::format("{}{}", own_program(), ending);
    execv(sibling.c_str(), argv);
    if (errno == ENOENT)
        return {.kind = ErrorKind::not_found,
                .what = fmt::format("{}, which this needs, is not installed", sibling)};
    return system_error("start " + sibling, errno);
}

Result<std::string> program_path(const std::string& word)
{
    if (word.find('/') != std::string::npos) {
        if (access(word.c_str(), X_OK) != 0)
            return std::unexpected(system_error(fmt::format("run {}", word), errno));
        return word;
    }
    for (const char* folder : system_folders) {
        std::string path = fmt::format("{}/{}", folder, word);
        struct stat status{};
        if (stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0)
            return path;
    }
    return fail(ErrorKind::not_found, fmt::format("no program {} on this host", word),
                fmt::format("apt install the package that has {}", word));
}

}  // namespace belay::host
