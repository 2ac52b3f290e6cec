// Random sequences of what a store does, against a list in memory.

#include "framework/messages/store/testing/store_shop.h"
#include "framework/messages/store/trigram_index.h"

#include <algorithm>
#include <random>

namespace belay::framework::messages {
namespace {

using namespace std::chrono_literals;

struct Known {
    StoredMessage stored;
    Milliseconds at_store{0};
};

class Model {
  public:
    explicit Model(unsigned seed) : dice_(seed) {}
    void step()
    {
        const unsigned which = roll() % 20;
        if (which < 8) {
            append();
        } else if (which < 17) {
            search();
        } else if (which < 19) {
            expire();
        } else {
            shop_.open();
            CHECK(shop_.store->newest() == newest_);
        }
    }
    /// How many have gone, in all.
    uint64_t gone() const { return gone_; }

  private:
    void append()
    {
        now_ += Milliseconds(roll() % 4'000'000);
        std::vector<Message> all;
        for (unsigned count = roll() % 400; count > 0; --count) {
            Message message = some_message(roll() % 3000, static_cast<Level>(roll() % 5));
            if (roll() % 3 != 0) message.level = Level::trace;
            message.at = now_ - Milliseconds(roll() % 60'000);
            if (roll() % 50 == 0) message.at -= Milliseconds(roll() % 10'000'000);
            if (roll() % 40 == 0) message.attributes["n"] = std::to_string(roll());
            all.push_back(std::move(message));
        }
        const uint64_t first = must(shop_.store->append(all, {}, now_));
        CHECK(first == newest_ + 1);
        for (Message& message : all) known_.push_back({{++newest_, std::move(message)}, now_});
    }

    /// What has had its time may have gone; nothing else has.
    void expire()
    {
        if (roll() % 4 == 0) now_ += 20h;
        const uint64_t said = must(shop_.store->expire(now_));
        const auto left = must(shop_.store->search({.limit = SIZE_MAX, .bytes = SIZE_MAX}));
        std::vector<Known> still;
        size_t next = 0;
        for (Known& known : known_) {
            if (next < left.size() && left[next].number == known.stored.number) {
                REQUIRE(left[next].message == known.stored.message);
                ++next;
                const auto limit = shop_.limits.keep.at(static_cast<size_t>(known.stored.message.level)) +
                                   shop_.limits.segment_age;
                CHECK(now_ - known.at_store <= limit);
                still.push_back(std::move(known));
            } else {
                CHECK(now_ - known.at_store >
                      shop_.limits.keep.at(static_cast<size_t>(known.stored.message.level)));
            }
        }
        REQUIRE(next == left.size());
        CHECK(said == known_.size() - still.size());
        gone_ += said;
        known_ = std::move(still);
        CHECK(shop_.store->figures().messages == known_.size());
    }

    Query any_query()
    {
        Query query;
        if (roll() % 3 == 0) query.since = now_ - Milliseconds(roll() % 30'000'000);
        if (roll() % 3 == 0) query.until = now_ - Milliseconds(roll() % 30'000'000);
        if (roll() % 3 == 0) {
            for (unsigned i = roll() % 4; i > 0; --i)
                query.ids.push_back(EventId{.component = 20, .number = roll() % 8});
        }
        if (roll() % 3 == 0) query.level = static_cast<Level>(roll() % 5);
        if (roll() % 5 == 0) query.host = fmt::format("web{}", roll() % 4);
        if (roll() % 5 == 0) query.application = fmt::format("Shop {}", roll() % 6);
        if (roll() % 9 == 0) query.interaction = fmt::format("call-{}", roll() % 750);
        if (roll() % 3 == 0) {
            static constexpr const char* parts[] = {"orDer 12", "by clerk 7", "9",
                                                    "er 3",     "zzz",        "Order 2999 was"};
            query.text = parts[roll() % std::size(parts)];
        }
        if (roll() % 6 == 0) query.after = newest_ - std::min<uint64_t>(newest_, roll() % 2000);
        query.limit = roll() % 3 == 0 ? 100'000 : roll() % 50;
        query.newest = roll() % 2 == 0;
        return query;
    }

    static bool fits(const Known& known, const Query& query)
    {
        const Message& message = known.stored.message;
        const auto lower = [](std::string text) {
            for (char& c : text) c = static_cast<char>(folded(static_cast<unsigned char>(c)));
            return text;
        };
        return (!query.since || message.at >= *query.since) && (!query.until || message.at < *query.until) &&
               (query.ids.empty() || std::ranges::find(query.ids, message.id) != query.ids.end()) &&
               (!query.level || message.level <= *query.level) &&
               (query.host.empty() || message.host == query.host) &&
               (query.application.empty() || message.application == query.application) &&
               (query.interaction.empty() || message.interaction == query.interaction) &&
               (!query.after || known.stored.number > *query.after) &&
               lower(message.text).find(lower(query.text)) != std::string::npos;
    }

    void search()
    {
        const Query query = any_query();
        std::vector<uint64_t> expected;
        for (const Known& known : known_)
            if (fits(known, query)) expected.push_back(known.stored.number);
        if (expected.size() > query.limit) {
            const auto most = static_cast<std::ptrdiff_t>(query.limit);
            if (query.newest) {
                expected.erase(expected.begin(), expected.end() - most);
            } else {
                expected.erase(expected.begin() + most, expected.end());
            }
        }
        CHECK(shop_.numbers(query) == expected);
    }

    uint32_t roll() { return static_cast<uint32_t>(dice_()); }

    std::mt19937 dice_;
    StoreShop shop_{{.segment_bytes = 300'000,
                     .segment_age = std::chrono::hours(12),
                     .bytes = UINT64_MAX,
                     .keep = {100h, 60h, 40h, 20h, 10h}}};
    Milliseconds now_ = noon;
    uint64_t newest_ = 0, gone_ = 0;
    std::vector<Known> known_;
};

TEST_CASE("whatever is appended, searched, expired and opened again: it is what a list in memory has")
{
    uint64_t gone = 0;
    for (unsigned seed = 1; seed <= 12; ++seed) {
        INFO("seed ", seed);
        Model model(seed);
        for (unsigned step = 0; step < 150; ++step) {
            INFO("step ", step);
            model.step();
        }
        gone += model.gone();
    }
    CHECK(gone > 10'000);
}

TEST_CASE("a text is found in another whatever the case of its letters, and nowhere else")
{
    CHECK(TextFinder("").is_in(""));
    CHECK(TextFinder("b").is_in("aB"));
    CHECK(TextFinder("Order 7").is_in("an oRDER 71"));
    CHECK_FALSE(TextFinder("order").is_in("orde"));
    CHECK_FALSE(TextFinder("@").is_in("`"));
    CHECK(TextFinder("aab").is_in("aaab"));
    std::mt19937 random(3);
    const auto dice = [&] { return static_cast<unsigned>(random()); };
    for (unsigned i = 0; i < 20'000; ++i) {
        std::string text, part;
        for (unsigned n = dice() % 12; n > 0; --n) text += "abAB\xc3"[dice() % 5];
        for (unsigned n = dice() % 4; n > 0; --n) part += "abAB\xc3"[dice() % 5];
        const auto lower = [](std::string of) {
            for (char& c : of) c = static_cast<char>(folded(static_cast<unsigned char>(c)));
            return of;
        };
        CHECK(TextFinder(part).is_in(text) == (lower(text).find(lower(part)) != std::string::npos));
    }
}

}  // namespace
}  // namespace belay::framework::messages
