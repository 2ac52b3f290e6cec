#include "iosxe/device.h"

#include "iosxe/failures.h"
#include "iosxe/testing/play.h"

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::Play;

const std::string old_one = "16.9.2.0.2433";
const std::string new_one = "16.9.3.0.3127";

/// Added and activated, by the times of the device; both members run the new version, the standby is hot.
Play activated()
{
    Play play(Beginning{.zone = "jst"});
    play.put("new.bin", new_one);
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.until_prompt();
    play.begin({.task = Task::activate, .timer = 120min}, at("2019-02-08 09:28:27"));
    play.until_prompt();
    play.until(at("2019-02-08 09:44:36"));
    return play;
}

std::vector<std::string> packages_of(const Member& member)
{
    std::vector<std::string> found;
    for (const Package& package : member.packages) found.push_back(package.state + " " + package.version);
    return found;
}

bool all_on(const State& state, const std::string& version)
{
    return std::ranges::all_of(state.members, [&](const Member& member) {
        return member.running == version && member.provisioned == version && member.role != Role::absent &&
               std::ranges::any_of(member.packages, [&](const Package& package) {
                   return package.version == version && package.state == "C";
               });
    });
}

}  // namespace

TEST_CASE("three steps take the times of the real device")
{
    Play play = activated();
    CHECK(play.when("SUCCESS: install_add ") == at("2019-02-08 09:26:26"));
    CHECK(play.when("Install auto abort timer will expire in 7200 seconds") == at("2019-02-08 09:28:31.880"));
    CHECK(play.when("IOS versions do not match") == at("2019-02-08 09:35:16.489"));
    CHECK(play.when("SUCCESS: install_activate ") == at("2019-02-08 09:37:14"));
    CHECK(play.said("SUCCESS: install_activate Fri Feb 8 09:37:14 jst 2019"));
    CHECK(play.state().active()->number == 2);
    CHECK(play.state().standby_hot());
    CHECK(play.state().member(1).running == new_one);
    CHECK(play.state().member(2).running == new_one);
    CHECK(packages_of(play.state().member(1)) == std::vector<std::string>{"U " + new_one, "D " + old_one});
    const std::string issu = text::issu_state(play.state(), at("2019-02-08 09:44:36"));
    CHECK(issu.contains("on switch 2"));
    CHECK(issu.contains("Current state : Activated state"));
    CHECK(issu.contains("2019-02-08:09:28:32"));
    CHECK(issu.contains("2019-02-08:09:36:03"));
    CHECK(issu.contains("2019-02-08:09:37:16"));
    CHECK(issu.contains("Added -> Standby activated -> Active switched-over"));
    CHECK(issu.contains("remaining time before rollback: 01:43:55"));
    CHECK(issu.contains("terminal state reached"));

    play.begin({.task = Task::commit}, at("2019-02-08 09:45:22"));
    play.until_prompt();
    CHECK(play.when("R0/0: install_engine: Started install commit") == at("2019-02-08 09:48:33.364"));
    CHECK(play.when("Completed install commit ISSU") == at("2019-02-08 09:51:27.505"));
    CHECK(play.said("SUCCESS: install_commit Fri Feb 8 09:51:27 jst 2019"));
    CHECK(all_on(play.state(), new_one));
    CHECK(packages_of(play.state().member(2)) == std::vector<std::string>{"C " + new_one});
    CHECK(text::issu_state(play.state(), play.state().up_since).contains("No ISSU operation is in progress"));
    CHECK_FALSE(play.state().abort_timer.has_value());
}

