#pragma once
// zstd, by libzstd: what a repository of format version 2 holds is compressed.

#include "base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace belay::backup {

/// How hard it tries. `off` stores data as it is; metadata is compressed nevertheless, as restic does it.
enum class Compression { off, automatic, max };

/// One zstd frame with its content size. Threads: any.
std::string compress(std::string_view plain, Compression level);
/// The same, behind what `out` holds.
void compress_onto(std::string_view plain, Compression level, std::string& out);

/// What was compressed; it must have `size` bytes. Errors: corrupt, also where it is another size, or so
/// large for a frame of this length that it was made to take memory.
Result<std::string> decompress(std::string_view frame, uint64_t size);

/// The same into `room`, which is as large as what was compressed.
Result<void> decompress_into(std::string_view frame, std::span<char> room);

/// What was compressed, of unknown size. Errors: corrupt, also where it is more than `limit` bytes, found out
/// before more than that is made of it; or more than an honest frame of this length makes.
Result<std::string> decompress_at_most(std::string_view frame, uint64_t limit);

}  // namespace belay::backup
