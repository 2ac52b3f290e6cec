#include "backup/block/device_restoring.h"

#include "backup/block/image_plan.h"
#include "backup/block/restore_target.h"
#include "backup/pipeline/workers.h"

#include <algorithm>

namespace belay::backup {
namespace {

/// Bytes between two wanted blobs that are read along: cheaper than another request.
constexpr uint64_t gap_read_along = 256 << 10;
/// Of a pack at once.
constexpr uint64_t read_at_once = 16 << 20;
/// Folders above an image.
constexpr size_t deepest_image = 64;

class DeviceRestorer {
  public:
    DeviceRestorer(const Repository& repository, const ImagePlan& plan, RestoreTarget& target,
                   const DeviceRestoringOptions& options, DeviceRestoringObserver& observer,
                   DeviceRestoringSummary& summary)
        : repository_(repository),
          plan_(plan),
          target_(target),
          options_(options),
          observer_(observer),
          summary_(summary),
          workers_(options.threads != 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency()))
    {
    }

    Result<void> run()
    {
        if (plan_.chunks.empty()) return target_.sync();
        // What is there now must not look like the image's beginning, or any other's, as long as this runs.
        const ImageChunk& first = plan_.chunks.front();
        TRY(target_.write_zeros({first.offset, first.length}));
        TRY(target_.sync());
        for (const ImagePack& pack : plan_.packs) workers_.add(Urgency::file, [&] { restore_pack(pack); });
        workers_.add(Urgency::chunk, [this] { restore_zeros(); });
        workers_.wait_until_idle();
        TRY(first_error());
        TRY(target_.sync());
        restore_first(first);
        TRY(first_error());
        TRY(target_.sync());
        return options_.verify ? verify() : Result<void>();
    }

  private:
    /// The target cannot be written: that ends it all.
    void stop(const Error& error)
    {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
        stopped_ = true;
    }
    Result<void> first_error()
    {
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        return {};
    }

    void problem(const ImageChunk& chunk, const Error& error)
    {
        ++summary_.problems;
        Error told = error;
        told.what = fmt::format("{} bytes at byte {} of {} are not restored: {}", chunk.length, chunk.offset,
                                options_.target, error.what);
        observer_.problem(told);
    }

    void restore_zeros()
    {
        for (size_t number = 1; number < plan_.chunks.size() && !stopped_;) {
            Extent run{plan_.chunks[number].offset, 0};
            for (; number < plan_.chunks.size() && plan_.chunks[number].is_zeros; ++number)
                run.length += plan_.chunks[number].length;
            if (run.length == 0) {
                ++number;
                continue;
            }
            if (const Result<void> done = make_zeros(run); !done) return stop(done.error());
            summary_.bytes_done += run.length;
        }
    }

    /// Where it is asked for they are looked at first: a thin volume stays thin.
    Result<void> make_zeros(const Extent& run)
    {
        if (target_.is_zero()) return {};
        if (!options_.compare) return target_.write_zeros(run);
        std::string there;
        for (uint64_t at = run.offset; at < run.end();) {
            there.resize(std::min<uint64_t>(1 << 20, run.end() - at));
            TRY(target_.read(at, there));
            if (there.find_first_not_of('\0') != std::string::npos)
                TRY(target_.write_zeros({at, there.size()}));
            else
                summary_.bytes_there += there.size();
            at += there.size();
        }
        return {};
    }

    void restore_pack(const ImagePack& pack)
    {
        const auto end_of = [&](size_t part) {
            return uint64_t{pack.parts[part].blob.offset} + pack.parts[part].blob.length;
        };
        for (size_t first = 0; first < pack.parts.size() && !stopped_;) {
            const uint64_t begin = pack.parts[first].blob.offset;
            uint64_t end = end_of(first);
            size_t last = first;
            while (last + 1 < pack.parts.size() && pack.parts[last + 1].blob.offset <= end + gap_read_along &&
                   end_of(last + 1) - begin <= read_at_once)
                end = std::max(end, end_of(++last));
            restore_parts(pack, first, last, {begin, end - begin});
            first = last + 1;
        }
    }

