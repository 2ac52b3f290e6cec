#include "upgrade/iosxe/console.h"

#include <atomic>
#include <doctest/doctest.h>

using namespace belay;
using namespace belay::upgrade::iosxe;
using namespace std::chrono_literals;

namespace {

/// A device that answers what it was told to, or waits until it is not wanted any more.
struct Script {
    std::mutex mutex;
    std::vector<std::string> typed;
    std::string answer = "SUCCESS";
    bool is_lost = false;
    bool waits = false;
    std::atomic<bool> is_waiting = false;
};

class ScriptedTerminal final : public Terminal {
  public:
    explicit ScriptedTerminal(Script& script) : script_(script) {}
    Result<std::vector<Answer>> type(const std::vector<Line>& lines, const Said& said) override
    {
        std::vector<Answer> answers;
        for (const Line& line : lines) {
            const std::lock_guard lock(script_.mutex);
            script_.typed.push_back(line.text);
            answers.push_back({.text = script_.answer, .lost = script_.is_lost});
        }
        while (script_.waits) {
            script_.is_waiting = true;
            if (!said("it works")) return fail(ErrorKind::unavailable, "it was ended");
            std::this_thread::sleep_for(1ms);
        }
        return answers;
    }
    Result<void> carry(const std::string&, const std::string&, const Carried& carried) override
    {
        for (uint64_t done = 1; done <= 3; ++done)
            if (!carried(done, 3)) return fail(ErrorKind::unavailable, "it was ended");
        return {};
    }

  private:
    Script& script_;
};

Console::Options options_for(Script& script)
{
    return {.terminal = [&script](const std::string& device,
                                  const std::string&) -> Result<std::unique_ptr<Terminal>> {
                if (device != "core") return fail(ErrorKind::not_found, "no such device");
                return std::unique_ptr<Terminal>(std::make_unique<ScriptedTerminal>(script));
            },
            .pace = 1ms,
            .settles = 0ms};
}

/// Waits for the end of the work, which is soon.
Console::Way ended(const Console& console)
{
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < end) {
        const auto way = console.way_of("core");
        if (way && way->has_ended) return *way;
        std::this_thread::sleep_for(1ms);
    }
    FAIL("it does not end");
    return {};
}

Console::Deed typing(const char* text)
{
    return [text](Console::Work& work) -> Result<void> {
        TRY(work.type({.text = text}));
        return {};
    };
}

}  // namespace

TEST_CASE("work that types a line, and how it ended")
{
    Script script;
    Console console(options_for(script));
    CHECK_FALSE(console.way_of("core"));
    REQUIRE(console.begin("core", "install add", "", {"install add file flash:x"},
                          typing("install add file flash:x")));
    const Console::Way way = ended(console);
    CHECK_FALSE(way.problem);
    CHECK_FALSE(way.is_lost);
    CHECK(script.typed == std::vector<std::string>{"install add file flash:x"});
    CHECK_FALSE(console.is_at("core", "install add"));
}

TEST_CASE("work types no line that it was not given")
{
    Script script;
    Console console(options_for(script));
    REQUIRE(console.begin("core", "install add", "", {"install add file flash:x"}, typing("reload")));
    const Console::Way way = ended(console);
    REQUIRE(way.problem);
    CHECK(way.problem->kind == ErrorKind::refused);
    CHECK(script.typed.empty());
    CHECK(console.take_problem("core", "install add"));
    CHECK_FALSE(console.take_problem("core", "install add"));
    CHECK_FALSE(console.begin("other", "x", "", {}, typing("x")));
}

TEST_CASE("one piece of work a device; it is ended when nobody wants it, or with the console")
{
    Script script;
    script.waits = true;
    {
        Console console(options_for(script));
        REQUIRE(console.begin("core", "first", "", {"line"}, typing("line")));
        const auto second = console.begin("core", "second", "", {"line"}, typing("line"));
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == ErrorKind::busy);
        while (!script.is_waiting) std::this_thread::sleep_for(1ms);
        CHECK(console.is_at("core", "first"));
        console.end("core");
        const Console::Way way = ended(console);
        CHECK(way.is_lost);
        CHECK(way.says == "it works");
        REQUIRE(console.begin("core", "second", "", {"line"}, typing("line")));
    }
    CHECK(script.typed.size() >= 1);
}

TEST_CASE("whatever is asked of it at once, by whomever")
{
    Script script;
    script.waits = true;
    Console console(options_for(script));
    std::vector<std::jthread> people;
    for (int person = 0; person < 4; ++person)
        people.emplace_back([&console] {
            for (int round = 0; round < 100; ++round) {
                const std::string device = round % 7 == 0 ? "other" : "core";
                static_cast<void>(console.begin(device, "work", "", {"line"}, typing("line")));
                console.end(device);
                console.note(device, "what", "sentence");
                static_cast<void>(console.way_of(device));
                static_cast<void>(console.take_problem(device, "work"));
                static_cast<void>(console.noted(device, "what"));
                static_cast<void>(console.is_unsettled(device));
                static_cast<void>(console.holds_long(device, "what", round % 2 == 0));
            }
        });
    people.clear();
    console.end("core");
    CHECK(ended(console).is_lost);
}

TEST_CASE("what was lost leaves the device unsettled for as long as it may take to show itself")
{
    Script script;
    script.is_lost = true;
    Console::Options options = options_for(script);
    Console::Clock::time_point now{};
    options.settles = 60s;
    options.at_once = true;
    options.now = [&now] { return now; };
    Console console(std::move(options));
    CHECK(console.is_unsettled("core"));  // of an earlier belayd nothing is known
    now += 60s;
    CHECK_FALSE(console.is_unsettled("core"));
    REQUIRE(console.begin("core", "install activate issu", "", {"line"}, typing("line")));
    CHECK(console.is_unsettled("core"));
    CHECK_FALSE(console.is_unsettled("other"));
    now += 60s;
    CHECK_FALSE(console.is_unsettled("core"));

    CHECK_FALSE(console.holds_long("core", "left behind", true));
    now += 59s;
    CHECK_FALSE(console.holds_long("core", "left behind", true));
    now += 1s;
    CHECK(console.holds_long("core", "left behind", true));
    CHECK_FALSE(console.holds_long("core", "left behind", false));
    CHECK_FALSE(console.holds_long("core", "left behind", true));
}

TEST_CASE("a file that is carried tells its bytes")
{
    Script script;
    Console console(options_for(script));
    REQUIRE(console.begin("core", "copy", "", {"copy /x flash:x"},
                          [](Console::Work& work) { return work.carry("/x", "flash:x"); }));
    const Console::Way way = ended(console);
    CHECK_FALSE(way.problem);
    CHECK(way.done == 3);
    CHECK(way.total == 3);
}

TEST_CASE("a device that shows less than all is not understood, rather than wrongly")
{
    Script script;
    script.answer = "";
    Console console(options_for(script));
    CHECK_FALSE(console.look("core"));
    CHECK_FALSE(console.recent_look("core"));
    script.is_lost = true;
    const auto lost = console.look("core");
    REQUIRE_FALSE(lost);
    CHECK(lost.error().kind == ErrorKind::unavailable);
}
