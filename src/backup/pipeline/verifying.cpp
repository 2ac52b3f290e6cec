#include "backup/pipeline/verifying.h"

#include "backup/pipeline/workers.h"
#include "backup/view/tree_walk.h"
#include "host/descriptor.h"

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::backup {
namespace {

/// Of a file by one worker at once: the stretches of a large one are shared out.
constexpr uint64_t stretch_size = 8 << 20;
/// Files that wait for a worker.
constexpr size_t most_waiting = 256;
/// Of a file in memory at once, in each worker; no blob that was written by a tool known to us is larger.
constexpr uint64_t longest_blob = 64 << 20;

std::unexpected<Error> cannot_verify(std::string_view what, const std::string& path)
{
    return std::unexpected(system_error(fmt::format("{} {}", what, path), errno));
}

/// A file that is read, by several workers where it is large.
struct FileToVerify {
    std::string path;
    host::Descriptor file;
    std::vector<Id> blobs;
    std::vector<uint64_t> sizes;  ///< of these
    std::atomic<size_t> stretches_left = 0;
    std::atomic<bool> has_failed = false;
};

/// Blobs first..last-1 of a file, and where they begin.
struct Stretch {
    size_t first = 0, last = 0;
    uint64_t offset = 0;
};

class Verifier {
  public:
    Verifier(const Repository& repository, const RestoringOptions& options, RestoringObserver& observer,
             VerifyingSummary& summary)
        : repository_(repository),
          options_(options),
          observer_(observer),
          summary_(summary),
          workers_(threads_or_all(options.threads))
    {
    }

    Result<void> run(const Id& tree)
    {
        TRY(walk_tree(
            repository_, tree, "",
            [this](const VisitedNode& visited) -> Result<Next> {
                take(visited);
                return Next::enter;
            },
            [this](const std::string& path, const Error& error) { problem(path, error); }));
        workers_.wait_until_idle();
        return {};
    }

  private:
    void problem(const std::string& path, const Error& error)
    {
        ++summary_.problems;
        observer_.problem(path, error);
    }

    void take(const VisitedNode& visited)
    {
        const Node& node = visited.node;
        if (node.type != NodeType::file) return;
        if (options_.is_wanted && !options_.is_wanted(visited.path, false)) return;
        const std::string path = options_.target + visited.path;
        if (node.links > 1 && is_other_name(node, path)) return;
        auto task = [this, path, node] { verify(path, node); };
        if (workers_.waiting(Urgency::file) < most_waiting)
            workers_.add(Urgency::file, std::move(task));
        else
            task();
    }

    /// It leads to the file that was met before under another name.
    bool is_other_name(const Node& node, const std::string& path)
    {
        const auto [first, is_new] = names_.try_emplace({node.device_id, node.inode}, path);
        if (is_new) return false;
        struct stat here = {}, there = {};
        return ::lstat(path.c_str(), &here) == 0 && ::lstat(first->second.c_str(), &there) == 0 &&
               here.st_dev == there.st_dev && here.st_ino == there.st_ino;
    }

    void verify(const std::string& path, const Node& node)
    {
        const auto file = std::make_shared<FileToVerify>();
        file->path = path;
        if (const Result<void> opened = open(*file, node); !opened) return problem(path, opened.error());
        const std::vector<Stretch> stretches = stretches_of(*file);
        file->stretches_left = stretches.size();
        for (const Stretch& stretch : stretches) {
            if (stretches.size() == 1)
                verify_stretch(*file, stretch);
            else
                workers_.add(Urgency::chunk, [this, file, stretch] { verify_stretch(*file, stretch); });
        }
    }

    Result<void> open(FileToVerify& file, const Node& node) const
    {
        file.blobs = node.content;
        for (const Id& blob : file.blobs) {
            const std::optional<uint64_t> size = repository_.blobs().content_size(BlobType::data, blob);
            if (!size)
                return fail(ErrorKind::not_found,
                            fmt::format("{} cannot be verified: no index knows the blob {}", file.path,
                                        blob.short_hex()));
            if (*size > longest_blob)
                return fail(ErrorKind::corrupt,
                            fmt::format("{} cannot be verified: by an index the blob {} has {} bytes",
                                        file.path, blob.short_hex(), *size));
            file.sizes.push_back(*size);
        }
        // It was restored with the time of its last access.
        constexpr int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        int number = ::open(file.path.c_str(), flags | O_NOATIME);
        if (number < 0 && errno == EPERM) number = ::open(file.path.c_str(), flags);
        if (number < 0) return cannot_verify("open", file.path);
        file.file = host::Descriptor(number);
        struct stat status = {};
        if (::fstat(file.file.number(), &status) != 0) return cannot_verify("look at", file.path);
        if (!S_ISREG(status.st_mode))
            return fail(ErrorKind::corrupt, fmt::format("{} is no file; in the snapshot it is", file.path));
        if (static_cast<uint64_t>(status.st_size) != node.size)
            return fail(ErrorKind::corrupt, fmt::format("{} has {} bytes; in the snapshot it has {}",
                                                        file.path, status.st_size, node.size));
        ::posix_fadvise(file.file.number(), 0, 0, POSIX_FADV_DONTNEED);
        return {};
    }

    /// At least one: of an empty file one without blobs.
    static std::vector<Stretch> stretches_of(const FileToVerify& file)
    {
        std::vector<Stretch> stretches(1);
        uint64_t offset = 0;
        for (const uint64_t size : file.sizes) {
            if (offset - stretches.back().offset >= stretch_size)
                stretches.push_back({stretches.back().last, stretches.back().last, offset});
            ++stretches.back().last;
            offset += size;
        }
        return stretches;
    }

    void verify_stretch(FileToVerify& file, const Stretch& stretch)
    {
        uint64_t offset = stretch.offset;
        for (size_t i = stretch.first; i < stretch.last && !file.has_failed; ++i) {
            const Result<void> same = verify_blob(file, offset, file.sizes[i], file.blobs[i]);
            if (!same && !file.has_failed.exchange(true)) problem(file.path, same.error());
            offset += file.sizes[i];
        }
        if (--file.stretches_left == 0 && !file.has_failed) ++summary_.files;
    }

    Result<void> verify_blob(const FileToVerify& file, uint64_t offset, uint64_t size, const Id& blob)
    {
        thread_local std::string there;
        there.resize(size);
        size_t got = 0;
        while (got < size) {
            const ssize_t count =
                ::pread(file.file.number(), there.data() + got, size - got, static_cast<off_t>(offset + got));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return cannot_verify("read", file.path);
            if (count == 0) return fail(ErrorKind::corrupt, fmt::format("{} ends too early", file.path));
            got += static_cast<size_t>(count);
        }
        if (Id::of(there) != blob)
            return fail(ErrorKind::corrupt, fmt::format("{} differs from the snapshot in bytes {} to {}",
                                                        file.path, offset, offset + size - 1));
        summary_.bytes += size;
        return {};
    }

    const Repository& repository_;
    const RestoringOptions& options_;
    RestoringObserver& observer_;
    VerifyingSummary& summary_;
    std::map<std::pair<uint64_t, uint64_t>, std::string> names_;  ///< first names of files with several
    Workers workers_;  ///< last: its threads end before the rest goes
};

}  // namespace

Result<void> verify_tree(const Repository& repository, const Id& tree, const RestoringOptions& options,
                         RestoringObserver& observer, VerifyingSummary& summary)
{
    // What is not on the disk yet cannot be read from there.
    const host::Descriptor target(::open(options.target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (target.number() < 0) return cannot_verify("open", options.target);
    if (::syncfs(target.number()) != 0) return cannot_verify("write to the disk", options.target);
    return Verifier(repository, options, observer, summary).run(tree);
}

}  // namespace belay::backup
