// An upgrade in service, and every way in which it goes wrong, on the simulated pair without a network.

#include "iosxe/failures.h"
#include "upgraded.h"

using namespace belay;
using namespace belay::devices;
namespace failure = belay::lab::iosxe::failure;

namespace {

bool was_typed(const World& world, std::string_view line)
{
    return std::ranges::find(world.device.typed, line) != world.device.typed.end();
}

/// Added, and activated.
operation::Id activated(World& world)
{
    const operation::Id id = world.keep();
    world.ask(id, Verb::add);
    world.serve(id, 1h);
    REQUIRE_MESSAGE(world.state(id) == State::added, world.reason(id));
    world.ask(id, Verb::activate);
    return id;
}

/// A terminal with which something happens between the answers of a device and whoever reads them.
class Slow final : public upgrade::iosxe::Terminal {
  public:
    Slow(SimulatedDevice& device, std::function<void()>& meanwhile)
        : terminal_(device, ""), meanwhile_(meanwhile)
    {
    }
    Result<std::vector<Answer>> type(const std::vector<Line>& lines, const Said& said) override
    {
        Result<std::vector<Answer>> answers = terminal_.type(lines, said);
        if (const auto happens = std::exchange(meanwhile_, nullptr)) happens();
        return answers;
    }
    Result<void> carry(const std::string& file, const std::string& to, const Carried& carried) override
    {
        return terminal_.carry(file, to, carried);
    }

  private:
    SimulatedTerminal terminal_;
    std::function<void()>& meanwhile_;
};

}  // namespace

TEST_CASE("what was seen before something was done is not taken for what is so now")
{
    World world;
    std::function<void()> meanwhile;
    upgrade::iosxe::Console::Options options = world.console->options();
    options.fresh = 24h;
    options.terminal = [&](const std::string&,
                           const std::string&) -> Result<std::unique_ptr<upgrade::iosxe::Terminal>> {
        return std::unique_ptr<upgrade::iosxe::Terminal>(std::make_unique<Slow>(world.device, meanwhile));
    };
    upgrade::iosxe::Console console(std::move(options));
    meanwhile = [&] {
        REQUIRE(console.begin("core", "unplug", "", {}, [&](upgrade::iosxe::Console::Work&) -> Result<void> {
            world.device.injure(failure::not_hot);
            return {};
        }));
    };
    REQUIRE(console.look("core")->is_redundant());
    CHECK_FALSE(console.recent_look("core")->is_redundant());
}

TEST_CASE("a pair is upgraded in three steps, and nothing is typed that its plan does not show")
{
    for (const auto kind : {lab::iosxe::Kind::stackwise_virtual, lab::iosxe::Kind::supervisors}) {
        for (const int active : {1, 2}) {
            CAPTURE(active);
            World world({.kind = kind, .active = active});
            const operation::Id id = activated(world);
            world.serve(id, 1h);
            REQUIRE_MESSAGE(world.state(id) == State::activated, world.reason(id));
            CHECK(world.look().both_run(new_release));
            world.ask(id, Verb::commit);
            world.serve(id, 2h);
            REQUIRE_MESSAGE(world.state(id) == State::committed, world.reason(id));
            world.is_whole_on(new_release);

            std::set<std::string> shown;
            for (const auto& line : upgrade::iosxe::look_lines()) shown.insert(line.text);
            for (const operation::Step& step : upgrade_plan().steps) {
                shown.insert(step.commands.begin(), step.commands.end());
                shown.insert(step.undo_commands.begin(), step.undo_commands.end());
            }
            for (const std::string& line : world.device.typed) {
                CAPTURE(line);
                CHECK(shown.contains(line));
            }
        }
    }
}

TEST_CASE("aborted by a person in each state, the device is as it was")
{
    SUBCASE("added")
    {
        World world;
        const operation::Id id = world.keep();
        world.ask(id, Verb::add);
        world.serve(id, 1h);
        REQUIRE(world.state(id) == State::added);
        world.ask(id, Verb::abort);
        world.serve(id);
        CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
        world.is_whole_on(old_release);
        CHECK(world.look().flash.find("cat9k_iosxe.16.09.03.SPA.bin") == nullptr);
        CHECK_FALSE(was_typed(world, "install abort issu"));
    }
    SUBCASE("activated")
    {
        World world;
        const operation::Id id = activated(world);
        world.serve(id, 1h);
        REQUIRE(world.state(id) == State::activated);
        world.ask(id, Verb::abort);
        world.serve(id);
        CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
        world.is_whole_on(old_release);
        CHECK(was_typed(world, "install abort issu"));
    }
}