TEST_CASE(
    "the terminal state comes at 09:36:01, a minute before the switch-over, and all connections end with "
    "that")
{
    Play play(Beginning{.zone = "jst"});
    play.put("new.bin", new_one);
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.until_prompt();
    play.begin({.task = Task::activate, .timer = 120min}, at("2019-02-08 09:28:27"));
    play.until(at("2019-02-08 09:36:02"));
    CHECK(play.when("Terminal state reached for (SSO)") == at("2019-02-08 09:36:01.240"));
    CHECK(play.when("Bulk Sync succeeded") == at("2019-02-08 09:36:00.238"));
    CHECK(play.state().active()->number == 1);
    CHECK(play.state().member(2).running == new_one);
    CHECK(std::ranges::none_of(play.heard, [](const Event& event) { return event.saying == Saying::lost; }));
    play.until(at("2019-02-08 09:37:17"));
    const auto lost = std::ranges::find(play.heard, Saying::lost, &Event::saying);
    REQUIRE(lost != play.heard.end());
    CHECK(lost->at == at("2019-02-08 09:37:16.240"));
    CHECK(play.state().deaf_until.has_value());
    CHECK(play.state().member(1).role == Role::absent);
    play.until(at("2019-02-08 09:37:30"));
    CHECK_FALSE(play.state().deaf_until.has_value());
}

TEST_CASE("one step takes the times of the real device, with member 2 active")
{
    Play play(Beginning{
        .zone = "jst", .active = 2, .version = "16.9.1.0.2123", .start = at("2019-02-08 10:00:00")});
    play.put("new.bin", old_one);
    play.begin({.task = Task::one_step, .file = "flash:new.bin"}, at("2019-02-08 10:07:51"));
    CHECK(play.said("install_add_activate_commit: START Fri Feb 8 10:07:51 jst 2019"));
    play.until(at("2019-02-08 10:19:49.500"));
    CHECK(play.when("Started install one-shot ISSU flash:new.bin") == at("2019-02-08 10:07:52.456"));
    CHECK(play.when("IOS versions do not match") == at("2019-02-08 10:19:10.223"));
    CHECK(play.when("Bulk Sync succeeded") == at("2019-02-08 10:19:48.421"));
    CHECK(play.when("Terminal state reached") == at("2019-02-08 10:19:49.422"));
    play.until_quiet();
    CHECK(play.when("Switch to primary (count 1)") == at("2019-02-08 10:21:02.975"));
    CHECK(play.when("Bulk Sync succeeded") == at("2019-02-08 10:27:09.715"));
    CHECK(play.when("Terminal state reached") == at("2019-02-08 10:27:10.717"));
    CHECK(play.when("Started install commit") == at("2019-02-08 10:28:27.302"));
    CHECK(play.when("Completed install commit ISSU") == at("2019-02-08 10:29:32.127"));
    CHECK(all_on(play.state(), old_one));
    CHECK_FALSE(play.state().job.has_value());
}

TEST_CASE("a pair that is kept and read again at every moment goes on as if nothing had been")
{
    const Play whole = activated();
    Play play(Beginning{.zone = "jst"});
    play.put("new.bin", new_one);
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    const auto again = [&](Time until) {
        while (play.device.next() && *play.device.next() <= until) {
            play.until(*play.device.next());
            Result<State> state = read_state(to_json_value(play.state()));
            REQUIRE(state.has_value());
            std::vector<Event> heard = std::move(play.heard);
            play = Play(*std::move(state));
            play.heard = std::move(heard);
        }
    };
    again(at("2019-02-08 09:28:00"));
    play.begin({.task = Task::activate, .timer = 120min}, at("2019-02-08 09:28:27"));
    again(at("2019-02-08 09:44:36"));
    const auto said = [](const Play& which) {
        std::vector<std::string> logs;
        for (const Event& event : which.heard)
            if (event.saying == Saying::log) logs.push_back(text::log_stamp(event.at, "jst") + event.text);
        return logs;
    };
    CHECK(said(play) == said(whole));
    CHECK(to_json_value(play.state()).dump() == to_json_value(whole.state()).dump());
}

