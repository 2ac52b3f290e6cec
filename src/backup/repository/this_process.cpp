#include "backup/repository/this_process.h"

#include <pwd.h>
#include <unistd.h>

namespace belay::backup {

std::string host_name()
{
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? std::string(name) : std::string();
}

std::string user_name()
{
    passwd entry = {};
    passwd* found = nullptr;
    std::string buffer(16384, '\0');
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return fmt::format("{}", ::geteuid());
    return entry.pw_name;
}

}  // namespace belay::backup
