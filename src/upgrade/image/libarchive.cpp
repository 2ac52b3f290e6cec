#include "upgrade/image/libarchive.h"

#include "upgrade/image/paths.h"

#include <sys/stat.h>

namespace belay::upgrade::image {
namespace {

constexpr uint32_t permission_bits = 0777;

unsigned library_type(EntryType type)
{
    switch (type) {
        case EntryType::file:
            return AE_IFREG;
        case EntryType::folder:
            return AE_IFDIR;
        case EntryType::link:
            return AE_IFLNK;
    }
    return AE_IFREG;
}

Result<EntryType> type_of(unsigned type, std::string_view path)
{
    if (type == AE_IFREG) return EntryType::file;
    if (type == AE_IFDIR) return EntryType::folder;
    if (type == AE_IFLNK) return EntryType::link;
    std::string_view name = "no file, folder or link";
    if (type == AE_IFBLK || type == AE_IFCHR) name = "a device";
    if (type == AE_IFIFO) name = "a fifo";
    if (type == AE_IFSOCK) name = "a socket";
    return fail(ErrorKind::refused,
                fmt::format("{} is {}; an image has files, folders and links alone", path, name));
}

}  // namespace

std::string said_by(archive* of)
{
    const char* said = ::archive_error_string(of);
    return said == nullptr ? "no reason was given" : said;
}

void fill(archive_entry* into, const std::string& path, const ListedEntry& entry)
{
    ::archive_entry_clear(into);
    ::archive_entry_copy_pathname(into, path.c_str());
    ::archive_entry_set_filetype(into, library_type(entry.type));
    ::archive_entry_set_perm(into, static_cast<mode_t>(entry.mode));
    if (entry.type == EntryType::file) ::archive_entry_set_size(into, static_cast<int64_t>(entry.size.count));
    if (entry.type == EntryType::link) ::archive_entry_copy_symlink(into, entry.target.c_str());
}

Result<ListedEntry> entry_of(archive_entry* from)
{
    const char* name = ::archive_entry_pathname(from);
    if (name == nullptr) return fail(ErrorKind::refused, "an entry of the image has no name");
    ListedEntry entry;
    entry.path = name;
    if (const char* other = ::archive_entry_hardlink(from))
        return fail(ErrorKind::refused,
                    fmt::format("{} is a hard link to {}; an image has none", name, other));
    entry.type = TRY(type_of(::archive_entry_filetype(from), entry.path));
    const auto mode = static_cast<uint32_t>(::archive_entry_perm(from));
    if ((mode & ~permission_bits) != 0)
        return fail(
            ErrorKind::refused,
            fmt::format("{} has mode {:o}: set-user-id, set-group-id and sticky bits are not for an image",
                        name, mode));
    entry.mode = entry.type == EntryType::link ? permission_bits : mode;
    if (entry.type == EntryType::file) {
        if (!::archive_entry_size_is_set(from) || ::archive_entry_size(from) < 0)
            return fail(ErrorKind::corrupt, fmt::format("{} has no size", name));
        entry.size = Bytes{static_cast<uint64_t>(::archive_entry_size(from))};
    }
    if (entry.type == EntryType::link) {
        const char* target = ::archive_entry_symlink(from);
        entry.target = target == nullptr ? "" : target;
    }
    return entry;
}

}  // namespace belay::upgrade::image
