#include "backup/pipeline/early_listing.h"

namespace belay::backup {
namespace {

bool is_same(const timespec& a, const timespec& b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// Whatever comes, goes or is renamed in a folder changes these times.
bool is_as_it_was(const struct stat& now, const struct stat& then)
{
    return now.st_dev == then.st_dev && now.st_ino == then.st_ino && is_same(now.st_mtim, then.st_mtim) &&
           is_same(now.st_ctim, then.st_ctim);
}

}  // namespace

EarlyListing::EarlyListing(Options options) : options_(std::move(options)), thread_([this] { walk(); }) {}

EarlyListing::~EarlyListing()
{
    stop();
    thread_.join();
}

void EarlyListing::walk()
{
    std::vector<Place> folders;
    for (const std::string& path : options_.paths) folders.push_back({path});
    // Deepest first and the last of them first, as those who take them go.
    while (!folders.empty() && !stops_) {
        const Place place = std::move(folders.back());
        folders.pop_back();
        const auto handle = std::make_shared<host::Descriptor>(open_place(place, O_RDONLY | O_DIRECTORY));
        if (!*handle) continue;
        Result<Listing> listing = list_entries(handle->number(), place.path);
        if (!listing) continue;
        for (const ListedEntry& entry : listing->entries) {
            if (!S_ISDIR(entry.status.st_mode)) continue;
            if (options_.one_file_system && entry.status.st_dev != listing->folder.st_dev) continue;
            std::string path = path_below(place.path, entry.name);
            if (options_.is_excluded && options_.is_excluded(path, true, 0)) continue;
            folders.push_back({std::move(path), handle});
        }
        if (!keep(place.path, *std::move(listing))) return;
    }
}

bool EarlyListing::keep(const std::string& path, Listing listing)
{
    const std::lock_guard lock(mutex_);
    entries_ += listing.entries.size() + 1;
    if (entries_ > most_entries) return false;
    found_.emplace(path, std::move(listing));
    return true;
}

std::optional<Listing> EarlyListing::take(const std::string& path, int folder)
{
    const std::lock_guard lock(mutex_);
    auto found = found_.extract(path);
    if (found.empty()) return std::nullopt;
    entries_ -= found.mapped().entries.size() + 1;
    struct stat now = {};
    const bool stands = std::chrono::steady_clock::now() - begun_ < lasts && ::fstat(folder, &now) == 0 &&
                        is_as_it_was(now, found.mapped().folder);
    if (!stands) return std::nullopt;
    return std::move(found.mapped());
}

}  // namespace belay::backup
