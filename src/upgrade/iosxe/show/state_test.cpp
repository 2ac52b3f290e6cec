// What an upgrade asks for: versions, packages, the state of an upgrade in service, redundancy, room, boot.

#include "upgrade/iosxe/show/boot.h"
#include "upgrade/iosxe/show/copy.h"
#include "upgrade/iosxe/show/dir.h"
#include "upgrade/iosxe/show/issu_rollback.h"
#include "upgrade/iosxe/show/issu_state.h"
#include "upgrade/iosxe/show/redundancy.h"
#include "upgrade/iosxe/show/redundancy_states.h"
#include "upgrade/iosxe/show/testing/answers.h"
#include "upgrade/iosxe/show/verify.h"
#include "upgrade/iosxe/show/version.h"

namespace belay::upgrade::iosxe::show::state_test {
namespace {

using namespace std::chrono_literals;
using testing::with;
using testing::written_answer;

TEST_CASE("a pair says which version runs on each member, and in which mode")
{
    const Version version = must(read_version(written_answer("show version")));
    CHECK(version.release == "17.12.04");
    CHECK(version.version == "17.12.4");
    CHECK(version.code_name == "Dublin");
    CHECK(version.image == "CAT9K_IOSXE");
    CHECK(version.host == "weir-core");
    CHECK(version.uptime == "6 weeks, 2 days, 14 hours, 5 minutes");
    CHECK(version.returned_by == "Image Install");
    CHECK(version.returned_at == "04:31:07 UTC Sat Oct 10 2026");
    CHECK(version.system_image == "flash:packages.conf");
    CHECK(version.last_reload_reason == "Image Install");
    CHECK(version.chassis == "C9500-16X");
    CHECK(version.memory == uint64_t{1331521} * 1024);
    CHECK(version.config_register == "0x102");
    REQUIRE(version.licenses.size() == 2);
    CHECK(version.licenses[1].type == "Subscription Smart License");
    REQUIRE(version.members.size() == 2);
    const VersionMember &one = version.members[0], &two = version.members[1];
    CHECK(one.number == 1);
    CHECK(one.active == true);
    CHECK(one.serial == "FCW2604XA1B");
    CHECK(two.number == 2);
    CHECK(two.active == false);
    CHECK(two.version == "17.12.04");
    CHECK(two.mode == "INSTALL");
    CHECK(two.serial == "FCW2604XA2C");
    CHECK(two.uptime == "6 weeks, 2 days, 13 hours, 58 minutes");
    CHECK(two.last_reload_reason == "Image Install");
}

TEST_CASE("a row of the table of switches that is not whole is not passed over")
{
    const std::string text = written_answer("show version");
    const size_t mode = text.rfind("INSTALL");
    REQUIRE(mode != std::string::npos);
    CHECK_FALSE(read_version(std::string(text).erase(mode, 7)));
}

TEST_CASE("the part without a heading is that of the switch which answers")
{
    const Version version = must(read_version(written_answer("show version", 2)));
    REQUIRE(version.members.size() == 2);
    CHECK(version.members[0].serial == "FOC2533A0RB");
    CHECK(version.members[0].mode == "INSTALL");
    CHECK(version.members[1].number == 3);
    CHECK(version.members[1].active == true);
    CHECK(version.members[1].serial == "FOC2533A0QX");
    CHECK(version.members[1].mode == "BUNDLE");
}

TEST_CASE("a chassis with two supervisors has one member and no modes")
{
    const Version version = must(read_version(written_answer("show version", 1)));
    CHECK(version.config_register == "0x102");
    CHECK(version.next_config_register == "0x2102");
    CHECK(version.returned_by == "SSO Switchover");
    CHECK(version.revision == "V01");
    REQUIRE(version.members.size() == 1);
    CHECK_FALSE(version.members[0].number);
    CHECK_FALSE(version.members[0].active);
    CHECK(version.members[0].mode.empty());
}

TEST_CASE("an older stack has no modes in its table, and may run two versions")
{
    const Version version = must(read_version(written_answer("show version", 5)));
    CHECK(version.release.empty());
    CHECK(version.version == "15.2(7)E9");
    CHECK(version.last_reset == "power-on");
    REQUIRE(version.members.size() == 2);
    CHECK(version.members[0].active == true);
    CHECK(version.members[1].version == "15.2(7)E8");
    CHECK(version.members[1].serial == "FOC2011S0BB");
    CHECK(version.members[1].mode.empty());
}

TEST_CASE("a router without a processor in its line, and a controller that says its mode")
{
    const Version router = must(read_version(written_answer("show version", 3)));
    CHECK(router.chassis == "CISCO2911/K9");
    CHECK(router.revision == "1.0");
    CHECK(router.processor.empty());
    CHECK(router.memory == uint64_t{483328} * 1024);
    CHECK(router.members.empty());
    const Version controller = must(read_version(written_answer("show version", 4)));
    CHECK(controller.installation_mode == "INSTALL");
    CHECK(controller.processor == "KATAR");
    CHECK(controller.operating_mode == "Autonomous");
}

TEST_CASE("a switch that prints no register is whole where its serial number is")
{
    const std::string text = written_answer("show version", 1);
    const std::string without = text.substr(0, text.find("Configuration register"));
    CHECK(must(read_version(without)).members.size() == 1);
    CHECK_FALSE(read_version(without.substr(0, without.find("Model Number"))));
}

TEST_CASE("one set for both members, with what was added beside what runs")
{
    const InstallSummary summary = must(read_install_summary(written_answer("show install summary")));
    REQUIRE(summary.sets.size() == 1);
    CHECK(summary.of("1") == summary.of("2"));
    CHECK(summary.of("3") == nullptr);
    const InstallSet& set = *summary.of("2");
    CHECK(set.place == "Switch 1 2");
    REQUIRE(set.packages.size() == 2);
    CHECK(set.packages[0].state == PackageState::committed);
    CHECK(set.packages[0].version == "17.09.05.0.6083");
    CHECK(set.packages[1].state == PackageState::inactive);
    REQUIRE(set.timer);
    CHECK_FALSE(set.timer->active);
}

TEST_CASE("a member that was left behind stands in a set of its own")
{
    const InstallSummary summary = must(read_install_summary(written_answer("show install summary", 1)));
    REQUIRE(summary.sets.size() == 2);
    const InstallSet& one = *summary.of("1");
    CHECK(one.packages[0].state == PackageState::uncommitted);
    CHECK(one.packages[1].state == PackageState::deactivated);
    CHECK(one.packages[2].type == "SMU");
    REQUIRE(one.timer);
    CHECK(one.timer->active);
    CHECK(one.timer->operation == "install_activate");
    CHECK(one.timer->left == 1h + 49min + 42s);
    CHECK(summary.of("2")->packages.size() == 1);
}

TEST_CASE("places are switches, supervisors, or supervisors of chassis")
{
    const auto members = [](std::string_view command) {
        return must(read_install_summary(written_answer(command), command)).sets.at(0).members;
    };
    CHECK(members("show install inactive") == std::vector<std::string>{"R0", "R1"});
    CHECK(members("show install active") == std::vector<std::string>{"1/R0", "2/R0"});
    CHECK(must(read_install_summary(written_answer("show install inactive"), "show install inactive"))
              .sets.at(0)
              .packages.empty());
}

TEST_CASE("a package in a state that nobody knows is no package, and a timer that says nothing is none")
{
    const std::string text = written_answer("show install summary");
    CHECK_FALSE(read_install_summary(with(text, "IMG   I ", "IMG   X ")));
    CHECK_FALSE(read_install_summary(with(text, "timer: inactive", "timer: paused")));
    const std::string active = written_answer("show install summary", 1);
    CHECK_FALSE(read_install_summary(with(active, "01:49:42", "01:49")));
    CHECK_FALSE(read_install_summary(with(active, "01:49:42", "01:49:4")));
    CHECK_FALSE(read_install_summary(with(active, "01:49:42", "01:71:42")));
    CHECK_FALSE(read_install_summary(with(active, "[ Switch 2 ]", "[ Switch 1 ]")));
    CHECK_FALSE(read_install_summary(with(active, "[ Switch 2 ]", "[ ]")));
}

TEST_CASE("no upgrade in service is in progress")
{
    const IssuState state = must(read_issu_state(written_answer("show issu state detail")));
    CHECK_FALSE(state.in_progress);
    CHECK(state.location == "switch 1");
    CHECK_FALSE(state.terminal);
}

TEST_CASE("an upgrade in service is activated, with the time that is left")
{
    const IssuState state = must(read_issu_state(written_answer("show issu state detail", 1)));
    CHECK(state.in_progress);
    CHECK(state.operation_type == "Step-by-step ISSU");
    CHECK(state.install_type == "Image installation using ISSU");
    CHECK(state.current_state == "Activated");
    CHECK(state.last_operation == "Switchover");
    REQUIRE(state.completed.size() == 3);
    CHECK(state.completed[1].name == "Activate location active Chassis 1");
    CHECK(state.completed[1].started == "2026-10-10:04:13:40");
    CHECK(state.transitions ==
          std::vector<std::string>{"Added", "Standby activated", "Active switched-over"});
    REQUIRE(state.timer);
    CHECK(state.timer->active);
    CHECK(state.timer->operation == "automatic");
    CHECK(state.timer->left == 1h + 41min + 7s);
    CHECK(state.operating_mode == "sso");
    CHECK(state.terminal == true);
}

TEST_CASE("an upgrade in service that was added and waits for its standby")
{
    const IssuState state = must(read_issu_state(written_answer("show issu state detail", 2)));
    CHECK(state.current_state == "Added");
    CHECK(state.terminal == false);
    REQUIRE(state.timer);
    CHECK_FALSE(state.timer->active);
}

TEST_CASE("the checks that newer releases print")
{
    const IssuState state = must(read_issu_state(written_answer("show issu state detail", 3)));
    CHECK_FALSE(state.in_progress);
    CHECK(state.status == "Enabled");
    CHECK(state.previous == "N/A");
    REQUIRE(state.checks.size() == 7);
    CHECK(std::ranges::find(state.checks, "No", &IssuCheck::status)->name == "Standby Online");
    CHECK(std::ranges::find(state.checks, "HA-REMOTE", &IssuCheck::status)->name == "Operational Mode");
}

TEST_CASE("checks stand also over an upgrade that is in progress")
{
    const IssuState state = must(read_issu_state(written_answer("show issu state detail", 5)));
    CHECK(state.in_progress);
    CHECK(state.checks.size() == 7);
    CHECK(state.install_type == "Image installation using ISSU");
    CHECK(state.current_state == "Standby activated");
    CHECK(state.completed.size() == 1);
    CHECK(state.timer->left == 1h + 57min + 20s);
}

TEST_CASE("an ASR 1000 says which slot it modifies")
{
    const IssuState state = must(read_issu_state(written_answer("show issu state detail", 6)));
    CHECK(state.in_progress);
    CHECK(state.modified_slot == "R1");
    CHECK(state.last_operation == "Runversion");
    CHECK_FALSE(state.timer->active);
    CHECK(state.rollback_reason == "timer canceled by acceptversion");
    CHECK(state.notes == "runversion executed, active RP is being provisioned");
}

TEST_CASE("the slots of a Catalyst 6500, of which one runs the new version")
{
    const IssuState state = must(read_issu_state(written_answer("show issu state detail", 4)));
    CHECK(state.in_progress);
    REQUIRE(state.slots.size() == 2);
    CHECK(state.slots[1].rp_state == "Standby");
    CHECK(state.slots[1].current_version == "bootdisk:lock_old.bin");
}

TEST_CASE("what contradicts itself is no state of an upgrade")
{
    const std::string idle = written_answer("show issu state detail");
    const std::string active = written_answer("show issu state detail", 1);
    CHECK_FALSE(read_issu_state(
        with(active, "Operating mode: sso, terminal state reached", "No ISSU operation is in progress")));
    CHECK_FALSE(read_issu_state(idle + "Current state : Added state\n"));
    CHECK_FALSE(read_issu_state(with(active, "terminal state reached", "terminal state")));
    CHECK_FALSE(read_issu_state(with(active, "Current state : Activated state\n", "")));
    CHECK_FALSE(read_issu_state(active + active));
}

TEST_CASE("whether the device would roll back by itself")
{
    const IssuRollback running = must(read_issu_rollback(written_answer("show issu rollback-timer")));
    CHECK(running.timer.active);
    CHECK(running.timer.left == 58min + 31s);
    CHECK(running.location == "R1");
    const IssuRollback none = must(read_issu_rollback(written_answer("show issu rollback-timer", 1)));
    CHECK_FALSE(none.timer.active);
    CHECK(none.reason == "no ISSU operation is in progress");
    const IssuRollback older = must(read_issu_rollback(written_answer("show issu rollback-timer", 2)));
    CHECK(older.timer.active);
    CHECK(older.automatic_time == "32:17");
}

TEST_CASE("both processors, with the version in the line of the image")
{
    const Redundancy redundancy = must(read_redundancy(written_answer("show redundancy")));
    CHECK(redundancy.switchovers == 1);
    CHECK(redundancy.last_switchover_reason == "user forced");
    CHECK(redundancy.operating_mode == "sso");
    CHECK(redundancy.communications == "Up");
    CHECK(redundancy.active.location == "slot 2");
    CHECK(redundancy.active.state == "ACTIVE");
    CHECK(redundancy.active.version == "17.12.4");
    REQUIRE(redundancy.peer);
    CHECK(redundancy.peer->state == "STANDBY HOT");
    CHECK(redundancy.peer->location == "slot 1");
    CHECK(redundancy.peer->boot == "flash:packages.conf;");
    CHECK(redundancy.peer->config_register == "0x102");
}

TEST_CASE("a peer of which nothing is known is no peer")
{
    const Redundancy redundancy = must(read_redundancy(written_answer("show redundancy", 1)));
    CHECK_FALSE(redundancy.peer);
    CHECK(redundancy.peer_slot == "2");
    CHECK(redundancy.peer_state == "DISABLED");
    CHECK(redundancy.communications == "Down");
    CHECK(redundancy.communications_reason == "Failure");
    const std::string text = written_answer("show redundancy", 1);
    CHECK_FALSE(read_redundancy(text.substr(0, text.find("Peer (slot"))));
    CHECK_FALSE(read_redundancy(with(written_answer("show redundancy"), "STANDBY HOT \n", "\n")));
}

TEST_CASE("the states of both units, with their codes")
{
    const RedundancyStates hot = must(read_redundancy_states(written_answer("show redundancy states")));
    CHECK(hot.my_state == "ACTIVE");
    CHECK(hot.peer_state == "STANDBY HOT");
    CHECK(hot.peer_code == 8);
    CHECK(hot.client_notification == 30000);
    const RedundancyStates alone = must(read_redundancy_states(written_answer("show redundancy states", 1)));
    CHECK(alone.peer_state == "DISABLED");
    CHECK(alone.communications == "Down");
    CHECK(alone.communications_reason == "Simplex mode");
    CHECK(alone.manual_switchover == "disabled (system is simplex (no peer unit))");
}

TEST_CASE("files and room of the standby's flash")
{
    const Directory flash = must(read_dir(written_answer("dir")));
    CHECK(flash.path == "stby-flash:/");
    CHECK(flash.total == Bytes{11353980928});
    CHECK(flash.free == Bytes{6912438272});
    REQUIRE(flash.entries.size() == 5);
    const DirEntry* image = flash.find("cat9k_iosxe.17.12.04.SPA.bin");
    REQUIRE(image != nullptr);
    CHECK(image->size == Bytes{1235874210});
    CHECK(image->modified == "Oct 10 2026 03:41:55 +00:00");
    CHECK(image->permissions == "-rw-");
    CHECK(flash.entries[0].permissions == "drwx");
    REQUIRE(flash.find("site notes.txt") != nullptr);
    CHECK(flash.find("site notes.txt")->modified.empty());
    CHECK(must(read_dir(written_answer("dir", 1))).entries.empty());
}

TEST_CASE("a directory that the device cannot open is not found, and room that cannot be is no room")
{
    const auto gone = read_dir("%Error opening stby-flash:/ (No such device)\n");
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == ErrorKind::not_found);
    const std::string text = written_answer("dir");
    CHECK_FALSE(read_dir(with(text, "11353980928 bytes total", "1353980928 bytes total")));
    CHECK_FALSE(read_dir(with(text, "-rw-       1235874210", "-rw-       12358E4210")));
}

TEST_CASE("each switch with what it starts with, and whether by itself")
{
    const Boot boot = must(read_boot(written_answer("show boot")));
    REQUIRE(boot.members.size() == 2);
    CHECK(boot.of("1")->manual_boot == false);
    CHECK(boot.of("2")->manual_boot == true);
    CHECK(boot.of("2")->boot == "flash:cat9k_iosxe.17.09.05.SPA.bin;");
    CHECK(boot.of("2")->next_boot == "flash:packages.conf;");
    CHECK(boot.of("standby") == nullptr);
}

TEST_CASE("boot variables of two supervisors, or of one that has no other")
{
    const Boot boot = must(read_boot(written_answer("show bootvar"), "show bootvar"));
    REQUIRE(boot.members.size() == 2);
    CHECK(boot.of("active")->manual_boot == false);
    CHECK(boot.of("active")->next_config_register == "0x2102");
    CHECK(boot.of("standby")->manual_boot == true);
    CHECK_FALSE(boot.standby_not_ready);
    const Boot alone = must(read_boot(written_answer("show bootvar", 1), "show bootvar"));
    CHECK(alone.members.size() == 1);
    CHECK(alone.standby_not_ready);
    CHECK(alone.of("active")->config_register == "0x2102");
    CHECK_FALSE(alone.of("active")->manual_boot);
}

TEST_CASE("a variable that does not exist is empty")
{
    CHECK(must(read_boot(written_answer("show boot", 2))).of("1")->boot == "");
    const Boot boot = must(read_boot(written_answer("show bootvar", 2), "show bootvar"));
    CHECK(boot.of("standby")->config_file == "");
    CHECK(boot.of("standby")->config_register == "0x2102");
}

TEST_CASE("a digest, whole or not at all, and whether it is the one that was given")
{
    const Verification computed = must(read_verify(written_answer("verify")));
    CHECK(computed.algorithm == "md5");
    CHECK(computed.file == "flash:cat9k_iosxe.17.12.04.SPA.bin");
    CHECK(computed.digest == "3f0c8a5512be7790d6a1f2c3b4d5e607");
    CHECK_FALSE(computed.matches);
    const Verification other = must(read_verify(written_answer("verify", 1)));
    CHECK(other.matches == false);
    CHECK(other.submitted == "3f0c8a5512be7790d6a1f2c3b4d5e608");
    const Verification same = must(read_verify(written_answer("verify", 2)));
    CHECK(same.matches == true);
    CHECK(same.digest == computed.digest);
    CHECK(must(read_verify(written_answer("verify", 3))).algorithm == "sha512");
    CHECK_FALSE(read_verify(with(written_answer("verify"), "d5e607", "d5e60")));
    CHECK_FALSE(read_verify(with(written_answer("verify"), "/md5 (", "/sha512 (")));
    const auto gone = read_verify("%Error opening flash:x.bin (No such file or directory)\n");
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind == ErrorKind::not_found);
}

