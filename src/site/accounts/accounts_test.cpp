#include "site/accounts/accounts.h"

#include "base/testing/must.h"
#include "store/memory.h"

#include <doctest/doctest.h>

namespace belay::site {
namespace {

using namespace std::chrono_literals;

struct Desk {
    Milliseconds boot{1000};
    store::MemoryStore store{{.boot = "this boot", .now = [this] { return boot; }}};
    Accounts accounts{store};
    static constexpr Milliseconds now = 1'800'000'000s;

    Result<Session> log_in(const std::string& name, std::string_view password)
    {
        return accounts.log_in(name, password, now, boot);
    }
};

TEST_CASE("an account logs in with its password, and its session has its right until it ends")
{
    Desk desk;
    must(desk.accounts.add("anna", Right::operate, "correct horse", Desk::now));
    const Session session = must(desk.log_in("anna", "correct horse"));
    CHECK(session.token.size() == 43);
    CHECK(session.account.right == Right::operate);
    CHECK(must(desk.accounts.holder(session.token, Desk::now)).name == "anna");
    CHECK(desk.accounts.holder(session.token, session.ends).error().kind == ErrorKind::permission);
    CHECK(desk.accounts.holder("another token", Desk::now).error().kind == ErrorKind::permission);
    must(desk.accounts.log_out(session.token));
    CHECK(!desk.accounts.holder(session.token, Desk::now));
    must(desk.accounts.log_out(session.token));
}

TEST_CASE("nobody learns whether an account is there, disabled or has another password")
{
    Desk desk;
    must(desk.accounts.add("anna", Right::view, "correct horse", Desk::now));
    must(desk.accounts.add("bert", Right::view, "correct horse", Desk::now));
    must(desk.accounts.set_disabled("bert", true));
    const std::string wrong = desk.log_in("anna", "battery staple").error().what;
    CHECK(desk.log_in("bert", "correct horse").error().what == wrong);
    CHECK(desk.log_in("nobody", "correct horse").error().what == wrong);
    CHECK(desk.log_in("not a name!", "correct horse").error().what == wrong);
    CHECK(desk.log_in("anna", std::string(2000, 'x')).error().what == wrong);
}

TEST_CASE("a new password, another right and an end of the account hold for sessions that are open")
{
    Desk desk;
    must(desk.accounts.add("anna", Right::view, "correct horse", Desk::now));
    const Session first = must(desk.log_in("anna", "correct horse"));
    must(desk.accounts.set_right("anna", Right::administer));
    CHECK(must(desk.accounts.holder(first.token, Desk::now)).right == Right::administer);
    must(desk.accounts.set_password("anna", "battery staple", Desk::now));
    CHECK(!desk.accounts.holder(first.token, Desk::now));
    const Session second = must(desk.log_in("anna", "battery staple"));
    must(desk.accounts.remove("anna"));
    CHECK(!desk.accounts.holder(second.token, Desk::now));
    CHECK(must(desk.accounts.all()).empty());
}

TEST_CASE("the last account that may administer stays where that is asked for, and goes where it is not")
{
    constexpr auto stays = LastAdministrator::stays;
    Desk desk;
    for (const char* name : {"anna", "bert"})
        must(desk.accounts.add(name, Right::administer, "correct horse", Desk::now));
    must(desk.accounts.add("carl", Right::operate, "correct horse", Desk::now));
    must(desk.accounts.set_right("bert", Right::view, stays));
    CHECK(desk.accounts.set_right("anna", Right::operate, stays).error().kind == ErrorKind::refused);
    CHECK(desk.accounts.set_disabled("anna", true, stays).error().kind == ErrorKind::refused);
    CHECK(desk.accounts.remove("anna", stays).error().what ==
          "anna is the last account that may administer the site");
    // One that is shut out administers nothing.
    must(desk.accounts.set_right("bert", Right::administer, stays));
    must(desk.accounts.set_disabled("bert", true, stays));
    CHECK(!desk.accounts.remove("anna", stays));
    must(desk.accounts.set_disabled("bert", false, stays));
    must(desk.accounts.remove("anna", stays));
    must(desk.accounts.remove("carl", stays));
    must(desk.accounts.remove("bert"));
    CHECK(must(desk.accounts.all()).empty());
}

TEST_CASE("who guesses waits longer each time, and longest a minute")
{
    Attempts attempts;
    for (unsigned i = 1; i < Attempts::free_ones; ++i) attempts.went_wrong("anna", 1000ms);
    CHECK(attempts.wait("anna", 1000ms) == 0ms);
    std::vector<Milliseconds> waits;
    for (int i = 0; i < 8; ++i) {
        attempts.went_wrong("anna", 1000ms);
        waits.push_back(attempts.wait("anna", 1000ms));
    }
    CHECK(waits == std::vector<Milliseconds>{1s, 2s, 4s, 8s, 16s, 32s, 1min, 1min});
    CHECK(attempts.wait("anna", 1000ms + 1min) == 0ms);
    CHECK(attempts.wait("bert", 1000ms) == 0ms);
    attempts.went_well("anna");
    CHECK(attempts.wait("anna", 1000ms) == 0ms);
}

TEST_CASE("no password stands in the store, and none that is short or endless is taken")
{
    Desk desk;
    must(desk.accounts.add("anna", Right::view, "correct horse", Desk::now));
    const Session session = must(desk.log_in("anna", "correct horse"));
    for (const store::Entry& entry : must(desk.store.list("", {}, 100))) {
        for (const std::string& secret : {std::string("correct horse"), session.token}) {
            CHECK(entry.key.find(secret) == std::string::npos);
            CHECK(entry.value.find(secret) == std::string::npos);
        }
    }
    CHECK(desk.accounts.add("bert", Right::view, "short", Desk::now).error().kind == ErrorKind::usage);
    CHECK(desk.accounts.add("bert", Right::view, std::string(1025, 'x'), Desk::now).error().kind ==
          ErrorKind::usage);
    CHECK(desk.accounts.add("Bert Smith", Right::view, "correct horse", Desk::now).error().kind ==
          ErrorKind::usage);
    CHECK(desk.accounts.add("anna", Right::view, "correct horse", Desk::now).error().kind == ErrorKind::busy);
}

}  // namespace
}  // namespace belay::site
