#include "backup/pipeline/restoring.h"

#include "backup/pipeline/page_cache.h"
#include "backup/pipeline/restore_plan.h"
#include "backup/pipeline/restored_file.h"
#include "backup/pipeline/workers.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <unordered_set>

namespace belay::backup {
namespace {

/// Bytes between two wanted blobs that are read along: cheaper than another request.
constexpr uint64_t small_gap = 256 << 10;
/// Of a pack at once, so that memory is bounded whatever a pack's size.
constexpr uint64_t most_at_once = 4 << 20;
/// Who waits for the disk needs no processor meanwhile: so many threads more than there are processors,
/// unless somebody says how many. Each has a run of a pack in memory.
constexpr size_t waiting_threads = 2;
/// A piece from which it is worth while to go past the page cache.
constexpr size_t worth_past_cache = 256 << 10;
/// A chunk, as those who cut content make them.
constexpr size_t most_for_disk = 8 << 20;
/// For a file that somebody writes to already. Each has the content of a blob in memory.
constexpr size_t most_pieces_waiting = 2;
/// Zeros from which room that reads as zeros is cheaper than to write them.
constexpr size_t long_zeros = 64 << 10;

bool is_all_zeros(std::string_view content)
{
    return content.empty() ||
           (content.front() == '\0' && content.substr(1) == content.substr(0, content.size() - 1));
}

class Restorer {
  public:
    Restorer(const Repository& repository, const RestoringOptions& options, RestoringObserver& observer,
             RestoringSummary& summary, RestorePlan plan)
        : repository_(repository),
          options_(options),
          observer_(observer),
          summary_(summary),
          plan_(std::move(plan)),
          open_(open_files),
          goes_past_cache_(summary.bytes >
                           options.page_cache.value_or(room_in_page_cache().value_or(UINT64_MAX)))
    {
    }

    void run()
    {
        make_folders();
        make_empty_files();
        {
            const bool waits_for_disk = goes_past_cache_ && options_.threads == 0;
            Workers workers(threads_or_all(options_.threads) + (waits_for_disk ? waiting_threads : 0));
            for (const PackToRead& pack : plan_.packs)
                workers.add(Urgency::file, [&] { restore_pack(pack); });
            workers.wait_until_idle();
        }
        open_.clear();
        finish();
    }

  private:
    /// Of a blob, for all the places that it goes to.
    struct Content {
        std::string memory;
        std::string_view bytes;  ///< in it
        bool is_all_zeros = false;
    };
    struct PieceWaiting {
        Piece piece;
        std::shared_ptr<const Content> content;
    };
    /// Who comes while another writes leaves its piece there: the kernel lets one at a time write to a file,
    /// and there are other blobs to open.
    struct OpenFile {
        std::mutex mutex;  ///< of these three
        std::condition_variable fewer_wait;
        std::deque<PieceWaiting> waiting;
        bool is_written = false;
        const FileToRestore* file = nullptr;  ///< this and the next are the writer's
        std::optional<RestoredFile> handle;
    };
    /// Files that stay open between pieces: a file's blobs mostly lie side by side.
    static constexpr size_t open_files = 64;

    void problem(const std::string& path, const Error& error)
    {
        ++summary_.problems;
        observer_.problem(path, error);
    }
    void fails(FileToRestore& file, const Error& error)
    {
        if (!file.failed.exchange(true)) problem(file.path, error);
    }

    void make_folders()
    {
        for (const OtherToRestore& folder : plan_.folders) {
            if (is_unreachable(folder.path)) continue;
            if (const Result<void> made = make_folder(folder.path); !made) {
                problem(folder.path, made.error());
                unreachable_.push_back(folder.path + "/");
            }
        }
    }

    /// It lies in a folder that could not be made: in its place may be a link that leads out of the target.
    bool is_unreachable(const std::string& path) const
    {
        return std::ranges::any_of(
            unreachable_, [&](const std::string& folder) { return (path + "/").starts_with(folder); });
    }

    /// Those that get no content from any pack; each of the others is made with its first piece, and gets its
    /// metadata with its last, while it is open.
    void make_empty_files()
    {
        for (FileToRestore& file : plan_.files) {
            if (is_unreachable(file.path)) file.failed = true;
            if (file.failed || file.pieces_left > 0) continue;
            Result<RestoredFile> made = RestoredFile::open(file.path);
            if (!made) {
                fails(file, made.error());
                continue;
            }
            if (const Result<void> sized = made->set_size(0); !sized) {
                fails(file, sized.error());
                continue;
            }
            complete(file, *made);
        }
    }

    void complete(const FileToRestore& file, RestoredFile& handle)
    {
        ++summary_.files;
        if (const Result<void> set = handle.set_metadata(file.node); !set) problem(file.path, set.error());
    }

