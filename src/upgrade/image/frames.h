#pragma once
// zstd frames in an open file.

#include "base/digest.h"
#include "base/units.h"

#include <functional>
#include <memory>
#include <span>

struct ZSTD_CCtx_s;  // libzstd's, NOLINT(readability-identifier-naming)
struct ZSTD_DCtx_s;  // NOLINT(readability-identifier-naming)

namespace belay::upgrade::image {

/// All of `bytes` to the file's position. Errors: those of the system, with what it is called.
Result<void> write_all(int file, std::string_view bytes, std::string_view name = "the image");

/// A text as one frame that stores it, with a checksum. There is one such frame of a text, whichever library
/// makes it: of compressed ones there are many, and which of them it is nobody could hold to be altered.
Result<std::string> stored_frame_of(std::string_view text);

/// Writes one frame, with a checksum, to a file's position. The bytes are the same whatever number of
/// processors makes them. Not owned: the file.
class FrameWriter {
  public:
    explicit FrameWriter(int file);
    Result<void> add(std::string_view bytes);
    Result<void> finish();

    /// Of the frame, after finish().
    Bytes size() const { return size_; }
    std::string sha256() { return digest_.hex(); }

  private:
    Result<void> push(std::string_view bytes, bool is_end);

    int file_;
    std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)> context_;
    std::string buffer_;
    Bytes size_;
    Sha256 digest_;
};

/// Reads one frame of a file, from a place in it. Not owned: the file.
class FrameReader {
  public:
    FrameReader(int file, Bytes offset);
    /// Some of what was compressed; empty at the end of the frame. It stays until the next call. Errors:
    /// corrupt, also where the file ends before; io.
    Result<std::string_view> next();
    /// Behind what has been used of the file: behind the frame, when it has ended.
    Bytes offset() const { return offset_; }

  private:
    int file_;
    Bytes offset_;
    std::unique_ptr<ZSTD_DCtx_s, size_t (*)(ZSTD_DCtx_s*)> context_;
    std::string input_, output_;
    size_t used_ = 0;  ///< of the input
    bool has_ended_ = false;
};

}  // namespace belay::upgrade::image
