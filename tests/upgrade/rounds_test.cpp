// Whole upgrades of a pair of web servers on two hosts, one after the other, while it is called all the time.
// Those in which nobody dies that serves lose no request; where one does, what is lost is counted. When one
// has ended, nobody answers from the wrong version.
//
//     BELAY_UPGRADE_ROUNDS=100    so many upgrades (11: one of each kind); every other one is called by IPv6
//     BELAY_UPGRADE_ONLY=TEXT     those whose name has this in it, as "soak"

#include "web_shop.h"

#include <algorithm>
#include <cstdlib>

namespace belay::daemon {
namespace {

using namespace std::chrono_literals;
using host::testing::Network;
using testing::Callers;
using testing::Heard;
using testing::Machine;
using testing::need;
using testing::WebShop;

/// A guard against what hangs, not a promise: how long it was is counted. The kernel of whoever calls tries
/// again after 1, 3 and 7 seconds, so on a busy machine, where a fail-over may take longer than usual, one
/// call may wait for the last.
constexpr std::chrono::milliseconds longest_gap = 7s + WebShop::lease;
/// What each of those who call may lose where one dies that serves: what it has asked, and again what it asks
/// while the address is on its way.
constexpr size_t most_failed_of_each = 4;
/// For so many answers each state is watched.
constexpr size_t enough_answers = 200;

/// One upgrade, while it is under way.
class Upgrade {
  public:
    Upgrade(WebShop& shop, Heard& heard, const std::string& to, const Json& more)
        : shop_(shop), heard_(heard), to_(to)
    {
        const Json planned = shop_.plan(to, true, more);
        REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
        operation_ = planned["operation"];
    }

    void add() { reach("add", "added"); }
    /// And it is watched for a while.
    void activate()
    {
        heard_.expect_any();
        reach("activate", "activated");
        heard_.expect(to_);
        heard_.await(enough_answers);
    }
    void commit() { reach("commit", "committed"); }
    void abort_what_is_added() { reach("abort", "aborted"); }
    void abort()
    {
        heard_.expect_any();
        reach("abort", "aborted");
    }
    /// It comes back by itself, from there or earlier.
    void activate_in_vain()
    {
        heard_.expect_any();
        shop_.controller_.ask("Request", {{"operation", operation_}, {"verb", "activate"}});
        comes_back();
    }
    void comes_back() { REQUIRE_MESSAGE(shop_.controller_.rest(operation_, false) == "aborted", show()); }
    /// What it does from now on, and that may lead back.
    void let_fail(const std::string& how)
    {
        heard_.expect_any();
        shop_.let_fail(to_, how);
    }

