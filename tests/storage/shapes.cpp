#include "shapes.h"

#include "base/invariant.h"

namespace belay::simulated {
namespace {

constexpr uint64_t first_partition_at = 64 << 10, partition_size = 20 << 10, data_offset = 12 << 10;
constexpr uint64_t copy_seconds = 4;
constexpr int esp_number = 9;

void must_run(SimulatedStorage& machine, std::vector<std::string> argv, std::string input = {})
{
    const auto outcome = machine.host().run({.argv = std::move(argv), .input = std::move(input)});
    INVARIANT(outcome && outcome->exit_code == 0);
}

/// `id`: a digit that sets the ids of this disk apart.
std::string script_of(const Shape& shape, int id)
{
    const bool gpt = shape.label == "gpt";
    std::string script = fmt::format("label: {}\n", shape.label);
    script += gpt ? fmt::format("label-id: {}0000000-0000-4000-8000-000000000000\n", id)
                  : fmt::format("label-id: 0x{}a2b3c4d\n", id);
    script += "unit: sectors\n\n";
    uint64_t start = first_partition_at / shape.logical_sector;
    const bool efi = shape.start == Shape::Start::efi;
    if (efi) {
        script += fmt::format(
            "{0} : start={1}, size={2}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, "
            "uuid={3}0000000-0000-4000-8000-00000000000{0}\n",
            esp_number, start, partition_size / shape.logical_sector, id);
        start += partition_size / shape.logical_sector;
    }
    for (const uint64_t number : shape.partitions) {
        script += fmt::format("{} : start={}, size={}, type={}", number, start,
                              partition_size / shape.logical_sector,
                              gpt ? "A19D880F-05FC-4D3B-A006-743F0F84911E" : "fd");
        if (gpt)
            script +=
                fmt::format(", uuid={}0000000-0000-4000-8000-00000000000{}, name=\"raid, \\x22{}\\x22\"", id,
                            number, number);
        script += "\n";
        start += partition_size / shape.logical_sector;
    }
    return script;
}

}  // namespace

std::vector<std::string> Shape::mirrors() const
{
    std::vector<std::string> names;
    for (size_t i = 0; i < (label.empty() ? 1 : partitions.size()); ++i)
        names.push_back(fmt::format("md{}", i));
    return names;
}

std::vector<std::string> Shape::serving_disks() const
{
    std::vector<std::string> names = {leaving_disk};
    for (const std::string& disk : staying_disks()) names.push_back(disk);
    return names;
}

std::vector<std::string> Shape::staying_disks() const
{
    if (disks < 2) return {};
    std::vector<std::string> names = {staying_disk};
    for (size_t i = 2; i < disks; ++i) names.push_back(fmt::format("sd{}", static_cast<char>('d' + i - 2)));
    return names;
}

std::string Shape::member(const std::string& disk, size_t mirror) const
{
    return label.empty() ? disk : fmt::format("{}{}", disk, partitions[mirror]);
}

uint64_t end_of_partitions(const Shape& shape)
{
    const size_t count = shape.partitions.size() + (shape.start == Shape::Start::efi ? 1 : 0);
    return (first_partition_at + partition_size * count) / shape.logical_sector;
}

namespace {

/// The first of the serving disks starts the host, as Debian's installer leaves it.
void let_it_start(SimulatedStorage& machine, const Shape& shape)
{
    if (shape.start == Shape::Start::not_at_all) return;
    const std::string disk = "/dev/" + shape.serving_disks().front();
    machine.host().change([](host::Machine& world) {
        world.put_folder("/usr/lib/grub/i386-pc");
        for (const char* folder : {"/etc/kernel/postinst.d", "/etc/kernel/postrm.d", "/etc/apt/apt.conf.d"})
            world.put_folder(folder);
        world.put_file("/etc/fstab",
                       "# a comment, and no end of line\nUUID=1B2C-3D4E\t/boot/efi vfat umask=0077 0 1");
    });
    if (shape.start == Shape::Start::bios) {
        must_run(machine, {"grub-install", "--target=i386-pc", disk});
        const auto answered = machine.host().run(
            {.argv = {"debconf-communicate", "grub-pc"},
             .input = "set grub-pc/install_devices /dev/disk/by-id/ata-SIMULATED_SIM0001\n"});
        INVARIANT(answered && answered->exit_code == 0);
        return;
    }
    machine.start_by_efi();
    const std::string esp = fmt::format("{}{}", disk, esp_number);
    must_run(machine, {"mkfs.vfat", "-F", "32", "-i", "1b2c3d4e", esp});
    must_run(machine, {"mkdir", "--parents", "/boot/efi"});
    must_run(machine, {"mount", "--types", "vfat", esp, "/boot/efi"});
    machine.host().change([](host::Machine& world) {
        world.put_file("/boot/efi/EFI/debian/grubx64.efi", "the loader");
        world.put_file("/boot/efi/EFI/debian/grub.cfg", "where the root is");
    });
    must_run(machine, {"sync", "--file-system", "/boot/efi"});
    must_run(machine, {"efibootmgr", "--create-only", "--disk", disk, "--part", fmt::format("{}", esp_number),
                       "--label", "debian", "--loader", "\\EFI\\debian\\grubx64.efi"});
    must_run(machine, {"efibootmgr", "--bootorder", "0001,0000"});
}

}  // namespace

std::unique_ptr<SimulatedStorage> build(const Shape& shape, bool busy_after_fail)
{
    const uint64_t member_size = shape.label.empty() ? shape.serving.count : partition_size;
    auto machine = std::make_unique<SimulatedStorage>(
        StorageSettings{.data_offset = data_offset,
                        .speed = (member_size - data_offset) / copy_seconds,
                        .busy_after_fail = busy_after_fail,
                        .stale_member_comes_back = shape.comes_back,
                        .half_resized_mounts = shape.half_resized.mounts,
                        .preen_refuses = shape.half_resized.preen_refuses});
    const auto plug = [&](const std::string& name, const std::string& serial, Bytes size, uint64_t sector) {
        machine->plug({.name = name,
                       .size = size,
                       .serial = serial,
                       .model = "SIMULATED",
                       .logical_sector = sector,
                       .by_id = "ata-SIMULATED_" + serial});
    };
    plug(leaving_disk, leaving_serial, shape.serving, shape.logical_sector);
    plug(staying_disk, staying_serial, shape.serving, shape.logical_sector);
    plug(joining_disk, joining_serial, shape.joining,
         shape.joining_sector == 0 ? shape.logical_sector : shape.joining_sector);
    if (shape.two_join) plug(second_joining_disk, second_joining_serial, shape.joining, shape.logical_sector);
    for (size_t i = 2; i < shape.disks; ++i)
        plug(shape.staying_disks()[i - 1], fmt::format("SIM000{}", i + 2), shape.serving,
             shape.logical_sector);
    if (!shape.label.empty()) {
        int id = 1;
        for (const std::string& disk : shape.serving_disks())
            must_run(*machine, {"sfdisk", "--quiet", "/dev/" + disk}, script_of(shape, id++));
    }
    let_it_start(*machine, shape);
    const std::vector<std::string> mirrors = shape.mirrors();
    for (size_t i = 0; i < mirrors.size(); ++i) {
        std::vector<std::string> create = {"mdadm",
                                           "--create",
                                           "/dev/" + mirrors[i],
                                           "--level=" + shape.level,
                                           fmt::format("--raid-devices={}", shape.disks),
                                           fmt::format("--uuid=1111111{}:22222222:33333333:44444444", i)};
        for (const std::string& disk : shape.serving_disks())
            create.push_back("/dev/" + shape.member(disk, i));
        must_run(*machine, create);
        must_run(*machine, {"mke2fs", "-L", mirrors[i], "-U",
                            fmt::format("dddddddd-0000-4000-8000-00000000000{}", i), "/dev/" + mirrors[i]});
        machine->mount_for_good(mirrors[i], "/srv/" + mirrors[i]);
    }
    for (size_t i = 0; i < mirrors.size() && shape.leaving != Shape::Leaving::serves; ++i)
        machine->break_leg(mirrors[i], shape.member(leaving_disk, i));
    if (shape.leaving == Shape::Leaving::gone) {
        for (size_t i = 0; i < mirrors.size(); ++i)
            must_run(*machine, {"mdadm", "--manage", "/dev/" + mirrors[i], "--remove",
                                "/dev/" + shape.member(leaving_disk, i)});
        machine->unplug(leaving_disk);
    }
    return machine;
}

std::vector<Shape> shapes()
{
    return {
        {.name = "one partition, GPT"},
        {.name = "one partition, MBR", .label = "dos"},
        {.name = "whole disks", .label = ""},
        {.name = "two mirrors, GPT", .partitions = {1, 2}},
        {.name = "two mirrors, MBR, a gap in the numbers", .label = "dos", .partitions = {1, 3}},
        {.name = "sectors of 4096 bytes", .logical_sector = 4096},
        {.name = "a larger disk joins", .joining = {256 << 10}},
        {.name = "a larger disk joins whole disks", .label = "", .joining = {256 << 10}},
        {.name = "smaller sectors join", .logical_sector = 4096, .joining_sector = 512},
        {.name = "RAID5 and RAID5, GPT", .partitions = {1, 2}, .level = "5", .disks = 3},
        {.name = "RAID4, GPT", .level = "4", .disks = 3},
        {.name = "RAID6 of whole disks", .label = "", .level = "6", .disks = 4},
        {.name = "RAID10, MBR", .label = "dos", .level = "10", .disks = 4},
        {.name = "a mirror that starts the host by UEFI", .start = Shape::Start::efi},
        {.name = "a mirror that starts the host by BIOS", .label = "dos", .start = Shape::Start::bios},
        {.name = "a failed leg of a mirror", .leaving = Shape::Leaving::failed},
        {.name = "a failed member of a RAID5", .level = "5", .disks = 3, .leaving = Shape::Leaving::failed},
        {.name = "a mirror's disk that is gone", .partitions = {1, 2}, .leaving = Shape::Leaving::gone},
        {.name = "a RAID6's disk that is gone",
         .label = "",
         .level = "6",
         .disks = 4,
         .leaving = Shape::Leaving::gone}};
}

std::vector<Shape> lone_shapes()
{
    return {{.name = "one member, UEFI", .disks = 1, .start = Shape::Start::efi},
            {.name = "one member", .disks = 1},
            {.name = "one member, MBR, BIOS", .label = "dos", .disks = 1, .start = Shape::Start::bios},
            {.name = "one member, GPT, BIOS", .disks = 1, .start = Shape::Start::bios},
            {.name = "a whole disk alone", .label = "", .disks = 1},
            {.name = "two arrays, UEFI, sectors of 4096 bytes",
             .partitions = {1, 2},
             .logical_sector = 4096,
             .disks = 1,
             .start = Shape::Start::efi},
            {.name = "the other member is missing", .leaving = Shape::Leaving::gone},
            {.name = "a larger disk joins one member", .joining = {256 << 10}, .disks = 1}};
}

}  // namespace belay::simulated
