#include "shapes.h"

#include "base/invariant.h"

namespace belay::simulated {
namespace {

constexpr uint64_t first_partition_at = 64 << 10, partition_size = 20 << 10, data_offset = 12 << 10;
constexpr uint64_t copy_seconds = 4;

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

std::string Shape::member(const std::string& disk, size_t mirror) const
{
    return label.empty() ? disk : fmt::format("{}{}", disk, partitions[mirror]);
}

uint64_t end_of_partitions(const Shape& shape)
{
    return (first_partition_at + partition_size * shape.partitions.size()) / shape.logical_sector;
}

std::unique_ptr<SimulatedStorage> build(const Shape& shape, bool busy_after_fail)
{
    const uint64_t member_size = shape.label.empty() ? shape.serving.count : partition_size;
    auto machine = std::make_unique<SimulatedStorage>(
        StorageSettings{.data_offset = data_offset,
                        .speed = (member_size - data_offset) / copy_seconds,
                        .busy_after_fail = busy_after_fail});
    const auto plug = [&](const std::string& name, const std::string& serial, Bytes size) {
        machine->plug({.name = name,
                       .size = size,
                       .serial = serial,
                       .model = "SIMULATED",
                       .logical_sector = shape.logical_sector,
                       .by_id = "ata-SIMULATED_" + serial});
    };
    plug(leaving_disk, leaving_serial, shape.serving);
    plug(staying_disk, staying_serial, shape.serving);
    plug(joining_disk, joining_serial, shape.joining);
    if (!shape.label.empty()) {
        int id = 1;
        for (const std::string& disk : {leaving_disk, staying_disk})
            must_run(*machine, {"sfdisk", "--quiet", "/dev/" + disk}, script_of(shape, id++));
    }
    const std::vector<std::string> mirrors = shape.mirrors();
    for (size_t i = 0; i < mirrors.size(); ++i) {
        must_run(*machine,
                 {"mdadm", "--create", "/dev/" + mirrors[i], "--raid-devices=2",
                  fmt::format("--uuid=1111111{}:22222222:33333333:44444444", i),
                  "/dev/" + shape.member(leaving_disk, i), "/dev/" + shape.member(staying_disk, i)});
        must_run(*machine, {"mke2fs", "-L", mirrors[i], "-U",
                            fmt::format("dddddddd-0000-4000-8000-00000000000{}", i), "/dev/" + mirrors[i]});
        machine->mount_for_good(mirrors[i], "/srv/" + mirrors[i]);
    }
    return machine;
}

std::vector<Shape> shapes()
{
    return {{.name = "one partition, GPT"},
            {.name = "one partition, MBR", .label = "dos"},
            {.name = "whole disks", .label = ""},
            {.name = "two mirrors, GPT", .partitions = {1, 2}},
            {.name = "two mirrors, MBR, a gap in the numbers", .label = "dos", .partitions = {1, 3}},
            {.name = "sectors of 4096 bytes", .logical_sector = 4096},
            {.name = "a larger disk joins", .joining = {256 << 10}},
            {.name = "a larger disk joins whole disks", .label = "", .joining = {256 << 10}}};
}

}  // namespace belay::simulated