TEST_CASE("the device's timer runs out while it soaks: it is seen, and the operation aborts")
{
    World world;
    const operation::Id id = activated(world);
    world.serve(id, 40min);
    REQUIRE(world.state(id) == State::activated);
    world.device.injure(failure::timer_soon);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    world.is_whole_on(old_release);
}

TEST_CASE("add that passed on one member only: taken out of both")
{
    World world;
    world.device.injure(failure::add_fails);
    const operation::Id id = world.keep();
    world.ask(id, Verb::add);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    world.is_whole_on(old_release);
    CHECK(was_typed(world, "clear install state"));
    CHECK_FALSE(was_typed(world, "install abort issu"));
    bool said = false;
    for (const auto& transition : world.operation(id).transitions)
        said = said || transition.reason.find("on [2]") != std::string::npos;
    CHECK(said);
}

TEST_CASE("clear that reaches one member only: held, with what a person has to do")
{
    World world;
    world.device.injure(failure::add_fails);
    world.device.injure(failure::clear_one);
    const operation::Id id = world.keep();
    world.ask(id, Verb::add);
    world.serve(id);
    REQUIRE_MESSAGE(world.state(id) == State::held, world.reason(id));
    CHECK(world.reason(id).find("has not reached switch 2") != std::string::npos);
    CHECK(world.look().both_run(old_release));
    // Whoever has done it there says abort again.
    REQUIRE(world.device.device().mend(failure::clear_one, world.device.now()));
    world.ask(id, Verb::abort);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    world.is_whole_on(old_release);
}

TEST_CASE("a member that is left behind: both go back to the old release")
{
    World world;
    world.device.injure(failure::left_behind);
    const operation::Id id = activated(world);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    world.is_whole_on(old_release);
}

TEST_CASE("an abort that the device refuses: held on one release, with what a person has to do")
{
    World world;
    const operation::Id id = activated(world);
    world.serve(id, 1h);
    REQUIRE(world.state(id) == State::activated);
    world.device.injure(failure::abort_refused);
    world.ask(id, Verb::abort);
    world.serve(id);
    REQUIRE_MESSAGE(world.state(id) == State::held, world.reason(id));
    CHECK(world.reason(id).find("both members are off 16.9.2") != std::string::npos);
    CHECK(world.look().both_run(new_release));
}

TEST_CASE("a standby that never becomes hot: held, once the device has said that it does not")
{
    World world;
    const operation::Id id = activated(world);
    world.device.injure(failure::never_hot);
    world.serve(id, 30h);
    REQUIRE_MESSAGE(world.state(id) == State::held, world.reason(id));
    REQUIRE(world.device.device().mend(failure::never_hot, world.device.now()));
    world.device.advance(30min);
    world.ask(id, Verb::abort);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    world.is_whole_on(old_release);
}

TEST_CASE("an image that arrives damaged: told, and taken away")
{
    World world;
    world.device.injure(failure::image_damaged);
    const operation::Id id = world.keep();
    world.ask(id, Verb::add);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    CHECK(world.look().flash.find("cat9k_iosxe.16.09.03.SPA.bin") == nullptr);
    world.is_whole_on(old_release);
    CHECK_FALSE(was_typed(world, "install add file flash:cat9k_iosxe.16.09.03.SPA.bin"));
}

namespace {

constexpr const char* image_name = "cat9k_iosxe.16.09.03.SPA.bin";
const std::string copy_line = fmt::format("copy {} flash:{}", fetched_image().url, image_name);

std::string reasons_of(World& world, const operation::Id& id)
{
    std::string reasons;
    for (const auto& transition : world.operation(id).transitions) reasons += transition.reason + "\n";
    return reasons;
}

/// Added, or aborted, and why.
std::string add(World& world, const operation::Id& id)
{
    world.ask(id, Verb::add);
    world.serve(id);
    return reasons_of(world, id);
}

}  // namespace

