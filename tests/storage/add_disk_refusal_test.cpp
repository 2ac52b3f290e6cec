// What mirror.add-disk refuses, and in which words.

#include "operation/engine.h"
#include "procedures/procedures.h"
#include "shapes.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::simulated;

namespace {

using Asked = std::map<std::string, std::string>;

Result<operation::Plan> plan_for(SimulatedStorage& machine, const Asked& asked)
{
    const auto procedure =
        std::ranges::find(procedures::all(), "mirror.add-disk", &procedures::Procedure::name);
    return procedure->make(machine.host(), asked);
}

/// What is said where no plan can be made.
std::string refusal(SimulatedStorage& machine, const Asked& asked)
{
    const auto plan = plan_for(machine, asked);
    return plan ? "a plan" : plan.error().what;
}

/// What the checks of the plan say that do not hold.
std::vector<std::string> failing_checks(SimulatedStorage& machine, const Asked& asked)
{
    operation::Catalogue catalogue;
    procedures::fill(catalogue);
    const auto plan = plan_for(machine, asked);
    REQUIRE_MESSAGE(plan.has_value(), plan.error().what);
    std::vector<std::string> failing;
    for (const operation::Check& check : plan->checks) {
        const auto finding = catalogue.ask(machine.host(), check.question);
        REQUIRE(finding.has_value());
        if (finding->verdict != operation::Verdict::pass)
            failing.push_back(fmt::format("{}: {}", check.code, finding->found));
    }
    return failing;
}

const Asked joining = {{"disk", joining_serial}};

void put_filesystem(SimulatedStorage& machine, const std::string& device)
{
    REQUIRE(machine.host().run({.argv = {"mke2fs", "-L", "x", "-U", "u", device}})->exit_code == 0);
}

}  // namespace

TEST_CASE("a host whose mirrors are whole, or that has none, is told so")
{
    const auto whole = build(shapes().front());
    CHECK(refusal(*whole, joining) == "no mirror of this host stands on one disk");
    CHECK(refusal(*whole, {{"disk", joining_serial}, {"like", leaving_serial}}) ==
          "/dev/md0 (raid1, 2 members of 2, 2 in sync) is no mirror of one member");
    const auto lone = build(lone_shapes().front());
    CHECK(refusal(*lone, {{"disk", joining_serial}, {"like", staying_serial}}) ==
          "no mirror stands on SIM0002 (/dev/sdb)");
}

TEST_CASE("a disk is no mirror of itself, and one that is not there is named")
{
    const auto machine = build(lone_shapes().front());
    CHECK(refusal(*machine, {{"disk", leaving_serial}}) == "SIM0001 (/dev/sda) cannot be a mirror of itself");
    CHECK(refusal(*machine, {{"disk", "SIM0009"}}).find("SIM0009") != std::string::npos);
    CHECK(refusal(*machine, {{"disk", joining_serial}, {"like", "nothing"}}).find("nothing") !=
          std::string::npos);
}

TEST_CASE("a filesystem outside of any mirror is not left behind unsaid")
{
    const auto machine = build(lone_shapes()[1]);
    const auto run = [&](std::vector<std::string> argv, std::string input = {}) {
        REQUIRE(machine->host().run({.argv = std::move(argv), .input = std::move(input)})->exit_code == 0);
    };
    run({"sfdisk", "--quiet", "/dev/sdb"},
        "label: dos\nlabel-id: 0x2a2b3c4d\nunit: sectors\n\n"
        "1 : start=128, size=40, type=fd\n2 : start=168, size=40, type=83\n");
    run({"mdadm", "--create", "/dev/md5", "--level=1", "--raid-devices=1",
         "--uuid=55555555:22222222:33333333:44444444", "/dev/sdb1"});
    put_filesystem(*machine, "/dev/sdb2");
    CHECK(refusal(*machine, joining) == "SIM0001 (/dev/sda) and SIM0002 (/dev/sdb) both serve arrays alone");
    CHECK(refusal(*machine, {{"disk", joining_serial}, {"like", staying_serial}}) ==
          "/dev/sdb2 of SIM0002 (/dev/sdb) holds ext4 outside of any mirror; mirror.add-disk does not carry "
          "it over");
}

TEST_CASE("an EFI system partition that is not mounted cannot be copied from")
{
    const auto machine = build(lone_shapes().front());
    REQUIRE(machine->host().run({.argv = {"umount", "/boot/efi"}})->exit_code == 0);
    CHECK(refusal(*machine, joining) ==
          "SIM0001 (/dev/sda) has an EFI system partition, /dev/sda9, and none is mounted to copy from");
}

TEST_CASE("a joining disk that is used or too small is refused by the checks")
{
    const auto used = build(lone_shapes().front());
    put_filesystem(*used, "/dev/sdc");
    CHECK(failing_checks(*used, joining) ==
          std::vector<std::string>{"joining.unused: SIM0003 (/dev/sdc): /dev/sdc holds ext4"});

    Shape small = lone_shapes().front();
    small.joining = {64 << 10};
    const auto machine = build(small);
    const std::vector<std::string> failing = failing_checks(*machine, joining);
    REQUIRE(failing.size() == 1);
    CHECK(failing.front().starts_with("joining.size: 65536 bytes, "));
}

TEST_CASE("without GRUB's modules for BIOS the plan says which package brings them")
{
    const auto machine = build(lone_shapes()[2]);
    machine->host().change([](host::Machine& world) { world.erase("/usr/lib/grub/i386-pc"); });
    CHECK(failing_checks(*machine, joining) == std::vector<std::string>{"boot.grub: nothing"});
}
