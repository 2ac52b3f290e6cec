#pragma once
// Content-defined chunks: where a file is cut follows from the bytes around the cut, so that what was
// inserted or removed elsewhere moves no cut, and both tools find the chunks that the other has stored.
//
// The fingerprint of a window of 64 bytes is its value modulo the repository's polynomial, the bytes taken as
// a polynomial over GF(2). A chunk ends behind the first byte, at or after the smallest size, at which the
// lowest 20 bits of the fingerprint are zero. Since nothing is cut before 512 KiB, the fingerprint depends on
// the 64 bytes before a place alone, and so several places are worked on at once.
// Source: restic's design document, "Backups and Deduplication".

#include "backup/repository/polynomial.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace belay::backup {

/// Threads: any.
class Chunker {
  public:
    static constexpr size_t window = 64;
    static constexpr size_t min_size = 512 << 10;
    static constexpr size_t max_size = 8 << 20;

    /// `polynomial` has degree 53.
    explicit Chunker(Polynomial polynomial);

    /// The length of the first chunk of `data`, which begins where a chunk begins and has at least max_size
    /// bytes, unless it is all that is left. 0 of nothing; at most max_size. Its first `seen` bytes are known
    /// to be of one chunk.
    size_t first_chunk(std::string_view data, size_t seen = 0) const;

  private:
    static constexpr unsigned shift = Polynomial::chunker_degree - 8;

    uint64_t fingerprint(const uint8_t* window_begin) const;
    size_t first_cut(const uint8_t* data, size_t begin, size_t end) const;

    std::array<uint64_t, 256> leaves_;   ///< what a byte that leaves the window has added
    std::array<uint64_t, 256> reduces_;  ///< by the byte that overflows
};

/// Cuts what comes in pieces. Threads: one at a time.
class Cutter {
  public:
    /// The reference outlives it.
    explicit Cutter(const Chunker& chunker) : chunker_(chunker) {}

    /// What is in no chunk yet, less than Chunker::max_size, when next() has nothing more.
    std::string_view rest() const { return rest_; }
    /// `bytes`: what rest() was, and what follows it. `at_end`: nothing follows that.
    void go_on(std::string_view bytes, bool at_end);
    /// The next chunk; nothing where it may go on in what follows, and where nothing is left.
    std::optional<std::string_view> next();

  private:
    const Chunker& chunker_;
    std::string_view rest_;
    size_t seen_ = 0;  ///< bytes of the rest in which no chunk ends
    bool at_end_ = false;
};

}  // namespace belay::backup