    /// Parts first..last of a pack, which lie in `place` and are read at once.
    void restore_parts(const ImagePack& pack, size_t first, size_t last, const Extent& place)
    {
        const Result<std::string> bytes =
            repository_.backend().load({FileKind::pack, pack.id}, place.offset, place.length);
        Result<std::string> content = std::string();
        const PackedBlob* opened = nullptr;
        for (size_t part = first; part <= last && !stopped_; ++part) {
            const auto& [blob, number] = pack.parts[part];
            // One blob may be many chunks.
            if (opened == nullptr || opened->offset != blob.offset) {
                content =
                    bytes
                        ? open_blob(repository_.key(), blob,
                                    std::string_view(*bytes).substr(blob.offset - place.offset, blob.length))
                        : std::unexpected(bytes.error());
                // The same blob may lie in another pack as well.
                if (!content) content = repository_.load_blob(BlobType::data, blob.id);
                opened = &blob;
            }
            write_chunk(plan_.chunks[number], content, options_.compare);
        }
    }

    void restore_first(const ImageChunk& first)
    {
        if (first.is_zeros) {
            summary_.bytes_done += first.length;
            return;
        }
        write_chunk(first, repository_.load_blob(BlobType::data, first.id), false);
    }

    void write_chunk(const ImageChunk& chunk, const Result<std::string>& content, bool compare)
    {
        summary_.bytes_done += chunk.length;
        if (!content) return problem(chunk, content.error());
        thread_local std::string there;
        if (compare) {
            there.resize(content->size());
            if (target_.read(chunk.offset, there) && there == *content) {
                summary_.bytes_there += chunk.length;
                return;
            }
        }
        if (const Result<void> written = target_.write(chunk.offset, *content); !written)
            return stop(written.error());
        summary_.bytes_written += chunk.length;
    }

    Result<void> verify()
    {
        TRY(target_.forget_cache());
        constexpr size_t at_once = 64;
        for (size_t begin = 0; begin < plan_.chunks.size(); begin += at_once)
            workers_.add(Urgency::file, [this, begin] {
                for (size_t i = begin; i < std::min(begin + at_once, plan_.chunks.size()); ++i)
                    verify_chunk(plan_.chunks[i]);
            });
        workers_.wait_until_idle();
        return {};
    }

    void verify_chunk(const ImageChunk& chunk)
    {
        thread_local std::string there;
        there.resize(chunk.length);
        const Result<void> read = target_.read(chunk.offset, there);
        if (!read) return problem(chunk, read.error());
        if (Id::of(there) != chunk.id)
            return problem(chunk, {ErrorKind::corrupt, "what reads back is not what was written"});
        summary_.bytes_verified += chunk.length;
    }

    const Repository& repository_;
    const ImagePlan& plan_;
    RestoreTarget& target_;
    const DeviceRestoringOptions& options_;
    DeviceRestoringObserver& observer_;
    DeviceRestoringSummary& summary_;
    std::mutex mutex_;
    std::optional<Error> error_;
    std::atomic<bool> stopped_ = false;
    Workers workers_;  ///< last: its threads end before the rest goes
};

}  // namespace

Result<Node> image_in(const Repository& repository, const Id& tree)
{
    Id folder = tree;
    for (size_t depth = 0; depth < deepest_image; ++depth) {
        const std::string text = TRY(repository.load_blob(BlobType::tree, folder));
        std::vector<Node> nodes = TRY(read_tree(text));
        if (nodes.size() > 1)
            return fail(ErrorKind::refused,
                        "the snapshot holds more than one file: it is no image of a device");
        if (nodes.empty()) break;
        if (nodes.front().type == NodeType::file) return std::move(nodes.front());
        if (!nodes.front().subtree) break;
        folder = *nodes.front().subtree;
    }
    return fail(ErrorKind::not_found, "the snapshot holds no image of a device");
}

Result<void> restore_device(const Repository& repository, const Node& image,
                            const DeviceRestoringOptions& options, DeviceRestoringObserver& observer,
                            DeviceRestoringSummary& summary)
{
    if (image.type != NodeType::file)
        return fail(ErrorKind::refused, fmt::format("{} is no file, and so no image", image.name));
    const ImagePlan plan = TRY(ImagePlan::make(repository, image));
    summary.bytes_total = image.size;
    RestoreTarget target = TRY(RestoreTarget::open(options.target, image.size,
                                                   {.allow_in_use = options.allow_in_use,
                                                    .overwrite_file = options.overwrite_file,
                                                    .is_zero = options.target_is_zero}));
    return DeviceRestorer(repository, plan, target, options, observer, summary).run();
}

}  // namespace belay::backup