TEST_CASE("an abort of what was activated brings both members back to the old version")
{
    Play play = activated();
    play.begin({.task = Task::abort}, at("2019-02-08 09:50:00"));
    play.until_quiet();
    CHECK(play.said("SUCCESS: install_abort"));
    CHECK(all_on(play.state(), old_one));
    CHECK(packages_of(play.state().member(1)) == packages_of(play.state().member(2)));
    CHECK(play.state().active()->number == 1);
    CHECK_FALSE(play.state().member(1).issu.has_value());
    CHECK_FALSE(play.state().abort_timer.has_value());
}

TEST_CASE("at the end of its timer the device goes back by itself; a timer that was stopped does nothing")
{
    Play play = activated();
    play.until(at("2019-02-08 11:28:31"));
    CHECK_FALSE(play.said("timer expired"));
    play.until_quiet();
    CHECK(play.when("timer expired") == at("2019-02-08 11:28:31.880"));
    CHECK(all_on(play.state(), old_one));

    Play stopped = activated();
    stopped.device.stop_abort_timer(1, at("2019-02-08 09:50:00"));
    stopped.until(at("2019-02-08 09:50:01"));
    CHECK(stopped.said("SUCCESS: install_auto_abort_timer_stop"));
    stopped.until(at("2019-02-09 09:50:00"));
    CHECK_FALSE(stopped.said("timer expired"));
    CHECK(stopped.state().member(1).running == new_one);
}

TEST_CASE("a timer that runs out soon: ten minutes after the switch-over, or in ten seconds")
{
    Play play;
    play.put("new.bin", new_one);
    play.injure(failure::timer_soon, at("2019-02-08 09:20:00"));
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.until_prompt();
    play.begin({.task = Task::activate, .timer = 120min}, at("2019-02-08 09:28:27"));
    play.until(at("2019-02-08 09:47:00"));
    CHECK_FALSE(play.said("timer expired"));
    play.until_quiet();
    CHECK(play.when("timer expired") == at("2019-02-08 09:47:16.240"));
    CHECK(all_on(play.state(), old_one));

    Play running = activated();
    running.injure(failure::timer_soon, at("2019-02-08 09:50:00"));
    running.until_quiet();
    CHECK(running.when("timer expired") == at("2019-02-08 09:50:10"));
}

TEST_CASE("add that fails on the standby says so, finishes all the same, and leaves what abort refuses")
{
    Play play;
    play.put("new.bin", new_one);
    play.injure(failure::add_fails, at("2019-02-08 09:21:00"));
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.until_prompt();
    CHECK(play.output().contains("Add: Passed on [1]. Failed on [2]\nFinished Add"));
    CHECK(play.output().contains("cp: cannot stat '/tmp/packages.conf'"));
    CHECK(play.output().contains("FAILED: install_add exit(1) Fri Feb 8 09:26:05 UTC 2019"));
    CHECK_FALSE(play.output().contains("SUCCESS"));
    CHECK(packages_of(play.state().member(1)) == std::vector<std::string>{"I " + new_one, "C " + old_one});
    CHECK(packages_of(play.state().member(2)) == std::vector<std::string>{"C " + old_one});

    play.begin({.task = Task::abort}, at("2019-02-08 09:30:00"));
    play.until_quiet();
    CHECK(play.output().contains(
        "FAILED: ABORT operation is not allowed in ADDED state\nERROR: install_abort exit(2 )"));
    // It says Completed of what it has refused.
    CHECK(play.said("Completed install abort ISSU"));
    CHECK(play.state().member(1).issu.has_value());

    SUBCASE("clear that reaches both is the way out")
    {
        play.begin({.task = Task::clear}, at("2019-02-08 09:40:00"));
        play.until_prompt();
        CHECK(play.output().contains("clear_install_state: Passed on [1 2]"));
        CHECK(packages_of(play.state().member(1)) == packages_of(play.state().member(2)));
        CHECK_FALSE(play.state().member(2).issu.has_value());
    }
    SUBCASE("clear that reaches one leaves the other in Added state, and the next add is refused")
    {
        play.injure(failure::clear_one, at("2019-02-08 09:39:00"));
        play.begin({.task = Task::clear}, at("2019-02-08 09:40:00"));
        play.until_prompt();
        CHECK(play.output().contains("clear_install_state: Passed on [1]\n"));
        CHECK_FALSE(play.state().member(1).issu.has_value());
        CHECK(play.state().member(2).issu.has_value());
        play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:50:00"));
        play.until_prompt();
        CHECK(play.output().contains("ISSU operation is in progress on switch 2"));
    }
}

