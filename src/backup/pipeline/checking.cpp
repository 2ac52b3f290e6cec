#include "backup/pipeline/checking.h"

#include "backup/pipeline/workers.h"
#include "backup/repository/node.h"
#include "backup/repository/tree_repeats.h"

#include <algorithm>
#include <mutex>
#include <unordered_set>

namespace belay::backup {
namespace {

using Known = std::unordered_map<Id, std::vector<PackedBlob>, IdHash>;

/// What a pack must be like by the index.
struct Extent {
    size_t blobs = 0;
    uint64_t end = 0;   ///< of the last blob
    uint64_t list = 0;  ///< bytes of its header, unsealed

    void add(const PackedBlob& blob)
    {
        ++blobs;
        end = std::max(end, blob.offset + uint64_t{blob.length});
        list += header_size({&blob, 1});
    }
    /// In bytes, where it holds these blobs and no others.
    uint64_t size() const { return end + list + seal_overhead + header_length_size; }
};

class Checker {
  public:
    Checker(Repository& repository, const CheckingOptions& options, CheckingObserver& observer,
            CheckingSummary& summary)
        : repository_(repository), options_(options), observer_(observer), summary_(summary)
    {
    }

    Result<void> run()
    {
        // In this order, each knows what the one before needs, where a backup ends meanwhile.
        const std::vector<Snapshot> snapshots =
            TRY(repository_.snapshots([&](const Id& id, const Error& error) {
                wrong(fmt::format("snapshot {}: {}", id.short_hex(), error.what));
            }));
        TRY(repository_.load_index([&](const Id& id, const Error& error) {
            wrong(fmt::format("index {}: {}", id.short_hex(), error.what));
        }));
        const std::vector<ListedFile> packs = TRY(repository_.backend().list(FileKind::pack));
        compare_with_index(packs);
        walk(snapshots);
        if (options_.reads_data) read(packs);
        return look_at_keys();
    }

  private:
    void wrong(const std::string& what)
    {
        ++summary_.errors;
        observer_.error(what);
    }

    /// Those that the password does not open as well: their digests are their names.
    Result<void> look_at_keys()
    {
        for (const ListedFile& key : TRY(repository_.backend().list(FileKind::key))) {
            const std::string bytes = TRY(repository_.backend().load({FileKind::key, key.id}));
            if (Id::of(bytes) != key.id)
                wrong(fmt::format("key {} is damaged: its digest is not its name", key.id.short_hex()));
        }
        return {};
    }

    /// Packs of the index that are not there or have another size, and packs that no index knows.
    void compare_with_index(const std::vector<ListedFile>& packs)
    {
        std::unordered_map<Id, Extent, IdHash> extents;
        repository_.blobs().for_each([&](const StoredBlob& stored) {
            extents[stored.pack].add(stored.blob);
            if (options_.reads_data && options_.reads_data(stored.pack))
                known_[stored.pack].push_back(stored.blob);
        });
        for (auto& [id, blobs] : known_) std::ranges::sort(blobs, {}, &PackedBlob::offset);
        std::unordered_map<Id, uint64_t, IdHash> sizes;
        for (const ListedFile& pack : packs) sizes[pack.id] = pack.size;
        for (const auto& [id, extent] : extents) {
            const auto found = sizes.find(id);
            if (found == sizes.end()) {
                wrong(fmt::format("pack {} is missing; it has {} blobs that an index speaks of", id.hex(),
                                  extent.blobs));
                continue;
            }
            const uint64_t wanted = extent.size();
            if (found->second != wanted)
                wrong(fmt::format("pack {} has {} bytes; by the index it has {}", id.hex(), found->second,
                                  wanted));
        }
        size_t unknown = 0;
        for (const ListedFile& pack : packs) unknown += extents.contains(pack.id) ? 0 : 1;
        if (unknown > 0)
            observer_.hint(fmt::format(
                "{} packs are in no index: left by a backup that was cut short; prune removes them",
                unknown));
        summary_.packs = packs.size();
    }

