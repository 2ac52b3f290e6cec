// belay storage esp-sync on the simulated machine: what it writes, what it leaves alone, and that the copy
// starts the host whatever happens on the way.

#include "storage/esp_sync.h"

#include "base/testing/must.h"
#include "host/faulty.h"
#include "shapes.h"

#include <nlohmann/json.hpp>

using namespace belay;
using namespace belay::simulated;
using namespace belay::storage::esp;
using host::Fault;
using CopyState = SyncedCopy::State;
using Texts = std::vector<std::string>;

namespace {

constexpr const char* joining_esp = "30000000-0000-4000-8000-000000000009";

/// The host of the first lone shape, with a copy of its ESP on the joining disk that was right yesterday:
/// since then the loader was renewed, a file has come and one has gone.
std::unique_ptr<SimulatedStorage> with_stale_copy()
{
    auto machine = build(lone_shapes().front());
    const auto run = [&](Texts argv, std::string input = {}) {
        const auto outcome = machine->host().run({.argv = std::move(argv), .input = std::move(input)});
        REQUIRE(outcome.has_value());
        REQUIRE_MESSAGE(outcome->exit_code == 0, outcome->err);
    };
    run({"sfdisk", "--quiet", "/dev/sdc"},
        fmt::format(
            "label: gpt\nlabel-id: 30000000-0000-4000-8000-000000000000\nunit: sectors\n\n9 : start=128, "
            "size=40, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid={}\n",
            joining_esp));
    run({"mkfs.vfat", "-F", "32", "-i", "5e6f7a8b", "/dev/sdc9"});
    run({"mkdir", "--parents", "/boot/efi2"});
    run({"mount", "--types", "vfat", "/dev/sdc9", "/boot/efi2"});
    run({"cp", "--recursive", "/boot/efi/.", "/boot/efi2"});
    run({"cp", "/boot/efi/EFI/debian/grubx64.efi", "/boot/efi2/EFI/BOOT/BOOTX64.EFI"});
    machine->host().change([](host::Machine& world) {
        world.put_file("/boot/efi2/EFI/debian/gone.cfg", "of last year");
        world.put_file("/boot/efi2/FSCK0000.REC", "found by a file check");
    });
    run({"sync", "--file-system", "/boot/efi2"});
    machine->host().change([](host::Machine& world) {
        world.put_file("/boot/efi/EFI/debian/grubx64.efi", "the new loader");
        world.put_file("/boot/efi/EFI/debian/new.cfg", "of today");
        world.put_file("/etc/fstab",
                       fmt::format("UUID=1B2C-3D4E /boot/efi vfat umask=0077,nofail 0 1\nPARTUUID={} "
                                   "/boot/efi2 vfat umask=0077,nofail,x-belay.esp-copy 0 2\n",
                                   joining_esp));
    });
    run({"sync", "--file-system", "/boot/efi"});
    return machine;
}

std::string text_at(const SimulatedStorage& machine, const std::string& path)
{
    return machine.world().text(path).value_or("nothing");
}

/// Every file of the copy is the old one or the new one, whole.
void starts_the_host(const SimulatedStorage& machine, const std::string& when)
{
    for (const char* path : {"/boot/efi2/EFI/BOOT/BOOTX64.EFI", "/boot/efi2/EFI/debian/grubx64.efi"}) {
        const std::string text = text_at(machine, path);
        CHECK_MESSAGE((text == "the loader" || text == "the new loader"), when, ": ", path, " is ", text);
    }
    CHECK(text_at(machine, "/boot/efi2/EFI/debian/grub.cfg") == "where the root is");
    CHECK(text_at(machine, "/boot/efi/EFI/debian/grubx64.efi") == "the new loader");
}

const Texts all_changes = {"EFI/BOOT/BOOTX64.EFI is another", "EFI/debian/grubx64.efi is another",
                           "EFI/debian/new.cfg is missing", "EFI/debian/gone.cfg is no longer wanted"};

}  // namespace

TEST_CASE("a copy that has fallen behind is brought up to date, and the second time there is nothing to do")
{
    const auto machine = with_stale_copy();
    const SyncReport looked = must(sync_copies(machine->host(), SyncMode::look));
    REQUIRE(looked.copies.size() == 1);
    CHECK(looked.source == "/boot/efi");
    CHECK(looked.copies[0].state == CopyState::updated);
    CHECK(looked.copies[0].changes == all_changes);
    CHECK(text_at(*machine, "/boot/efi2/EFI/debian/grubx64.efi") == "the loader");

    CHECK(must(sync_copies(machine->host(), SyncMode::write)).copies[0].changes == all_changes);
    CHECK(text_at(*machine, "/boot/efi2/EFI/debian/grubx64.efi") == "the new loader");
    CHECK(text_at(*machine, "/boot/efi2/EFI/BOOT/BOOTX64.EFI") == "the new loader");
    CHECK(text_at(*machine, "/boot/efi2/EFI/debian/gone.cfg") == "nothing");
    CHECK(text_at(*machine, "/boot/efi2/FSCK0000.REC") == "found by a file check");
    const SyncReport again = must(sync_copies(machine->host(), SyncMode::write));
    CHECK(again.copies[0].state == CopyState::alike);
    CHECK(json_of(again).at("in_step") == true);
}

