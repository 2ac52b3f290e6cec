#include "backup/repository/chunker.h"

#include "base/invariant.h"

#include <algorithm>

namespace belay::backup {
namespace {

constexpr uint64_t cut_mask = (uint64_t{1} << 20) - 1;

/// Places that are worked on at once: each is a chain of loads that wait for each other, and a processor has
/// room for several chains.
constexpr size_t lanes = 8;
/// Bytes that a lane looks at before the lanes are compared: a cut is found at most lanes times this too
/// late.
constexpr size_t stride = 4 << 10;

}  // namespace

Chunker::Chunker(Polynomial polynomial)
{
    INVARIANT(polynomial.degree() == Polynomial::chunker_degree);
    for (uint64_t byte = 0; byte < 256; ++byte) {
        // It has been shifted as often as there are bytes in the window, when the next one comes in.
        Polynomial left = Polynomial{byte} % polynomial;
        for (size_t i = 0; i < window; ++i) left = Polynomial{left.bits << 8} % polynomial;
        leaves_[byte] = left.bits;
        // The overflowing byte itself is taken away in the same step.
        const uint64_t high = byte << Polynomial::chunker_degree;
        reduces_[byte] = (Polynomial{high} % polynomial).bits | high;
    }
}

uint64_t Chunker::fingerprint(const uint8_t* window_begin) const
{
    uint64_t value = 0;
    for (size_t i = 0; i < window; ++i) {
        const auto overflow = static_cast<uint8_t>(value >> shift);
        value = (value << 8 | window_begin[i]) ^ reduces_[overflow];
    }
    return value;
}

/// The first place in [begin, end) behind whose byte before a chunk ends, so that data[0..place) is the
/// chunk; end where there is none. There is a whole window before `begin`.
size_t Chunker::first_cut(const uint8_t* data, size_t begin, size_t end) const
{
    const auto slide = [&](uint64_t value, size_t at) {
        const auto overflow = static_cast<uint8_t>(value >> shift);
        return (value << 8) ^ reduces_[overflow] ^ (leaves_[data[at - window]] ^ data[at]);
    };
    while (end - begin >= lanes * stride) {
        uint64_t value[lanes];
        size_t found[lanes];
        for (size_t lane = 0; lane < lanes; ++lane) {
            value[lane] = fingerprint(data + begin + lane * stride - window);
            found[lane] = stride;
        }
        for (size_t i = 0; i < stride; ++i) {
            // In a loop the values would lie in memory: each step would wait for what another has stored.
#pragma GCC unroll lanes
            for (size_t lane = 0; lane < lanes; ++lane) {
                if ((value[lane] & cut_mask) == 0) [[unlikely]]
                    found[lane] = std::min(found[lane], i);
                value[lane] = slide(value[lane], begin + lane * stride + i);
            }
        }
        for (size_t lane = 0; lane < lanes; ++lane) {
            if (found[lane] < stride) return begin + lane * stride + found[lane];
        }
        begin += lanes * stride;
    }
    if (begin >= end) return end;
    uint64_t value = fingerprint(data + begin - window);
    while ((value & cut_mask) != 0) {
        value = slide(value, begin);
        if (++begin >= end) return end;
    }
    return begin;
}

size_t Chunker::first_chunk(std::string_view data, size_t seen) const
{
    const size_t begin = std::max(min_size, seen);
    if (data.size() <= begin) return data.size();
    return first_cut(reinterpret_cast<const uint8_t*>(data.data()), begin, std::min(data.size(), max_size));
}

void Cutter::go_on(std::string_view bytes, bool at_end)
{
    rest_ = bytes;
    at_end_ = at_end;
}

std::optional<std::string_view> Cutter::next()
{
    const std::string_view chunk = rest_.substr(0, chunker_.first_chunk(rest_, seen_));
    const bool may_go_on = chunk.size() == rest_.size() && chunk.size() < Chunker::max_size;
    if (chunk.empty() || (may_go_on && !at_end_)) {
        seen_ = rest_.size();
        return std::nullopt;
    }
    rest_.remove_prefix(chunk.size());
    seen_ = 0;
    return chunk;
}

}  // namespace belay::backup
