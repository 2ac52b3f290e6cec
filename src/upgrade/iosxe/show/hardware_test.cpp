// Members, links, slots, cards, packages: what the device consists of.

#include "upgrade/iosxe/show/install_summary.h"
#include "upgrade/iosxe/show/install_version.h"
#include "upgrade/iosxe/show/log_message.h"
#include "upgrade/iosxe/show/module.h"
#include "upgrade/iosxe/show/packages.h"
#include "upgrade/iosxe/show/platform.h"
#include "upgrade/iosxe/show/redundancy_states.h"
#include "upgrade/iosxe/show/shown.h"
#include "upgrade/iosxe/show/stack_ports.h"
#include "upgrade/iosxe/show/stackwise_virtual.h"
#include "upgrade/iosxe/show/switches.h"
#include "upgrade/iosxe/show/testing/answers.h"

namespace belay::upgrade::iosxe::show::hardware_test {
namespace {

using testing::with;
using testing::written_answer;

TEST_CASE("members with their roles and states, also of several words")
{
    const Switches switches = must(read_switches(written_answer("show switch")));
    CHECK(switches.mac == "5c31.92aa.1000");
    CHECK(switches.mac_persistency == "Indefinite");
    REQUIRE(switches.members.size() == 3);
    CHECK(switches.of(1)->answers);
    CHECK(switches.of(1)->role == "Active");
    CHECK(switches.of(1)->priority == 15);
    CHECK(switches.of(2)->state == "HA sync in progress");
    CHECK(switches.of(2)->hardware == "V02");
    CHECK(switches.of(3)->state == "Provisioned");
    CHECK(switches.of(3)->hardware.empty());
    CHECK(switches.of(4) == nullptr);
}

TEST_CASE("one blank between the columns of a member is enough")
{
    const std::string text = with(written_answer("show switch"), "15     V02     Ready", "15 V02 Ready");
    const Switches switches = must(read_switches(text));
    CHECK(switches.members.at(0).hardware == "V02");
    CHECK(switches.members.at(0).state == "Ready");
    CHECK_FALSE(read_switches(with(text, "15 V02 Ready", "15 V02")));
    CHECK_FALSE(read_switches(with(text, "15 V02 Ready", "15 V02 0")));
}

TEST_CASE("a half ring: each member with its stack ports")
{
    const Switches switches = must(read_switches(written_answer("show switch detail"), "show switch detail"));
    REQUIRE(switches.of(3)->ports.size() == 2);
    CHECK(switches.of(3)->ports[0].status == "DOWN");
    CHECK_FALSE(switches.of(3)->ports[0].neighbour);
    CHECK(switches.of(3)->ports[1].neighbour == 1);
    const StackRing ring = must(read_stack_ring(written_answer("show switch stack-ring speed")));
    CHECK(ring.configuration == "Half");
    CHECK(must(read_stack_ports(written_answer("show switch stack-ports"))).ports.at(1).status == "DOWN");
    const StackPorts summary =
        must(read_stack_ports_summary(written_answer("show switch stack-ports summary")));
    CHECK(summary.ports.at(0).neighbour == "3/2");
    CHECK(summary.ports.at(1).cable_length == "No cable");
    CHECK(summary.ports.at(1).link_ok == false);
    const StackPorts detail = must(read_stack_ports_detail(written_answer("show switch stack-ports detail")));
    CHECK(detail.ports.at(0).input == 1844061);
    CHECK(detail.ports.at(0).output_rate == 3377);
    CHECK(detail.ports.at(0).ringword_crc == 2);
    CHECK(detail.ports.at(0).sync_ok == true);
    CHECK(detail.ports.at(1).neighbour == "NULL");
}

TEST_CASE("a virtual stack, its links and who is behind them")
{
    const StackwiseVirtual stack = must(read_stackwise_virtual(written_answer("show stackwise-virtual")));
    CHECK(stack.enabled);
    CHECK(stack.domain == 12);
    REQUIRE(stack.ports.size() == 4);
    CHECK(stack.ports[3].member == 2);
    CHECK(stack.ports[3].port == "FortyGigabitEthernet2/1/2");
    CHECK_FALSE(must(read_stackwise_virtual(written_answer("show stackwise-virtual", 1))).enabled);
    const SvlPorts links = must(read_svl_links(written_answer("show stackwise-virtual link")));
    CHECK(links.ports.at(1).link_status == "D");
    CHECK(links.ports.at(1).protocol_status == "S");
    CHECK(links.ports.at(2).link_status == "U");
    const SvlPorts ends = must(read_svl_neighbours(written_answer("show stackwise-virtual neighbors")));
    CHECK(ends.ports.at(0).remote_port == "FortyGigabitEthernet2/1/1");
    CHECK(ends.ports.at(1).remote_port.empty());
}

TEST_CASE("what will be after a reload is not what is")
{
    const std::string now = written_answer("show stackwise-virtual");
    const std::string later =
        "Stackwise Virtual Configuration After Reboot:\n---------------------------------\n"
        "Stackwise Virtual : Disabled\nDomain Number : 7\n";
    const StackwiseVirtual found = must(read_stackwise_virtual(now + later));
    CHECK(found.enabled);
    CHECK(found.domain == 12);
    CHECK(found.ports.size() == 4);
    CHECK_FALSE(read_stackwise_virtual(later));
    CHECK_FALSE(
        read_stackwise_virtual(with(now, "Domain Number : 12", "Domain Number : 12\nDomain Number : 7")));
    CHECK_FALSE(read_stackwise_virtual(with(now, "Virtual : Enabled", "Virtual : Perhaps")));
}

TEST_CASE("a port is not taken for one of the other chassis where a row is missing")
{
    const std::string text = written_answer("show stackwise-virtual link");
    CHECK_FALSE(read_svl_links(
        with(text, "2       1       FortyGigabitEthernet2/1/1       U               R\n", "")));
}

TEST_CASE("who would tell when both chassis are active")
{
    const DualActivePagp found =
        must(read_dual_active_pagp(written_answer("show stackwise-virtual dual-active-detection pagp")));
    CHECK(found.enabled == true);
    CHECK(found.in_recovery == false);
    REQUIRE(found.ports.size() == 2);
    CHECK(found.ports[0].channel_group == 40);
    CHECK(found.ports[0].partner == "edge-7");
    CHECK(found.ports[1].capable == false);
    CHECK(found.ports[1].partner.empty());
}

TEST_CASE("slots of a chassis with their firmware, or switches of a stack with their roles")
{
    const Platform chassis = must(read_platform(written_answer("show platform")));
    CHECK(chassis.chassis == "C9407R");
    REQUIRE(chassis.slots.size() == 9);
    CHECK(chassis.slots[5].slot == "R0");
    CHECK(chassis.slots[5].state == "ok, standby");
    CHECK(chassis.slots[5].firmware == "17.8.1r[FC1]");
    CHECK(chassis.slots[7].state == "ps, fail");
    const Platform stack = must(read_platform(written_answer("show platform", 1)));
    REQUIRE(stack.switches.size() == 3);
    CHECK(stack.switches[0].version == "17.06.06a");
    CHECK(stack.switches[1].model.empty());
    CHECK(stack.switches[1].state == "Provisioned");
    CHECK(stack.switches[2].answers == true);
}

TEST_CASE("cards of one chassis, and of two")
{
    const Modules one = must(read_modules(written_answer("show module")));
    REQUIRE(one.chassis.size() == 1);
    CHECK_FALSE(one.chassis[0].number);
    const Module& supervisor = one.chassis[0].modules.at(1);
    CHECK(supervisor.card == "Supervisor 1 XL Module");
    CHECK(supervisor.model == "C9400-SUP-1XL");
    CHECK(supervisor.software == "17.09.05");
    CHECK(supervisor.redundancy_status == "Standby Hot");
    const Modules two = must(read_modules(written_answer("show module", 1)));
    REQUIRE(two.chassis.size() == 2);
    CHECK(two.chassis[1].number == 2);
    CHECK(two.chassis[1].modules.at(0).role == "Standby");
    CHECK(two.mac_ranges.at(1).count == 128);
}

TEST_CASE("packages that run, with their digests")
{
    const RunningPackages running = must(read_packages(written_answer("show version running")));
    REQUIRE(running.packages.size() == 2);
    CHECK(running.packages[0].package == "Provisioning File");
    CHECK(running.packages[1].file == "cat9k-rpbase.17.12.04.SPA.pkg");
    CHECK(running.packages[1].kind == "consolidated");
    CHECK(running.packages[1].on == "RP0");
    CHECK_FALSE(read_packages("The standby Route-Processor is currently offline\n", "show version rp"));
    CHECK_FALSE(read_packages(with(written_answer("show version running"), "8f901234\n", "8f90123\n")));
}

TEST_CASE("versions whose packages are there, and points to return to")
{
    const InstallVersions versions =
        must(read_install_versions(written_answer("show install version summary")));
    REQUIRE(versions.versions.size() == 2);
    CHECK(versions.versions[0].packages.size() == 2);
    CHECK(versions.versions[1].location == "R1");
    CHECK(versions.versions[1].state == "Activated & Committed");
    const RollbackPoints points = must(read_rollback_points(written_answer("show install rollback")));
    REQUIRE(points.points.size() == 2);
    CHECK(points.points[0].label == "before-dublin");
    const RollbackPoint point = must(read_rollback_point(written_answer("show install rollback id")));
    CHECK(point.id == 3);
    CHECK(point.reload_required == true);
    CHECK(point.created == "Fri Jan 9 21:15:40 UTC 2026");
    CHECK(point.packages.size() == 2);
    const PackageInformation package = must(read_install_package(written_answer("show install package")));
    CHECK(package.type == "SMU");
    CHECK(package.state == "Added");
    CHECK(package.smu_type == "reload");
}

TEST_CASE("switch-overs that were, and commands that are not in step")
{
    const SwitchoverHistory history =
        must(read_switchover_history(written_answer("show redundancy switchover history")));
    REQUIRE(history.switchovers.size() == 2);
    CHECK(history.switchovers[1].reason == "active unit failed");
    CHECK(history.switchovers[1].current_active == 2);
    const std::string none = written_answer("show redundancy config-sync failures");
    CHECK(must(read_config_sync_failures(none)).lines.empty());
    const std::string some = written_answer("show redundancy config-sync failures", 1);
    CHECK(must(read_config_sync_failures(some)).lines.at(0) == "interface TenGigabitEthernet1/0/3");
}

TEST_CASE("prompt, echo, messages and load are no part of an answer")
{
    const auto lines = [](std::string_view text) { return must(shown(text, "show boot")).lines; };
    const std::string text =
        "\r\nweir-core#sh bo\r\n"
        "Load for five secs: 1%/0%; one minute: 2%; five minutes: 2%\r\n"
        "No time source, 11:02:31.118 UTC Sat Oct 10 2026\r\n"
        "\r\n"
        "BOOT variable = flash:packages.conf;\r\n"
        "*Oct 10 11:02:31.300: %SYS-5-CONFIG_I: Configured from console by vty0\r\n"
        "000412: Oct 10 11:02:31.301 CEST: %HA_CONFIG_SYNC-6-BULK_CFGSYNC_SUCCEED: Bulk Sync succeeded\r\n"
        "MANUAL_BOOT variable = no\r\n"
        "\r\n"
        "weir-core#";
    REQUIRE(lines(text).size() == 2);
    CHECK(lines(text)[1].text == "MANUAL_BOOT variable = no");
    CHECK(lines(text)[1].number == 9);
    CHECK(lines("BOOT variable = a\n(standby) b#\n").size() == 2);
    CHECK(lines("weir-core-stby(recovery-mode)#show boot\nBOOT variable = a\nweir-core-stby#\n").size() == 1);
}

TEST_CASE("where the log of a device begins on a line")
{
    CHECK(begin_of_log("*Feb  8 10:07:52.456: %INSTALL-5-INSTALL_START_INFO: Switch 2 R0/0: x") == 0u);
    CHECK(begin_of_log("*Feb  8 10:07:52.456 jst: %RF-5-RF_TERMINAL_STATE: Terminal state") == 0u);
    CHECK(begin_of_log("000123: .Mar 12 2026 01:02:03: %SYS-6-TTY_EXPIRE_TIMER: x") == 0u);
    CHECK(begin_of_log("Feb  8 09:48:33.364: %INSTALL-5-INSTALL_START_INFO: R0/0: x") == 0u);
    CHECK(begin_of_log("%LINK-SP-3-UPDOWN: Interface, changed") == 0u);
    CHECK(begin_of_log("00:01:17: %HA_CONFIG_SYNC-6-BULK_CFGSYNC_SUCCEED: Bulk Sync") == 0u);
    CHECK(begin_of_log("*00:01:17.123: %SYS-5-RESTART: System restarted") == 0u);
    CHECK(begin_of_log("*Feb  8 10:07:52.456: %Smart_Licensing-6-AGENT: x") == 0u);
    CHECK(begin_of_log("Copying fla*Feb  8 10:07:52.456: %A_B-0-C: x") == 11u);
    CHECK_FALSE(begin_of_log("% Invalid input detected at '^' marker."));
    CHECK_FALSE(begin_of_log("CPU 12%: one-5-TWO: x"));
    CHECK_FALSE(begin_of_log("see %SYS-9-NO_SUCH_LEVEL: x"));
    CHECK_FALSE(begin_of_log("*Feb  8 10:07:52.456: nothing of a mnemonic"));
}

TEST_CASE("a message of the log in the middle of a line takes no part of the answer with it")
{
    const std::string log = "*Oct 10 11:02:31.300: %SYS-5-CONFIG_I: Configured from console by vty0\n";
    const auto cut = read_install_summary(with(written_answer("show install summary"), "\nIMG   C",
                                               "\nIMG   C    17.9.5.0.6083" + log + "IMG   C"));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().what.find("in the middle") != std::string::npos);
    CHECK(must(shown("core#" + log + "core#show boot\nx = 1\ncore#" + log + "-Traceback= 1#a\n", "show boot"))
              .lines.size() == 1);
}

TEST_CASE("what is no answer is said to be none, and why")
{
    const auto refusal = [](std::string_view text) {
        const auto read = shown(text, "show boot");
        REQUIRE_FALSE(read);
        CHECK(read.error().kind == ErrorKind::corrupt);
        return read.error().what;
    };
    CHECK(refusal("") == "there is nothing to read: `show boot` printed no text");
    CHECK(refusal("core#show boot\ncore#\n") ==
          "this output of `show boot` is cut: nothing but the command and the prompt is there");
    CHECK(refusal("core#show version\nCisco\n") ==
          "this is no output of `show boot`: line 1: it is that of `show version`");
    CHECK(refusal("core#show boot | include MANUAL\nMANUAL_BOOT variable = no\n").find("filtered by `|`") !=
          std::string::npos);
    CHECK(refusal("core#show boot\nx = 1\ncore#show boot\nx = 1\n").find("line 3: another command begins") !=
          std::string::npos);
    CHECK(refusal("x = 1\ncore#\ny = 2\n").find("line 3: there is text behind") != std::string::npos);
    CHECK(refusal("core#show boot\n          ^\n% Invalid input detected at '^' marker.\n\ncore#") ==
          "the device refuses `show boot`: % Invalid input detected at '^' marker.");
    CHECK(refusal("x = 1\ny = ").find("its last line has no end") != std::string::npos);
    CHECK(refusal(std::string("x = 1\n\x1b[2K\n")).find("bytes in it that are no text") != std::string::npos);
}

TEST_CASE("what is larger than any device would print is refused at once, whatever is in it")
{
    const auto is_refused = [](const std::string& text) {
        return std::ranges::none_of(
            kinds(), [&](const printed::Kind& kind) { return printed::parse_as(kind, text).has_value(); });
    };
    std::string columns, tasks = "install_add: START Sat Oct 10 03:44:10 UTC 2026\n", members = "[ Switch";
    for (size_t one = 0; one < 4'000'000; ++one) columns += "a  ";
    for (size_t one = 0; one < 400'000; ++one) tasks += fmt::format("[1] T{} package(s) on switch 1\n", one);
    for (size_t one = 0; one < 4'000'000; ++one) members += " 1";
    CHECK(is_refused(columns + "\n"));
    CHECK(is_refused(tasks));
    CHECK(is_refused(members + " ] Installed Package(s) Information:\n"));
}

TEST_CASE("a kind is found by what is typed, with arguments where the command takes them")
{
    const auto name = [](std::string_view asked) {
        const printed::Kind* kind = kind_named(asked);
        return kind == nullptr ? std::string_view() : kind->name;
    };
    CHECK(name("iosxe:show boot system") == "iosxe:show boot system");
    CHECK(name("iosxe:dir stby-flash:") == "iosxe:dir");
    CHECK(name("iosxe:show install rollback id 3") == "iosxe:show install rollback id");
    CHECK(name("iosxe:install activate issu") == "iosxe:install activate");
    CHECK(name("iosxe:verify /md5 flash:x.bin") == "iosxe:verify");
    CHECK(name("iosxe:show version RP standby running") == "iosxe:show version rp");
    CHECK(name("iosxe:show boot now").empty());
    CHECK(name("iosxe:directory").empty());
    CHECK(name("show boot").empty());
    CHECK(std::ranges::is_sorted(kinds(), {}, &printed::Kind::name));
}

TEST_CASE("each kind has a fuzz target, and so seeds")
{
    for (const printed::Kind& kind : kinds()) {
        std::string name(kind.name.substr(kind.name.find(':') + 1));
        std::ranges::replace(name, ' ', '-');
        CAPTURE(name);
        CHECK(std::filesystem::exists(fmt::format("{}/iosxe_{}/1", BELAY_SEEDS, name)));
    }
}

}  // namespace
}  // namespace belay::upgrade::iosxe::show::hardware_test
