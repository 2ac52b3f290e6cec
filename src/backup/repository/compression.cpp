#include "backup/repository/compression.h"

#include "base/invariant.h"

#include <algorithm>
#include <memory>
#include <zstd.h>

namespace belay::backup {
namespace {

/// How zstd works; 0: as its level says.
struct Way {
    int level = 3;
    int hash_log = 0, chain_log = 0;
    int min_match = 0;
};

/// Restic compresses with a Go implementation whose default is about zstd's 3, and whose best about 11.
///
/// What is small is compressed faster, by a seventh, for 1 % more in a repository of small files. For most
/// else the tables of level 3 are halved and quartered: they stay near the processor, which makes it faster
/// by a fifth, for 0.3 % more. The chunks of large files are mostly programs, in which level 2 finds nearly
/// as much when it looks for as little as five bytes that are alike: a sixth faster, for 1 % more; of those
/// that are not the largest half its table is enough: an eighth faster again, for 1 % more of them. All
/// together is as much as restic makes of it, within half a percent (bench/backup).
constexpr Way way_of(Compression level, size_t size)
{
    constexpr size_t small = 16 << 10;
    if (level == Compression::max) return {.level = 11};
    constexpr size_t large = 256 << 10, very_large = 1280 << 10;
    if (size <= small) return {.level = 2};
    if (size >= very_large) return {.level = 2, .min_match = 5};
    if (size >= large) return {.level = 2, .hash_log = 15, .min_match = 5};
    return {.level = 3, .hash_log = 16, .chain_log = 14};
}

struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// Made once a thread: a new one for each blob would cost more than compressing a small blob.
ZSTD_CCtx* compressor()
{
    static thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
    INVARIANT(context);
    return context.get();
}

ZSTD_DCtx* decompressor()
{
    static thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
    INVARIANT(context);
    return context.get();
}

std::unexpected<Error> not_zstd(size_t code)
{
    return fail(ErrorKind::corrupt, fmt::format("compressed data is damaged: {}", ZSTD_getErrorName(code)));
}

std::unexpected<Error> another_size(uint64_t size, uint64_t expected)
{
    return fail(ErrorKind::corrupt,
                fmt::format("compressed data makes {} bytes where {} are expected", size, expected));
}

/// Not inline: where g++ 12 knows that a string is large, it warns of what it would do with a small one.
[[gnu::noinline]] Result<void> is_size(uint64_t size, uint64_t expected)
{
    if (size != expected) return another_size(size, expected);
    return {};
}

/// Room is made for so many bytes on the word of whoever wrote them; more is made as it comes.
constexpr uint64_t most_at_face_value = 64 << 20;
/// Of what is larger a byte makes no more than so many: the list of a million empty files about 20. Zeros
/// that were compressed to make a reader take memory make 30,000.
constexpr uint64_t most_from_byte = 256;

uint64_t most_from(std::string_view frame)
{
    return std::max(most_at_face_value, frame.size() * most_from_byte);
}

}  // namespace

std::string compress(std::string_view plain, Compression level)
{
    std::string out;
    compress_onto(plain, level, out);
    return out;
}

void compress_onto(std::string_view plain, Compression level, std::string& out)
{
    ZSTD_CCtx* const context = compressor();
    const Way way = way_of(level, plain.size());
    for (const auto& [parameter, value] :
         {std::pair{ZSTD_c_compressionLevel, way.level}, std::pair{ZSTD_c_hashLog, way.hash_log},
          std::pair{ZSTD_c_chainLog, way.chain_log}, std::pair{ZSTD_c_minMatch, way.min_match}})
        INVARIANT(ZSTD_isError(ZSTD_CCtx_setParameter(context, parameter, value)) == 0);
    const size_t begin = out.size(), end = begin + ZSTD_compressBound(plain.size());
    out.resize_and_overwrite(end, [&](char* buffer, size_t) {
        const size_t length =
            ZSTD_compress2(context, buffer + begin, end - begin, plain.data(), plain.size());
        INVARIANT(ZSTD_isError(length) == 0);
        return begin + length;
    });
}

Result<std::string> decompress(std::string_view frame, uint64_t size)
{
    if (size > most_from(frame))
        return fail(ErrorKind::corrupt, fmt::format("{} bytes say that they make {}, as nothing honest does",
                                                    frame.size(), size));
    if (size > most_at_face_value) {
        std::string made = TRY(decompress_at_most(frame, size));
        TRY(is_size(made.size(), size));
        return made;
    }
    std::string out;
    size_t length = 0;
    out.resize_and_overwrite(size, [&](char* buffer, size_t) {
        length = ZSTD_decompressDCtx(decompressor(), buffer, size, frame.data(), frame.size());
        return std::min<size_t>(length, size);
    });
    if (ZSTD_isError(length) != 0) return not_zstd(length);
    if (length != size) return another_size(length, size);
    return out;
}

Result<void> decompress_into(std::string_view frame, std::span<char> room)
{
    const size_t length =
        ZSTD_decompressDCtx(decompressor(), room.data(), room.size(), frame.data(), frame.size());
    if (ZSTD_isError(length) != 0) return not_zstd(length);
    return is_size(length, room.size());
}

Result<std::string> decompress_at_most(std::string_view frame, uint64_t limit)
{
    limit = std::min(limit, most_from(frame));
    // Where it says how large it is, no more memory is taken than that; a string that grows takes thrice as
    // much.
    const uint64_t said = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (said <= std::min(limit, most_at_face_value)) return decompress(frame, said);
    ZSTD_DCtx* context = decompressor();
    INVARIANT(ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)) == 0);
    std::string out;
    std::string piece(ZSTD_DStreamOutSize(), '\0');
    ZSTD_inBuffer in{frame.data(), frame.size(), 0};
    size_t wanted = 1;
    while (wanted != 0) {
        ZSTD_outBuffer made{piece.data(), piece.size(), 0};
        const size_t before = in.pos;
        wanted = ZSTD_decompressStream(context, &made, &in);
        if (ZSTD_isError(wanted) != 0) return not_zstd(wanted);
        if (out.size() + made.pos > limit)
            return fail(ErrorKind::corrupt, fmt::format("compressed data makes more than {} bytes", limit));
        out.append(piece.data(), made.pos);
        const bool stands_still = in.pos == before && made.pos == 0;
        if (wanted != 0 && stands_still) return fail(ErrorKind::corrupt, "compressed data is cut short");
    }
    if (in.pos != frame.size())
        return fail(ErrorKind::corrupt, "there is something behind the compressed data");
    return out;
}

}  // namespace belay::backup
