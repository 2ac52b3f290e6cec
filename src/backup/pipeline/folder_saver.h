#pragma once
// The walk: folders are listed, files are read, and a folder becomes a tree when the last of its entries is
// done. All of it by workers, and no more of it at a time than memory is meant for.

#include "backup/pipeline/file_node.h"
#include "backup/pipeline/pieces.h"
#include "backup/pipeline/saving.h"
#include "backup/pipeline/target_tree.h"
#include "backup/pipeline/workers.h"
#include "backup/repository/chunker.h"

namespace belay::backup {

/// A folder under way: its nodes, of which some are still being made.
struct OpenFolder;
/// A file under way: its chunks, of which some are still being stored.
struct OpenFile;

/// Threads: its owner's; it has workers of its own.
class FolderSaver {
  public:
    FolderSaver(Repository& repository, const SavingOptions& options, SavingObserver& observer,
                BlobWriter& writer, SavingSummary& summary);

    /// The id of the root's tree. Errors: as save_paths().
    Result<Id> save(const TargetTree& targets);

  private:
    using Folder = std::shared_ptr<OpenFolder>;
    using File = std::shared_ptr<OpenFile>;

    /// A folder that leads to what was asked for.
    void open_target(const Folder& folder, const TargetTree::Target& target);
    void list_folder(const Folder& folder);
    Result<Listing> listing_of(const Place& place, int handle);
    void begin_entry(const Folder& folder, size_t slot, const Node* before, Place place);
    void leave_out(const Folder& folder, size_t slot, const std::string& path, const Error& error);
    void read_file(const File& file);
    Result<uint64_t> read_content(const File& file, const std::shared_ptr<host::Descriptor>& open,
                                  uint64_t expected);
    void store_chunk(const File& file, size_t number, std::string_view chunk);
    void chunk_done(const File& file);
    void entry_done(const Folder& folder);
    Result<Id> store_tree(const OpenFolder& folder, const std::vector<Node>& nodes);
    void close_folder(const Folder& folder);
    void report(const std::string& path, const Node& node, Compared compared);
    void problem(const std::string& path, const Error& error);
    bool is_unchanged(const Node& now, const Node& before) const;
    std::vector<Node> nodes_before(const std::optional<Id>& tree);
    void stop(const Error& error);
    bool is_stopped() const { return stopped_ || (options_.is_given_up != nullptr && *options_.is_given_up); }

    Repository& repository_;
    const SavingOptions& options_;
    SavingObserver& observer_;
    BlobWriter& writer_;
    SavingSummary& summary_;
    Chunker chunker_;
    AccountNames accounts_;
    std::mutex mutex_;
    std::optional<Error> error_;
    std::optional<Id> root_;
    std::atomic<bool> stopped_ = false;
    std::atomic<bool> found_any_ = false;  ///< of the paths that were asked for
    size_t most_chunks_waiting_;
    Pieces pieces_;
    Workers workers_;  ///< last: its threads end before the rest goes
};

}  // namespace belay::backup
