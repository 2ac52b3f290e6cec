#include "framework/supervision/life.h"

#include <doctest/doctest.h>
#include <random>

namespace belay::framework::supervision {
namespace {

using namespace std::chrono_literals;

/// Hands in a world where everything happens when the test says so.
class TestHands final : public Hands {
  public:
    Result<Begun> start(const Application&) override
    {
        REQUIRE_FALSE(process);
        REQUIRE(strays == 0);
        if (refuses) return fail(ErrorKind::not_found, "no program there");
        process = true;
        ++starts;
        return begun;
    }
    void signal(int number) override { signals.push_back(number); }
    void kill() override
    {
        ++kills;
        killed = true;
    }
    bool clear() override
    {
        process = false;
        return strays == 0;
    }
    void run_stop_command(const Application&) override { ++stop_commands; }
    void tell(const Application&, Word word) override { words.push_back(word); }
    void ask(Topic topic, const Question&, Milliseconds at) override { asked = {topic, at}; }
    void ask_no_more() override { asked.reset(); }
    void await(const std::vector<Gate>& gates) override { awaits = !gates.empty(); }
    void moved() override { ++moves; }

    Begun begun = Begun::runs;
    bool process = false, refuses = false, killed = false, awaits = false;
    int strays = 0, starts = 0, kills = 0, stop_commands = 0, moves = 0;
    std::vector<int> signals;
    std::vector<Word> words;
    std::optional<std::pair<Topic, Milliseconds>> asked;
};

Application an_application()
{
    Application application;
    application.id = 7;
    application.name = "stat server";
    application.command = {"/usr/bin/stat-server"};
    return application;
}

struct Story {
    explicit Story(Application application)
        : life(std::make_shared<Application>(std::move(application)), hands)
    {
    }
    /// Time passes, and deadlines are told of when they come.
    void pass(Milliseconds span)
    {
        const Milliseconds until = now + span;
        while (life.next_deadline() && *life.next_deadline() <= until) {
            now = std::max(now, *life.next_deadline());
            life.time(now);
        }
        now = until;
    }
    void ends(Ended ended)
    {
        hands.killed = false;
        life.exited(ended, now);
        pass(0ms);
    }
    Phase phase() const { return life.standing().phase; }