    Machine& serving() { return *shop_.by_role().first; }
    Machine& standing_by() { return *shop_.by_role().second; }
    static void kill_on(Machine& host)
    {
        const pid_t process = WebShop::process_of(host);
        REQUIRE(process > 0);
        kill(process, SIGKILL);
    }
    /// It is started again by its supervisor, with the same version, and all goes on.
    void survives_death_on(Machine& host)
    {
        const pid_t before = WebShop::process_of(host);
        kill_on(host);
        const auto until = Heard::Clock::now() + 60s;
        for (pid_t now = before; now == before || now == 0; now = WebShop::process_of(host)) {
            REQUIRE_MESSAGE(Heard::Clock::now() < until, show());
            usleep(2'000);
        }
        shop_.await_both();
        heard_.await(enough_answers);
    }
    std::string show() { return shop_.show(operation_); }
    Json ended() { return shop_.controller_.ask("Show", {{"operation", operation_}}); }

  private:
    void reach(const char* verb, const char* state)
    {
        REQUIRE_MESSAGE(shop_.go(operation_, {verb}) == state, show());
    }

    WebShop& shop_;
    Heard& heard_;
    const std::string to_;
    std::string operation_;
};

enum class Ends { committed, aborted };
enum class Loses { nothing, what_was_open };

struct Kind {
    const char* name;
    Ends ends;
    Loses loses;
    const char* reason;  ///< has this in it, where it has come back by itself
    std::function<void(Upgrade&)> goes;
    Json more = Json::object();  ///< of the plan
};

std::vector<Kind> all_kinds()
{
    return {
        {"committed", Ends::committed, Loses::nothing, "",
         [](Upgrade& one) {
             one.add();
             one.activate();
             one.commit();
         }},
        {"aborted by a person in the soak", Ends::aborted, Loses::nothing, "",
         [](Upgrade& one) {
             one.add();
             one.activate();
             one.abort();
         }},
        {"aborted by a person while added", Ends::aborted, Loses::nothing, "",
         [](Upgrade& one) {
             one.add();
             one.abort_what_is_added();
         }},
        {"led back by its timer",
         Ends::aborted,
         Loses::nothing,
         "the timer ran out",
         [](Upgrade& one) {
             one.add();
             one.activate_in_vain();
         },
         {{"timer_ms", 5000}}},
        {"led back by the health hook of its image", Ends::aborted, Loses::nothing, "the gate health-server",
         [](Upgrade& one) {
             one.add();
             one.activate();
             one.let_fail("sick");
             one.comes_back();
         }},
        {"dies on the one that stands by before it is ready", Ends::aborted, Loses::nothing, "run-server-",
         [](Upgrade& one) {
             one.add();
             one.let_fail("start");
             one.activate_in_vain();
         }},
        {"dies when it is to serve", Ends::aborted, Loses::what_was_open, "server-",
         [](Upgrade& one) {
             one.add();
             one.let_fail("primary");
             one.activate_in_vain();
         }},
        {"dies in the soak where it serves, and is started again", Ends::committed, Loses::what_was_open, "",
         [](Upgrade& one) {
             one.add();
             one.activate();
             one.survives_death_on(one.serving());
             one.commit();
         }},
        {"dies in the soak where it serves, for good", Ends::aborted, Loses::what_was_open,
         "the gate runs-server-",
         [](Upgrade& one) {
             one.add();
             one.activate();
             one.let_fail("start");
             Upgrade::kill_on(one.serving());
             one.comes_back();
         }},
        {"dies in the soak where it stands by, and is started again", Ends::committed, Loses::nothing, "",
         [](Upgrade& one) {
             one.add();
             one.activate();
             one.survives_death_on(one.standing_by());
             one.commit();
         }},
        {"dies in the soak where it stands by, for good", Ends::aborted, Loses::nothing,
         "the gate runs-server-",
         [](Upgrade& one) {
             one.add();
             one.activate();
             one.let_fail("start");
             Upgrade::kill_on(one.standing_by());
             one.comes_back();
         }},
    };
}

/// Of all upgrades of one kind.
struct Seen {
    std::vector<Callers::Counted> rounds;

