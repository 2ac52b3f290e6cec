#include "backup/repository/pack.h"

#include "backup/repository/compression.h"
#include "base/invariant.h"

#include <bit>

namespace belay::backup {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers in a pack are little-endian");

/// The first byte of an entry in a header.
enum class Entry : uint8_t { data = 0, tree = 1, compressed_data = 2, compressed_tree = 3 };

constexpr size_t plain_entry = 1 + 4 + Id::size;
constexpr size_t compressed_entry = plain_entry + 4;

void put_number(std::string& out, uint32_t number)
{
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

uint32_t number_at(std::string_view text, size_t at)
{
    uint32_t number = 0;
    std::memcpy(&number, text.data() + at, sizeof number);
    return number;
}

Entry entry_of(const PackedBlob& blob)
{
    if (blob.type == BlobType::tree) return blob.is_compressed() ? Entry::compressed_tree : Entry::tree;
    return blob.is_compressed() ? Entry::compressed_data : Entry::data;
}

/// Takes one entry from the front. Errors: corrupt.
Result<PackedBlob> take_entry(std::string_view& rest)
{
    const auto kind = static_cast<uint8_t>(rest.front());
    if (kind > static_cast<uint8_t>(Entry::compressed_tree))
        return fail(ErrorKind::corrupt, fmt::format("a pack holds a blob of the unknown type {}", kind));
    const auto entry = static_cast<Entry>(kind);
    const bool compressed = entry == Entry::compressed_data || entry == Entry::compressed_tree;
    const size_t size = compressed ? compressed_entry : plain_entry;
    if (rest.size() < size) return fail(ErrorKind::corrupt, "the header of a pack is cut short");
    PackedBlob blob;
    blob.type = entry == Entry::tree || entry == Entry::compressed_tree ? BlobType::tree : BlobType::data;
    blob.length = number_at(rest, 1);
    blob.plain_size = compressed ? number_at(rest, 5) : 0;
    blob.id = Id::from_bytes(rest.substr(size - Id::size, Id::size));
    if (compressed && blob.plain_size == 0)
        return fail(ErrorKind::corrupt, "a pack holds a compressed blob of nothing");
    rest.remove_prefix(size);
    return blob;
}

}  // namespace

std::string_view name_of(BlobType type)
{
    return type == BlobType::tree ? "tree" : "data";
}

size_t header_size(std::span<const PackedBlob> blobs)
{
    size_t size = 0;
    for (const PackedBlob& blob : blobs) size += blob.is_compressed() ? compressed_entry : plain_entry;
    return size;
}

Result<std::string> make_header(const MasterKey& key, std::span<const PackedBlob> blobs)
{
    std::string plain;
    plain.reserve(header_size(blobs));
    for (const PackedBlob& blob : blobs) {
        plain += static_cast<char>(entry_of(blob));
        put_number(plain, blob.length);
        if (blob.is_compressed()) put_number(plain, blob.plain_size);
        plain += blob.id.raw();
    }
    std::string header = TRY(seal(key, plain));
    put_number(header, static_cast<uint32_t>(header.size()));
    return header;
}

Result<uint32_t> header_length(std::string_view last_bytes, uint64_t pack_size)
{
    if (last_bytes.size() != header_length_size || pack_size < header_length_size)
        return fail(ErrorKind::corrupt, fmt::format("a pack of {} bytes has no header", pack_size));
    const uint32_t length = number_at(last_bytes, 0);
    if (length < seal_overhead + plain_entry || length > longest_header ||
        length > pack_size - header_length_size)
        return fail(ErrorKind::corrupt,
                    fmt::format("a pack of {} bytes says that its header has {}", pack_size, length));
    return length;
}

Result<std::vector<PackedBlob>> read_header(const MasterKey& key, std::string_view sealed, uint64_t pack_size)
{
    if (pack_size > UINT32_MAX)
        return fail(ErrorKind::corrupt, fmt::format("a pack of {} bytes is nobody's", pack_size));
    INVARIANT(sealed.size() + header_length_size <= pack_size);
    const std::string plain = TRY(open(key, sealed));
    std::vector<PackedBlob> blobs;
    std::string_view rest = plain;
    uint64_t offset = 0;
    const uint64_t end = pack_size - sealed.size() - header_length_size;
    while (!rest.empty()) {
        PackedBlob blob = TRY(take_entry(rest));
        if (blob.length < seal_overhead || blob.length > end - offset)
            return fail(ErrorKind::corrupt,
                        fmt::format("the blob {} does not fit into its pack: {} bytes at {}",
                                    blob.id.short_hex(), blob.length, offset));
        blob.offset = static_cast<uint32_t>(offset);
        offset += blob.length;
        blobs.push_back(blob);
    }
    if (offset != end)
        return fail(ErrorKind::corrupt,
                    fmt::format("a pack has {} bytes before its header that are no blob's", end - offset));
    return blobs;
}

namespace {

std::unexpected<Error> of_blob(const PackedBlob& blob, std::string_view what)
{
    return fail(ErrorKind::corrupt,
                fmt::format("{} blob {}: {}", name_of(blob.type), blob.id.short_hex(), what));
}

Result<void> is_content_of(const PackedBlob& blob, std::string_view content)
{
    if (Id::of(content) != blob.id) return of_blob(blob, "its content is another's");
    return {};
}

}  // namespace

Result<std::string> open_blob(const MasterKey& key, const PackedBlob& blob, std::string_view bytes)
{
    Result<std::string> content = open(key, bytes);
    if (content && blob.is_compressed()) content = decompress(*content, blob.plain_size);
    if (!content) return of_blob(blob, content.error().what);
    TRY(is_content_of(blob, *content));
    return content;
}

Result<void> open_blob_into(const MasterKey& key, const PackedBlob& blob, std::string_view bytes,
                            std::span<char> room)
{
    const Result<std::string> frame = open(key, bytes);
    if (!frame) return of_blob(blob, frame.error().what);
    if (const Result<void> made = decompress_into(*frame, room); !made)
        return of_blob(blob, made.error().what);
    return is_content_of(blob, {room.data(), room.size()});
}

}  // namespace belay::backup
