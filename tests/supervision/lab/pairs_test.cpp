// Never two at once: a pair whose serving one is killed, frozen and thawed, cut off, or loses its host, again
// and again, while both write each act by one clock. What they wrote is held against each other.
//
//     BELAY_LAB_PAIR_ROUNDS=100    so many faults (7: one of each kind)
//     BELAY_LAB_PAIR_ONLY=TEXT     those whose name has this in it, as "frozen"

#include "pair.h"

#include <cstdlib>

namespace belay {
namespace {

using testing::Fault;
using testing::PairUnderFaults;
using testing::Takeover;

std::string setting(const char* variable, const std::string& usual)
{
    const char* const text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody changes it
    return text == nullptr ? usual : text;
}

std::vector<Fault> chosen()
{
    const std::string only = setting("BELAY_LAB_PAIR_ONLY", "");
    const auto rounds = std::stoul(setting("BELAY_LAB_PAIR_ROUNDS", "7"));
    std::vector<Fault> kinds;
    for (const Fault fault : {Fault::killed, Fault::host_frozen, Fault::frozen, Fault::link_cut,
                              Fault::host_cut, Fault::switched, Fault::killed_alone}) {
        if (name_of(fault).find(only) != std::string_view::npos) kinds.push_back(fault);
    }
    REQUIRE_FALSE(kinds.empty());
    std::vector<Fault> all;
    for (size_t round = 0; round < rounds; ++round) all.push_back(kinds[round % kinds.size()]);
    return all;
}

TEST_CASE("of a pair there are never two that serve, whatever becomes of the one that does")
{
    PairUnderFaults pair;
    std::map<Fault, std::vector<double>> times;
    for (const Fault fault : chosen()) {
        const Takeover takeover = pair.meet(fault);
        times[fault].push_back(takeover.milliseconds);
        const auto overlaps = overlaps_of(stand_in::reigns_of(pair.happened(), {"server", "server-backup"}));
        for (const auto& [one, other] : overlaps)
            FAIL(fmt::format(
                "{}: {} (process {}, lease {}) has acted until {}, and {} (process {}, lease {}) from {} on",
                name_of(fault), one.name, one.pid, one.token, one.last, other.name, other.pid, other.token,
                other.first));
    }
    for (auto& [fault, all] : times) {
        std::ranges::sort(all);
        MESSAGE(fmt::format("{}: {} times, nobody served for {:.0f} ms in the median, {:.0f} ms at most",
                            name_of(fault), all.size(), all[all.size() / 2], all.back()));
    }
    pair.check_hands();
}

}  // namespace
}  // namespace belay
