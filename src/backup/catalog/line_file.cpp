#include "backup/catalog/line_file.h"

#include "base/invariant.h"
#include "base/json.h"

#include <cerrno>
#include <unistd.h>
#include <zstd.h>

namespace belay::backup::catalog {
namespace {

constexpr size_t piece_size = size_t{1} << 18;
/// zstd's default; more than 128 MiB of window is not taken.
constexpr int level = 3, largest_window_log = 27;

std::unexpected<Error> damaged_file(std::string_view why)
{
    return fail(ErrorKind::corrupt, fmt::format("the exported catalog is damaged: {}", why),
                "export it once more, or belay catalog rebuild");
}

Result<void> write_fully(int file, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0)
            return std::unexpected(system_error("write the exported catalog", written < 0 ? errno : EIO));
        bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

}  // namespace

LineWriter::LineWriter(int file) : file_(file), context_(ZSTD_createCCtx(), ZSTD_freeCCtx)
{
    INVARIANT(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

Result<void> LineWriter::compress(std::string_view text, bool is_end)
{
    if (file_ < 0) return {};
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    std::string out(piece_size, '\0');
    for (;;) {
        ZSTD_outBuffer made{out.data(), out.size(), 0};
        const size_t left =
            ZSTD_compressStream2(context_.get(), &made, &in, is_end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left) != 0)
            return fail(ErrorKind::failed, fmt::format("cannot compress: {}", ZSTD_getErrorName(left)));
        TRY(write_fully(file_, std::string_view(out).substr(0, made.pos)));
        if (is_end ? left == 0 : in.pos == in.size) return {};
    }
}

Result<void> LineWriter::write(std::string_view line)
{
    ++lines_;
    const size_t before = pending_.size();
    pending_.append(line).push_back('\n');
    digest_.add(std::string_view(pending_).substr(before));
    if (pending_.size() < piece_size) return {};
    TRY(compress(pending_, false));
    pending_.clear();
    return {};
}

Result<void> LineWriter::finish()
{
    digest_text_ = digest_.hex();
    pending_ += json_text({{"lines", lines_}, {"sha256", digest_text_}}) + '\n';
    return compress(pending_, true);
}

LineReader::LineReader(int file) : file_(file), context_(ZSTD_createDCtx(), ZSTD_freeDCtx)
{
    INVARIANT(context_ != nullptr);
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, largest_window_log);
}

/// False at the end of the file.
Result<bool> LineReader::fill()
{
    if (raw_at_ == raw_.size()) {
        raw_.resize(piece_size);
        raw_at_ = 0;
        ssize_t count = -1;
        do {
            count = ::read(file_, raw_.data(), raw_.size());
        } while (count < 0 && errno == EINTR);
        if (count < 0) return std::unexpected(system_error("read the exported catalog", errno));
        raw_.resize(static_cast<size_t>(count));
        bytes_read_ += static_cast<uint64_t>(count);
        if (raw_.empty()) {
            if (!is_begun_ || !at_frame_end_) return damaged_file("it ends too early");
            return false;
        }
    }
    is_begun_ = true;
    std::string out(piece_size, '\0');
    ZSTD_inBuffer in{raw_.data(), raw_.size(), raw_at_};
    ZSTD_outBuffer made{out.data(), out.size(), 0};
    const size_t left = ZSTD_decompressStream(context_.get(), &made, &in);
    if (ZSTD_isError(left) != 0) return damaged_file(ZSTD_getErrorName(left));
    at_frame_end_ = left == 0;
    raw_at_ = in.pos;
    text_.erase(0, text_at_);
    text_at_ = 0;
    text_.append(out, 0, made.pos);
    if (text_.size() > longest_line + piece_size) return damaged_file("a line of it has no end");
    return true;
}

Result<std::optional<std::string>> LineReader::take_line()
{
    for (size_t searched = text_at_;;) {
        const size_t end = text_.find('\n', searched);
        if (end != std::string::npos) {
            std::string line = text_.substr(text_at_, end - text_at_);
            text_at_ = end + 1;
            return std::optional(std::move(line));
        }
        const size_t waiting = text_.size() - text_at_;
        if (!TRY(fill())) {
            if (waiting > 0) return damaged_file("its last line has no end");
            return std::optional<std::string>();
        }
        searched = waiting;
    }
}

Result<void> LineReader::check_end(const std::string& last)
{
    const Result<Json> json = parse_json(last);
    if (!json || !json->is_object() || !json->contains("sha256") || !json->contains("lines"))
        return damaged_file("its last line does not say its digest");
    if (json->at("sha256") != digest_.hex() || json->at("lines") != lines_)
        return damaged_file("its digest is another than it says");
    return {};
}

Result<std::optional<std::string>> LineReader::next()
{
    if (!held_) held_ = TRY(take_line());
    if (!held_) return damaged_file("it is empty");
    std::optional<std::string> following = TRY(take_line());
    if (!following) {
        TRY(check_end(*held_));
        return std::optional<std::string>();
    }
    digest_.add(*held_);
    digest_.add("\n");
    ++lines_;
    std::optional<std::string> line = std::move(held_);
    held_ = std::move(following);
    return line;
}

}  // namespace belay::backup::catalog