    void restore_pack(const PackToRead& pack)
    {
        size_t piece = 0;
        for (size_t first = 0; first < pack.blobs.size();) {
            size_t last = first;
            const auto end_of = [&](size_t blob) {
                return uint64_t{pack.blobs[blob].offset} + pack.blobs[blob].length;
            };
            while (last + 1 < pack.blobs.size() && pack.blobs[last + 1].offset - end_of(last) <= small_gap &&
                   end_of(last + 1) - pack.blobs[first].offset <= most_at_once)
                ++last;
            restore_run(pack, first, last, piece);
            first = last + 1;
        }
    }

    /// Blobs first..last lie near each other and are read at once. `piece` is the first of theirs, then that
    /// of the next run.
    void restore_run(const PackToRead& pack, size_t first, size_t last, size_t& piece)
    {
        const uint64_t begin = pack.blobs[first].offset;
        const uint64_t size = pack.blobs[last].offset + uint64_t{pack.blobs[last].length} - begin;
        const Result<std::string> bytes = repository_.backend().load({FileKind::pack, pack.id}, begin, size);
        for (size_t blob = first; blob <= last; ++blob) {
            const PackedBlob& one = pack.blobs[blob];
            const Result<std::string_view> sealed =
                bytes ? Result<std::string_view>(
                            std::string_view(*bytes).substr(one.offset - begin, one.length))
                      : std::unexpected(bytes.error());
            const Result<std::shared_ptr<const Content>> opened =
                open_content(one, sealed, pack.pieces[piece].offset);
            for (; piece < pack.pieces.size() && pack.pieces[piece].blob == blob; ++piece) {
                if (opened)
                    hand_over({pack.pieces[piece], opened.value()});
                else
                    fails(plan_.files[pack.pieces[piece].file], opened.error());
            }
        }
    }

    /// What is in a blob whose bytes lie in a pack that was read, or could not be read. `offset` is its first
    /// place in a file.
    Result<std::shared_ptr<const Content>> open_content(const PackedBlob& blob,
                                                        const Result<std::string_view>& bytes,
                                                        uint64_t offset) const
    {
        auto content = std::make_shared<Content>();
        if (!bytes || !open_for_disk(blob, *bytes, offset, *content)) {
            Result<std::string> opened =
                bytes ? open_blob(repository_.key(), blob, *bytes) : std::unexpected(bytes.error());
            // The same blob may lie in another pack as well.
            content->memory =
                TRY(opened ? std::move(opened) : repository_.load_blob(BlobType::data, blob.id));
            content->bytes = content->memory;
        }
        // The places of what follows it were counted by the index.
        if (content->bytes.size() != blob.content_size())
            return fail(ErrorKind::corrupt,
                        fmt::format("data blob {} has {} bytes; by an index it has {}", blob.id.short_hex(),
                                    content->bytes.size(), blob.content_size()));
        const bool may_be_zeros = options_.sparse || content->bytes.size() >= long_zeros;
        content->is_all_zeros = may_be_zeros && is_all_zeros(content->bytes);
        return content;
    }

    /// Where it goes past the page cache, its whole blocks lie in memory as the disk takes them: that saves
    /// a copy. Whether it was done.
    bool open_for_disk(const PackedBlob& blob, std::string_view bytes, uint64_t offset,
                       Content& content) const
    {
        const size_t size = blob.content_size();
        if (!goes_past_cache_ || !blob.is_compressed() || size < worth_past_cache || size > most_for_disk)
            return false;
        content.memory.resize_and_overwrite(size + disk_block, [](char*, size_t room) { return room; });
        const size_t place = (offset - reinterpret_cast<uintptr_t>(content.memory.data())) % disk_block;
        const std::span<char> room(content.memory.data() + place, size);
        content.bytes = {room.data(), room.size()};
        return open_blob_into(repository_.key(), blob, bytes, room).has_value();
    }

    /// Writes a piece, and what others bring meanwhile; or leaves it to the one who writes.
    void hand_over(PieceWaiting piece)
    {
        OpenFile& open = open_[piece.piece.file % open_files];
        std::unique_lock lock(open.mutex);
        open.fewer_wait.wait(lock,
                             [&] { return !open.is_written || open.waiting.size() < most_pieces_waiting; });
        open.waiting.push_back(std::move(piece));
        if (std::exchange(open.is_written, true)) return;
        while (!open.waiting.empty()) {
            const PieceWaiting next = std::move(open.waiting.front());
            open.waiting.pop_front();
            open.fewer_wait.notify_one();
            lock.unlock();
            write_piece(open, next.piece, *next.content);
            lock.lock();
        }
        open.is_written = false;
        open.fewer_wait.notify_all();
    }

