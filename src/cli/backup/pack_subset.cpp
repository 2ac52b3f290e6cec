#include "cli/backup/pack_subset.h"

#include "cli/backup/context.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <unordered_set>

namespace belay::cli {

Result<PackSubset> PackSubset::from_text(const std::string& text)
{
    constexpr const char* option = "--read-data-subset";
    PackSubset subset;
    if (text.empty()) return subset;
    if (const size_t slash = text.find('/'); slash != std::string::npos) {
        subset.part_ = TRY(read_count(option, std::string_view(text).substr(0, slash)));
        subset.parts_ = TRY(read_count(option, std::string_view(text).substr(slash + 1)));
        if (subset.part_ == 0 || subset.part_ > subset.parts_ || subset.parts_ > 256)
            return fail(ErrorKind::usage, fmt::format("{}: there is no part {}", option, text),
                        "write it as 2/7: 1 to 256 parts, and one of them");
        return subset;
    }
    if (text.ends_with('%')) {
        const char* begin = text.data();
        const char* end = begin + text.size() - 1;
        const auto [stopped, problem] = std::from_chars(begin, end, subset.percent_);
        if (problem != std::errc() || stopped != end || !(subset.percent_ > 0 && subset.percent_ <= 100))
            return fail(ErrorKind::usage, fmt::format("{}: {} is no part of a whole", option, text),
                        "write it as 10% or 2.5%");
        return subset;
    }
    subset.bytes_ = TRY(read_size(option, text));
    return subset;
}

std::function<bool(const backup::Id&)> PackSubset::choose(const std::vector<backup::ListedFile>& packs) const
{
    if (parts_ > 0)
        return
            [part = part_, parts = parts_](const backup::Id& id) { return id.bytes[0] % parts == part - 1; };
    std::vector<backup::ListedFile> shuffled = packs;
    std::ranges::shuffle(shuffled, std::mt19937_64(std::random_device()()));
    const auto wanted = static_cast<size_t>(percent_ / 100 * static_cast<double>(packs.size()) + 0.999);
    auto chosen = std::make_shared<std::unordered_set<backup::Id, backup::IdHash>>();
    uint64_t bytes = 0;
    for (const backup::ListedFile& pack : shuffled) {
        // At least one is read.
        if (percent_ > 0 ? chosen->size() >= wanted : bytes >= bytes_ && !chosen->empty()) break;
        chosen->insert(pack.id);
        bytes += pack.size;
    }
    return [chosen](const backup::Id& id) { return chosen->contains(id); };
}

}  // namespace belay::cli
