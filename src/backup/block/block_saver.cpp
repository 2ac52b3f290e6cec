#include "backup/block/device_saving.h"
#include "backup/block/image_reader.h"
#include "backup/block/image_update.h"
#include "backup/repository/node.h"

#include <algorithm>
#include <unistd.h>

namespace belay::backup {
namespace {

/// A device with more bad stretches is failing: what copies such a one tries again and keeps a map.
constexpr uint64_t most_bad_stretches = 1000;

class BlockSaver {
  public:
    BlockSaver(Repository& repository, const BlockSource& source, const UsedBlocks& used,
               const DeviceSavingOptions& options, const std::function<Result<void>()>& still_valid,
               const ImageParent* parent, DeviceSavingObserver& observer, DeviceSavingSummary& summary,
               BlobWriter& writer)
        : source_(source),
          still_valid_(still_valid),
          observer_(observer),
          summary_(summary),
          writer_(writer),
          chunker_(repository.config().polynomial),
          threads_(options.threads != 0 ? options.threads
                                        : std::max(1U, std::thread::hardware_concurrency())),
          workers_(threads_),
          parts_(parts_of(source, used.extents, parent))
    {
    }

    /// The chunks of the image. Errors: those of the repository, and of still_valid.
    Result<std::vector<Id>> run()
    {
        size_t number = 0;
        while (!stopped_) {
            std::optional<ImagePart> part = parts_->next();
            summary_.bytes_done = parts_->bytes_done();
            summary_.bytes_read = parts_->bytes_read();
            if (!part) break;
            if (part->stored) {
                note_ids(number++, 1, *part->stored);
            } else if (part->chunk) {
                store(number++, std::move(part->chunk));
            } else {
                put_zeros(number, *part);
                number += part->count;
            }
        }
        workers_.wait_until_idle();
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        return std::move(content_);
    }

  private:
    std::unique_ptr<ImageParts> parts_of(const BlockSource& source, const Extents& used,
                                         const ImageParent* parent)
    {
        ReadProblem problem = [this](const Extent& extent, const Error& error) { unreadable(extent, error); };
        if (parent != nullptr)
            return std::make_unique<ImageUpdate>(source, used, *parent, chunker_, std::move(problem));
        return std::make_unique<ImageReader>(source, used, chunker_, workers_, std::move(problem),
                                             ImageReader::Options{.read_ahead = 2 * threads_ + 2});
    }

    void stop(const Error& error)
    {
        {
            const std::lock_guard lock(mutex_);
            if (!error_) error_ = error;
        }
        stopped_ = true;
        parts_->stop();
    }

    void unreadable(const Extent& extent, const Error& error)
    {
        // A snapshot that is invalid has nothing to read any more.
        if (const Result<void> valid = still_valid_(); !valid) return stop(valid.error());
        summary_.bytes_lost += extent.length;
        if (++summary_.problems > most_bad_stretches)
            return stop({ErrorKind::io,
                         fmt::format("{} cannot be read at more than {} places: it is failing",
                                     source_.name(), most_bad_stretches),
                         "copy it with ddrescue to another device, and save that one"});
        Error told = error;
        told.what = fmt::format("{} bytes at byte {} of {} cannot be read, and are zeros in the image: {}",
                                extent.length, extent.offset, source_.name(), error.what);
        observer_.problem(told);
    }

    void store(size_t number, std::shared_ptr<const std::string> chunk)
    {
        if (workers_.waiting(Urgency::chunk) >= 2 * threads_) return put_chunk(number, *chunk);
        workers_.add(Urgency::chunk, [this, number, chunk = std::move(chunk)] { put_chunk(number, *chunk); });
    }

    void put_chunk(size_t number, std::string_view chunk)
    {
        if (stopped_) return;
        const Id id = Id::of(chunk);
        note_ids(number, 1, id);
        if (const Result<bool> stored = writer_.put(BlobType::data, id, chunk); !stored) stop(stored.error());
    }

