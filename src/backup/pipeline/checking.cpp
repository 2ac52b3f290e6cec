#include "backup/pipeline/checking.h"

#include "backup/pipeline/pack_check.h"
#include "backup/pipeline/workers.h"
#include "backup/repository/node.h"
#include "backup/repository/tree_repeats.h"

#include <algorithm>
#include <mutex>
#include <numeric>
#include <unordered_set>

namespace belay::backup {
namespace {

/// What an index says of each pack, as numbers of its entries: the entries themselves would be there twice.
class PackContents {
  public:
    explicit PackContents(const BlobTable& table) : table_(table) {}

    void read()
    {
        // Each pack's numbers begin where those of the one before end.
        begins_.assign(table_.packs() + 1, 0);
        const auto size = static_cast<uint32_t>(table_.size());
        for (uint32_t number = 0; number < size; ++number) ++begins_[table_.pack_number_at(number) + 1];
        std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
        std::vector<uint32_t> next(begins_.begin(), begins_.end() - 1);
        numbers_.resize(size);
        for (uint32_t number = 0; number < size; ++number)
            numbers_[next[table_.pack_number_at(number)]++] = number;
        // A pack none of whose blobs was taken has a number as well.
        for (uint32_t pack = 0; pack < table_.packs(); ++pack)
            if (begins_[pack + 1] > begins_[pack]) pack_numbers_.emplace(table_.pack(pack), pack);
    }

    /// Their numbers in the table.
    const std::unordered_map<Id, uint32_t, IdHash>& packs() const { return pack_numbers_; }
    bool contains(const Id& pack) const { return pack_numbers_.contains(pack); }
    /// By their offsets; empty where no index knows the pack.
    std::vector<PackedBlob> of(const Id& pack) const
    {
        const auto found = pack_numbers_.find(pack);
        return found == pack_numbers_.end() ? std::vector<PackedBlob>() : of(found->second);
    }
    std::vector<PackedBlob> of(uint32_t pack) const
    {
        std::vector<PackedBlob> blobs;
        blobs.reserve(begins_[pack + 1] - begins_[pack]);
        for (uint32_t at = begins_[pack]; at < begins_[pack + 1]; ++at)
            blobs.push_back(table_.at(numbers_[at]).blob);
        std::ranges::sort(blobs, {}, &PackedBlob::offset);
        return blobs;
    }

  private:
    const BlobTable& table_;
    std::vector<uint32_t> begins_, numbers_;
    std::unordered_map<Id, uint32_t, IdHash> pack_numbers_;
};

class Checker {
  public:
    Checker(Repository& repository, const CheckingOptions& options, CheckingObserver& observer,
            CheckingSummary& summary)
        : repository_(repository),
          options_(options),
          observer_(observer),
          summary_(summary),
          known_(repository.blobs())
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
        known_.read();
        std::unordered_map<Id, uint64_t, IdHash> sizes;
        for (const ListedFile& pack : packs) sizes[pack.id] = pack.size;
        for (const auto& [id, number] : known_.packs()) {
            const std::vector<PackedBlob> blobs = known_.of(number);
            const auto found = sizes.find(id);
            if (found == sizes.end()) {
                wrong(fmt::format("pack {} is missing; it has {} blobs that an index speaks of", id.hex(),
                                  blobs.size()));
                continue;
            }
            const uint64_t wanted = size_of(blobs);
            if (found->second != wanted)
                wrong(fmt::format("pack {} has {} bytes; by the index it has {}", id.hex(), found->second,
                                  wanted));
        }
        size_t unknown = 0;
        for (const ListedFile& pack : packs) unknown += known_.contains(pack.id) ? 0 : 1;
        if (unknown > 0)
            observer_.hint(fmt::format(
                "{} packs are in no index: left by a backup that was cut short; prune removes them",
                unknown));
        summary_.packs = packs.size();
    }

    /// Bytes of a pack that holds these blobs and no others.
    static uint64_t size_of(std::span<const PackedBlob> blobs)
    {
        const PackedBlob& last = blobs.back();
        return last.offset + uint64_t{last.length} + header_size(blobs) + seal_overhead + header_length_size;
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
        if (options_.begins_to_read) options_.begins_to_read();
        Workers workers(threads_or_all(options_.threads));
        for (const ListedFile& pack : packs) {
            if (!options_.reads_data(pack.id)) continue;
            summary_.bytes_to_read += pack.size;
            ++summary_.packs_to_read;
            workers.add(Urgency::file, [this, pack] {
                if (const Result<void> sound = check_pack(repository_, pack, known_.of(pack.id)); !sound)
                    wrong(fmt::format("pack {}: {}", pack.id.hex(), sound.error().what));
                ++summary_.packs_read;
                summary_.bytes_read += pack.size;
            });
        }
        workers.wait_until_idle();
    }

    Repository& repository_;
    const CheckingOptions& options_;
    CheckingObserver& observer_;
    CheckingSummary& summary_;
    PackContents known_;
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
