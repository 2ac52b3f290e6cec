#include "storage/restore_point.h"

#include "base/json.h"
#include "host/faulty.h"
#include "host/simulated.h"

#include <doctest/doctest.h>

namespace belay::storage::restore_point {
namespace {

using host::Command;
using host::Machine;
using host::Outcome;
using operation::Inspection;
using PointWords = std::vector<std::string>;

const std::string point_folder = "/var/lib/belay/restore-points/7";

/// A machine with one device of 4 MiB that differs everywhere, and the tools that keeping needs.
struct PointBench {
    host::SimulatedHost machine;
    operation::Catalogue catalogue;
    std::string first;
    int headers = 0;  ///< that cryptsetup was asked for

    PointBench()
    {
        fill_restore_point(catalogue);
        for (uint64_t i = 0; first.size() < (4 << 20); ++i) first += fmt::format("{:016x}", i * 2654435761);
        machine.change([&](Machine& m) {
            m.put_device("/dev/one", Bytes{4 << 20});
            m.find("/dev/one")->bytes = first;
            m.put_folder("/var/lib/belay");
        });
        machine.install("mkdir", [](Machine& m, const Command& command) -> Result<Outcome> {
            m.put_folder(command.argv.back());
            return Outcome{};
        });
        machine.install("rm", [](Machine& m, const Command& command) -> Result<Outcome> {
            m.erase(command.argv.back());
            return Outcome{};
        });
        machine.install("blockdev", [](Machine&, const Command&) -> Result<Outcome> { return Outcome{}; });
        machine.install("cryptsetup", [this](Machine& m, const Command& command) -> Result<Outcome> {
            ++headers;
            if (m.find(command.argv.back()) != nullptr)
                return Outcome{.exit_code = 1, .out = {}, .err = "the file is there already"};
            m.put_file(command.argv.back(), "LUKS header");
            return Outcome{};
        });
    }