    /// Hashed and stored once, whatever there is of them.
    void put_zeros(size_t number, const ImagePart& part)
    {
        const auto [known, is_new] = zeros_.try_emplace(part.zero_size);
        if (is_new) {
            const std::string zeros(part.zero_size, '\0');
            known->second = Id::of(zeros);
            const Result<bool> stored = writer_.put(BlobType::data, known->second, zeros);
            if (!stored) return stop(stored.error());
        }
        note_ids(number, part.count, known->second);
    }

    void note_ids(size_t number, uint64_t count, const Id& id)
    {
        const std::lock_guard lock(mutex_);
        if (content_.size() < number + count) content_.resize(number + count);
        std::fill_n(content_.begin() + static_cast<std::ptrdiff_t>(number), count, id);
    }

    const BlockSource& source_;
    const std::function<Result<void>()>& still_valid_;
    DeviceSavingObserver& observer_;
    DeviceSavingSummary& summary_;
    BlobWriter& writer_;
    Chunker chunker_;
    size_t threads_;
    std::map<uint64_t, Id> zeros_;  ///< of each size
    std::mutex mutex_;
    std::vector<Id> content_;
    std::optional<Error> error_;
    std::atomic<bool> stopped_ = false;
    Workers workers_;
    std::unique_ptr<ImageParts> parts_;  ///< last: it waits for its pieces while the workers are there
};

Node image_node(const BlockSource& source, const DeviceSavingOptions& options, const Timestamp& time,
                std::vector<Id> content)
{
    Node node;
    node.name = options.image_name.empty() ? image_name_of(options.device) : options.image_name;
    node.mode = 0600;
    node.mtime = node.atime = node.ctime = time;
    node.uid = ::geteuid();
    node.gid = ::getegid();
    node.size = source.size();
    node.links = 1;
    node.content = std::move(content);
    return node;
}

}  // namespace

std::string image_name_of(const std::string& device)
{
    std::string name = device;
    for (const std::string_view folder : {"/dev/mapper/", "/dev/"}) {
        if (!name.starts_with(folder)) continue;
        name = name.substr(folder.size());
        std::ranges::replace(name, '/', '-');
        return name + ".img";
    }
    name = name.substr(name.rfind('/') + 1);
    return name.ends_with(".img") ? name : name + ".img";
}

Result<void> save_blocks(Repository& repository, const BlockSource& source, const UsedBlocks& used,
                         const DeviceSavingOptions& options, const std::function<Result<void>()>& still_valid,
                         DeviceSavingObserver& observer, DeviceSavingSummary& summary,
                         const ImageParent* parent)
{
    summary.bytes_total = source.size();
    summary.bytes_used = total(used.extents);
    summary.content = used.content;
    summary.why_whole = used.why_whole;
    if (parent != nullptr) summary.parent = parent->snapshot;
    const Timestamp time = options.time.value_or(Timestamp::now());
    BlobWriter writer(repository, options.writer);
    std::vector<Id> content;
    {
        BlockSaver saver(repository, source, used, options, still_valid, parent, observer, summary, writer);
        content = TRY(saver.run());
    }
    Node node = image_node(source, options, time, std::move(content));
    if (summary.problems > 0)
        node.error = fmt::format("{} bytes could not be read, and are zeros", summary.bytes_lost.load());
    const std::string text = tree_text({&node, 1});
    const Id tree = Id::of(text);
    TRY(writer.put(BlobType::tree, tree, text));
    TRY(still_valid());
    TRY(writer.finish());
    summary.written = writer.written();
    if (options.writer.dry_run) return {};

    Snapshot snapshot;
    snapshot.time = time;
    snapshot.tree = tree;
    if (parent != nullptr) snapshot.parent = parent->snapshot;
    snapshot.paths = {options.device};
    snapshot.hostname = options.hostname;
    snapshot.username = options.username;
    snapshot.uid = ::geteuid();
    snapshot.gid = ::getegid();
    snapshot.tags = options.tags;
    snapshot.program_version = options.program_version;
    summary.snapshot = TRY(repository.save_text(FileKind::snapshot, snapshot.to_text()));
    return {};
}

}  // namespace belay::backup