TEST_CASE("an image that the device fetches: verified, added, and an abort takes it away")
{
    World world;
    const operation::Id id = world.keep({}, fetched_image());
    const std::string reasons = add(world, id);
    REQUIRE_MESSAGE(world.state(id) == State::added, reasons);
    CHECK(std::ranges::count(world.device.typed, copy_line) == 1);
    CHECK(was_typed(world, fmt::format("verify /md5 flash:{}", image_name)));
    CHECK(world.look().flash.find(image_name) != nullptr);
    world.ask(id, Verb::abort);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    CHECK(world.look().flash.find(image_name) == nullptr);
    world.is_whole_on(old_release);

    std::set<std::string> shown;
    for (const auto& line : upgrade::iosxe::look_lines()) shown.insert(line.text);
    for (const operation::Step& step : upgrade_plan(fetched_image()).steps) {
        shown.insert(step.commands.begin(), step.commands.end());
        shown.insert(step.undo_commands.begin(), step.undo_commands.end());
    }
    for (const std::string& line : world.device.typed) CHECK_MESSAGE(shown.contains(line), line);
}

TEST_CASE("an image that does not come, or not as it is to be: the device's words, and nothing is left")
{
    const std::pair<std::string_view, const char*> all[] = {
        {failure::server_refuses, "(No such file or directory)"},
        {failure::copy_breaks, "(Connection reset by peer)"},
        {failure::no_space_here, "(Not enough space on device)"},
        {failure::image_damaged, "on the device, and is to have"}};
    for (const auto& [name, words] : all) {
        CAPTURE(name);
        World world;
        const operation::Id id = world.keep({}, fetched_image());
        // What the checks find is another test's.
        world.ask(id, Verb::add);
        world.device.injure(name);
        world.serve(id);
        const std::string reasons = reasons_of(world, id);
        CHECK(world.state(id) == State::aborted);
        CHECK_MESSAGE(reasons.find(words) != std::string::npos, reasons);
        CHECK(std::ranges::count(world.device.typed, copy_line) == 1);
        CHECK(world.look().flash.find(image_name) == nullptr);
        world.is_whole_on(old_release);
    }
}

TEST_CASE("the line is lost in the middle of a copy, which ends, or goes on: the image is whole in the end")
{
    for (const bool goes_on : {false, true}) {
        CAPTURE(goes_on);
        World world;
        if (goes_on) world.device.injure(failure::copy_goes_on);
        const operation::Id id = world.keep({}, fetched_image());
        world.ask(id, Verb::add);
        world.device.fault = {.kind = TerminalFault::Kind::lost_midway, .typing = copy_line};
        world.serve(id);
        REQUIRE_MESSAGE(world.state(id) == State::added, world.reason(id));
        CHECK(std::ranges::count(world.device.typed, copy_line) == (goes_on ? 1 : 2));
        CHECK(world.device.state().active()->files.at(image_name).md5 == image().digest);
        CHECK(was_typed(world, fmt::format("delete /force flash:{}", image_name)) == !goes_on);
    }
}

TEST_CASE("aborted while a copy goes on whose line nobody has any more: what it brings is taken away")
{
    World world;
    world.device.injure(failure::copy_goes_on);
    const operation::Id id = world.keep({}, fetched_image());
    world.ask(id, Verb::add);
    world.device.fault = {.kind = TerminalFault::Kind::dead, .typing = copy_line};
    while (!world.device.is_dead) REQUIRE(world.engine->step(id).has_value());
    world.start();
    world.ask(id, Verb::abort);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    world.device.advance(1h);
    CHECK(world.look().flash.find(image_name) == nullptr);
}

TEST_CASE("a file of that name that has come meanwhile is not touched")
{
    World world;
    const operation::Id id = world.keep({}, fetched_image());
    REQUIRE(world.device.device().put_file(image_name, lab::iosxe::file_of("anna's own", {})));
    const std::string reasons = add(world, id);
    CHECK(world.state(id) == State::aborted);
    CHECK_MESSAGE(reasons.find("another cat9k_iosxe.16.09.03.SPA.bin lies in the flash") != std::string::npos,
                  reasons);
    CHECK_FALSE(was_typed(world, copy_line));
    CHECK(world.look().flash.find(image_name) != nullptr);
}

