#include "backup/pipeline/blob_claims.h"

#include "backup/repository/blob_table.h"

#include <doctest/doctest.h>
#include <thread>

namespace belay::backup {
namespace {

/// One of so many ids that are as good as random.
Id numbered_id(uint64_t number)
{
    Id id;
    for (size_t word = 0; word < 4; ++word) {
        // SplitMix64.
        uint64_t mixed = (number * 4 + word + 1) * 0x9e3779b97f4a7c15;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
        mixed ^= mixed >> 31;
        std::memcpy(id.bytes.data() + 8 * word, &mixed, sizeof mixed);
    }
    return id;
}

TEST_CASE("of two who claim a blob one gets it, and data and trees are apart")
{
    BlobClaims claims;
    CHECK(claims.claim(BlobType::data, numbered_id(1)));
    CHECK(!claims.claim(BlobType::data, numbered_id(1)));
    CHECK(claims.claim(BlobType::tree, numbered_id(1)));
    CHECK(!claims.claim(BlobType::tree, numbered_id(1)));
    CHECK(claims.claim(BlobType::data, numbered_id(2)));
    CHECK(claims.size() == 3);
}

TEST_CASE("four threads that claim the same blobs get each once, while the tables grow")
{
    constexpr size_t blobs = 60'000, threads = 4;
    BlobClaims claims;
    std::array<size_t, threads> got{};
    {
        std::vector<std::jthread> running;
        for (size_t thread = 0; thread < threads; ++thread) {
            running.emplace_back([&, thread] {
                // Each from another place on, so that each is the first somewhere.
                for (size_t i = 0; i < blobs; ++i)
                    got[thread] +=
                        claims.claim(BlobType::data, numbered_id((i + thread * blobs / threads) % blobs)) ? 1
                                                                                                          : 0;
            });
        }
    }
    CHECK(got[0] + got[1] + got[2] + got[3] == blobs);
    CHECK(claims.size() == blobs);
    for (size_t i = 0; i < blobs; ++i) CHECK_FALSE(claims.claim(BlobType::data, numbered_id(i)));
}

TEST_CASE("memory a blob: 48 bytes at most of a claim, 64 of the table, at every size up to five millions")
{
#if defined(BELAY_SANITIZE_ADDRESS) || defined(BELAY_SANITIZE_THREAD)
    constexpr uint64_t most = 300'000;
#else
    constexpr uint64_t most = 5'000'000;
#endif
    BlobClaims claims;
    BlobTable table;
    Id pack;
    bool all_new = true;
    double worst_claim = 0, worst_entry = 0;
    for (uint64_t i = 1; i <= most; ++i) {
        const Id id = numbered_id(i);
        all_new = all_new && claims.claim(BlobType::data, id);
        // Few to a pack, as of large files.
        table.add(i % 16 == 1 ? pack = numbered_id(most + i) : pack,
                  {.id = id, .offset = static_cast<uint32_t>(i % 16) * 1000, .length = 1000});
        if (i < 100'000 || i % 25'000 != 0) continue;
        const auto count = static_cast<double>(i);
        worst_claim = std::max(worst_claim, static_cast<double>(claims.memory()) / count);
        worst_entry = std::max(worst_entry, static_cast<double>(table.memory()) / count);
    }
    MESSAGE(most << " blobs: at most " << worst_claim << " bytes of a claim, " << worst_entry
                 << " of the table");
    CHECK(all_new);
    CHECK(table.size() == most);
    CHECK(worst_claim <= 48);
    CHECK(worst_entry <= 64);
}

}  // namespace
}  // namespace belay::backup
