#include "backup/pipeline/pack_check.h"

#include <algorithm>
#include <optional>

namespace belay::backup {
namespace {

/// Of a pack at once, so that memory is bounded whatever a pack's size.
constexpr uint64_t most_checked_at_once = 8 << 20;

/// Bytes up to the end of the last of these blobs, where they fill a pack from its begin on.
std::optional<uint64_t> filled_by(std::span<const PackedBlob> blobs)
{
    uint64_t end = 0;
    for (const PackedBlob& blob : blobs) {
        if (blob.offset != end) return std::nullopt;
        end += blob.length;
    }
    return end;
}

/// How many of these blobs, the first in any case, are read at once.
size_t count_at_once(std::span<const PackedBlob> blobs)
{
    size_t count = 0;
    uint64_t size = 0;
    for (; count < blobs.size(); ++count) {
        size += blobs[count].length;
        if (count > 0 && size > most_checked_at_once) break;
    }
    return count;
}

class PackCheck {
  public:
    PackCheck(const Repository& repository, const ListedFile& pack, std::span<const PackedBlob> known)
        : repository_(repository), pack_(pack), known_(known)
    {
    }

    /// The index says where blobs begin: so many at a time as fit.
    Result<void> read_in_pieces() const
    {
        Digest digest;
        Result<void> opened;
        std::string bytes;
        uint64_t begin = 0;
        for (std::span<const PackedBlob> rest = known_; !rest.empty();) {
            const size_t count = count_at_once(rest);
            const bool is_last = count == rest.size();
            begin = rest.front().offset;
            bytes = std::string();  // not two at once
            // The last goes on to the pack's end, whatever stands there.
            bytes = TRY(load(begin, is_last ? 0 : rest[count].offset - begin));
            digest.add(bytes);
            if (opened) opened = open_all(rest.first(count), begin, bytes);
            rest = rest.subspan(count);
        }
        TRY(is_its_name(digest.id()));
        TRY(opened);
        return agrees(TRY(header_at_end_of(bytes, begin + bytes.size())));
    }

    Result<void> read_whole() const
    {
        const std::string bytes = TRY(load(0, 0));
        TRY(is_its_name(Id::of(bytes)));
        const std::vector<PackedBlob> blobs = TRY(header_at_end_of(bytes, bytes.size()));
        TRY(open_all(blobs, 0, bytes));
        return agrees(blobs);
    }

  private:
    Result<std::string> load(uint64_t offset, uint64_t length) const
    {
        return repository_.backend().load({FileKind::pack, pack_.id}, offset, length);
    }

    Result<void> is_its_name(const Id& digest) const
    {
        if (digest != pack_.id) return fail(ErrorKind::corrupt, "it is damaged: its digest is not its name");
        return {};
    }

    /// `bytes` begin at `begin` in the pack.
    Result<void> open_all(std::span<const PackedBlob> blobs, uint64_t begin, std::string_view bytes) const
    {
        for (const PackedBlob& blob : blobs) {
            const uint64_t at = blob.offset - begin;
            if (at + blob.length > bytes.size()) return fail(ErrorKind::corrupt, "it ends within a blob");
            TRY(open_blob(repository_.key(), blob, bytes.substr(at, blob.length)));
        }
        return {};
    }

    /// The blobs by the header of a pack of `size` bytes that ends with these.
    Result<std::vector<PackedBlob>> header_at_end_of(std::string_view bytes, uint64_t size) const
    {
        if (bytes.size() < header_length_size) return fail(ErrorKind::corrupt, "it has no header");
        const uint32_t length = TRY(header_length(bytes.substr(bytes.size() - header_length_size), size));
        if (length > bytes.size() - header_length_size) return disagrees();
        const std::string_view header = bytes.substr(bytes.size() - header_length_size - length, length);
        return read_header(repository_.key(), header, size);
    }

    Result<void> agrees(std::span<const PackedBlob> by_header) const
    {
        if (!known_.empty() && !std::ranges::equal(known_, by_header)) return disagrees();
        return {};
    }
    static std::unexpected<Error> disagrees()
    {
        return fail(ErrorKind::corrupt, "the index and its own header do not agree on what is in it");
    }

    const Repository& repository_;
    const ListedFile& pack_;
    std::span<const PackedBlob> known_;
};

}  // namespace

Result<void> check_pack(const Repository& repository, const ListedFile& pack,
                        std::span<const PackedBlob> known)
{
    const PackCheck check(repository, pack, known);
    const std::optional<uint64_t> filled = filled_by(known);
    const bool is_as_known = !known.empty() && filled && *filled < pack.size;
    return is_as_known ? check.read_in_pieces() : check.read_whole();
}

}  // namespace belay::backup
