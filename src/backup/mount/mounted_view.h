#pragma once
// A repository as folders and files: ids/ID, snapshots/TIME, hosts/HOST/TIME and tags/TAG/TIME hold the
// snapshots, as restic has it; "latest" leads to the newest.

#include "backup/mount/recent.h"
#include "backup/repository/node.h"
#include "backup/repository/repository.h"

namespace belay::backup {

/// Threads: any.
class MountedView {
  public:
    /// `snapshots` are sorted by time; the repository has its index and outlives this.
    MountedView(const Repository& repository, std::vector<Snapshot> snapshots);

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

    void add(const std::vector<std::string>& way, const Snapshot& snapshot);
    static Entry entry_of(const Folder& folder);
    Result<std::shared_ptr<const Tree>> tree(const Id& id);
    Result<std::shared_ptr<const std::string>> blob(const Id& id);

    const Repository& repository_;
    std::vector<Snapshot> snapshots_;
    Folder root_;
    uint64_t total_size_ = 0;
    Recent<Id, Tree, IdHash> trees_;
    Recent<Id, std::string, IdHash> blobs_;
};

}  // namespace belay::backup
