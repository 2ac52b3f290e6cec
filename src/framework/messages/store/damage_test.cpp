#include "framework/messages/store/testing/store_shop.h"

#include <fcntl.h>
#include <random>
#include <unistd.h>

namespace belay::framework::messages {
namespace {

using namespace std::chrono_literals;

void overwrite(const std::string& path, int64_t offset, std::string_view bytes)
{
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    CHECK(::pwrite(file, bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size()));
    ::close(file);
}

StoreLimits segment_each()
{
    return {.segment_bytes = 1};
}

/// Three segments of 1000 messages, and one of a single message that is open.
void fill(StoreShop& shop)
{
    for (uint32_t i = 0; i < 3; ++i) shop.append_many(i * 1000 + 1, 1000);
    const std::vector<Message> last = {some_message(3001)};
    const std::vector<Position> position = {{"web", "3001"}};
    must(shop.store->expire(noon));
    must(shop.store->append(last, position, noon));
}

TEST_CASE("a segment that is damaged when the store opens is put aside, and the rest is found")
{
    StoreShop shop(segment_each());
    fill(shop);
    shop.store.reset();
    const std::string path = shop.file("00000000001001.sealed");
    REQUIRE_FALSE(path.empty());
    overwrite(path, 0, std::string(4096, 'x'));
    shop.open();
    const auto losses = shop.store->take_losses();
    REQUIRE(losses.size() == 1);
    CHECK(losses[0].file == shop.path() + "/00000000000000001001.damaged");
    CHECK(losses[0].why.find("00000000000000001001.sealed is damaged") != std::string::npos);
    CHECK(shop.store->take_losses().empty());
    const auto numbers = shop.numbers({.limit = 5000});
    CHECK(numbers.size() == 2001);
    CHECK(numbers.back() == 3001);
    shop.open();
    CHECK(shop.store->take_losses().empty());
    CHECK(shop.append(some_message(1)) == 3002);
}

TEST_CASE("a segment whose damage a search meets is put aside, and the search gives the rest")
{
    StoreShop shop(segment_each());
    fill(shop);
    const std::string path = shop.file("00000000001001.sealed");
    const auto pages = static_cast<int64_t>(std::filesystem::file_size(path)) / 4096;
    for (int64_t page = 2; page < pages; ++page) overwrite(path, page * 4096, std::string(4096, '\xee'));
    CHECK(shop.numbers({.limit = 5000}).size() == 2001);
    const auto losses = shop.store->take_losses();
    REQUIRE(losses.size() == 1);
    CHECK(std::filesystem::exists(losses[0].file));
    CHECK(shop.append(some_message(1)) == 3002);
}

TEST_CASE(
    "a damaged newest segment is put aside; numbers go on far beyond it, sources where the one before ended")
{
    StoreShop shop(segment_each());
    const std::vector<Message> one = {some_message(1)};
    const std::vector<Position> first = {{"web", "1"}}, second = {{"web", "2"}};
    must(shop.store->append(one, first, noon));
    must(shop.store->expire(noon));
    must(shop.store->append(one, second, noon));
    SUBCASE("while the store was closed")
    {
        shop.store.reset();
        overwrite(shop.file("2.open"), 0, std::string(100, 'x'));
        shop.open();
    }
    SUBCASE("while a search runs")
    {
        // All of it is in the log, the table of contents as well; behind the head of each page's copy there.
        const std::string log = shop.file("2.open") + "-wal";
        const auto size = static_cast<int64_t>(std::filesystem::file_size(log));
        for (int64_t at = 32 + 24; at < size; at += 4096 + 24) overwrite(log, at, std::string(4096, '\xee'));
        CHECK(shop.numbers({}) == std::vector<uint64_t>{1});
    }
    CHECK(shop.store->take_losses().size() == 1);
    CHECK(must(shop.store->position("web")) == "1");
    const uint64_t next = shop.append(some_message(5));
    CHECK(next > 16'000'000);
    CHECK(shop.numbers({}) == std::vector<uint64_t>{1, next});
    shop.open();
    CHECK(shop.numbers({}) == std::vector<uint64_t>{1, next});
    CHECK(shop.append(some_message(6)) == next + 1);
}

TEST_CASE("what a seal or a segment was half made of when the power went is gone afterwards")
{
    StoreShop shop(segment_each());
    fill(shop);
    shop.store.reset();
    const std::string sealed = shop.file("00000000001001.sealed");
    const std::string begin = sealed.substr(0, sealed.size() - 6);
    std::filesystem::copy_file(sealed, begin + "open");
    std::filesystem::copy_file(sealed, begin + "sealed.new");
    std::filesystem::copy_file(sealed, shop.path() + "/00000000000000003002.open.new");
    shop.open();
    CHECK(shop.store->take_losses().empty());
    CHECK(shop.numbers({.limit = 5000}).size() == 3001);
    CHECK_FALSE(std::filesystem::exists(begin + "open"));
    CHECK(shop.file(".new").empty());
}

TEST_CASE("a segment of a newer Belay is left as it is")
{
    StoreShop shop(segment_each());
    fill(shop);
    shop.store.reset();
    overwrite(shop.file("00000000001001.sealed"), 60, std::string("\0\0\0\x09", 4));
    const auto opened = MessageStore::open(shop.path(), {});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == ErrorKind::version);
}

TEST_CASE("whatever bytes of whatever segment are damaged: no search fails, what is elsewhere is found")
{
    StoreShop shop(segment_each());
    fill(shop);
    shop.store.reset();
    const std::string kept = shop.folder / "kept";
    std::filesystem::copy(shop.path(), kept, std::filesystem::copy_options::recursive);
    std::mt19937 dice(4711);
    unsigned put_aside = 0;
    for (unsigned round = 0; round < 300; ++round) {
        std::filesystem::remove_all(shop.path());
        std::filesystem::copy(kept, shop.path(), std::filesystem::copy_options::recursive);
        const std::string path = shop.file(dice() % 4 == 0 ? ".open" : "00000000001001.sealed");
        INFO("round ", round, ", ", path);
        const auto size = static_cast<int64_t>(std::filesystem::file_size(path));
        for (unsigned hit = 0; hit <= dice() % 8; ++hit) {
            std::string bytes(dice() % 3 == 0 ? 1 + dice() % 512 : 1 + dice() % 4, '\0');
            for (char& byte : bytes) byte = static_cast<char>(dice());
            // Where a page says what is in it, every other time.
            const int64_t page = static_cast<int64_t>(dice()) % (size / 4096) * 4096;
            const int64_t at = page + static_cast<int64_t>(dice() % (dice() % 2 == 0 ? 64 : 3500));
            overwrite(path, at, bytes);
        }
        if (dice() % 10 == 0) std::filesystem::resize_file(path, dice() % static_cast<uint64_t>(size));
        auto store = MessageStore::open(shop.path(), shop.limits);
        if (!store) {
            CHECK(store.error().kind == ErrorKind::version);
            continue;
        }
        for (const Query& query :
             {Query{.limit = 5000}, Query{.text = "clerk 4", .limit = 5000},
              Query{.host = "web1", .limit = 5000},
              Query{.since = noon + 500ms, .until = noon + 2500ms, .level = Level::alarm, .newest = false},
              Query{.ids = {EventId{.component = 20, .number = 3}}, .interaction = "call-300"}}) {
            const auto found = (*store)->search(query);
            CHECK_MESSAGE(found, found.error().what);
        }
        const auto found = must((*store)->search({.limit = 1000, .newest = false}));
        CHECK(found.size() == 1000);
        CHECK(found.back().message == some_message(1000));
        const Message one = some_message(1);
        const auto appended = (*store)->append({&one, 1}, {}, noon);
        CHECK_MESSAGE(appended, (appended ? "" : appended.error().what));
        const auto expired = (*store)->expire(noon + 25h);
        CHECK_MESSAGE(expired, (expired ? "" : expired.error().what));
        put_aside += static_cast<unsigned>((*store)->take_losses().size());
    }
    CHECK(put_aside > 50);
}

}  // namespace
}  // namespace belay::framework::messages
