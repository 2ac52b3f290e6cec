#include "backup/backend/backend.h"

#include <algorithm>

namespace belay::backup {

std::vector<Id> ids_of(const std::vector<ListedFile>& files)
{
    std::vector<Id> ids;
    for (const ListedFile& file : files) ids.push_back(file.id);
    std::ranges::sort(ids);
    return ids;
}

std::string_view folder_of(FileKind kind)
{
    switch (kind) {
        case FileKind::config:
            return "config";
        case FileKind::key:
            return "keys";
        case FileKind::lock:
            return "locks";
        case FileKind::snapshot:
            return "snapshots";
        case FileKind::index:
            return "index";
        case FileKind::pack:
            return "data";
    }
    return {};
}

std::string FileName::text() const
{
    constexpr std::string_view names[] = {"config", "key", "lock", "snapshot", "index", "pack"};
    const std::string_view name = names[static_cast<size_t>(kind)];
    return kind == FileKind::config ? std::string(name) : fmt::format("{} {}", name, id.short_hex());
}

}  // namespace belay::backup
