#include "site/identity/private_file.h"

#include "host/descriptor.h"
#include "host/files.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace belay::site {

Result<void> make_private_folder(const std::string& folder)
{
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return std::unexpected(system_error("make " + folder, errno));
    return {};
}

Result<void> write_private(const std::string& path, const std::string& text)
{
    const host::Descriptor made(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!made) return std::unexpected(system_error("write " + path, errno));
    return host::files::replace(path, text);
}

}  // namespace belay::site
