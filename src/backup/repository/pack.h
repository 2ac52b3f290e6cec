#pragma once
// A pack: sealed blobs one behind the other, a sealed header that says what they are, and the header's
// length. Source: restic's design document, "Pack Format".

#include "backup/repository/crypto.h"
#include "backup/repository/id.h"

#include <span>
#include <vector>

namespace belay::backup {

/// Data of files, or the list of a folder's entries.
enum class BlobType : uint8_t { data, tree };
std::string_view name_of(BlobType type);

/// One blob as it lies in a pack.
struct PackedBlob {
    Id id;  ///< of the plain content
    BlobType type = BlobType::data;
    uint32_t offset = 0;      ///< bytes from the begin of the pack
    uint32_t length = 0;      ///< sealed and, where it is compressed, compressed
    uint32_t plain_size = 0;  ///< of the content; 0: it is not compressed

    bool is_compressed() const { return plain_size != 0; }
    /// Bytes of the content.
    uint32_t content_size() const
    {
        return is_compressed() ? plain_size : length - static_cast<uint32_t>(seal_overhead);
    }
    bool operator==(const PackedBlob&) const = default;
};

/// Bytes of the header's length at the end of a pack.
constexpr size_t header_length_size = 4;
/// A larger header is nobody's: it would list more than 400,000 blobs.
constexpr uint32_t longest_header = 16 << 20;

/// Bytes that the list of these blobs takes in a header, before it is sealed.
size_t header_size(std::span<const PackedBlob> blobs);

/// What is put behind the blobs: the sealed header and its length. Errors: failed.
Result<std::string> make_header(const MasterKey& key, std::span<const PackedBlob> blobs);

/// Bytes of the sealed header, by the last four bytes of a pack of `pack_size` bytes. Errors: corrupt.
Result<uint32_t> header_length(std::string_view last_bytes, uint64_t pack_size);

/// The blobs of a pack of `pack_size` bytes, in order, by its sealed header. They fill the pack up to its
/// header. Errors: corrupt.
Result<std::vector<PackedBlob>> read_header(const MasterKey& key, std::string_view sealed,
                                            uint64_t pack_size);

/// The content of a blob by its bytes in the pack. Errors: corrupt, where it is not what its id says.
Result<std::string> open_blob(const MasterKey& key, const PackedBlob& blob, std::string_view bytes);
/// The same of one that is compressed, into `room` of its plain_size.
Result<void> open_blob_into(const MasterKey& key, const PackedBlob& blob, std::string_view bytes,
                            std::span<char> room);

}  // namespace belay::backup
