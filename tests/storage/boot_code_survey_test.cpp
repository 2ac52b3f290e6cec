// What `belay storage health` reads of a host that starts by BIOS.

#include "shapes.h"
#include "storage/survey.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::simulated;

namespace {

/// A mirror of which one disk alone has GRUB, and is known to grub-pc.
std::unique_ptr<SimulatedStorage> started_by_bios()
{
    const std::vector<Shape> all = shapes();
    auto machine = build(*std::ranges::find(all, "a mirror that starts the host by BIOS", &Shape::name));
    machine->mount_for_good("md0", "/boot");
    return machine;
}

storage::Survey survey_of(SimulatedStorage& machine)
{
    Result<storage::Survey> survey = storage::read_survey(machine.host(), storage::Depth::health);
    REQUIRE_MESSAGE(survey.has_value(), survey.error().what);
    return *std::move(survey);
}

}  // namespace

TEST_CASE("of each disk of the mirror that holds /boot it is read whether a BIOS starts from it")
{
    const auto machine = started_by_bios();
    const storage::BiosStart bios = survey_of(*machine).bios;
    REQUIRE(bios.codes.size() == 2);
    CHECK(bios.codes[0].disk == "sda");
    CHECK(bios.codes[0].whole);
    CHECK(bios.codes[1].disk == "sdb");
    CHECK(bios.codes[1].code == storage::boot_code::Code::none);
    CHECK(bios.renewed ==
          std::map<std::string, std::string>{{"/dev/disk/by-id/ata-SIMULATED_SIM0001", "sda"}});
}

TEST_CASE("a host that was started by UEFI is not asked for boot code, nor is one without a mirror of /boot")
{
    const auto machine = started_by_bios();
    machine->host().change([](host::Machine& world) { world.put_folder("/sys/firmware/efi"); });
    CHECK(survey_of(*machine).bios.codes.empty());
    const auto elsewhere = build(shapes().front());
    CHECK(survey_of(*elsewhere).bios.codes.empty());
}