    template <typename T>
    std::vector<T> sorted(T Callers::Counted::* what) const
    {
        std::vector<T> all;
        for (const Callers::Counted& one : rounds) all.push_back(one.*what);
        std::ranges::sort(all);
        return all;
    }
};

std::string line_of(const std::string& name, const Seen& seen)
{
    const auto failed = seen.sorted(&Callers::Counted::failed);
    const auto gaps = seen.sorted(&Callers::Counted::longest_gap);
    size_t requests = 0, lost = 0;
    for (const Callers::Counted& one : seen.rounds) requests += one.answers + one.failed;
    for (const size_t one : failed) lost += one;
    const size_t middle = seen.rounds.size() / 2;
    return fmt::format("| {} | {} | {} | {} | {} | {} | {:.0f} ms | {:.0f} ms |\n", name, seen.rounds.size(),
                       requests, lost, failed[middle], failed.back(),
                       std::chrono::duration<double, std::milli>(gaps[middle]).count(),
                       std::chrono::duration<double, std::milli>(gaps.back()).count());
}

/// Both hosts run that version and no other, and nothing waits for a commit.
void check_rest(WebShop& shop, const std::string& version)
{
    shop.await_both();
    for (Machine* const host : {&shop.web1_, &shop.web2_}) {
        CHECK(WebShop::running(*host) == version);
        CHECK(WebShop::version_of(WebShop::process_of(*host)) == version);
        const std::string named = testing::text_of_file(host->state() + "-images/packages.conf");
        CHECK_MESSAGE(named.ends_with(fmt::format("[shop]\nruns = \"{0}\"\ncommitted = \"{0}\"\n", version)),
                      named);
        const std::string letters = WebShop::letters(*host);
        CHECK_MESSAGE(testing::contains(letters, version + " C"), letters);
        CHECK_MESSAGE(letters.find_first_of("UD") == std::string::npos, letters);
    }
    const std::string direct = shop.answer_of(*shop.by_role().first);
    CHECK_MESSAGE(testing::contains(direct, "version " + version + " role primary "), direct);
}

/// The version that runs afterwards.
std::string go_once(WebShop& shop, Heard& heard, const Kind& kind, const std::string& from)
{
    const std::string to = from == "1.0" ? "2.0" : "1.0";
    INFO(std::string(kind.name) << ", from " << from << " to " << to);
    Upgrade one(shop, heard, to, kind.more);
    kind.goes(one);
    const std::string& runs = kind.ends == Ends::committed ? to : from;
    heard.expect(runs);
    heard.await(enough_answers);
    shop.let_be_well(to);
    const Json ended = one.ended();
    CHECK_MESSAGE(testing::contains(ended.value("reason", ""), kind.reason), one.show());
    CHECK_MESSAGE(ended.at("differences").empty(), one.show());
    check_rest(shop, runs);
    return runs;
}

void check_calls(const Kind& kind, const Callers::Counted& counted, Heard& heard)
{
    INFO(std::string(kind.name) << "\n" << heard.take_story());
    CHECK(heard.wrong() == "");
    CHECK(counted.out_of_turn == 0);
    CHECK(counted.longest_gap < longest_gap);
    if (kind.loses == Loses::what_was_open) {
        const Callers::Options usual;
        CHECK(counted.failed <= most_failed_of_each * (usual.that_stay + usual.that_come_anew));
        return;
    }
    CHECK(counted.failed == 0);
    CHECK(counted.first_problem == "");
}

std::string setting(const char* variable, const std::string& usual)
{
    const char* const text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody changes it
    return text == nullptr ? usual : text;
}

std::vector<Kind> chosen_kinds()
{
    std::vector<Kind> kinds = all_kinds();
    const std::string only = setting("BELAY_UPGRADE_ONLY", "");
    std::erase_if(kinds, [&](const Kind& kind) { return !testing::contains(kind.name, only); });
    REQUIRE_FALSE(kinds.empty());
    return kinds;
}

TEST_CASE("whole upgrades under load: nobody who calls notices, but where one dies that serves")
{
    if (!Network::is_possible()) {
        MESSAGE("no network of its own: nothing is tried");
        return;
    }
    const std::vector<Kind> kinds = chosen_kinds();
    const size_t rounds = std::stoul(setting("BELAY_UPGRADE_ROUNDS", std::to_string(kinds.size())));
    std::vector<Seen> seen(kinds.size());
    for (const size_t family : {0, 1}) {
        const Network network(WebShop::hosts_of_network);
        WebShop shop(network, family == 0 ? "192.0.2.7" : "2001:db8::7");
        Heard heard;
        Callers callers(shop.calls(heard));
        std::string runs = "1.0";
        heard.expect(runs);
        heard.await(enough_answers);
        for (size_t round = 0; round < rounds; ++round) {
            const size_t kind = round % kinds.size();
            // So that by and by each kind is called by both.
            if ((kind + round / kinds.size()) % 2 != family) continue;
            CAPTURE(round);
            runs = go_once(shop, heard, kinds[kind], runs);
            seen[kind].rounds.push_back(callers.take());
            check_calls(kinds[kind], seen[kind].rounds.back(), heard);
        }
        check_calls(kinds.front(), callers.stop(), heard);
    }
    std::string table =
        "| The new version is, or | Rounds | Requests | Failed | A round: median | worst | Longest gap: "
        "median | "
        "worst |\n|---|---|---|---|---|---|---|---|\n";
    for (size_t kind = 0; kind < kinds.size(); ++kind) {
        if (!seen[kind].rounds.empty()) table += line_of(kinds[kind].name, seen[kind]);
    }
    MESSAGE("\n", table);
}

}  // namespace
}  // namespace belay::daemon
