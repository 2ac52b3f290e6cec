#include "load/ledger.h"

#include <doctest/doctest.h>

namespace belay::lab {
namespace {

constexpr uint64_t slots = 8;

/// What the slots hold after `count` writes.
std::vector<Result<uint64_t>> after_writes(uint64_t count)
{
    std::vector<Result<uint64_t>> found(slots, 0);
    for (uint64_t number = 1; number <= count; ++number) found[slot_of(number, slots)] = number;
    return found;
}

Ledger answered(uint64_t count, Ledger::Answers answers)
{
    Ledger ledger(slots, answers);
    for (uint64_t number = 1; number <= count; ++number) ledger.answered(number);
    return ledger;
}

Result<uint64_t> torn()
{
    return number_in(block_of(1, 0).replace(2048, 512, 512, 'x'), 0);
}

TEST_CASE("a block proves its slot and its write")
{
    CHECK(number_in(block_of(17, 3), 3) == 17u);
    CHECK(number_in(block_of(17, 3), 4).error().kind == ErrorKind::corrupt);
    CHECK(torn().error().kind == ErrorKind::corrupt);
}

TEST_CASE("every slot comes once in a round")
{
    for (const uint64_t count : {1, 2, 8, 255, 256, 2048}) {
        std::vector<bool> seen(count, false);
        for (uint64_t number = 0; number < count; ++number) seen[slot_of(number, count)] = true;
        CHECK(std::ranges::all_of(seen, [](bool was) { return was; }));
    }
}

TEST_CASE("without a power cut every answered write is there, and nothing is torn")
{
    const Ledger ledger = answered(20, Ledger::Answers::all);
    CHECK(ledger.losses(after_writes(20)).empty());
    CHECK(ledger.losses(after_writes(21)).size() == 1);
    CHECK(ledger.losses(after_writes(19)).size() == 1);
    auto found = after_writes(20);
    found[slot_of(21, slots)] = torn();
    CHECK(ledger.losses(found).size() == 1);
}

TEST_CASE("after a power cut later writes may be there, and the one that was being made may be torn")
{
    const Ledger ledger = answered(20, Ledger::Answers::some);
    CHECK(ledger.losses(after_writes(20)).empty());
    CHECK(ledger.losses(after_writes(23)).empty());
    auto found = after_writes(20);
    found[slot_of(21, slots)] = torn();
    CHECK(ledger.losses(found).empty());
    found = after_writes(23);
    found[slot_of(24, slots)] = torn();
    CHECK(ledger.losses(found).empty());
}

TEST_CASE("after a power cut an answered write that is gone is a loss, and so is a torn block elsewhere")
{
    const Ledger ledger = answered(20, Ledger::Answers::some);
    const std::vector<std::string> lost = ledger.losses(after_writes(19));
    REQUIRE(lost.size() == 1);
    CHECK(lost[0] == "slot " + std::to_string(slot_of(20, slots)) + ": wanted write 20, found write 12");
    for (const uint64_t elsewhere : {20, 19, 22}) {
        auto found = after_writes(20);
        found[slot_of(elsewhere, slots)] = torn();
        CHECK(ledger.losses(found).size() == 1);
    }
    auto unread = after_writes(20);
    unread[slot_of(21, slots)] = fail(ErrorKind::io, "cannot read the slot");
    CHECK(ledger.losses(unread).size() == 1);
}

}  // namespace
}  // namespace belay::lab
