#include "upgrade/image/passing_folder.h"

#include "upgrade/image/folder_tree.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::upgrade::image {
namespace {

constexpr mode_t folder_mode = 0755;
constexpr int most_tries = 100;
constexpr std::string_view random_part = ".XXXXXX";

std::string passing_pattern(const std::string& library, const std::string& name, const Version& version)
{
    return fmt::format("{}/.{}-{}{}", library, name, version.text, random_part);
}

/// The folder, held; nothing where somebody else holds it, or has removed it.
std::optional<host::Descriptor> hold(const std::string& path)
{
    host::Descriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder || flock(folder.number(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
    struct stat opened{}, named{};
    if (fstat(folder.number(), &opened) != 0 || lstat(path.c_str(), &named) != 0 ||
        opened.st_ino != named.st_ino)
        return std::nullopt;
    return folder;
}

}  // namespace

Result<PassingFolder> PassingFolder::make(const std::string& library, const std::string& name,
                                          const Version& version)
{
    TRY(make_folders(library));
    for (int tries = 0; tries < most_tries; ++tries) {
        std::string path = passing_pattern(library, name, version);
        if (mkdtemp(path.data()) == nullptr)
            return std::unexpected(system_error("make a folder in " + library, errno));
        // Somebody who clears up may have been quicker.
        std::optional<host::Descriptor> held = hold(path);
        if (!held) continue;
        PassingFolder made;
        made.path_ = path;
        made.held_ = std::move(*held);
        return made;
    }
    return fail(ErrorKind::busy, fmt::format("each folder that is made in {} is taken away", library));
}

Result<std::optional<PassingFolder>> PassingFolder::of_version(const std::string& library,
                                                               const std::string& name,
                                                               const Version& version)
{
    const std::string folder = fmt::format("{}/{}/{}", library, name, version.text);
    std::optional<host::Descriptor> held = hold(folder);
    if (!held) {
        if (access(folder.c_str(), F_OK) != 0) return std::nullopt;
        return fail(ErrorKind::busy, folder + " is being removed by somebody else");
    }
    PassingFolder passing = TRY(make(library, name, version));
    // An empty folder gives way; what it held is now held under the same name.
    if (rename(folder.c_str(), passing.path_.c_str()) != 0)
        return std::unexpected(system_error("rename " + folder, errno));
    passing.held_ = std::move(*held);
    TRY(sync_folder(fmt::format("{}/{}", library, name)));
    return std::optional<PassingFolder>(std::move(passing));
}

PassingFolder::PassingFolder(PassingFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), held_(std::move(other.held_))
{
}

PassingFolder::~PassingFolder()
{
    // What cannot be removed stays a leftover, which is found.
    if (!path_.empty()) static_cast<void>(remove_tree(path_).has_value());
}

Result<void> PassingFolder::sync() const
{
    if (syncfs(held_.number()) != 0) return std::unexpected(system_error("sync " + path_, errno));
    return {};
}

Result<void> PassingFolder::become(const std::string& version_folder)
{
    const std::string above = std::filesystem::path(version_folder).parent_path().string();
    TRY(make_folders(above));
    if (fchmod(held_.number(), folder_mode) != 0)
        return std::unexpected(system_error("set the mode of " + path_, errno));
    // One that is there is not empty, so it is never replaced.
    if (rename(path_.c_str(), version_folder.c_str()) != 0) {
        if (errno == EEXIST || errno == ENOTEMPTY)
            return fail(ErrorKind::refused, version_folder + " is there already");
        return std::unexpected(system_error("rename " + path_, errno));
    }
    path_.clear();
    return sync_folder(above);
}

Result<void> PassingFolder::remove()
{
    const std::string library = std::filesystem::path(path_).parent_path().string();
    TRY(remove_tree(std::exchange(path_, {})));
    return sync_folder(library);
}

bool is_passing_name(std::string_view name)
{
    return name.size() > random_part.size() && name.front() == '.' &&
           name[name.size() - random_part.size()] == '.' && name.find('-') != std::string_view::npos;
}

Result<void> make_folders(const std::string& folder)
{
    struct stat status{};
    if (stat(folder.c_str(), &status) == 0) return {};
    const std::string above = std::filesystem::path(folder).parent_path().string();
    if (above != folder && !above.empty()) TRY(make_folders(above));
    // Whatever the umask: what is in it is started by others.
    const bool is_made = mkdir(folder.c_str(), folder_mode) == 0;
    if ((!is_made && errno != EEXIST) || (is_made && chmod(folder.c_str(), folder_mode) != 0))
        return std::unexpected(system_error("make " + folder, errno));
    return sync_folder(above.empty() ? "." : above);
}

}  // namespace belay::upgrade::image