    /// Every tree once, whichever snapshots share it.
    void walk(const std::vector<Snapshot>& snapshots)
    {
        Workers workers(threads_or_all(options_.threads));
        for (const Snapshot& snapshot : snapshots) {
            ++summary_.snapshots;
            look_at_tree(workers, snapshot.tree, fmt::format("snapshot {}", snapshot.id.short_hex()));
        }
        workers.wait_until_idle();
    }

    void look_at_tree(Workers& workers, const Id& id, const std::string& where)
    {
        {
            const std::lock_guard lock(mutex_);
            if (!trees_.insert(id).second) return;
        }
        workers.add(Urgency::folder, [this, &workers, id, where] {
            ++summary_.trees;
            const Result<std::string> text = repository_.load_blob(BlobType::tree, id);
            if (!text) return wrong(fmt::format("{}: {}", where, text.error().what));
            const Result<std::vector<Node>> nodes = read_tree(*text);
            if (!nodes)
                return wrong(fmt::format("{}: tree {}: {}", where, id.short_hex(), nodes.error().what));
            for (const Node& node : *nodes) look_at_node(workers, node, where);
        });
    }

    void look_at_node(Workers& workers, const Node& node, const std::string& where)
    {
        const std::string path = fmt::format("{}/{}", where, node.name);
        constexpr size_t snapshot_name = 32;  // stands before it
        if (path.size() > longest_path + snapshot_name)
            return wrong(fmt::format("{}... lies deeper than any path can", path.substr(0, 80)));
        if (node.type == NodeType::dir) {
            if (node.subtree) return look_at_tree(workers, *node.subtree, path);
            return wrong(fmt::format("{} is a folder without a tree", path));
        }
        uint64_t size = 0;
        for (const Id& id : node.content) {
            const std::optional<uint64_t> blob = repository_.blobs().content_size(BlobType::data, id);
            if (!blob) return wrong(fmt::format("{}: no index knows the blob {}", path, id.short_hex()));
            size += *blob;
        }
        if (node.type == NodeType::file && size != node.size)
            wrong(fmt::format("{} has {} bytes; its blobs have {}", path, node.size, size));
    }

    void read(const std::vector<ListedFile>& packs)
    {
        Workers workers(threads_or_all(options_.threads));
        for (const ListedFile& pack : packs) {
            if (!options_.reads_data(pack.id)) continue;
            summary_.bytes_to_read += pack.size;
            ++summary_.packs_to_read;
            workers.add(Urgency::file, [this, pack] {
                if (const Result<void> sound = read_pack(pack); !sound)
                    wrong(fmt::format("pack {}: {}", pack.id.hex(), sound.error().what));
                ++summary_.packs_read;
                summary_.bytes_read += pack.size;
            });
        }
        workers.wait_until_idle();
    }

    /// Errors: what is wrong with the pack.
    Result<void> read_pack(const ListedFile& pack)
    {
        const std::string bytes = TRY(repository_.backend().load({FileKind::pack, pack.id}));
        if (Id::of(bytes) != pack.id)
            return fail(ErrorKind::corrupt, "it is damaged: its digest is not its name");
        const std::string_view all = bytes;
        if (bytes.size() < header_length_size) return fail(ErrorKind::corrupt, "it has no header");
        const uint32_t length =
            TRY(header_length(all.substr(bytes.size() - header_length_size), bytes.size()));
        const std::string_view header = all.substr(bytes.size() - header_length_size - length, length);
        const std::vector<PackedBlob> blobs = TRY(read_header(repository_.key(), header, bytes.size()));
        for (const PackedBlob& blob : blobs)
            TRY(open_blob(repository_.key(), blob, all.substr(blob.offset, blob.length)));
        const auto known = known_.find(pack.id);
        if (known != known_.end() && known->second != blobs)
            return fail(ErrorKind::corrupt, "the index and its own header do not agree on what is in it");
        return {};
    }

    Repository& repository_;
    const CheckingOptions& options_;
    CheckingObserver& observer_;
    CheckingSummary& summary_;
    Known known_;
    std::mutex mutex_;
    std::unordered_set<Id, IdHash> trees_;
};

}  // namespace

Result<void> check_repository(Repository& repository, const CheckingOptions& options,
                              CheckingObserver& observer, CheckingSummary& summary)
{
    return Checker(repository, options, observer, summary).run();
}

}  // namespace belay::backup
