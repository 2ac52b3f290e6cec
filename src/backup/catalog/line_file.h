#pragma once
// Lines of text in a file that is compressed by zstd.

#include "base/digest.h"

#include <memory>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;  // of zstd, NOLINT(readability-identifier-naming)
struct ZSTD_DCtx_s;  // NOLINT(readability-identifier-naming)

namespace belay::backup::catalog {

/// Threads: one. `file` negative: what is written is digested alone.
class LineWriter {
  public:
    explicit LineWriter(int file);
    /// A line without its end.
    Result<void> write(std::string_view line);
    /// Writes the last line, with the digest of all before it.
    Result<void> finish();
    /// The same digest.
    const std::string& digest() const { return digest_text_; }

  private:
    Result<void> compress(std::string_view text, bool is_end);

    int file_;
    std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)> context_;
    Sha256 digest_;
    std::string digest_text_;
    std::string pending_;
    uint64_t lines_ = 0;
};

/// Threads: one.
class LineReader {
  public:
    /// A longer line is nobody's.
    static constexpr size_t longest_line = size_t{1} << 30;

    explicit LineReader(int file);
    /// The next line but the last; nothing when that was read, and is right. Errors: corrupt; those of the
    /// system.
    Result<std::optional<std::string>> next();
    uint64_t bytes_read() const { return bytes_read_; }

  private:
    Result<bool> fill();
    Result<void> check_end(const std::string& last);
    Result<std::optional<std::string>> take_line();

    int file_;
    std::unique_ptr<ZSTD_DCtx_s, size_t (*)(ZSTD_DCtx_s*)> context_;
    Sha256 digest_;
    std::string raw_, text_;
    size_t raw_at_ = 0, text_at_ = 0;
    std::optional<std::string> held_;  ///< the line that may be the last
    uint64_t lines_ = 0, bytes_read_ = 0;
    bool at_frame_end_ = true, is_begun_ = false;
};

}  // namespace belay::backup::catalog
