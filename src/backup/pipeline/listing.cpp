#include "backup/pipeline/listing.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>

namespace belay::backup {

std::string path_below(const std::string& folder, const std::string& name)
{
    return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

host::Descriptor open_place(const Place& place, int flags)
{
    const std::string name = place.name();
    flags |= O_CLOEXEC | O_NOFOLLOW;
    host::Descriptor file(::openat(place.folder(), name.c_str(), flags | O_NOATIME));
    if (!file && errno == EPERM) file = host::Descriptor(::openat(place.folder(), name.c_str(), flags));
    return file;
}

Result<Listing> list_entries(int folder, const std::string& path)
{
    const auto cannot_list = [&] {
        return std::unexpected(system_error(fmt::format("list {}", path), errno));
    };
    Listing listing;
    if (::fstat(folder, &listing.folder) != 0) return cannot_list();
    const int copy = ::fcntl(folder, F_DUPFD_CLOEXEC, 3);
    DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
    if (stream == nullptr) return cannot_list();
    const std::unique_ptr<DIR, int (*)(DIR*)> closes(stream, ::closedir);
    for (;;) {
        errno = 0;
        const dirent* found = ::readdir(stream);  // NOLINT(concurrency-mt-unsafe): a stream of its own
        if (found == nullptr) break;
        const std::string_view name = found->d_name;
        if (name != "." && name != "..") listing.entries.push_back({.name = std::string(name)});
    }
    if (errno != 0) return cannot_list();
    listing.entries.shrink_to_fit();
    std::ranges::sort(listing.entries, {}, &ListedEntry::name);
    for (ListedEntry& entry : listing.entries)
        if (::fstatat(folder, entry.name.c_str(), &entry.status, AT_SYMLINK_NOFOLLOW) != 0)
            entry.problem = errno;
    return listing;
}

}  // namespace belay::backup
