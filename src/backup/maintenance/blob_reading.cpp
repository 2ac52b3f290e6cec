#include "backup/maintenance/blob_reading.h"

#include "backup/pipeline/workers.h"

#include <algorithm>
#include <atomic>

namespace belay::backup {
namespace {

/// A gap up to this is read along: a request of its own would take longer.
constexpr uint64_t bridged_gap = 256 << 10;
/// What is read at once.
constexpr uint64_t longest_read = 32 << 20;

class PackReader {
  public:
    PackReader(const Repository& repository, const BlobReading& reading)
        : repository_(repository), reading_(reading)
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
        Workers workers(std::min(threads_or_all(reading_.threads), packs.size()));
        for (const uint32_t pack : packs) {
            workers.add(Urgency::file, [this, pack, &entries] {
                if (stopped_) return;
                if (const Result<void> read = read_pack(pack, entries.at(pack)); !read) stop(read.error());
            });
        }
        workers.wait_until_idle();
        const std::lock_guard lock(mutex_);
        if (error_) return std::unexpected(*error_);
        return {};
    }

  private:
    Result<void> read_pack(uint32_t pack, const std::vector<uint32_t>& numbers)
    {
        std::vector<PackedBlob> blobs;
        for (const uint32_t number : numbers) blobs.push_back(repository_.blobs().at(number).blob);
        std::ranges::sort(blobs, {}, &PackedBlob::offset);
        const Id& id = repository_.blobs().pack(pack);
        for (size_t begin = 0, end = 0; begin < blobs.size(); begin = end) {
            end = end_of_read(blobs, begin);
            TRY(read_together(id, std::span(blobs).subspan(begin, end - begin)));
        }
        reading_.pack_done();
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
    Result<void> read_together(const Id& pack, std::span<const PackedBlob> blobs)
    {
        const uint64_t begin = blobs.front().offset;
        uint64_t end = begin;
        for (const PackedBlob& blob : blobs) end = std::max(end, uint64_t{blob.offset} + blob.length);
        const Result<std::string> bytes =
            repository_.backend().load({FileKind::pack, pack}, begin, end - begin);
        if (!bytes && bytes.error().kind != ErrorKind::corrupt && bytes.error().kind != ErrorKind::not_found)
            return std::unexpected(bytes.error());
        for (const PackedBlob& blob : blobs) {
            std::string_view sealed;
            if (bytes) sealed = std::string_view(*bytes).substr(blob.offset - begin, blob.length);
            TRY(take(blob, sealed));
        }
        return {};
    }
    Result<void> take(const PackedBlob& blob, std::string_view sealed)
    {
        Result<std::string> content = open_blob(repository_.key(), blob, sealed);
        if (!content) {
            sealed = {};
            // Another copy, where there is one; else this says what is damaged.
            content = repository_.load_blob(blob.type, blob.id);
        }
        if (!content) return std::unexpected(content.error());
        return reading_.take({blob, sealed, *content});
    }
    void stop(const Error& error)
    {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = error;
        stopped_ = true;
    }

    const Repository& repository_;
    const BlobReading& reading_;
    std::mutex mutex_;
    std::optional<Error> error_;
    std::atomic<bool> stopped_ = false;
};

}  // namespace

Result<void> read_blobs(const Repository& repository, std::span<const uint32_t> packs,
                        const std::vector<bool>& wanted, const BlobReading& reading)
{
    if (packs.empty()) return {};
    return PackReader(repository, reading).run(packs, wanted);
}

}  // namespace belay::backup
