#pragma once
// Paths of this machine into a snapshot.

#include "backup/pipeline/blob_writer.h"
#include "backup/repository/node.h"
#include "backup/repository/snapshot.h"

#include <atomic>

namespace belay::backup {

class EarlyListing;

/// How it compares with the parent snapshot.
enum class Compared : uint8_t { is_new, changed, unchanged };

/// What is seen while it runs. Threads: all of the run, at the same time.
class SavingObserver {
  public:
    virtual ~SavingObserver() = default;
    /// A file or folder could not be read, and is not in the snapshot, or lacks a part.
    virtual void problem(const std::string& path, const Error& error) = 0;
    /// A file was changed while it was read: what is saved of it may be no state that it ever had.
    virtual void changed_while_read(const std::string& path) = 0;
    /// An entry is done; not of folders that lead to a path that was asked for.
    virtual void done(const std::string& path, const Node& node, Compared compared) = 0;
};

struct SavingOptions {
    std::vector<std::string> paths = {};  ///< absolute, or from the working folder
    std::vector<std::string> tags = {}, excludes = {};
    std::string hostname = {}, username = {};
    std::optional<Timestamp> time = {};   ///< of the snapshot; else now
    EarlyListing* early = nullptr;        ///< of the same paths, where there is one
    std::optional<Snapshot> parent = {};  ///< what has not changed since is not read again
    bool ignore_inode = false, ignore_ctime = false;
    bool with_atime = false;  ///< else the access time is that of the modification
    bool one_file_system = false;
    bool skip_if_unchanged = false;  ///< no snapshot where the tree is that of the parent
    /// Whether an entry is left out; `size` is that of a file.
    std::function<bool(const std::string& path, bool is_folder, uint64_t size)> is_excluded = {};
    BlobWriter::Options writer = {};
    size_t threads = 0;                         ///< 0: as many as there are processors
    const std::atomic<bool>* is_given_up = {};  ///< set while it runs: it ends early, without a snapshot
    std::string program_version = {};
};

struct SavingSummary {
    struct Counts {
        std::atomic<uint64_t> is_new = 0, changed = 0, unchanged = 0;
    } files, folders;
    std::atomic<uint64_t> bytes = 0;  ///< of all files, read or not
    std::atomic<uint64_t> problems = 0;
    Written written;
    std::optional<Id> snapshot;  ///< nothing of a dry run
};

/// Saves the paths. A file that cannot be read is told and left out. Errors: those of the repository;
/// not_found, where none of the paths is there; usage, where none was given; refused, where it was given up.
/// Then there is no snapshot; what was stored is in the index nevertheless, for the next run to find.
Result<void> save_paths(Repository& repository, const SavingOptions& options, SavingObserver& observer,
                        SavingSummary& summary);

/// Writes the snapshot of `root`, with the options' time, parent, names and tags; all that it speaks of is in
/// the repository. Its id. Errors: those of the repository.
Result<Id> save_snapshot(const Repository& repository, const SavingOptions& options,
                         const std::vector<std::string>& paths, const Id& root);

}  // namespace belay::backup