TEST_CASE("a file that the device fetched, whole or with the device's own reason")
{
    const Copied whole = must(read_copy(written_answer("copy")));
    CHECK(whole.source == "https://images.example.net/cat9k/cat9k_iosxe.17.12.04.SPA.bin");
    CHECK(whole.destination == "cat9k_iosxe.17.12.04.SPA.bin");
    CHECK(whole.bytes == 1'260'389'201);
    CHECK(whole.took == "318.402 secs");
    CHECK(whole.rate == "3958484 bytes/sec");
    CHECK(whole.problem.empty());
    const Copied unasked = must(read_copy(written_answer("copy", 1)));
    CHECK(unasked.destination.empty());
    CHECK(unasked.bytes == 1'258'101'440);
    const Copied refused = must(read_copy(written_answer("copy", 2)));
    CHECK(refused.problem ==
          "%Error opening https://images.example.net/cat9k_iosxe.17.12.04.SPA.bin (No such file or "
          "directory)");
    CHECK_FALSE(refused.bytes);
    const Copied broken = must(read_copy(written_answer("copy", 3)));
    CHECK(broken.problem.ends_with("(Connection reset by peer)"));
    CHECK(broken.source == refused.source);

    CHECK_FALSE(read_copy(with(written_answer("copy"), "[OK - 1260389201", "[OK - 1260389200")));
    CHECK_FALSE(read_copy(with(written_answer("copy", 1), " bytes copied", " bytes")));
    CHECK_FALSE(read_copy(with(written_answer("copy", 2), " (No such file or directory)", "")));
    CHECK_FALSE(read_copy(with(written_answer("copy"), "Loading https://images", "Loading https://other")));
    // A question that nobody answered.
    CHECK_FALSE(
        read_copy("Destination filename [x.bin]?\n%Warning:There is a file already existing with this "
                  "name\nDo you want to over write? [confirm]\n"));
}

}  // namespace
}  // namespace belay::upgrade::iosxe::show::state_test