    /// The act as an operation has it when it is kept.
    static operation::Json bound(const std::vector<Piece>& pieces)
    {
        operation::Plan plan;
        const operation::Act act = keep(pieces);
        plan.steps.push_back({.name = "restore-point", .title = "", .action = act.action});
        plan.steps.back().arguments = act.arguments;
        return operation::in_folder(plan, point_folder).steps.front().arguments;
    }
    const operation::Action& action() const { return **catalogue.action("restore-point.keep"); }
    Inspection::Found found(const operation::Json& arguments)
    {
        return action().inspect(machine, arguments)->found;
    }
    operation::Json manifest()
    {
        return parse_json(*machine.read(point_folder + "/manifest.json", {1 << 20})).value();
    }
    /// What a person would do: dd if=FILE of=DEVICE bs=512 seek=N conv=notrunc,fsync.
    void type(const std::string& line)
    {
        const auto value = [&](const std::string& name) {
            const size_t at = line.find(name + "=") + name.size() + 1;
            return line.substr(at, line.find(' ', at) - at);
        };
        const std::string bytes = *machine.read(value("if"), {1 << 20});
        REQUIRE(machine.write_at(value("of"), Bytes{std::stoull(value("seek")) * 512}, bytes));
    }
};

Disk disk_of_100_mib()
{
    Disk disk;
    disk.name = "sda";
    disk.by_id = "/dev/disk/by-id/ata-S1";
    disk.serial = "S1";
    disk.size = Bytes{100 << 20};
    return disk;
}

TEST_CASE("the four labels of a ZFS member are kept, and dd puts them back as the manifest says")
{
    PointBench bench;
    // Not a multiple of 256 KiB: the labels at the end lie before what is left over.
    const std::vector<Piece> pieces = of_zfs("/dev/one", "S1", Bytes{(4 << 20) - 4096});
    REQUIRE(pieces.size() == 4);
    const operation::Json arguments = PointBench::bound(pieces);
    REQUIRE(bench.action().apply(bench.machine, arguments));
    CHECK(bench.found(arguments) == Inspection::Found::done);
    constexpr uint64_t label = 256 << 10, end = (4 << 20) - label;
    for (const uint64_t offset : {uint64_t{0}, label, end - 2 * label, end - label})
        REQUIRE(bench.machine.write_at("/dev/one", Bytes{offset}, std::string(label, '\0')));
    const operation::Json manifest = bench.manifest();
    for (const operation::Json& piece : manifest.at("pieces"))
        bench.type(piece.at("put_back").front().get<std::string>());
    CHECK(bench.machine.machine().find("/dev/one")->bytes == bench.first);
    CHECK(manifest.at("bytes") == 4 * label);
    CHECK(manifest.at("pieces").front().at("serial") == "S1");
}

TEST_CASE("a LUKS header is kept by cryptsetup, also over a file that a power cut has left")
{
    PointBench bench;
    const operation::Json arguments = PointBench::bound(of_luks("/dev/one", "uuid"));
    bench.machine.change([](Machine& m) { m.put_file(point_folder + "/one.luks", "half"); });
    CHECK(bench.found(arguments) == Inspection::Found::absent);
    REQUIRE(bench.action().apply(bench.machine, arguments));
    CHECK(bench.found(arguments) == Inspection::Found::done);
    CHECK(bench.headers == 1);
    CHECK(bench.manifest().at("pieces").front().at("put_back").front() ==
          "cryptsetup luksHeaderRestore /dev/one --header-backup-file " + point_folder + "/one.luks");
}

TEST_CASE("the superblock of a member lies where its metadata version says")
{
    Inventory host;
    Disk disk = disk_of_100_mib();
    disk.content.type = "linux_raid_member";
    host.disks = {disk};
    Array array;
    array.name = "md0";
    array.uuid = "u";
    array.level = "raid1";
    array.legs = 2;
    array.members = {{.device = "sda", .state = "in_sync", .slot = 0}};
    const auto offset = [&](const char* metadata) {
        array.metadata = metadata;
        return of_array(host, array).front().offset;
    };
    CHECK(offset("1.2") == 4096);
    CHECK(offset("1.1") == 0);
    CHECK(offset("1.0") == (100 << 20) - (8 << 10));
    CHECK(offset("0.90") == (100 << 20) - (64 << 10));
    CHECK(of_array(host, array)
              .front()
              .put_back.back()
              .ends_with("--metadata=0.90 --level=raid1 --raid-devices=2 /dev/disk/by-id/ata-S1 missing"));
    array.members.front().state = "faulty";
    CHECK(of_array(host, array).empty());
}

TEST_CASE("what lies in a partition is nothing of a disk's edges")
{
    Disk disk = disk_of_100_mib();
    disk.table = "dos";
    Partition& partition = disk.partitions.emplace_back();
    partition.name = "sda1";
    partition.start = 63;
    partition.size = Bytes{(100 << 20) - 63 * 512};
    const std::vector<Piece> pieces = of_disk(disk);
    REQUIRE(pieces.size() == 2);
    CHECK(pieces[0].argv == PointWords{"sfdisk", "--dump", "/dev/disk/by-id/ata-S1"});
    CHECK(pieces[1].offset == 0);
    CHECK(pieces[1].length == 63 * 512);
}

TEST_CASE("a disk that may be gone is written down as missing; another one fails")
{
    PointBench bench;
    std::vector<Piece> pieces = of_zfs("/dev/gone", "S2", Bytes{4 << 20});
    CHECK_FALSE(bench.action().apply(bench.machine, PointBench::bound(pieces)));
    for (Piece& piece : pieces) piece.may_fail = true;
    const operation::Json arguments = PointBench::bound(pieces);
    REQUIRE(bench.action().apply(bench.machine, arguments));
    CHECK(bench.found(arguments) == Inspection::Found::done);
    CHECK(bench.manifest().at("pieces").front().at("missing").get<std::string>().find("/dev/gone") !=
          std::string::npos);
}

TEST_CASE(
    "the process may die at any contact: what is half there goes, or is taken anew, and what rots is seen")
{
    const std::vector<Piece> pieces = of_zfs("/dev/one", "S1", Bytes{4 << 20});
    const operation::Json arguments = PointBench::bound(pieces);
    size_t cut_short = 0;
    for (size_t at = 1;; ++at) {
        PointBench bench;
        host::FaultyHost faulty(bench.machine, host::Fault{host::Fault::Kind::dead, at});
        const bool whole = bench.action().apply(faulty, arguments).has_value();
        const auto found = bench.found(arguments);
        if (found != Inspection::Found::done) {
            PointBench& same = bench;
            const std::string left = *same.action().remains(same.machine, arguments, {});
            cut_short += !left.empty();
            if (at % 2 == 0) {
                if (!left.empty()) REQUIRE(same.action().revert(same.machine, arguments, {}));
                CHECK(*same.action().remains(same.machine, arguments, {}) == "");
                CHECK_FALSE(same.machine.list(point_folder));
            } else {
                REQUIRE(same.action().apply(same.machine, arguments));
                CHECK(same.found(arguments) == Inspection::Found::done);
            }
        }
        if (whole) break;
    }
    CHECK(cut_short >= 5);
    PointBench bench;
    REQUIRE(bench.action().apply(bench.machine, arguments));
    CHECK(*bench.action().remains(bench.machine, arguments, {}) == "");
    bench.machine.change([](Machine& m) { m.find(point_folder + "/one.zfs2")->bytes[7] ^= 1; });
    CHECK(bench.found(arguments) == Inspection::Found::partial);
}

}  // namespace
}  // namespace belay::storage::restore_point
