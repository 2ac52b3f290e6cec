// mirror.add-disk with every single accident, as fault_loop_test.cpp does it for disk.replace.

#include "every_run.h"
#include "trial.h"

#include <doctest/doctest.h>

using namespace belay;
using namespace belay::simulated;
using host::Fault;
using store::MemoryStore;

namespace {

/// What is wrong with a machine that was given its second disk; empty: nothing.
std::string wrong_with(const Shape& shape, const SimulatedStorage& machine)
{
    const std::string serving = shape.leaving == Shape::Leaving::gone ? staying_disk : leaving_disk;
    const std::vector<std::string> mirrors = shape.mirrors();
    for (size_t i = 0; i < mirrors.size(); ++i) {
        const std::set<std::string> wanted = {shape.member(serving, i), shape.member(joining_disk, i)};
        if (machine.legs_in_sync(mirrors[i]) != wanted || machine.legs_wanted(mirrors[i]) != 2)
            return mirrors[i] + " has not two legs";
    }
    const host::Machine world = machine.world();
    const auto text = [&](const std::string& path) { return world.text(path).value_or("nothing"); };
    if (shape.start == Shape::Start::bios && world.find("/dev/" + joining_disk)->bytes.find("GRUB ") != 0x180)
        return "the joining disk has no boot code";
    if (shape.start == Shape::Start::bios &&
        text("/var/cache/debconf/config.dat")
                .find("Value: /dev/disk/by-id/ata-SIMULATED_SIM0001, "
                      "/dev/disk/by-id/ata-SIMULATED_SIM0003\n") == std::string::npos)
        return "grub-pc does not know both disks";
    if (shape.start != Shape::Start::efi) return "";
    if (text("/boot/efi2/EFI/debian/grubx64.efi") != "the loader" ||
        text("/boot/efi2/EFI/debian/grub.cfg") != "where the root is")
        return "the copy does not hold what the other ESP holds";
    if (text("/boot/efi2/EFI/BOOT/BOOTX64.EFI") != "the loader") return "the copy does not start by itself";
    const std::string fstab = text("/etc/fstab");
    if (!fstab.starts_with(
            "# a comment, and no end of line\nUUID=1B2C-3D4E\t/boot/efi vfat umask=0077,nofail 0 1\n"
            "PARTUUID=") ||
        !fstab.ends_with(" /boot/efi2 vfat umask=0077,nodev,nosuid,noexec,nofail,x-belay.esp-copy 0 2\n"))
        return "/etc/fstab is " + fstab;
    if (!text("/sys/firmware/efi/efivars/Boot0002").starts_with("debian (SIM0003)\tHD(9,GPT,") ||
        text("/sys/firmware/efi/efivars/BootOrder") != "0001,0000,0002")
        return "the firmware does not know it";
    for (const char* hook : {"/etc/kernel/postinst.d/zz-belay-esp", "/etc/kernel/postrm.d/zz-belay-esp",
                             "/etc/apt/apt.conf.d/90belay-esp"}) {
        if (text(hook).find("belay storage esp-sync") == std::string::npos) return fmt::format("no {}", hook);
    }
    return "";
}

Task task_for(const Shape& shape)
{
    return {"mirror.add-disk", {{"disk", joining_serial}}, [&shape](const SimulatedStorage& machine, bool) {
                return wrong_with(shape, machine);
            }};
}

void check(const Shape& shape, Wish wish, const Accident& accident, const std::string& what)
{
    const Verdict verdict = try_out(shape, wish, accident, task_for(shape));
    constexpr size_t enough = 4000;
    for (const std::string& broken : verdict.broken) {
        const size_t from = verdict.log.size() > enough ? verdict.log.size() - enough : 0;
        const std::string story =
            fmt::format("{}, {}, {}: {}\nended {}: {}\n{}", shape.name, name_of(wish), what, broken,
                        name_of(verdict.ended), verdict.reason, verdict.log.substr(from));
        FAIL_CHECK(story);
    }
}

const std::vector<Wish> all_wishes = {Wish::commit, Wish::abort_when_added, Wish::abort_in_copy,
                                      Wish::abort_when_activated};

/// A run for every contact; what comes before somebody asks it to go back is left to the run that commits.
void fault_everywhere(const Shape& shape, Fault::Kind kind, bool power_cut)
{
    size_t runs = 0;
    for (const Wish wish : all_wishes) {
        const Verdict whole = try_out(shape, wish, {}, task_for(shape));
        runs += whole.contacts - whole.turned_at;
        for_each_of(whole.turned_at + 1, whole.contacts, [&](size_t at) {
            check(shape, wish, {.contact = Fault{kind, at}, .power_cut = power_cut},
                  fmt::format("fault {}{} at contact {}", static_cast<int>(kind),
                              power_cut ? " with the power" : "", at));
        });
    }
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}

}  // namespace

TEST_CASE("without an accident every lone disk gets its mirror, and goes back from wherever it is aborted")
{
    for (const Shape& shape : lone_shapes()) {
        for (const Wish wish : all_wishes) {
            check(shape, wish, {}, "no accident");
            const Verdict verdict = try_out(shape, wish, {}, task_for(shape));
            CHECK((verdict.ended == operation::State::committed) == (wish == Wish::commit));
            CHECK(verdict.held == 0);
        }
    }
}

TEST_CASE("any contact of mirror.add-disk on a UEFI host may be refused, or its answer lost")
{
    fault_everywhere(lone_shapes()[0], Fault::Kind::refuse, false);
    fault_everywhere(lone_shapes()[0], Fault::Kind::lost, false);
}

TEST_CASE("the process, or the power, may go at any contact of mirror.add-disk on a UEFI host")
{
    fault_everywhere(lone_shapes()[0], Fault::Kind::dead, false);
    fault_everywhere(lone_shapes()[0], Fault::Kind::dead, true);
}

TEST_CASE("the power may go at any contact of mirror.add-disk on a BIOS host, and where a member is missing")
{
    fault_everywhere(lone_shapes()[2], Fault::Kind::dead, true);
    fault_everywhere(lone_shapes()[6], Fault::Kind::dead, true);
}

TEST_CASE("any write to the journal of mirror.add-disk may be the last, kept or not, and any may be refused")
{
    const Shape shape = lone_shapes()[0];
    for (const Wish wish : all_wishes) {
        const size_t writes = try_out(shape, wish, {}, task_for(shape)).writes;
        for (const auto fault :
             {MemoryStore::Fault::lost_before, MemoryStore::Fault::lost_after, MemoryStore::Fault::refuse}) {
            for_each_of(1, writes, [&](size_t at) {
                check(shape, wish, {.store = fault, .store_at = at},
                      fmt::format("store fault {} at write {}", static_cast<int>(fault), at));
            });
        }
    }
}