TEST_CASE("what is not as it must be ends an activation at its sanity check, and nothing has changed")
{
    struct Case {
        std::string_view failure;
        std::string_view says;
    };
    const auto one = [](const Case& expected) {
        CAPTURE(expected.failure);
        Play play;
        play.put("new.bin", new_one);
        play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
        play.until_prompt();
        play.injure(expected.failure, at("2019-02-08 09:28:00"));
        play.begin({.task = Task::activate, .timer = 120min}, at("2019-02-08 09:28:27"));
        play.until_prompt();
        CHECK(play.output().contains(expected.says));
        CHECK(play.output().contains("FAILED: install_activate exit(1)"));
        CHECK(play.state().member(1).running == old_one);
        CHECK_FALSE(play.state().job.has_value());
        CHECK_FALSE(play.state().abort_timer.has_value());
    };
    one({failure::not_hot, "Standby is not in Standby Hot state"});
    one({failure::bundle_boot, "not supported in bundle boot mode"});
    one({failure::autoboot_off, "AutoBoot mode is not enabled on switch 2"});
    one({failure::added, "ISSU operation is in progress"});
}

TEST_CASE("a standby without room fails the add before anything is expanded")
{
    Play play;
    play.put("new.bin", new_one);
    play.injure(failure::no_space, at("2019-02-08 09:21:00"));
    CHECK(text::directory(play.state(), play.state().member(2), "stby-flash:")
              .contains("(96468992 bytes free)"));
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.until_prompt();
    CHECK(play.output().contains("No space left on device"));
    CHECK(play.output().contains("FAILED: install_add exit(1)"));
    CHECK(packages_of(play.state().member(1)) == packages_of(play.state().member(2)));
}

TEST_CASE(
    "a standby that never becomes hot: the activation gives up, and an abort is by hand once it is well "
    "again")
{
    Play play;
    play.put("new.bin", new_one);
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.until_prompt();
    play.injure(failure::never_hot, at("2019-02-08 09:28:00"));
    play.begin({.task = Task::activate, .timer = 120min}, at("2019-02-08 09:28:27"));
    play.until_prompt();
    CHECK(play.output().contains("Standby did not reach terminal redundancy state"));
    CHECK(play.state().standby()->redundancy == Redundancy::cold);
    CHECK(play.state().member(1).running == old_one);
    CHECK(play.state().member(2).running == new_one);
    // The device's own way back does not get there either.
    play.until(at("2019-02-08 13:00:00"));
    CHECK(play.said("timer expired"));
    CHECK(play.state().member(2).running == old_one);
    CHECK(play.state().member(2).issu.has_value());
    REQUIRE(play.device.mend(failure::never_hot, at("2019-02-08 13:00:01")).has_value());
    play.begin({.task = Task::abort}, at("2019-02-08 13:01:00"));
    play.until_quiet();
    CHECK(all_on(play.state(), old_one));
    CHECK_FALSE(play.state().member(2).issu.has_value());
}

