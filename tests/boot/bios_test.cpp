// The same by BIOS, where GRUB lies in the gap behind an MBR: mirror.add-disk, disk.replace, and the host
// starts from each disk alone.

#include "base/json.h"
#include "checks.h"
#include "sampling.h"

namespace belay::boot::by_bios {
namespace {

/// Where grub-pc renews GRUB, as debconf itself tells.
std::string renewed(Site& site)
{
    return must_shell(site, "debconf-show grub-pc | sed -n 's|.*/install_devices: ||p'");
}

/// What an abort must leave as it was, a line each.
std::string world(Site& site)
{
    return renewed(site) +
           must_shell(site,
                      "cat /etc/fstab; ls /etc/kernel/*.d /etc/apt/apt.conf.d; grep -v mount /proc/mdstat; "
                      "findmnt --list -n -o TARGET | sort; lsblk -n -o NAME,SERIAL,PTUUID,PARTUUID,FSTYPE; "
                      "for d in a b; do head -c 64K /dev/disk/by-id/virtio-LAB-$d | sha256sum; done");
}

std::string health_of_start(Site& site)
{
    const host::Outcome outcome = must(site.belay({"storage", "health", "--json"}));
    const Json health = must(parse_json(outcome.out));
    std::string all;
    for (const Json& finding : health.at("findings")) {
        if (!finding.at("code").get<std::string>().starts_with("boot.")) continue;
        all += fmt::format("{} {}\n{}\n", finding.at("code").get<std::string>(),
                           finding.at("object").get<std::string>(), finding.at("mend").get<std::string>());
    }
    return all;
}

void goes_back(Site& site)
{
    const std::string before = world(site);
    must_belay(site, {"add", "mirror.add-disk", "--disk", "LAB-b"});
    const std::string id = must(site.last_operation()).at("id");
    must_belay(site, {"activate", id});
    CHECK(legs(site) == "LAB-a LAB-b ");
    CHECK(must_shell(site, "head -c 440 /dev/disk/by-id/virtio-LAB-b").find("GRUB ") != std::string::npos);
    CHECK(renewed(site) == "/dev/disk/by-id/virtio-LAB-a, /dev/disk/by-id/virtio-LAB-b\n");
    must_belay(site, {"abort", id});
    CHECK(must(site.last_operation()).at("verified") == true);
    CHECK(world(site) == before);
}

void joins_for_good(Site& site)
{
    must_belay(site, {"run", "mirror.add-disk", "--disk", "LAB-b", "--soak", "1s", "--yes"});
    CHECK(must(site.last_operation()).at("state") == "committed");
    CHECK(legs(site) == "LAB-a LAB-b ");
    CHECK(renewed(site) == "/dev/disk/by-id/virtio-LAB-a, /dev/disk/by-id/virtio-LAB-b\n");
}

/// A leg that somebody joined by hand, and forgot the rest: the command that health names is what it lacks.
void is_mended(Site& site)
{
    CHECK(health_of_start(site).empty());
    must_shell(site,
               "dd if=/dev/zero of=/dev/disk/by-id/virtio-LAB-b bs=440 count=1 conv=notrunc status=none");
    const std::string mend = "grub-install --target=i386-pc /dev/disk/by-id/virtio-LAB-b";
    CHECK(health_of_start(site) == "boot.no-code /dev/disk/by-id/virtio-LAB-b\n" + mend + "\n");
    must_shell(site, mend);
    CHECK(health_of_start(site).empty());
}

void starts_from(Site& site, const std::string& disk)
{
    must_do(site.boot({disk}, Firmware::bios));
    CHECK(legs(site) == "LAB-" + disk + " ");
    must_do(site.power_off());
    must_do(site.put_back());
}

/// The disk that the host was installed on leaves it.
void is_replaced(Site& site)
{
    must_do(site.boot({"a", "b", "c"}, Firmware::bios));
    must_belay(site,
               {"run", "disk.replace", "--leaving", "LAB-a", "--joining", "LAB-c", "--soak", "1s", "--yes"});
    CHECK(must(site.last_operation()).at("state") == "committed");
    CHECK(legs(site) == "LAB-b LAB-c ");
    CHECK(renewed(site) == "/dev/disk/by-id/virtio-LAB-b, /dev/disk/by-id/virtio-LAB-c\n");
    CHECK(health_of_start(site).empty());
    must_do(site.power_off());
    must_do(site.keep());
}

TEST_CASE(
    "by BIOS a disk joins the one that starts the host, the first one is replaced, and each starts it alone" *
    before_release())
{
    Site site = must(Site::make(lab::Firmware::bios));
    must_do(site.boot({"a", "b"}, Firmware::bios));
    CHECK(must_shell(site, "ls /sys/firmware").find("efi") == std::string::npos);
    goes_back(site);
    joins_for_good(site);
    is_mended(site);
    must_do(site.power_off());
    must_do(site.keep());
    starts_from(site, "b");
    starts_from(site, "a");

    is_replaced(site);
    starts_from(site, "c");
    starts_from(site, "b");
}

}  // namespace
}  // namespace belay::boot::by_bios
