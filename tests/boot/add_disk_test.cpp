// mirror.add-disk on a machine with firmware: the host then starts from either disk alone.

#include "base/json.h"
#include "checks.h"
#include "sampling.h"

namespace belay::boot {
namespace {

/// What an abort must leave as it was, a line each.
std::string world(Site& site)
{
    return must_shell(site,
                      "cat /etc/fstab; ls /boot /etc/kernel/*.d /etc/apt/apt.conf.d; efibootmgr --verbose; "
                      "grep -v mount /proc/mdstat; findmnt --list -n -o TARGET | sort; "
                      "sha256sum /boot/efi/EFI/*/*; lsblk -n -o NAME,SERIAL,PTUUID,PARTUUID,FSTYPE");
}

/// What the firmware has started: the label of its entry.
std::string started_by(Site& site)
{
    return must_shell(
        site, "n=$(efibootmgr | sed -n 's/^BootCurrent: //p'); efibootmgr | sed -n \"s/^Boot$n. //p\"");
}

/// Taken up to the point of commit, and back.
void goes_back(Site& site)
{
    const std::string before = world(site);
    const host::Outcome added = must(site.belay({"add", "mirror.add-disk", "--disk", "LAB-b"}));
    REQUIRE_MESSAGE(added.exit_code == 0, added.out, added.err);
    const std::string id = must(site.last_operation()).at("id");
    const host::Outcome activated = must(site.belay({"activate", id}));
    REQUIRE_MESSAGE(activated.exit_code == 0, activated.out, activated.err);
    CHECK(legs(site) == "LAB-a LAB-b ");
    CHECK(must_shell(site, "efibootmgr").find("debian (LAB-b)") != std::string::npos);
    CHECK(must_shell(site, "diff -r /boot/efi/EFI/debian /boot/efi2/EFI/debian").empty());
    CHECK(must(site.belay({"abort", id})).exit_code == 0);
    CHECK(must(site.last_operation()).at("verified") == true);
    CHECK(world(site) == before);
}

void joins_for_good(Site& site)
{
    const host::Outcome done =
        must(site.belay({"run", "mirror.add-disk", "--disk", "LAB-b", "--soak", "1s", "--yes"}));
    REQUIRE_MESSAGE(done.exit_code == 0, done.out, done.err);
    CHECK(must(site.last_operation()).at("state") == "committed");
    CHECK(legs(site) == "LAB-a LAB-b ");
    CHECK(must_shell(site, "ls /boot/efi2/EFI/BOOT") == "BOOTX64.EFI\n");
}

const std::string all_alike = "/boot/efi2 is up to date\n";

/// A copy that has fallen behind is told, and brought up to date by hand, by the kernel's hook and by apt's.
void catches_up(Site& site)
{
    CHECK(must(site.belay({"storage", "esp-sync"})).out == all_alike);
    must_shell(site,
               "echo new > /boot/efi/EFI/debian/new.cfg; echo old > /boot/efi2/EFI/debian/gone.cfg; "
               "echo damaged > /boot/efi2/EFI/BOOT/BOOTX64.EFI");
    const host::Outcome looked = must(site.belay({"storage", "esp-sync", "--dry-run"}));
    CHECK(looked.exit_code == 1);
    CHECK(looked.out ==
          "/boot/efi2 is not up to date\n  EFI/BOOT/BOOTX64.EFI is another\n  EFI/debian/new.cfg is missing\n"
          "  EFI/debian/gone.cfg is no longer wanted\n  next: belay storage esp-sync\n");
    CHECK(must(site.belay({"storage", "health"})).out.find("esp.stale") != std::string::npos);
    CHECK(must(site.belay({"storage", "esp-sync"})).exit_code == 0);
    CHECK(must(site.belay({"storage", "esp-sync", "--dry-run"})).out == all_alike);
    CHECK(must(site.belay({"storage", "health"})).out.find("esp.") == std::string::npos);
    must_shell(site, "diff -r /boot/efi/EFI/debian /boot/efi2/EFI/debian");
    must_shell(site, "cmp /boot/efi/EFI/debian/grubx64.efi /boot/efi2/EFI/BOOT/BOOTX64.EFI");

    must_shell(site,
               "echo kernel > /boot/efi/EFI/debian/new.cfg; "
               "run-parts --regex=zz-belay-esp --arg=6.1 /etc/kernel/postinst.d");
    CHECK(must_shell(site, "cat /boot/efi2/EFI/debian/new.cfg") == "kernel\n");
    must_shell(site,
               "rm /boot/efi/EFI/debian/new.cfg; mkdir -p /tmp/deb/DEBIAN; "
               "printf 'Package: loader\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x>\\n"
               "Description: x\\n' > /tmp/deb/DEBIAN/control; dpkg-deb --build /tmp/deb /tmp/loader.deb; "
               "apt-get -qq install /tmp/loader.deb");
    CHECK(must(site.belay({"storage", "esp-sync", "--dry-run"})).out == all_alike);
}

/// Off and on again with these disks alone: the root's mirror stands on them, and the EFI system partition of
/// one is mounted where the system wants it.
void starts_from(Site& site, const std::string& disk, Firmware firmware, const std::string& esp)
{
    must_do(site.put_back());
    must_do(site.boot({disk}, firmware));
    CHECK(legs(site) == "LAB-" + disk + " ");
    CHECK(must_shell(site, "findmnt -n -o TARGET -t vfat") == esp);
    must_do(site.power_off());
}

/// The disk that the host was installed on leaves it.
void is_replaced(Site& site)
{
    must_do(site.put_back());
    must_do(site.boot({"a", "b", "c"}));
    must_shell(site, "mdadm --wait /dev/md0 || true");
    const host::Outcome done = must(site.belay(
        {"run", "disk.replace", "--leaving", "LAB-a", "--joining", "LAB-c", "--soak", "1s", "--yes"}));
    REQUIRE_MESSAGE(done.exit_code == 0, done.out, done.err);
    CHECK(must(site.last_operation()).at("state") == "committed");
    CHECK(legs(site) == "LAB-b LAB-c ");
    const std::string known = must_shell(site, "efibootmgr");
    CHECK(known.find("debian (LAB-c)") != std::string::npos);
    CHECK(known.find(" debian\t") == std::string::npos);
    must_shell(site, "diff -r /boot/efi/EFI/debian /boot/efi2/EFI/debian");
    must_shell(site, "findmnt --verify --tab-file /etc/fstab");
    must_do(site.power_off());
    must_do(site.keep());
}

TEST_CASE("a disk joins the one that starts the host, the first one is replaced, and each starts it alone")
{
    Site site = must(Site::make(lab::Firmware::uefi));
    must_do(site.boot({"a", "b"}));
    goes_back(site);
    joins_for_good(site);
    catches_up(site);
    // The firmware has entries of its own before ours: ours is to be tried at least once.
    must_shell(site,
               "efibootmgr --bootnext $(efibootmgr | sed -n 's/^Boot\\(....\\). debian (LAB-b)$/\\1/p')");
    must_do(site.power_off());
    must_do(site.keep());

    must_do(site.boot({"b"}));
    CHECK(started_by(site) == "debian (LAB-b)\n");
    CHECK(legs(site) == "LAB-b ");
    CHECK(must_shell(site, "findmnt -n -o TARGET -t vfat") == "/boot/efi2\n");
    // The copy of what is not there is left as it is.
    const host::Outcome synced = must(site.belay({"storage", "esp-sync"}));
    CHECK(synced.exit_code == 5);
    CHECK(synced.err.find("no EFI system partition is mounted to copy from") != std::string::npos);
    must_do(site.power_off());

    if (!is_whole()) return;
    must_do(site.put_back());
    must_do(site.boot({"b"}, Firmware::factory));
    CHECK(legs(site) == "LAB-b ");
    must_do(site.power_off());

    must_do(site.put_back());
    must_do(site.boot({"a"}));
    CHECK(started_by(site) == "debian\n");
    CHECK(legs(site) == "LAB-a ");
    CHECK(must_shell(site, "findmnt -n -o TARGET -t vfat") == "/boot/efi\n");
    const host::Outcome alone = must(site.belay({"storage", "esp-sync"}));
    CHECK(alone.exit_code == 1);
    CHECK(alone.out.starts_with("/boot/efi2 is missing: PARTUUID="));
    must_do(site.power_off());

    is_replaced(site);
    starts_from(site, "c", Firmware::kept, "/boot/efi\n");
    starts_from(site, "c", Firmware::factory, "/boot/efi\n");
    // The installed disk has GRUB for BIOS as well, in a partition of its own: so has what came in its place.
    starts_from(site, "c", Firmware::bios, "/boot/efi\n");
    starts_from(site, "b", Firmware::kept, "/boot/efi2\n");
}

}  // namespace
}  // namespace belay::boot
