#include "upgrade/carrier.h"

#include "base/digest.h"
#include "host/descriptor.h"
#include "upgrade/image/expansion.h"
#include "upgrade/image/folder_tree.h"
#include "upgrade/image/frames.h"
#include "upgrade/image/library.h"
#include "upgrade/image/passing_folder.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::upgrade {

Carrier::~Carrier()
{
    std::map<std::string, std::shared_ptr<Work>> works;
    {
        const std::lock_guard lock(mutex_);
        works.swap(works_);
    }
    // Their threads are waited for without the mutex, which they take.
    works.clear();
}

std::string Carrier::incoming(const std::string& file) const
{
    return fmt::format("{}/.incoming-{}", options_.images, file);
}

std::optional<Carrier::Way> Carrier::way_of(const std::string& file) const
{
    const std::lock_guard lock(mutex_);
    const auto found = works_.find(file);
    return found == works_.end() ? std::nullopt : std::optional(found->second->way);
}

bool Carrier::has_part_of(const std::string& file) const
{
    return access(incoming(file).c_str(), F_OK) == 0;
}

void Carrier::begin(const Delivery& delivery)
{
    std::shared_ptr<Work> ended;  // its thread is over, and is waited for without the mutex
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Work>& work = works_[delivery.file];
    if (work && !work->way.has_ended) return;
    ended = std::exchange(work, std::make_shared<Work>());
    work->way.total = 2 * delivery.bytes;
    work->thread = std::jthread([this, delivery](const std::stop_token& stop) {
        const Result<void> brought = bring(delivery, stop);
        const std::lock_guard lock_at_end(mutex_);
        const auto found = works_.find(delivery.file);
        if (found == works_.end() || stop.stop_requested()) return;
        found->second->way.has_ended = true;
        if (!brought) found->second->way.problem = brought.error();
    });
}

void Carrier::give_up(const std::string& file)
{
    std::shared_ptr<Work> work;
    {
        const std::lock_guard lock(mutex_);
        const auto found = works_.find(file);
        if (found != works_.end()) {
            work = std::move(found->second);
            works_.erase(found);
        }
    }
    work.reset();  // waits for its thread
    unlink(incoming(file).c_str());
}

Result<void> Carrier::clear_away(const std::string& file) const
{
    if (const auto way = way_of(file); way && !way->has_ended) return {};
    unlink(incoming(file).c_str());
    if (access(options_.images.c_str(), F_OK) != 0) return {};
    return image::sync_folder(options_.images);
}

void Carrier::say(const std::string& file, uint64_t done)
{
    const std::lock_guard lock(mutex_);
    if (const auto found = works_.find(file); found != works_.end()) found->second->way.done = done;
}

Result<void> Carrier::bring(const Delivery& delivery, const std::stop_token& stop)
{
    Result<std::string> path = options_.here(delivery.file);
    const bool was_here = path.has_value();
    if (!path) path = fetch(delivery, stop);
    if (!path) return std::unexpected(path.error());
    const auto progress = [&](Bytes done, Bytes total) -> Result<void> {
        if (stop.stop_requested()) return fail(ErrorKind::unavailable, "this daemon ends");
        const double part =
            total.count == 0 ? 0 : static_cast<double>(done.count) / static_cast<double>(total.count);
        say(delivery.file,
            delivery.bytes + static_cast<uint64_t>(part * static_cast<double>(delivery.bytes)));
        return {};
    };
    const std::vector<image::PublicKey> keys = TRY(image::read_public_keys(options_.keys));
    // Of one that was killed while it unpacked.
    TRY(image::remove_leftovers(options_.images));
    const Result<image::Expanded> installed = image::expand(*path, keys, options_.images, progress);
    // Where it was cut short its file is wanted again.
    if (!was_here && !stop.stop_requested()) unlink(path->c_str());
    if (!installed) return std::unexpected(installed.error());
    return {};
}

/// The whole file, held against its digest. What is here of it already counts.
Result<std::string> Carrier::fetch(const Delivery& delivery, const std::stop_token& stop)
{
    TRY(image::make_folders(options_.images));
    std::string path = incoming(delivery.file);
    const host::Descriptor file(
        open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return std::unexpected(system_error("open " + path, errno));
    const off_t size = lseek(file.number(), 0, SEEK_END);
    if (size < 0) return std::unexpected(system_error("look at " + path, errno));
    uint64_t done = static_cast<uint64_t>(size);
    if (done < delivery.bytes) {
        TRY(options_.fetch(
            delivery.file, done,
            [&](std::string_view bytes) -> Result<void> {
                if (stop.stop_requested()) return fail(ErrorKind::unavailable, "this daemon ends");
                if (bytes.size() > delivery.bytes - done)
                    return fail(ErrorKind::corrupt, "more came than the image has");
                TRY(image::write_all(file.number(), bytes));
                done += bytes.size();
                say(delivery.file, done);
                return {};
            },
            stop));
    }
    const std::string digest = TRY(sha256_of_file(path));
    if (digest == delivery.file) return path;
    unlink(path.c_str());
    return fail(ErrorKind::corrupt,
                fmt::format("what came as {} {} is not what was sent", delivery.image, delivery.version),
                "the same once more; if it happens again: the network, or the disk of the controller");
}

}  // namespace belay::upgrade
