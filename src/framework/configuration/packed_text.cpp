#include "framework/configuration/packed_text.h"

#include <fmt/format.h>
#include <zstd.h>

namespace belay::framework::configuration {
namespace {

constexpr int packing_level = 3;

}  // namespace

Result<std::string> pack_text(std::string_view text)
{
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    const size_t size = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), packing_level);
    if (ZSTD_isError(size) != 0)
        return fail(ErrorKind::failed, "zstd cannot pack a text of the configuration");
    packed.resize(size);
    return packed;
}

Result<std::string> unpack_text(std::string_view packed, std::string_view what)
{
    const auto refuse = [what](std::string_view why) {
        return fail(ErrorKind::corrupt, fmt::format("{} {}", what, why));
    };
    const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) return refuse("cannot be read");
    if (size > most_unpacked_bytes) return refuse("is longer than any that is made");
    std::string text(size, '\0');
    if (ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size()) != size)
        return refuse("is damaged");
    return text;
}

}  // namespace belay::framework::configuration
