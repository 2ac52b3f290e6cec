#include "upgrade/image/folder_tree.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/xattr.h>

namespace belay::upgrade::image {
namespace {

constexpr uint32_t kept_bits = 0777, refused_bits = 07000;
constexpr const char* own_folder = ".image";

std::unexpected<Error> no_entry(const std::string& path, std::string_view reason)
{
    return fail(ErrorKind::refused, fmt::format("{} {}", path, reason), "leave it out of the image");
}

Result<ListedEntry> entry_at(const std::string& root, const std::string& path, const struct stat& status)
{
    const std::string full = root + "/" + path;
    ListedEntry entry{.path = path, .mode = status.st_mode & kept_bits};
    if (S_ISLNK(status.st_mode)) {
        entry.type = EntryType::link;
        entry.mode = kept_bits;
        std::error_code problem;
        entry.target = std::filesystem::read_symlink(full, problem).string();
        if (problem) return std::unexpected(system_error("read the link " + full, problem.value()));
        return entry;
    }
    if ((status.st_mode & refused_bits) != 0)
        return no_entry(
            full, fmt::format("has mode {:o}: set-user-id, set-group-id and sticky bits are not for an image",
                              status.st_mode & (kept_bits | refused_bits)));
    if (S_ISDIR(status.st_mode)) {
        entry.type = EntryType::folder;
        return entry;
    }
    if (!S_ISREG(status.st_mode)) return no_entry(full, "is no file, folder or link");
    if (lgetxattr(full.c_str(), "security.capability", nullptr, 0) > 0)
        return no_entry(full, "has capabilities: an image gives nobody rights");
    entry.size = Bytes{static_cast<uint64_t>(status.st_size)};
    return entry;
}

Result<void> look_below(const std::string& root, const std::string& folder, bool is_installed,
                        FolderTree& tree)
{
    std::error_code problem;
    const std::string full = folder.empty() ? root : root + "/" + folder;
    for (std::filesystem::directory_iterator each(full, problem), end; !problem && each != end;
         each.increment(problem)) {
        const std::string name = each->path().filename().string();
        if (is_installed && folder.empty() && name == own_folder) continue;
        const std::string path = folder.empty() ? name : fmt::format("{}/{}", folder, name);
        struct stat status{};
        if (lstat(each->path().c_str(), &status) != 0)
            return std::unexpected(system_error(fmt::format("look at {}/{}", root, path), errno));
        ListedEntry entry = TRY(entry_at(root, path, status));
        // A folder's time is that of the last copy of it, not of what is in it.
        if (entry.type == EntryType::file)
            tree.newest = std::max<int64_t>(tree.newest, status.st_mtim.tv_sec);
        tree.listing.entries.push_back(entry);
        if (entry.type == EntryType::folder) TRY(look_below(root, path, is_installed, tree));
    }
    if (problem) return std::unexpected(system_error("list " + full, problem.value()));
    return {};
}

}  // namespace

Result<host::Descriptor> open_file_below(const std::string& root, const std::string& path)
{
    const std::string full = root + "/" + path;
    host::Descriptor file(open(full.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!file) return std::unexpected(system_error("open " + full, errno));
    return file;
}

Result<FolderTree> look_at_folder(const std::string& root, bool is_installed)
{
    FolderTree tree;
    TRY(look_below(root, "", is_installed, tree));
    TRY(put_in_order(tree.listing.entries));
    return tree;
}

Result<void> remove_tree(const std::string& folder)
{
    std::error_code problem;
    // What an image forbids to write to is removed all the same.
    for (std::filesystem::recursive_directory_iterator each(folder, problem), end; !problem && each != end;
         each.increment(problem)) {
        std::error_code ignored;
        if (each->is_directory(ignored) && !each->is_symlink(ignored))
            std::filesystem::permissions(each->path(), std::filesystem::perms::owner_all,
                                         std::filesystem::perm_options::add, problem);
    }
    if (!problem) std::filesystem::remove_all(folder, problem);
    if (problem) return std::unexpected(system_error("remove " + folder, problem.value()));
    return {};
}

Result<void> sync_folder(const std::string& folder)
{
    const host::Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || fsync(opened.number()) != 0)
        return std::unexpected(system_error("sync the folder " + folder, errno));
    return {};
}

}  // namespace belay::upgrade::image
