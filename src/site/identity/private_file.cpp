#include "site/identity/private_file.h"

#include "host/descriptor.h"
#include "host/files.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::site {
namespace {

constexpr mode_t private_folder_mode = 0700, private_file_mode = 0600;

}  // namespace

Result<void> make_private_folder(const std::string& folder)
{
    if (mkdir(folder.c_str(), private_folder_mode) != 0) {
        if (errno == EEXIST) return {};
        return std::unexpected(system_error("make " + folder, errno));
    }
    // Else a power cut may take the folder away with what was synced in it.
    const std::string above = folder + "/..";
    const host::Descriptor opened(open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || fsync(opened.number()) != 0)
        return std::unexpected(system_error("sync the folder of " + folder, errno));
    return {};
}

Result<void> write_private(const std::string& path, const std::string& text)
{
    return host::files::replace(path, text, private_file_mode);
}

}  // namespace belay::site
