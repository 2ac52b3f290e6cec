// Whose turn it is to be asked to take the configuration.

#include "site/remote/controller/receivers.h"

#include "base/testing/must.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;
using framework::configuration::Point;
using framework::configuration::Taken;
using framework::configuration::Whole;

Point point(int64_t version)
{
    return version == 0 ? Point() : Point{version, "0123456789abcdef"};
}

const Error ended{.kind = ErrorKind::lost, .what = "the connection ended"};

/// Everybody whose turn it is, each asked a question of so many bytes.
std::map<std::string, uint64_t> ask_all(Receivers& receivers, Milliseconds now, size_t bytes = 1)
{
    std::map<std::string, uint64_t> questions;
    while (const auto member = receivers.next(now)) {
        CHECK(!questions.contains(*member));
        questions[*member] = receivers.asked(*member, bytes, nullptr, now);
    }
    return questions;
}

TEST_CASE("a member is asked what it has, and then one question at a time until it has the newest")
{
    Receivers receivers(100, 2s);
    receivers.set_newest(point(5));
    receivers.attached("1");
    auto asked = ask_all(receivers, 0s);
    CHECK(asked.size() == 1);
    CHECK(receivers.current() == 0);
    // Changes that come meanwhile make no further question.
    receivers.set_newest(point(6));
    receivers.set_newest(point(7));
    CHECK(ask_all(receivers, 0s).empty());
    receivers.answered("1", asked.at("1"), Taken{point(3), true}, 0s);
    asked = ask_all(receivers, 0s);
    REQUIRE(asked.size() == 1);
    receivers.answered("1", asked.at("1"), Taken{point(7), true}, 0s);
    CHECK(ask_all(receivers, 0s).empty());
    CHECK(receivers.current() == 1);
    CHECK(receivers.is_idle());
    receivers.set_newest(point(8));
    CHECK(receivers.current() == 0);
    CHECK(ask_all(receivers, 0s).size() == 1);
}

TEST_CASE("a member that hangs keeps its share for a moment only, and what others are asked goes on")
{
    Receivers receivers(100, 2s);
    receivers.set_newest(point(1));
    for (const char* member : {"1", "2", "3"}) receivers.attached(member);
    // One goes beyond; the third has to wait.
    auto asked = ask_all(receivers, 10s, 60);
    CHECK(asked.size() == 2);
    CHECK(!receivers.is_somebodys_turn());
    CHECK(receivers.next_time() == Milliseconds(12s));
    CHECK(ask_all(receivers, 11s, 60).empty());
    CHECK(ask_all(receivers, 12s, 60).size() == 1);
    // And an answer makes room at once.
    receivers.attached("4");
    CHECK(!receivers.next_time());
    auto more = ask_all(receivers, 13s, 60);
    REQUIRE(more.size() == 1);
    receivers.attached("5");
    CHECK(ask_all(receivers, 13s, 60).empty());
    receivers.answered("4", more.at("4"), Taken{point(1), true}, 13s);
    CHECK(ask_all(receivers, 13s, 60).size() == 1);
}

TEST_CASE("a member that attaches anew while it is asked is asked anew when the old stream has ended")
{
    Receivers receivers(100, 2s);
    receivers.set_newest(point(1));
    receivers.attached("1");
    auto asked = ask_all(receivers, 0s);
    receivers.attached("1");
    CHECK(ask_all(receivers, 0s).empty());
    receivers.answered("1", asked.at("1"), std::unexpected(ended), 0s);
    const auto again = ask_all(receivers, 0s);
    REQUIRE(again.size() == 1);
    // What comes late for the first question counts no more.
    receivers.answered("1", asked.at("1"), Taken{point(1), true}, 0s);
    CHECK(receivers.current() == 0);
    // The stream ends, and no other is there: nobody is asked until it attaches.
    receivers.answered("1", again.at("1"), std::unexpected(ended), 0s);
    CHECK(ask_all(receivers, 1s).empty());
    receivers.attached("1");
    CHECK(ask_all(receivers, 1s).size() == 1);
    receivers.gone("1");
    receivers.attached("1");
    CHECK(ask_all(receivers, 1s).size() == 1);
    CHECK(receivers.members() == 1);
}

TEST_CASE("a whole goes piece by piece, though newer versions come, and begins anew where one does not fit")
{
    Receivers receivers(100, 2s);
    receivers.set_newest(point(9));
    receivers.attached("1");
    receivers.answered("1", ask_all(receivers, 0s).at("1"), Taken{point(0), true}, 0s);
    const auto whole =
        std::make_shared<const Whole>(Whole{.at = point(9), .digest = "", .pieces = {"a", "b", "c"}});
    const auto ask_piece = [&](size_t piece, bool fits) {
        REQUIRE(receivers.next(0s) == "1");
        const Receivers::Receiver& receiver = *receivers.find("1");
        CHECK(receiver.whole == (piece == 0 ? nullptr : whole));
        CHECK((piece == 0 || receiver.piece == piece));
        const uint64_t question = receivers.asked("1", 1, whole, 0s);
        receivers.answered("1", question, Taken{point(fits && piece == 2 ? 9 : 0), fits}, 0s);
    };
    ask_piece(0, true);
    ask_piece(1, false);
    ask_piece(0, true);
    receivers.set_newest(point(10));
    ask_piece(1, true);
    ask_piece(2, true);
    CHECK(receivers.find("1")->at == point(9));
    CHECK(receivers.find("1")->whole == nullptr);
    CHECK(receivers.next(0s) == "1");
}

TEST_CASE("a member that cannot take what it is asked to is asked again later, or with the next change")
{
    Receivers receivers(100, 2s);
    receivers.set_newest(point(5));
    receivers.attached("1");
    receivers.answered("1", ask_all(receivers, 0s).at("1"), Taken{point(3), true}, 0s);
    const Error full{.kind = ErrorKind::no_space, .what = "its disk is full"};
    receivers.answered("1", ask_all(receivers, 0s).at("1"), std::unexpected(full), 0s);
    CHECK(receivers.find("1")->problem->what == "its disk is full");
    CHECK(ask_all(receivers, 59s).empty());
    CHECK(receivers.next_time() == Receivers::retry_after);
    receivers.answered("1", ask_all(receivers, 60s).at("1"), std::unexpected(full), 60s);
    receivers.set_newest(point(6));
    // Three answers that lead nowhere are enough.
    for (int i = 0; i < 4; ++i) {
        const auto asked = ask_all(receivers, 61s);
        REQUIRE(asked.size() == (i < 3 ? 1 : 0));
        if (i < 3) receivers.answered("1", asked.at("1"), Taken{point(3), false}, 61s);
    }
    CHECK(receivers.find("1")->problem->what == "the host 1 does not take what follows its own version 3");
    receivers.answered("1", ask_all(receivers, 10min).at("1"), Taken{point(6), true}, 10min);
    CHECK(!receivers.find("1")->problem);
    CHECK(receivers.current() == 1);
}

}  // namespace
}  // namespace belay::site
