#pragma once
// An image as the parts that it is saved in.

#include "backup/repository/chunker.h"
#include "backup/repository/id.h"

#include <memory>
#include <optional>
#include <string>

namespace belay::backup {

/// The next part of an image: one chunk, or `count` chunks of zeros that are alike.
struct ImagePart {
    std::shared_ptr<const std::string> chunk;  ///< none: zeros, or `stored`
    uint64_t zero_size = 0;                    ///< bytes of each chunk of zeros
    uint64_t count = 1;
    std::optional<Id> stored = {};  ///< a chunk that the repository has already
};

/// Threads: one, which takes the parts in order.
class ImageParts {
  public:
    virtual ~ImageParts() = default;

    /// Nothing at the end. What cannot be read is told, and zeros.
    virtual std::optional<ImagePart> next() = 0;
    /// Nothing more is read; what comes is zeros. Threads: any.
    virtual void stop() = 0;
    /// Bytes of used blocks that have been read, or told. Threads: any.
    virtual uint64_t bytes_read() const = 0;
    /// The same, and those that need not be read. Threads: any.
    virtual uint64_t bytes_done() const = 0;
};

/// From this size of a device on chunks of zeros are as large as a chunk may be, and not as small: the list
/// of an image's chunks would be too long else. They end at the same places.
constexpr uint64_t usual_long_zeros_from = uint64_t{1} << 40;

/// Bytes of a chunk of zeros, as it is cut.
inline uint64_t zero_chunk_size(const Chunker& chunker)
{
    return chunker.first_chunk(std::string(Chunker::max_size, '\0'));
}

/// Of a long one: a multiple, so that what follows is cut at the same places.
constexpr uint64_t long_zeros(uint64_t zero_size)
{
    return Chunker::max_size / zero_size * zero_size;
}

inline bool starts_with_zeros(std::string_view bytes, size_t count)
{
    if (bytes.size() < count || bytes.front() != '\0') return false;
    return bytes.substr(1, count - 1) == bytes.substr(0, count - 1);
}

}  // namespace belay::backup
