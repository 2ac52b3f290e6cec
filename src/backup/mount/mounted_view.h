#pragma once
// A repository as folders and files: ids/ID, snapshots/TIME, hosts/HOST/TIME and tags/TAG/TIME hold the
// snapshots, as restic has it; "latest" leads to the newest.

#include "backup/mount/recent.h"
#include "backup/repository/node.h"
#include "backup/repository/repository.h"

#include <atomic>
#include <chrono>
#include <shared_mutex>

namespace belay::backup {

/// The snapshots that are there at the moment, sorted by time. Errors: those of the place.
using ReadSnapshots = std::function<Result<std::vector<Snapshot>>()>;

/// Threads: any.
class MountedView {
  public:
    /// Who looks at what is above the snapshots sees those that have come, or gone, this long ago.
    static constexpr std::chrono::seconds between_looks{3};

    /// `snapshots` are sorted by time; `read_again` is called by one thread at a time. The repository has its
    /// index, gets more of it as snapshots come, and outlives this.
    MountedView(Repository& repository, std::vector<Snapshot> snapshots, ReadSnapshots read_again);

    struct Entry {
        Node node;
        bool is_of_view = false;              ///< a folder or link above the snapshots
        std::vector<std::string> below = {};  ///< names in a folder of the view
    };
    /// What stands at an absolute path. Errors: not_found; those of the repository.
    Result<Entry> find(const std::string& path);
    /// The names in a folder. Errors: as find(); usage, where it is no folder.
    Result<std::vector<std::string>> names_in(const Entry& folder);

    /// Reads from a file: as many bytes as there are, at most the buffer's. Errors: those of the repository.
    Result<size_t> read(const Node& file, uint64_t offset, std::span<char> buffer);

    /// Bytes of content of all blobs.
    uint64_t total_size() const { return total_size_; }

  private:
    /// A folder of the view: others, links, or a snapshot.
    struct Folder {
        std::map<std::string, Folder> below;
        std::string link;  ///< of a link
        const Snapshot* snapshot = nullptr;
        Timestamp time;
    };
    using Tree = std::vector<Node>;

    /// These and no others.
    void show(std::vector<Snapshot> snapshots);
    /// Unless that was done a moment ago. Where it cannot be done, all stays as it is.
    void look_again();
    void add(const std::vector<std::string>& way, const Snapshot& snapshot);
    /// The last folder of the view on the way to `path`, where it leads to one; `at` is where the rest of the
    /// path begins. Null: there is nothing.
    const Folder* folder_on(const std::string& path, size_t& at) const;
    static Entry entry_of(const Folder& folder);
    Result<Entry> find_below(const Folder& snapshot, const std::string& path, size_t at);
    Result<std::shared_ptr<const Tree>> tree(const Id& id);
    Result<std::shared_ptr<const std::string>> blob(const Id& id);

    Repository& repository_;
    ReadSnapshots read_again_;
    std::mutex looking_;
    std::chrono::steady_clock::time_point looked_at_;
    std::shared_mutex changing_;  ///< shared by all who read the view or the index
    std::vector<Snapshot> snapshots_;
    Folder root_;
    uint32_t counted_ = 0;  ///< entries of the index that are in the total size
    std::atomic<uint64_t> total_size_ = 0;
    Recent<Id, Tree, IdHash> trees_;
    Recent<Id, std::string, IdHash> blobs_;
};

}  // namespace belay::backup