TEST_CASE("a member that is left behind comes up with the old version, hot")
{
    Play play;
    play.put("new.bin", new_one);
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.until_prompt();
    play.injure(failure::left_behind, at("2019-02-08 09:28:00"));
    play.begin({.task = Task::activate, .timer = 120min}, at("2019-02-08 09:28:27"));
    play.until(at("2019-02-08 09:50:00"));
    CHECK(play.state().member(1).running == old_one);
    CHECK(play.state().member(2).running == new_one);
    CHECK(play.state().standby_hot());
    CHECK(text::version(play.state(), at("2019-02-08 09:50:00")).contains("16.9.2 "));
    play.begin({.task = Task::abort}, at("2019-02-08 09:51:00"));
    play.until_quiet();
    CHECK(all_on(play.state(), old_one));
}

TEST_CASE("what a person does beside: a switch-over, a reload of one member, of both")
{
    Play play;
    REQUIRE(play.device.switch_over(at("2019-02-08 09:21:00")).has_value());
    play.until(at("2019-02-08 09:22:00"));
    CHECK(play.state().active()->number == 2);
    CHECK(play.state().switchovers == 1);
    CHECK(play.device.switch_over(at("2019-02-08 09:22:00")).error().kind == ErrorKind::refused);
    play.until_quiet();
    CHECK(play.state().standby_hot());

    REQUIRE(play.device.reload(1, at("2019-02-08 10:00:00")).has_value());
    CHECK_FALSE(play.state().standby_hot());
    CHECK(play.state().active()->number == 2);
    play.until_quiet();

    REQUIRE(play.device.reload(std::nullopt, at("2019-02-08 11:00:00")).has_value());
    CHECK(play.state().active() == nullptr);
    play.until(at("2019-02-08 11:03:59"));
    CHECK(play.state().deaf_until.has_value());
    play.until_quiet();
    CHECK(play.state().standby_hot());
    CHECK_FALSE(play.state().deaf_until.has_value());
}

TEST_CASE("one thing at a time: a second install is told of the first")
{
    Play play;
    play.put("new.bin", new_one);
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.begin({.task = Task::remove_inactive}, at("2019-02-08 09:23:00"));
    CHECK(play.output().contains("Another install operation (install_add) is in progress"));
    play.until_prompt();
    CHECK(play.output().contains("SUCCESS: install_add"));
}

TEST_CASE("who leaves in the middle hears nothing more, and the work goes on")
{
    Play play;
    play.put("new.bin", new_one);
    play.begin({.task = Task::add, .file = "flash:new.bin"}, at("2019-02-08 09:22:00"));
    play.device.leave(1);
    play.until_quiet();
    CHECK_FALSE(play.output().contains("Finished Add"));
    CHECK(packages_of(play.state().member(2)).front() == "I " + new_one);
}

TEST_CASE("an image whose signature does not hold, or that is none, is not added")
{
    Play play;
    File image = testing::image(new_one);
    image.sound = false;
    REQUIRE(play.device.put_file("bad.bin", image).has_value());
    REQUIRE(play.device.put_file("text.bin", file_of("hello", {})).has_value());
    for (const std::string name : {"flash:bad.bin", "flash:text.bin", "flash:absent.bin"}) {
        play.begin({.task = Task::add, .file = name}, play.state().members[0].role_since + 3h);
        play.until_prompt();
    }
    CHECK(play.output().contains("Signature verification of flash:bad.bin failed"));
    CHECK(play.output().contains("flash:text.bin is not a valid image"));
    CHECK(play.output().contains("flash:absent.bin is not found"));
    CHECK(packages_of(play.state().member(1)).size() == 1);
}

TEST_CASE("a state that makes no sense is refused, with the field's name")
{
    Json json = to_json_value(first_state({}));
    CHECK(read_state(json).has_value());
    json.at("members").at(1).erase("running");
    const Result<State> read = read_state(json);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().what.contains("running"));
    CHECK(parse_time("2019-02-30 09:00:00").error().kind == ErrorKind::usage);
    CHECK(parse_time("yesterday").error().kind == ErrorKind::usage);
}

}  // namespace belay::lab::iosxe
