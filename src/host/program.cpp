#include "host/program.h"

#include <cerrno>
#include <unistd.h>

namespace belay::host {

std::string own_program()
{
    std::string self(4096, '\0');
    const ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
    self.resize(length > 0 ? static_cast<size_t>(length) : 0);
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

}  // namespace belay::host
