#include "message_server/intake.h"

#include "message_server/time_text.h"

#include <doctest/doctest.h>

namespace belay::message_server {
namespace {

using namespace std::chrono_literals;

const Speaker loud{.name = "loud", .application = "loud"};
const Speaker quiet{.name = "quiet", .application = "quiet"};
constexpr Milliseconds wall{1'790'000'000'000};

Message said(Level level, size_t size = 10)
{
    return {.level = level, .at = wall, .application = "x", .text = std::string(size, 'x')};
}

/// All texts of events that say that messages were dropped.
std::vector<std::string> gaps_in(const std::vector<Group>& groups)
{
    std::vector<std::string> texts;
    for (const Group& group : groups) {
        for (const Message& message : group.messages) {
            if (message.id.component == 1) texts.push_back(message.text);
        }
    }
    return texts;
}

TEST_CASE("who speaks more than its share loses debug first and alarms last, and others lose nothing")
{
    Intake intake({.bytes = 1 << 20, .speaker_bytes = 100'000, .rate = 1e9, .burst = 1e9});
    std::array<int, framework::messages::levels> taken{};
    for (int i = 0; i < 1000; ++i) {
        for (size_t level = 0; level < taken.size(); ++level)
            taken.at(level) += intake.offer(loud, said(static_cast<Level>(level)), 0ms, wall) ? 1 : 0;
    }
    for (size_t level = 1; level < taken.size(); ++level) CHECK(taken.at(level - 1) > taken.at(level));
    CHECK(intake.bytes() <= 100'000);
    CHECK(intake.offer(quiet, said(Level::debug), 0ms, wall));
    for (size_t level = 0; level < taken.size(); ++level)
        CHECK(intake.dropped().at(level) == static_cast<uint64_t>(1000 - taken.at(level)));
}

TEST_CASE("many speakers together hold no more than all may, and alarms come through longest")
{
    Intake intake({.bytes = 100'000, .speaker_bytes = 50'000, .rate = 1e9, .burst = 1e9});
    for (int i = 0; i < 1000; ++i)
        intake.offer({.name = std::to_string(i), .application = ""}, said(Level::trace), 0ms, wall);
    CHECK(intake.bytes() <= 60'000);
    CHECK(!intake.offer(quiet, said(Level::trace), 0ms, wall));
    CHECK(intake.offer(quiet, said(Level::standard), 0ms, wall));
}

TEST_CASE("ten thousand debug messages a second are nobody's flood; a hundred thousand are")
{
    Intake intake({});
    Milliseconds now = 0ms;
    for (int second = 0; second < 60; ++second) {
        for (int i = 0; i < 10; ++i) {
            for (int k = 0; k < 1000; ++k) REQUIRE(intake.offer(loud, said(Level::debug), now, wall));
            intake.take(100 << 20, now, wall);
            now += 100ms;
        }
    }
    uint64_t taken = 0;
    for (int second = 0; second < 60; ++second) {
        for (int i = 0; i < 100; ++i) {
            for (int k = 0; k < 1000; ++k)
                taken += intake.offer(loud, said(Level::debug), now, wall) ? 1U : 0U;
            intake.take(100 << 20, now, wall);
            now += 10ms;
        }
    }
    CHECK(taken < 60 * 20'000 + 250'000);
    CHECK(taken > 60 * 19'000);
    CHECK(intake.offer(quiet, said(Level::debug), now, wall));
}

TEST_CASE("what was dropped is said once, a second after the first, with its levels and between when")
{
    Intake intake({.bytes = 1 << 20, .speaker_bytes = 10'000, .rate = 1e9, .burst = 1e9});
    CHECK(!intake.next_gap());
    while (intake.offer(loud, said(Level::trace), 5ms, wall)) {
    }
    intake.offer(loud, said(Level::trace), 400ms, wall + 395ms);
    while (intake.offer(loud, said(Level::alarm), 400ms, wall + 395ms)) {
    }
    CHECK(intake.next_gap() == 1005ms);
    CHECK(gaps_in(intake.take(1 << 20, 1004ms, wall)).empty());
    const auto gaps = gaps_in(intake.take(1 << 20, 1005ms, wall));
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0] == fmt::format("3 messages of loud were dropped between {} and {}: 1 alarm, 2 trace",
                                 time_text(wall), time_text(wall + 395ms)));
    CHECK(gaps_in(intake.take(1 << 20, 3s, wall)).empty());
    CHECK(!intake.next_gap());
    intake.count_dropped(quiet, Level::standard, 4s, wall);
    CHECK(gaps_in(intake.take(1 << 20, 4s, wall, true)).size() == 1);
}

TEST_CASE("one that has much waiting does not keep others waiting: they come in turn, each in its order")
{
    Intake intake({.bytes = 64 << 20, .speaker_bytes = 32 << 20, .rate = 1e9, .burst = 1e9});
    for (int i = 0; i < 10'000; ++i) {
        Message message = said(Level::alarm, 1000);
        message.at = Milliseconds(i);
        intake.offer(loud, message, 0ms, wall);
    }
    intake.take(300 << 10, 0ms, wall);
    intake.offer(quiet, said(Level::trace), 0ms, wall);
    bool came = false;
    int64_t before = -1;
    for (const Group& group : intake.take(1 << 20, 0ms, wall)) {
        came = came || group.messages.at(0).text.size() == 10;
        if (group.messages.at(0).text.size() == 10) continue;
        CHECK(group.messages.at(0).at.count() > before);
        before = group.messages.at(0).at.count();
    }
    CHECK(came);
}

TEST_CASE("a message of a mebibyte is taken even where it is more than a level may use")
{
    Intake intake({.bytes = 2 << 20, .speaker_bytes = 1 << 20, .rate = 1e9, .burst = 1e9});
    CHECK(intake.offer(loud, said(Level::debug, 1 << 20), 0ms, wall));
    CHECK(!intake.offer(loud, said(Level::debug, 1 << 20), 0ms, wall));
    CHECK(!intake.has_room("loud"));
    intake.take(1, 0ms, wall);
    CHECK(intake.is_empty());
    CHECK(intake.bytes() == 0);
    CHECK(intake.has_room("loud"));
}

TEST_CASE("a time is read as it was written, and nothing else is one")
{
    for (const int64_t at : {int64_t{0}, int64_t{1'790'000'000'123}, int64_t{951'782'399'999}})
        CHECK(time_at_front(time_text(Milliseconds(at)) + " text") == Milliseconds(at));
    CHECK(time_text(Milliseconds(1'790'000'000'123)) == "2026-09-21T14:13:20.123Z");
    for (const char* line : {"", "2026-09-21", "2026-13-21T14:13:20.123Z", "2026-02-30T14:13:20.123Z",
                             "2026-09-21 14:13:20.123Z", "2026-09-21T14:13:2x.123Z"}) {
        INFO(line);
        CHECK(!time_at_front(line));
    }
}

}  // namespace
}  // namespace belay::message_server
