#include "upgrade/image/frames.h"

#include <algorithm>
#include <thread>
#include <unistd.h>
#include <zstd.h>

namespace belay::upgrade::image {
namespace {

// Of a system's libraries level 12 makes 1 % less, in twice the time.
constexpr int level = 9;
constexpr int largest_window_log = 27;
constexpr size_t most_workers = 8;
// A frame's descriptor: the size of the content in eight bytes, one segment, a checksum.
constexpr uint64_t whole_in_one_segment = 0xe4;
constexpr size_t largest_block = 128 << 10, checksum_size = 4;

void set_up(ZSTD_CCtx* context)
{
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
}

/// What ends a frame of this text: libzstd alone knows how it is made.
Result<std::string> checksum_of(std::string_view text)
{
    const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, 1);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    std::string frame(ZSTD_compressBound(text.size()), '\0');
    const size_t size = ZSTD_compress2(context.get(), frame.data(), frame.size(), text.data(), text.size());
    if (ZSTD_isError(size) != 0 || size < checksum_size)
        return fail(ErrorKind::failed, fmt::format("zstd cannot compress: {}", ZSTD_getErrorName(size)));
    return frame.substr(size - checksum_size, checksum_size);
}

}  // namespace

Result<void> write_all(int file, std::string_view bytes, std::string_view name)
{
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0)
            return std::unexpected(system_error(fmt::format("write {}", name), wrote < 0 ? errno : ENOSPC));
        bytes.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
}

// Source: RFC 8878, 3.1.1. libzstd stores a block when it cannot make it smaller, not when it is asked to.
Result<std::string> stored_frame_of(std::string_view text)
{
    std::string frame("\x28\xb5\x2f\xfd", 4);
    const auto put = [&](uint64_t number, int count) {
        for (int byte = 0; byte < count; ++byte) frame += static_cast<char>(number >> (8 * byte) & 0xff);
    };
    put(whole_in_one_segment, 1);
    put(text.size(), 8);
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view stored = rest.substr(0, largest_block);
        rest.remove_prefix(stored.size());
        put(stored.size() << 3 | (rest.empty() ? 1 : 0), 3);
        frame += stored;
    }
    return frame + TRY(checksum_of(text));
}

FrameWriter::FrameWriter(int file)
    : file_(file), context_(ZSTD_createCCtx(), ZSTD_freeCCtx), buffer_(ZSTD_CStreamOutSize(), '\0')
{
    set_up(context_.get());
    // One at least, for without any the frame is another one.
    const size_t workers = std::clamp<size_t>(std::thread::hardware_concurrency(), 1, most_workers);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(workers));
}

Result<void> FrameWriter::push(std::string_view bytes, bool is_end)
{
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (true) {
        ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
        const size_t left =
            ZSTD_compressStream2(context_.get(), &out, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left) != 0)
            return fail(ErrorKind::failed, fmt::format("zstd cannot compress: {}", ZSTD_getErrorName(left)));
        const std::string_view made(buffer_.data(), out.pos);
        digest_.add(made);
        size_.count += made.size();
        TRY(write_all(file_, made));
        if (is_end ? left == 0 : in.pos == in.size) return {};
    }
}

Result<void> FrameWriter::add(std::string_view bytes)
{
    return push(bytes, false);
}

Result<void> FrameWriter::finish()
{
    return push({}, true);
}

FrameReader::FrameReader(int file, Bytes offset)
    : file_(file),
      offset_(offset),
      context_(ZSTD_createDCtx(), ZSTD_freeDCtx),
      output_(ZSTD_DStreamOutSize(), '\0')
{
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, largest_window_log);
}

Result<std::string_view> FrameReader::next()
{
    while (!has_ended_) {
        ZSTD_outBuffer out{output_.data(), output_.size(), 0};
        ZSTD_inBuffer in{input_.data() + used_, input_.size() - used_, 0};
        const size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
        if (ZSTD_isError(left) != 0)
            return fail(ErrorKind::corrupt,
                        fmt::format("what zstd made is damaged: {}", ZSTD_getErrorName(left)));
        used_ += in.pos;
        offset_.count += in.pos;
        has_ended_ = left == 0;
        if (out.pos > 0) return std::string_view(output_.data(), out.pos);
        if (has_ended_ || used_ < input_.size()) continue;
        input_.resize(ZSTD_DStreamInSize());
        const ssize_t got = pread(file_, input_.data(), input_.size(), static_cast<off_t>(offset_.count));
        if (got < 0 && errno != EINTR) return std::unexpected(system_error("read the file", errno));
        input_.resize(got < 0 ? 0 : static_cast<size_t>(got));
        used_ = 0;
        if (got == 0) return fail(ErrorKind::corrupt, "the file ends in the middle of what zstd made");
    }
    return std::string_view();
}

}  // namespace belay::upgrade::image