    TestHands hands;
    Life life;
    Milliseconds now = 1000s;
};

constexpr Ended crashed{.signal = SIGSEGV};
constexpr Ended left{.code = 0};

TEST_CASE("life: a program without more to show is started when its process is there")
{
    Story story(an_application());
    CHECK(story.phase() == Phase::stopped);
    story.life.order(Want::running, story.now);
    CHECK(story.phase() == Phase::started);
    CHECK_FALSE(story.life.next_deadline());
    story.life.order(Want::stopped, story.now);
    CHECK(story.phase() == Phase::stopping);
    CHECK(story.hands.signals == std::vector{SIGTERM});
    story.ends({.signal = SIGTERM});
    CHECK(story.phase() == Phase::stopped);
    CHECK(story.life.standing().restarts == 0);
}

TEST_CASE(
    "life: one whose process is on its way is started when it is its program, and failed where it is not")
{
    Application application = an_application();
    application.start_timeout = 5s;
    Story story(application);
    story.hands.begun = Begun::on_its_way;
    story.life.order(Want::running, story.now);
    CHECK(story.phase() == Phase::starting);
    SUBCASE("it becomes it")
    {
        story.life.launched(story.now);
        CHECK(story.phase() == Phase::started);
        CHECK_FALSE(story.life.next_deadline());
        story.ends(crashed);
        CHECK(story.life.standing().last == crashed);
        CHECK(story.phase() == Phase::starting);
    }
    SUBCASE("it does not")
    {
        story.life.not_launched(Error{.kind = ErrorKind::io, .what = "run /x: no memory"});
        story.ends({.code = 127});
        CHECK(story.life.standing().restarts == 1);
        CHECK(story.life.standing().reason.empty());  // it is begun anew at once
        CHECK_FALSE(story.life.standing().last);
        story.life.not_launched(Error{.kind = ErrorKind::io, .what = "run /x: no memory"});
        story.ends({.code = 127});
        CHECK(story.phase() == Phase::waiting);
        CHECK(story.life.standing().reason == "it could not be started: run /x: no memory");
    }
    SUBCASE("its program is never loaded")
    {
        story.pass(5s);
        CHECK(story.hands.killed);
        story.life.launched(story.now);
        CHECK(story.phase() == Phase::starting);
        story.ends({.signal = SIGKILL});
        CHECK(story.life.standing().restarts == 1);
    }
    SUBCASE("it is to stop before that")
    {
        story.life.order(Want::stopped, story.now);
        CHECK(story.phase() == Phase::stopping);
        story.life.launched(story.now);
        CHECK(story.phase() == Phase::stopping);
        story.ends({.signal = SIGTERM});
        CHECK(story.phase() == Phase::stopped);
    }
    SUBCASE("it is asked only then whether it is ready")
    {
        story.ends(crashed);
        Application asked = an_application();
        asked.readiness.kind = Question::Kind::port;
        story.life.describe(std::make_shared<Application>(asked), story.now);
        story.life.restart(story.now);
        story.ends(crashed);
        CHECK_FALSE(story.hands.asked);
        story.life.launched(story.now);
        CHECK(story.hands.asked);
        CHECK(story.phase() == Phase::starting);
    }
}

TEST_CASE("life: one that says when it is ready, and one that does not in time")
{
    Application application = an_application();
    application.readiness.kind = Question::Kind::notify;
    application.start_timeout = 5s;
    Story story(application);
    story.life.order(Want::running, story.now);
    CHECK(story.phase() == Phase::starting);
    story.life.notified("STATUS=loads its tables\nREADY=1\n", story.now);
    CHECK(story.phase() == Phase::started);
    CHECK(story.life.standing().told == "loads its tables");

    story.ends(crashed);
    CHECK(story.phase() == Phase::starting);
    story.life.notified("EXTEND_TIMEOUT_USEC=8000000", story.now);
    story.pass(7s);
    CHECK_FALSE(story.hands.killed);
    story.pass(1s);
    CHECK(story.hands.killed);
    story.life.notified("READY=1", story.now);
    CHECK(story.phase() == Phase::starting);
    story.ends({.signal = SIGKILL});
    CHECK(story.phase() == Phase::waiting);
    CHECK(story.life.standing().reason == "was not ready within 5 s");
}

TEST_CASE("life: nonstop 6/10s rides out six failures, with longer and longer delays, and then gives up")
{
    Story story(an_application());
    story.life.order(Want::running, story.now);
    const std::vector<Milliseconds> delays = {0ms, 100ms, 200ms, 400ms, 800ms, 1600ms};
    for (const Milliseconds delay : delays) {
        const int before = story.hands.starts;
        story.ends(crashed);
        if (delay > 0ms) {
            CHECK(story.phase() == Phase::waiting);
            story.pass(delay - 1ms);
            CHECK(story.hands.starts == before);
            story.pass(1ms);
        }
        CHECK(story.hands.starts == before + 1);
    }
    CHECK(story.life.standing().restarts == 6);
    story.ends(crashed);
    CHECK(story.phase() == Phase::failed);
    CHECK(story.life.standing().reason ==
          "ended unasked, by signal 11 (Segmentation fault) (7 times within 10 s)");
    CHECK_FALSE(story.life.next_deadline());
    story.life.order(Want::running, story.now);
    CHECK(story.phase() == Phase::started);
}

TEST_CASE(
    "life: a good run lets the next restart come at once, and failures far apart are ridden out for ever")
{
    Application application = an_application();
    application.nonstop = {.failures = 1, .within = 10s};
    Story story(application);
    story.life.order(Want::running, story.now);
    for (int i = 1; i <= 20; ++i) {
        story.pass(11s);
        story.ends(crashed);
        REQUIRE(story.phase() == Phase::started);
        REQUIRE(story.hands.starts == i + 1);
    }
    application.nonstop.failures = 0;
    story.life.describe(std::make_shared<Application>(application), story.now);
    story.ends(crashed);
    CHECK(story.phase() == Phase::failed);
}

TEST_CASE("life: what a clean end means is said by autorestart")
{
    const auto after_a_clean_end = [](Autorestart autorestart) {
        Application application = an_application();
        application.autorestart = autorestart;
        Story story(application);
        story.life.order(Want::running, story.now);
        story.ends(left);
        return std::pair(story.phase(), story.life.standing().reason);
    };
    CHECK(after_a_clean_end(Autorestart::always) == std::pair(Phase::started, std::string()));
    CHECK(after_a_clean_end(Autorestart::on_failure) ==
          std::pair(Phase::stopped, std::string("has ended by itself")));
    CHECK(after_a_clean_end(Autorestart::never).first == Phase::stopped);
    Application never = an_application();
    never.autorestart = Autorestart::never;
    Story story(never);
    story.life.order(Want::running, story.now);
    story.ends(crashed);
    CHECK(story.phase() == Phase::failed);
}

TEST_CASE("life: one that ignores its signal is ended by force, with all that it has started")
{
    Application application = an_application();
    application.shutdown_timeout = 3s;
    Story story(application);
    story.life.order(Want::running, story.now);
    story.life.order(Want::stopped, story.now);
    story.pass(2999ms);
    CHECK(story.hands.kills == 0);
    story.pass(1ms);
    CHECK(story.hands.kills == 1);
    story.hands.strays = 2;
    story.ends({.signal = SIGKILL});
    CHECK(story.phase() == Phase::stopping);
    story.life.order(Want::running, story.now);
    CHECK(story.hands.starts == 1);
    story.hands.strays = 0;
    story.life.cleared(story.now);
    CHECK(story.phase() == Phase::started);
    CHECK(story.hands.starts == 2);
}

TEST_CASE("life: a heartbeat that is missing ends one, or is only said")
{
    Application application = an_application();
    application.heartbeat = 2s;
    Story story(application);
    story.life.order(Want::running, story.now);
    for (int i = 0; i < 5; ++i) {
        story.pass(1900ms);
        story.life.notified("WATCHDOG=1", story.now);
    }
    CHECK(story.phase() == Phase::started);
    story.pass(2s);
    CHECK(story.phase() == Phase::unavailable);
    CHECK(story.hands.killed);
    story.life.notified("WATCHDOG=1", story.now);
    CHECK(story.phase() == Phase::unavailable);
    story.ends({.signal = SIGKILL});
    CHECK(story.phase() == Phase::started);

    application.restart_when_hung = false;
    Story patient(application);
    patient.life.order(Want::running, patient.now);
    patient.pass(2s);
    CHECK(patient.phase() == Phase::unavailable);
    CHECK(patient.life.standing().reason == "did not say for 2 s that it lives");
    CHECK_FALSE(patient.hands.killed);
    patient.life.notified("WATCHDOG=1", patient.now);
    CHECK(patient.phase() == Phase::started);
    patient.life.notified("WATCHDOG=trigger", patient.now);
    CHECK(patient.phase() == Phase::unavailable);
}

TEST_CASE("life: questions decide about readiness and health")
{
    Application application = an_application();
    application.readiness = {.kind = Question::Kind::port, .port = 80, .interval = 40ms};
    application.health = {.kind = Question::Kind::http, .port = 80, .interval = 5s, .failures = 2};
    const Result<void> bad = fail(ErrorKind::unavailable, "nobody answers at port 80");
    Story story(application);
    story.life.order(Want::running, story.now);
    std::vector<Milliseconds> pauses;
    for (int i = 0; i < 5; ++i) {
        REQUIRE(story.hands.asked);
        REQUIRE(story.hands.asked->first == Topic::readiness);
        pauses.push_back(story.hands.asked->second - story.now);
        story.now = story.hands.asked->second;
        story.life.answered(Topic::readiness, bad, story.now);
    }
    CHECK(pauses == std::vector<Milliseconds>{0ms, 10ms, 20ms, 40ms, 40ms});
    CHECK(story.life.standing().reason == "is not ready: nobody answers at port 80");
    story.life.answered(Topic::readiness, {}, story.now);
    CHECK(story.phase() == Phase::started);
    CHECK(story.hands.asked == std::pair(Topic::health, story.now + 5s));
    story.life.answered(Topic::health, bad, story.now);
    story.life.answered(Topic::health, {}, story.now);
    story.life.answered(Topic::health, bad, story.now);
    CHECK_FALSE(story.hands.killed);
    story.life.answered(Topic::health, bad, story.now);
    CHECK(story.hands.killed);
    CHECK(story.life.standing().reason == "is not well: nobody answers at port 80");
}

TEST_CASE("life: a stop drains first where there is time for it; a suspension can be taken back")
{
    Application application = an_application();
    application.drain_timeout = 60s;
    application.orders.kind = Orders::Kind::pipe;
    Story story(application);
    story.life.order(Want::running, story.now);
    story.life.order(Want::stopped, story.now);
    CHECK(story.phase() == Phase::suspending);
    CHECK(story.hands.signals.empty());
    story.life.notified("X_DRAINED=1", story.now);
    CHECK(story.phase() == Phase::stopping);
    story.ends(left);
    CHECK(story.phase() == Phase::stopped);

    story.life.order(Want::running, story.now);
    story.life.order(Want::suspended, story.now);
    story.pass(1h);
    CHECK(story.phase() == Phase::suspending);
    story.life.notified("X_DRAINED=1", story.now);
    CHECK(story.phase() == Phase::suspended);
    story.life.order(Want::running, story.now);
    CHECK(story.phase() == Phase::started);
    CHECK(story.hands.words == std::vector{Word::drain, Word::drain, Word::serve});
    story.life.order(Want::stopped, story.now);
    story.pass(60s);
    CHECK(story.phase() == Phase::stopping);
}

TEST_CASE(
    "life: what takes nothing new is not ended because it does not answer; when it serves again it counts")
{
    Application application = an_application();
    application.orders.kind = Orders::Kind::pipe;
    application.health = {.kind = Question::Kind::port, .port = 80, .failures = 2};
    Story story(application);
    const Result<void> bad = fail(ErrorKind::unavailable, "nobody answers at port 80");
    story.life.order(Want::running, story.now);
    story.life.order(Want::suspended, story.now);
    for (int i = 0; i < 3; ++i) story.life.answered(Topic::health, bad, story.now);
    story.life.notified("X_DRAINED=1", story.now);
    for (int i = 0; i < 3; ++i) story.life.answered(Topic::health, bad, story.now);
    CHECK(story.phase() == Phase::suspended);
    CHECK_FALSE(story.hands.killed);
    story.life.order(Want::running, story.now);
    story.life.answered(Topic::health, bad, story.now);
    CHECK_FALSE(story.hands.killed);
    story.life.answered(Topic::health, bad, story.now);
    CHECK(story.hands.killed);
}

TEST_CASE("life: one that hands over drains in its phase, until it is primary again or that is taken back")
{
    Application application = an_application();
    application.orders.kind = Orders::Kind::pipe;
    application.drain_timeout = 60s;
    application.health = {.kind = Question::Kind::port, .port = 80, .failures = 1};
    Story story(application);
    const Result<void> bad = fail(ErrorKind::unavailable, "nobody answers at port 80");
    story.life.play(Role::primary);
    story.life.order(Want::running, story.now);
    story.life.notified("X_DRAINED=1", story.now);
    CHECK_FALSE(story.life.standing().is_drained);

    story.life.drain();
    CHECK(story.life.past().drains);
    story.life.answered(Topic::health, bad, story.now);
    CHECK(story.phase() == Phase::started);
    CHECK_FALSE(story.hands.killed);
    story.life.notified("X_DRAINED=1", story.now);
    CHECK(story.life.standing().is_drained);
    CHECK(story.phase() == Phase::started);
    story.life.serve();
    CHECK_FALSE(story.life.standing().is_drained);
    CHECK(story.hands.words == std::vector{Word::primary, Word::drain, Word::serve});

    // As a backup it goes on to take nothing.
    story.hands.words.clear();
    story.life.drain();
    story.life.play(Role::backup);
    story.life.answered(Topic::health, bad, story.now);
    CHECK_FALSE(story.hands.killed);
    story.life.play(Role::primary);
    CHECK(story.hands.words == std::vector{Word::drain, Word::backup, Word::serve, Word::primary});

    // The next supervisor knows it, and one that has had its time is not drained once more.
    story.life.drain();
    const Past past = story.life.past();
    TestHands hands;
    Life next(std::make_shared<Application>(application), hands);
    next.adopt(std::make_shared<Application>(application), Phase::started, Want::running, past, story.now);
    next.play(Role::primary);
    CHECK(hands.words == std::vector{Word::serve, Word::primary});
    story.life.order(Want::stopped, story.now);
    CHECK(story.phase() == Phase::stopping);
    story.ends(left);
    CHECK_FALSE(story.life.past().drains);
}

TEST_CASE("life: a role is told at once, and again when it is ready after a start")
{
    Application application = an_application();
    application.orders.kind = Orders::Kind::pipe;
    application.readiness.kind = Question::Kind::notify;
    Story story(application);
    story.life.play(Role::backup);
    story.life.order(Want::running, story.now);
    CHECK(story.hands.words.empty());
    story.life.notified("READY=1", story.now);
    story.life.play(Role::primary);
    story.life.play(Role::primary);
    story.ends(crashed);
    story.life.notified("READY=1", story.now);
    CHECK(story.hands.words == std::vector{Word::backup, Word::primary, Word::primary});
}

TEST_CASE("life: gates are waited for, as long as they allow")
{
    Application application = an_application();
    application.gates = {{.kind = Gate::Kind::file, .path = "/licence", .timeout = 30s},
                         {.kind = Gate::Kind::port, .address = "10.0.0.1", .port = 7260}};
    Story story(application);
    story.life.order(Want::running, story.now);
    CHECK(story.phase() == Phase::waiting);
    CHECK(story.hands.awaits);
    CHECK(story.life.standing().reason == "waits for file /licence, port 7260 of 10.0.0.1");
    story.life.order(Want::stopped, story.now);
    CHECK_FALSE(story.hands.awaits);
    CHECK(story.phase() == Phase::stopped);
    story.life.order(Want::running, story.now);
    story.pass(30s);
    CHECK(story.phase() == Phase::waiting);
    CHECK(story.hands.awaits);
    CHECK(story.life.standing().restarts == 1);
    story.life.gates_open(story.now);
    CHECK(story.phase() == Phase::started);
    story.life.gates_open(story.now);
    CHECK(story.hands.starts == 1);
}

TEST_CASE("life: what is adopted after another supervisor goes on where it was")
{
    Application application = an_application();
    application.readiness.kind = Question::Kind::notify;
    const auto running = std::make_shared<const Application>(application);
    Story story(application);
    story.life.adopt(running, Phase::started, Want::running, {}, story.now);
    CHECK(story.phase() == Phase::started);
    CHECK(story.hands.starts == 0);
    story.ends({});
    CHECK(story.hands.starts == 1);
    CHECK(story.phase() == Phase::starting);

    Story stopping(application);
    stopping.life.adopt(running, Phase::stopping, Want::stopped, {}, stopping.now);
    CHECK(stopping.hands.signals == std::vector{SIGTERM});
    stopping.ends(left);
    CHECK(stopping.phase() == Phase::stopped);
}

TEST_CASE(
    "life: failures count over the change of supervisors, so one that always fails is given up all the same")
{
    Past past;
    Phase phase = Phase::waiting;
    Milliseconds now = 1000s;
    int supervisors = 0;
    for (; phase != Phase::failed && supervisors < 20; ++supervisors) {
        Story story(an_application());
        story.now = now;
        const bool has_process = phase != Phase::waiting;
        story.hands.process = has_process;
        story.life.adopt(has_process ? std::make_shared<const Application>(an_application()) : nullptr, phase,
                         Want::running, past, now);
        story.ends(crashed);
        past = story.life.past();
        phase = story.phase();
        now = story.now + 10ms;
    }
    CHECK(supervisors == 7);
    Story last(an_application());
    last.life.adopt(nullptr, phase, Want::running, past, now);
    CHECK(last.phase() == Phase::failed);
    CHECK(last.life.standing().reason == past.reason);
    CHECK(last.hands.starts == 0);
}

/// Does something at random, as often as it is told, and then lets everything come to rest.
class RandomStory {
  public:
    explicit RandomStory(uint32_t seed) : random_(seed), story_(random_application()) {}