TEST_CASE("an image that lies in the flash already: verified alone, and there afterwards as well")
{
    DeviceImage lying = fetched_image();
    lying.url.clear();
    World world;
    REQUIRE(world.device.device().put_file(image_name, lab::iosxe::file_of(image_bytes, {})));
    const operation::Id id = world.keep({}, lying);
    std::string reasons = add(world, id);
    REQUIRE_MESSAGE(world.state(id) == State::added, reasons);
    for (const std::string& line : world.device.typed) CHECK_FALSE(line.starts_with("copy"));

    for (const bool is_there : {true, false}) {
        World other;
        if (is_there)
            REQUIRE(other.device.device().put_file(image_name, lab::iosxe::file_of("anna's own", {})));
        const operation::Id second = other.keep({}, lying);
        reasons = add(other, second);
        CHECK(other.state(second) == State::aborted);
        CHECK_MESSAGE(reasons.find(is_there ? "is to have" : "is not on the device") != std::string::npos,
                      reasons);
        CHECK((other.look().flash.find(image_name) != nullptr) == is_there);
    }
}

TEST_CASE("no room on the standby, found only while it is added")
{
    World world;
    const operation::Id id = world.keep();
    world.device.injure(failure::no_space);
    world.ask(id, Verb::add);
    world.serve(id);
    CHECK_MESSAGE(world.state(id) == State::aborted, world.reason(id));
    world.is_whole_on(old_release);
}

TEST_CASE("what the checks find before anything is touched")
{
    const std::pair<std::string_view, const char*> found[] = {{failure::not_hot, "STANDBY COLD"},
                                                              {failure::bundle_boot, "BUNDLE"},
                                                              {failure::no_space, "free"},
                                                              {failure::autoboot_off, "Manual Boot = yes"},
                                                              {failure::uncommitted, "ISSU Activated state"},
                                                              {failure::added, "ISSU Added state"}};
    for (const auto& [name, words] : found) {
        CAPTURE(name);
        World world;
        world.device.injure(name);
        const auto kept = world.engine->keep(upgrade_plan(), anna);
        REQUIRE_FALSE(kept);
        const auto checked = world.engine->check(upgrade_plan());
        REQUIRE(checked);
        bool is_said = false;
        for (const auto& one : *checked)
            is_said =
                is_said || (one.finding.verdict == operation::Verdict::fail &&
                            one.finding.found.find(words) != std::string::npos && !one.finding.mend.empty());
        CHECK(is_said);
        for (const std::string& line : world.device.typed)
            CHECK((line.starts_with("show ") || line.starts_with("dir ")));
    }
}

TEST_CASE("the timer of the device is stopped")
{
    World world;
    const operation::Id id = activated(world);
    world.serve(id, 1h);
    REQUIRE(world.look().timer.active);
    const auto stopped = upgrade::iosxe::stop_abort_timer(*world.console, "core", "");
    REQUIRE_MESSAGE(stopped, stopped.error().what);
    CHECK_FALSE(world.look().timer.active);
    CHECK(upgrade::iosxe::stop_abort_timer(*world.console, "core", ""));
}

TEST_CASE("releases in whatever form they come")
{
    using upgrade::iosxe::release_in;
    CHECK(release_in("16.9.2") == "16.9.2");
    CHECK(release_in("16.09.02") == "16.9.2");
    CHECK(release_in("16.9.2.0.2433") == "16.9.2");
    CHECK(release_in("17.03.04b") == "17.3.4b");
    CHECK(release_in("17.03.04b.0.6083") == "17.3.4b");
    CHECK(release_in("cat9k_iosxe.17.09.05.SPA.bin") == "17.9.5");
    CHECK(release_in("cat9k-universalk9.SPA.16.09.03.BETA.E1.SSA.bin.bin") == "16.9.3");
    CHECK(release_in("no release 1.2") == "");
    CHECK(release_in("") == "");
    CHECK(release_in("99999999999999999999999.1.1") == "");
}
