// mirror.add-disk with every single accident, as fault_loop_test.cpp does it for disk.replace.

#include "every_run.h"

using namespace belay;
using namespace belay::simulated;
using host::Fault;

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

void fault_everywhere(const Shape& shape, const Mishap& mishap)
{
    const Task task = task_for(shape);
    const size_t runs = mishap_at_every_contact({shape.name, shape, task, all_wishes}, {mishap});
    CHECK(runs > 500);
    MESSAGE((runs / stride) << " runs");
}

}  // namespace

TEST_CASE("without an accident every lone disk gets its mirror, and goes back from wherever it is aborted")
{
    for (const Shape& shape : lone_shapes()) {
        const Task task = task_for(shape);
        without_accident({shape.name, shape, task, all_wishes});
    }
}

TEST_CASE("any contact of mirror.add-disk on a UEFI host may be refused, or its answer lost")
{
    fault_everywhere(lone_shapes()[0], {Fault::Kind::refuse});
    fault_everywhere(lone_shapes()[0], {Fault::Kind::lost});
}

TEST_CASE("the process, or the power, may go at any contact of mirror.add-disk on a UEFI host")
{
    fault_everywhere(lone_shapes()[0], {Fault::Kind::dead});
    fault_everywhere(lone_shapes()[0], {Fault::Kind::dead, true});
}

TEST_CASE("the power may go at any contact of mirror.add-disk on a BIOS host, and where a member is missing")
{
    fault_everywhere(lone_shapes()[2], {Fault::Kind::dead, true});
    fault_everywhere(lone_shapes()[6], {Fault::Kind::dead, true});
}

TEST_CASE("any write to the journal of mirror.add-disk may be the last, kept or not, and any may be refused")
{
    const Shape shape = lone_shapes()[0];
    const Task task = task_for(shape);
    CHECK(mishap_at_every_write({shape.name, shape, task, all_wishes}) > 0);
}
