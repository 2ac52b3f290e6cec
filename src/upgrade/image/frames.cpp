#include "upgrade/image/frames.h"

#include <algorithm>
#include <thread>
#include <unistd.h>
#include <zstd.h>

namespace belay::upgrade::image {
namespace {

// An image is made once, and carried and unpacked often.
constexpr int level = 12;
constexpr int largest_window_log = 27;
constexpr size_t most_workers = 8;

void set_up(ZSTD_CCtx* context)
{
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
}

}  // namespace

Result<void> write_all(int file, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return std::unexpected(system_error("write the file", wrote < 0 ? errno : ENOSPC));
        bytes.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
}

Result<std::string> frame_of(std::string_view text)
{
    const std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    set_up(context.get());
    std::string frame(ZSTD_compressBound(text.size()), '\0');
    const size_t size = ZSTD_compress2(context.get(), frame.data(), frame.size(), text.data(), text.size());
    if (ZSTD_isError(size) != 0)
        return fail(ErrorKind::failed, fmt::format("zstd cannot compress: {}", ZSTD_getErrorName(size)));
    frame.resize(size);
    return frame;
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
