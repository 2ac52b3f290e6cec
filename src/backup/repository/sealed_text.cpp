#include "backup/repository/sealed_text.h"

#include "backup/repository/compression.h"

namespace belay::backup {
namespace {

/// The first byte of what is compressed; JSON begins with a brace or a bracket.
constexpr char zstd_mark = 2;
/// An index of restic has at most 150,000 blobs, which is some 30 MB.
constexpr uint64_t longest_text = 512 << 20;

}  // namespace

Result<std::string> seal_text(const MasterKey& key, std::string_view text, bool compressed)
{
    if (!compressed) return seal(key, text);
    return seal(key, zstd_mark + compress(text, Compression::automatic));
}

Result<std::string> open_text(const MasterKey& key, std::string_view sealed)
{
    std::string text = TRY(open(key, sealed));
    if (text.empty()) return fail(ErrorKind::corrupt, "a sealed text is empty");
    if (text.front() == '{' || text.front() == '[') return text;
    if (text.front() != zstd_mark)
        return fail(ErrorKind::corrupt,
                    fmt::format("a sealed text begins with the byte {}", static_cast<uint8_t>(text.front())));
    return decompress_at_most(std::string_view(text).substr(1), longest_text);
}

}  // namespace belay::backup
