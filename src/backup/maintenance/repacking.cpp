#include "backup/maintenance/repacking.h"

#include "backup/maintenance/tree_walk.h"
#include "backup/pipeline/pack_writer.h"
#include "backup/pipeline/workers.h"

#include <algorithm>
#include <atomic>

namespace belay::backup {
namespace {

/// A gap up to this is read along: a request of its own would take longer.
constexpr uint64_t bridged_gap = 256 << 10;
/// What is read at once.
constexpr uint64_t longest_read = 32 << 20;

class Repacking {
  public:
    Repacking(Repository& repository, const RepackOptions& options, const std::function<void()>& done)
        : repository_(repository), options_(options), done_(done), writer_(repository, options.pack_size)
    {
    }

    Result<void> run(std::span<const uint32_t> packs, const std::vector<bool>& wanted)
    {
        std::unordered_map<uint32_t, std::vector<uint32_t>> entries;
        for (const uint32_t pack : packs) entries[pack];
        for (uint32_t i = 0; i < wanted.size(); ++i) {
            if (!wanted[i]) continue;
            const auto found = entries.find(repository_.blobs().pack_number_at(i));
            if (found != entries.end()) found->second.push_back(i);
        }
        {
            Workers workers(std::min(threads_or_all(options_.threads), packs.size()));
            for (const uint32_t pack : packs) {
                workers.add(Urgency::file, [this, pack, &entries] {
                    if (stopped_) return;
                    if (const Result<void> moved = move_pack(pack, entries.at(pack)); !moved)
                        stop(moved.error());
                });
            }
            workers.wait_until_idle();
        }
        if (error_) return std::unexpected(*error_);
        return writer_.finish();
    }

  private:
    Result<void> move_pack(uint32_t pack, std::vector<uint32_t>& numbers)
    {
        std::vector<PackedBlob> blobs;
        for (const uint32_t number : numbers) blobs.push_back(repository_.blobs().at(number).blob);
        std::ranges::sort(blobs, {}, &PackedBlob::offset);
        const Id& id = repository_.blobs().pack(pack);
        for (size_t begin = 0, end = 0; begin < blobs.size(); begin = end) {
            end = end_of_read(blobs, begin);
            TRY(move_blobs(id, std::span(blobs).subspan(begin, end - begin)));
        }
        done_();
        return {};
    }
    /// The first blob behind those that are read together with the one at `begin`.
    static size_t end_of_read(const std::vector<PackedBlob>& blobs, size_t begin)
    {
        size_t end = begin + 1;
        const auto end_at = [&](size_t i) { return uint64_t{blobs[i].offset} + blobs[i].length; };
        while (end < blobs.size() && blobs[end].offset <= end_at(end - 1) + bridged_gap &&
               end_at(end) - blobs[begin].offset <= longest_read)
            ++end;
        return end;
    }
    Result<void> move_blobs(const Id& pack, std::span<const PackedBlob> blobs)
    {
        const uint64_t begin = blobs.front().offset;
        const uint64_t length = blobs.back().offset + uint64_t{blobs.back().length} - begin;
        const Result<std::string> bytes = repository_.backend().load({FileKind::pack, pack}, begin, length);
        if (!bytes && bytes.error().kind != ErrorKind::corrupt && bytes.error().kind != ErrorKind::not_found)
            return std::unexpected(bytes.error());
        for (const PackedBlob& blob : blobs) {
            const std::string_view sealed =
                bytes ? std::string_view(*bytes).substr(blob.offset - begin, blob.length)
                      : std::string_view();
            TRY(move_blob(blob, sealed));
        }
        return {};
    }
    Result<void> move_blob(const PackedBlob& blob, std::string_view sealed)
    {
        Result<std::string> content = open_blob(repository_.key(), blob, sealed);
        const bool is_sound = content.has_value();
        // Another copy, where there is one; else this says what is damaged.
        if (!is_sound) content = repository_.load_blob(blob.type, blob.id);
        const std::string plain = TRY(content);
        const bool compress = repository_.config().version >= 2 && !blob.is_compressed() &&
                              (options_.compress || blob.type == BlobType::tree);
        // What is sealed already keeps its seal: the same content under the same nonce tells nobody anything.
        if (is_sound && !compress)
            return writer_.put({blob.id, blob.type, std::string(sealed), blob.plain_size});
        return writer_.put(TRY(repository_.seal_blob(blob.type, blob.id, plain, Compression::automatic)));
    }
    void stop(const Error& error)
    {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
        stopped_ = true;
    }

    Repository& repository_;
    const RepackOptions& options_;
    const std::function<void()>& done_;
    PackWriter writer_;
    std::mutex mutex_;
    std::optional<Error> error_;
    std::atomic<bool> stopped_ = false;
};

}  // namespace

Result<void> repack(Repository& repository, std::span<const uint32_t> packs, const std::vector<bool>& wanted,
                    const RepackOptions& options, const std::function<void()>& done)
{
    if (packs.empty()) return {};
    return Repacking(repository, options, done).run(packs, wanted);
}

}  // namespace belay::backup
