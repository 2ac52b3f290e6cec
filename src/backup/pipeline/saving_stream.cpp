#include "backup/pipeline/saving_stream.h"

#include "backup/pipeline/pieces.h"
#include "backup/pipeline/workers.h"
#include "backup/repository/chunker.h"
#include "backup/repository/this_process.h"

#include <algorithm>
#include <unistd.h>

namespace belay::backup {
namespace {

/// Chunks of one stream, stored by workers while more of it is read.
class StreamSaver {
  public:
    StreamSaver(Repository& repository, const SavingOptions& options, BlobWriter& writer,
                SavingSummary& summary)
        : options_(options),
          writer_(writer),
          summary_(summary),
          chunker_(repository.config().polynomial),
          threads_(options.threads != 0 ? options.threads
                                        : std::max(1U, std::thread::hardware_concurrency())),
          workers_(threads_)
    {
    }

    /// The ids of its chunks.
    Result<std::vector<Id>> save(const ReadStream& read)
    {
        const auto read_room = [&](std::span<char> room) { return fill(room, read); };
        auto next = std::make_shared<PieceAhead>(pieces_.take(Pieces::size), read_room);
        Cutter cutter(chunker_);
        std::shared_ptr<ReadPiece> piece;  // outlives the rest, which lies in it
        for (bool at_end = false; !at_end;) {
            PieceAhead::Done done = TRY(next->take());
            at_end = done.at_end;
            summary_.bytes += done.piece->bytes().size();
            if (!at_end) {
                next = std::make_shared<PieceAhead>(pieces_.take(Pieces::size), read_room);
                workers_.add(Urgency::piece, [next] { next->help(); });
            }
            done.piece->put_before(cutter.rest());
            piece = std::move(done.piece);
            cutter.go_on(piece->bytes(), at_end);
            while (const auto chunk = cutter.next()) store(piece, *chunk);
            const std::lock_guard lock(mutex_);
            if (error_) return std::unexpected(*error_);
        }
        workers_.wait_until_idle();
        if (error_) return std::unexpected(*error_);
        return std::move(ids_);
    }

  private:
    /// Reads on until the room is full or the stream has ended; how much.
    Result<size_t> fill(std::span<char> room, const ReadStream& read) const
    {
        size_t have = 0;
        while (have < room.size()) {
            if (options_.is_given_up != nullptr && *options_.is_given_up)
                return fail(ErrorKind::refused, "given up; there is no snapshot of it");
            const size_t count = TRY(read(room.subspan(have)));
            if (count == 0) break;
            have += count;
        }
        return have;
    }

    void store(const std::shared_ptr<ReadPiece>& piece, std::string_view chunk)
    {
        const size_t number = count_++;
        const auto work = [this, piece, chunk, number] {
            const Id id = Id::of(chunk);
            const Result<bool> stored = writer_.put(BlobType::data, id, chunk);
            const std::lock_guard lock(mutex_);
            if (ids_.size() <= number) ids_.resize(number + 1);
            ids_[number] = id;
            if (!stored && !error_) error_ = stored.error();
        };
        // Who reads works along where the workers have enough: that bounds memory.
        if (workers_.waiting(Urgency::chunk) >= 2 * threads_)
            work();
        else
            workers_.add(Urgency::chunk, work);
    }

    const SavingOptions& options_;
    BlobWriter& writer_;
    SavingSummary& summary_;
    Chunker chunker_;
    size_t threads_;
    size_t count_ = 0;
    std::mutex mutex_;
    std::vector<Id> ids_;
    std::optional<Error> error_;
    Pieces pieces_;
    Workers workers_;  ///< last: its threads end before the rest goes
};

Node node_of_stream(const Timestamp& time, std::vector<Id> content, uint64_t size)
{
    return {.mode = 0644,
            .mtime = time,
            .atime = time,
            .ctime = time,
            .uid = ::geteuid(),
            .gid = ::getegid(),
            .user = user_name(),
            .size = size,
            .links = 1,
            .content = std::move(content)};
}

/// The trees of a path with one file at its end; the root's.
Result<Id> save_way(BlobWriter& writer, const std::string& path, Node node)
{
    std::string rest = path;
    for (;;) {
        const size_t slash = rest.rfind('/');
        node.name = rest.substr(slash + 1);
        rest.resize(slash);
        const std::string text = tree_text(std::span(&node, 1));
        const Id id = Id::of(text);
        TRY(writer.put(BlobType::tree, id, text));
        if (rest.empty()) return id;
        node = Node{.type = NodeType::dir,
                    .mode = 0755,
                    .mtime = node.mtime,
                    .atime = node.atime,
                    .ctime = node.ctime,
                    .uid = node.uid,
                    .gid = node.gid,
                    .user = node.user,
                    .subtree = id};
    }
}

}  // namespace

Result<void> save_stream(Repository& repository, const SavingOptions& options, const std::string& path,
                         const ReadStream& read, SavingObserver& observer, SavingSummary& summary)
{
    BlobWriter writer(repository, options.writer);
    Result<std::vector<Id>> content = StreamSaver(repository, options, writer, summary).save(read);
    if (!content) {
        static_cast<void>(writer.finish());  // the next run finds what was stored
        return std::unexpected(std::move(content).error());
    }
    const Timestamp time = options.time.value_or(Timestamp::now());
    const Node node = node_of_stream(time, *std::move(content), summary.bytes);
    const Id root = TRY(save_way(writer, path, node));
    TRY(writer.finish());
    ++summary.files.is_new;
    observer.done(path, node, Compared::is_new);
    summary.written = writer.written();
    if (options.writer.dry_run) return {};
    summary.snapshot = TRY(save_snapshot(repository, options, {path}, root));
    return {};
}

}  // namespace belay::backup
