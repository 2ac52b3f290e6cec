#include "backup/maintenance/pack_header.h"

namespace belay::backup {

Result<std::vector<PackedBlob>> load_header(const Repository& repository, const ListedFile& pack)
{
    const FileName name{FileKind::pack, pack.id};
    if (pack.size < header_length_size) return fail(ErrorKind::corrupt, "it has no header");
    const std::string last =
        TRY(repository.backend().load(name, pack.size - header_length_size, header_length_size));
    const uint32_t length = TRY(header_length(last, pack.size));
    const std::string header =
        TRY(repository.backend().load(name, pack.size - header_length_size - length, length));
    return read_header(repository.key(), header, pack.size);
}

uint64_t pack_size_of(std::span<const PackedBlob> blobs)
{
    uint64_t size = header_size(blobs) + seal_overhead + header_length_size;
    for (const PackedBlob& blob : blobs) size += blob.length;
    return size;
}

}  // namespace belay::backup