    void write_piece(OpenFile& open, const Piece& piece, const Content& content)
    {
        FileToRestore& file = plan_.files[piece.file];
        if (file.failed) return;
        if (open.file != &file || !open.handle) {
            open.handle.reset();
            open.file = &file;
            if (const Result<void> opened = open_file(open, file); !opened)
                return fails(file, opened.error());
        }
        if (const Result<void> put = put_piece(*open.handle, file, piece.offset, content); !put)
            return fails(file, put.error());
        if (--file.pieces_left > 0) return;
        complete(file, *open.handle);
        open.handle.reset();
    }

    /// A new file of one piece has its size when that is written.
    Result<void> open_file(OpenFile& open, FileToRestore& file) const
    {
        open.handle.emplace(TRY(RestoredFile::open(file.path)));
        if (std::exchange(file.was_opened, true)) return {};
        file.had_content = open.handle->had_content();
        if (file.had_content || file.pieces_left > 1 || options_.sparse)
            TRY(open.handle->set_size(file.node.size));
        return {};
    }

    Result<void> put_piece(RestoredFile& handle, const FileToRestore& file, uint64_t offset,
                           const Content& content)
    {
        const std::string_view bytes = content.bytes;
        summary_.bytes_done += bytes.size();
        if (file.had_content && handle.holds(offset, bytes)) {
            summary_.bytes_there += bytes.size();
            return {};
        }
        if (content.is_all_zeros && !file.had_content) {
            if (options_.sparse || handle.make_zeros(offset, bytes.size())) return {};
        }
        if (goes_past_cache_ && bytes.size() >= worth_past_cache &&
            TRY(handle.write_past_cache(offset, bytes)))
            return {};
        return handle.write(offset, bytes);
    }

    void finish()
    {
        const auto set = [&](const std::string& path, const Node& node) {
            if (const Result<void> done = set_metadata(path, node); !done) problem(path, done.error());
        };
        std::unordered_set<std::string_view> failed;
        for (const FileToRestore& file : plan_.files) {
            if (file.failed) failed.insert(file.path);
        }
        for (const OtherToRestore& other : plan_.others) {
            if (is_unreachable(other.path) || is_unreachable(other.link_to)) continue;
            if (failed.contains(other.link_to)) {
                problem(other.path, {ErrorKind::corrupt,
                                     fmt::format("{} is another name of {}, which could not be restored",
                                                 other.path, other.link_to)});
                continue;
            }
            ++summary_.others;
            const Result<void> made = other.link_to.empty() ? make_special(other.path, other.node)
                                                            : make_hard_link(other.path, other.link_to);
            if (!made)
                problem(other.path, made.error());
            else if (other.link_to.empty())
                set(other.path, other.node);
        }
        // What is made in a folder changes its times: those below first.
        for (auto folder = plan_.folders.rbegin(); folder != plan_.folders.rend(); ++folder) {
            if (is_unreachable(folder->path)) continue;
            ++summary_.folders;
            set(folder->path, folder->node);
        }
    }

    const Repository& repository_;
    const RestoringOptions& options_;
    RestoringObserver& observer_;
    RestoringSummary& summary_;
    RestorePlan plan_;
    std::vector<std::string> unreachable_;  ///< folders, with a slash at the end
    std::vector<OpenFile> open_;
    /// More is restored than the page cache takes at once: the disk is waited for in any case.
    const bool goes_past_cache_;
};

/// Tells of nothing before it is known that nobody else has the repository: what is missing in it may have
/// been removed rightly meanwhile.
class ToldWhenSettled final : public RestoringObserver {
  public:
    ToldWhenSettled(RestoringObserver& observer, const std::function<Result<void>()>& may_write)
        : observer_(observer), may_write_(may_write)
    {
    }
    void problem(const std::string& path, const Error& error) override
    {
        if (!may_write_ || may_write_()) observer_.problem(path, error);
    }

  private:
    RestoringObserver& observer_;
    const std::function<Result<void>()>& may_write_;
};

}  // namespace

Result<void> restore_tree(const Repository& repository, const Id& tree, const RestoringOptions& options,
                          RestoringObserver& observer, RestoringSummary& summary)
{
    ToldWhenSettled told(observer, options.may_write);
    Result<RestorePlan> made = RestorePlan::make(repository, tree, options, told, summary);
    if (options.may_write) TRY(options.may_write());
    RestorePlan plan = TRY(std::move(made));
    summary.files_total = plan.files.size();
    if (options.dry_run) {
        summary.files = plan.files.size();
        summary.folders = plan.folders.size();
        summary.others = plan.others.size();
        return {};
    }
    // The target itself and what is above it may be links: they are the person's own.
    std::error_code refused;
    std::filesystem::create_directories(options.target, refused);
    if (refused)
        return std::unexpected(system_error(fmt::format("make {}", options.target), refused.value()));
    Restorer(repository, options, observer, summary, std::move(plan)).run();
    return {};
}

}  // namespace belay::backup
