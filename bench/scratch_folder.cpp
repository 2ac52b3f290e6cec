#include "scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

namespace belay::bench {

Result<ScratchFolder> ScratchFolder::make(const std::string& inside)
{
    struct statfs filesystem{};
    if (statfs(inside.c_str(), &filesystem) != 0)
        return std::unexpected(system_error(fmt::format("look at {}", inside), errno));
    if (filesystem.f_type == TMPFS_MAGIC)
        return fail(ErrorKind::usage, fmt::format("{} is in memory, where a sync costs nothing", inside),
                    "belay-bench --folder FOLDER, on a disk");
    std::error_code problem;
    std::string name = std::filesystem::absolute(inside, problem) / "bench-XXXXXX";
    if (problem || mkdtemp(name.data()) == nullptr)
        return std::unexpected(system_error(fmt::format("make a folder in {}", inside), errno));
    return ScratchFolder(name);
}

ScratchFolder::~ScratchFolder()
{
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace belay::bench
