#include "backup/maintenance/prune_plan.h"

#include "base/units.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace belay::backup {
namespace {

/// Fewer small packs than this are not worth it, and a last one below the size would be repacked for ever.
constexpr size_t fewest_small_packs = 10;

std::unexpected<Error> no_size(std::string_view text)
{
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no size", text.substr(0, 80)),
                "give bytes, as 300M or 2G; for unused data also a percentage below 100 or \"unlimited\"");
}

class PrunePlanner {
  public:
    PrunePlanner(const std::vector<PackUse>& packs, const PruneLimits& limits, unsigned format)
        : packs_(packs), limits_(limits), compresses_(format >= 2)
    {
        plan_.fates.assign(packs.size(), PackFate::keep);
    }

    PrunePlan make()
    {
        for (size_t i = 0; i < packs_.size(); ++i) look_at(i);
        if (small_.size() >= fewest_small_packs)
            candidates_.insert(candidates_.end(), small_.begin(), small_.end());
        std::ranges::stable_sort(candidates_,
                                 [this](size_t a, size_t b) { return comes_before(packs_[a], packs_[b]); });
        for (const size_t i : candidates_) consider(i);
        for (size_t i = 0; i < packs_.size(); ++i) {
            if (plan_.fates[i] == PackFate::keep) ++plan_.figures.packs_keep;
        }
        return std::move(plan_);
    }

  private:
    bool must_compress(const PackUse& pack) const
    {
        if (!compresses_) return false;
        return pack.has_plain_trees || (limits_.repack_uncompressed && pack.has_plain_data);
    }

    void look_at(size_t i)
    {
        const PackUse& pack = packs_[i];
        PruneFigures& figures = plan_.figures;
        count(figures.used, pack.used_blobs, pack.used_bytes);
        count(figures.unused, pack.unused_blobs, pack.unused_bytes);
        count(figures.duplicate, pack.duplicate_blobs, pack.duplicate_bytes);
        if (pack.used_blobs == 0) {
            ++figures.packs_unused;
            ++figures.packs_remove;
            count(figures.remove, pack.unused_blobs + pack.duplicate_blobs, pack.wasted_bytes());
            plan_.fates[i] = PackFate::remove;
            return;
        }
        const bool wastes = pack.unused_blobs + pack.duplicate_blobs > 0;
        ++(wastes ? figures.packs_partly_used : figures.packs_used);
        if (limits_.repack_cacheable_only && pack.has_data) return;
        const bool is_mixed = pack.has_data && pack.has_trees;
        if (wastes || is_mixed || must_compress(pack)) return candidates_.push_back(i);
        const uint64_t too_small = limits_.repack_small ? limits_.pack_size / 5 * 4 : limits_.pack_size / 25;
        if (pack.size < too_small) small_.push_back(i);
    }

    /// Trees are read by everybody, so theirs come first; then those that give the most for the least.
    static bool comes_before(const PackUse& a, const PackUse& b)
    {
        if (a.has_trees != b.has_trees) return a.has_trees;
        return static_cast<double>(a.wasted_bytes()) * static_cast<double>(b.used_bytes) >
               static_cast<double>(b.wasted_bytes()) * static_cast<double>(a.used_bytes);
    }

    void consider(size_t i)
    {
        const PackUse& pack = packs_[i];
        PruneFigures& figures = plan_.figures;
        if (limits_.max_repack_size && rewritten_ + pack.used_bytes > *limits_.max_repack_size) return;
        const bool is_data_alone = pack.has_data && !pack.has_trees;
        const bool is_small = std::ranges::binary_search(small_, i);
        const bool little_is_unused =
            figures.unused_bytes_after() <= limits_.max_unused.beside(figures.used.bytes);
        if (is_data_alone && !is_small && !must_compress(pack) && little_is_unused) return;
        plan_.fates[i] = PackFate::repack;
        rewritten_ += pack.used_bytes;
        ++figures.packs_repack;
        count(figures.repack, pack.used_blobs + pack.unused_blobs + pack.duplicate_blobs,
              pack.used_bytes + pack.wasted_bytes());
        count(figures.repack_removes, pack.unused_blobs + pack.duplicate_blobs, pack.wasted_bytes());
    }

    static void count(PruneFigures::Amount& amount, uint64_t blobs, uint64_t bytes)
    {
        amount.blobs += blobs;
        amount.bytes += bytes;
    }

    const std::vector<PackUse>& packs_;
    const PruneLimits& limits_;
    bool compresses_;
    std::vector<size_t> candidates_, small_;  ///< small_ ascending
    uint64_t rewritten_ = 0;
    PrunePlan plan_;
};

}  // namespace

Result<MaxUnused> MaxUnused::from_text(std::string_view text)
{
    if (text == "unlimited") return MaxUnused{.kind = Kind::unlimited};
    if (!text.ends_with('%')) {
        const Result<Bytes> size = parse_bytes(text);
        if (!size) return no_size(text);
        return MaxUnused{.kind = Kind::bytes, .percent = 0, .bytes = size->count};
    }
    double percent = 0;
    const char* begin = text.data();
    const char* sign = begin + text.size() - 1;
    const auto [end, problem] = std::from_chars(begin, sign, percent);
    if (problem != std::errc() || end != sign || !std::isfinite(percent) || percent < 0 || percent >= 100)
        return no_size(text);
    return MaxUnused{.kind = Kind::percent, .percent = percent};
}

uint64_t MaxUnused::beside(uint64_t used_bytes) const
{
    if (kind == Kind::unlimited) return std::numeric_limits<uint64_t>::max();
    if (kind == Kind::bytes) return bytes;
    return static_cast<uint64_t>(percent / (100 - percent) * static_cast<double>(used_bytes));
}

PrunePlan plan_prune(const std::vector<PackUse>& packs, const PruneLimits& limits, unsigned format)
{
    return PrunePlanner(packs, limits, format).make();
}

}  // namespace belay::backup