TEST_CASE("what bears no mark is never written to, and a host without copies is in step")
{
    const auto machine = with_stale_copy();
    machine->host().change([](host::Machine& world) {
        std::string text = *world.text("/etc/fstab");
        text.replace(text.find(",x-belay.esp-copy"), 17, "");
        world.put_file("/etc/fstab", text);
    });
    const host::Machine before = machine->world();
    const SyncReport report = must(sync_copies(machine->host(), SyncMode::write));
    CHECK(report.copies.empty());
    CHECK(report.whole());
    CHECK(machine->world().nodes == before.nodes);
}

TEST_CASE("a copy whose disk was pulled is told, and so is a mark on what is no EFI system partition")
{
    const auto machine = with_stale_copy();
    must(machine->host().run({.argv = {"umount", "/boot/efi2"}}));
    machine->unplug("sdc");
    const SyncReport report = must(sync_copies(machine->host(), SyncMode::write));
    CHECK(report.copies[0].state == CopyState::missing);
    CHECK_FALSE(report.whole());
    CHECK(name_of(report.copies[0].state) == "missing");

    machine->host().change([](host::Machine& world) {
        world.put_file("/etc/fstab",
                       "PARTUUID=10000000-0000-4000-8000-000000000001 /boot/efi2 vfat x-belay.esp-copy\n"
                       "PARTUUID=10000000-0000-4000-8000-000000000009 /boot/efi3 vfat x-belay.esp-copy\n");
    });
    const SyncReport wrong = must(sync_copies(machine->host(), SyncMode::write));
    CHECK(wrong.copies[0].state == CopyState::failed);
    CHECK(wrong.copies[0].problem == "/dev/sda1 is no EFI system partition");
    CHECK(wrong.copies[1].problem == "/dev/sda9 is what is copied from");
}

TEST_CASE("without an original nothing is written, for the copy may be the only one")
{
    const auto machine = with_stale_copy();
    must(machine->host().run({.argv = {"umount", "/boot/efi"}}));
    const auto refused = sync_copies(machine->host(), SyncMode::write);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what == "no EFI system partition is mounted to copy from");
    CHECK(text_at(*machine, "/boot/efi2/EFI/debian/grubx64.efi") == "the loader");

    must(machine->host().run({.argv = {"mount", "/boot/efi"}}));
    machine->host().change([](host::Machine& world) {
        for (const char* file : {"grubx64.efi", "grub.cfg", "new.cfg"})
            world.erase(fmt::format("/boot/efi/EFI/debian/{}", file));
    });
    const auto empty = sync_copies(machine->host(), SyncMode::write);
    REQUIRE_FALSE(empty);
    CHECK(empty.error().what == "/boot/efi is empty, and an empty EFI system partition is not copied");
}

TEST_CASE("whatever happens at any contact, the copy starts the host, and the next run brings it up to date")
{
    size_t contacts = 0;
    {
        const auto machine = with_stale_copy();
        host::FaultyHost host(machine->host());
        must(sync_copies(host, SyncMode::write));
        contacts = host.contacts();
    }
    CHECK(contacts > 50);
    for (size_t at = 1; at <= contacts; ++at) {
        for (const auto kind : {Fault::Kind::refuse, Fault::Kind::lost, Fault::Kind::dead}) {
            for (const bool power_cut : {false, true}) {
                if (power_cut && kind != Fault::Kind::dead) continue;
                const auto machine = with_stale_copy();
                host::FaultyHost host(machine->host(), Fault{kind, at});
                static_cast<void>(sync_copies(host, SyncMode::write).has_value());
                if (power_cut) machine->host().power_cut(std::chrono::seconds(20));
                starts_the_host(*machine, fmt::format("fault {} at contact {}", static_cast<int>(kind), at));
                const SyncReport mended = must(sync_copies(machine->host(), SyncMode::write));
                CHECK(mended.whole());
                CHECK(must(sync_copies(machine->host(), SyncMode::look)).copies[0].state == CopyState::alike);
            }
        }
    }
}