    void run()
    {
        for (int i = 0; i < 200; ++i) {
            act();
            story_.pass(Milliseconds(chance(4) ? pick(20'000) : pick(50)));
            check();
        }
        come_to_rest();
    }

  private:
    bool chance(uint32_t of) { return random_() % of == 0; }
    uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }

    Application random_application()
    {
        Application application = an_application();
        application.readiness.kind = static_cast<Question::Kind>(pick(5));
        application.health.kind = static_cast<Question::Kind>(pick(5));
        if (chance(2)) application.heartbeat = Milliseconds(100 + pick(5000));
        if (chance(2)) application.drain_timeout = Milliseconds(pick(5000));
        application.orders.kind = static_cast<Orders::Kind>(pick(4));
        if (chance(3)) application.gates = {{.path = "/x", .timeout = Milliseconds(1 + pick(5000))}};
        application.restart_when_hung = chance(2);
        application.autorestart = static_cast<Autorestart>(pick(3));
        application.nonstop = {.failures = pick(8), .within = Milliseconds(pick(20'000))};
        application.restart_delay = Milliseconds(pick(300));
        application.start_timeout = application.shutdown_timeout = Milliseconds(10 + pick(5000));
        return application;
    }

    void act()
    {
        Life& life = story_.life;
        const Result<void> bad = fail(ErrorKind::timeout, "no answer");
        switch (pick(12)) {
            case 0:
                return life.order(Want::running, story_.now);
            case 1:
                return life.order(Want::stopped, story_.now);
            case 2:
                return life.order(Want::suspended, story_.now);
            case 3:
                return life.restart(story_.now);
            case 4:
                return life.describe(std::make_shared<Application>(random_application()), story_.now);
            case 5:
                return life.notified(chance(2) ? "READY=1" : "WATCHDOG=1", story_.now);
            case 6:
                return life.notified(chance(2) ? "X_DRAINED=1" : "WATCHDOG=trigger", story_.now);
            case 7:
                if (story_.hands.asked)
                    life.answered(story_.hands.asked->first, chance(2) ? bad : Result<void>(), story_.now);
                return;
            case 8:
                if (story_.hands.awaits) life.gates_open(story_.now);
                return;
            case 9:
                story_.hands.refuses = chance(4);
                return;
            default:
                return end_process();
        }
    }

    void end_process()
    {
        if (story_.hands.strays > 0) {
            story_.hands.strays = 0;
            return story_.life.cleared(story_.now);
        }
        if (!story_.hands.process) return;
        if (chance(4)) story_.hands.strays = 1;
        story_.life.exited(chance(2) ? crashed : left, story_.now);
    }

    void check() const
    {
        const Phase phase = story_.phase();
        const bool at_work = story_.hands.process || story_.hands.strays > 0;
        REQUIRE(story_.life.has_process() == at_work);
        REQUIRE(at_work == (phase != Phase::stopped && phase != Phase::waiting && phase != Phase::failed));
        if (phase == Phase::starting || phase == Phase::stopping)
            REQUIRE((story_.life.next_deadline() || story_.hands.strays > 0));
        if (phase == Phase::waiting) REQUIRE((story_.life.next_deadline() || story_.hands.awaits));
    }

    /// Whatever went before: who is asked to stop does, when its processes end.
    void come_to_rest()
    {
        story_.life.order(Want::stopped, story_.now);
        for (int i = 0; i < 10 && story_.phase() != Phase::stopped; ++i) {
            story_.pass(20s);
            end_process();
        }
        REQUIRE(story_.phase() == Phase::stopped);
        REQUIRE_FALSE(story_.life.next_deadline());
        REQUIRE_FALSE(story_.hands.asked);
    }

    std::minstd_rand random_;
    Story story_;
};

TEST_CASE("life: whatever happens, there is one process at most, and an end that is asked for comes")
{
    for (uint32_t seed = 1; seed <= 3000; ++seed) {
        CAPTURE(seed);
        RandomStory(seed).run();
    }
}

}  // namespace
}  // namespace belay::framework::supervision
