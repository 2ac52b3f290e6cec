// mirror.add-disk on a machine with firmware: the host then starts from either disk alone.

#include "base/json.h"
#include "base/testing/must.h"
#include "site.h"

namespace belay::boot {
namespace {

using Words = std::vector<std::string>;

std::string must_shell(Site& site, const std::string& line)
{
    const Result<std::string> said = site.shell(line);
    REQUIRE_MESSAGE(said.has_value(), said.error().what);
    return *said;
}

void must_do(const Result<void>& done)
{
    REQUIRE_MESSAGE(done.has_value(), done.error().what, "\n", done.error().output);
}

/// What an abort must leave as it was, a line each.
std::string world(Site& site)
{
    return must_shell(site,
                      "cat /etc/fstab; ls /boot /etc/kernel/*.d /etc/apt/apt.conf.d; efibootmgr --verbose; "
                      "grep -v mount /proc/mdstat; findmnt --list -n -o TARGET | sort; "
                      "sha256sum /boot/efi/EFI/*/*; lsblk -n -o NAME,SERIAL,PTUUID,PARTUUID,FSTYPE");
}

/// The serial number of the disk that the root's mirror has as a leg in sync.
std::string legs(Site& site)
{
    return must_shell(site,
                      "for d in /sys/block/md0/md/dev-*; do grep -q in_sync $d/state && "
                      "lsblk -n -d -o SERIAL /dev/$(lsblk -n -d -o PKNAME /dev/${d##*/dev-}); done | sort | "
                      "tr '\\n' ' '");
}

TEST_CASE("a disk joins the one that starts the host, and the host starts from either alone")
{
    Site site = must(Site::make());
    must_do(site.boot({"a", "b"}));
    const std::string before = world(site);

    // Activated, and taken back.
    const host::Outcome added = must(site.belay({"add", "mirror.add-disk", "--disk", "LAB-b"}));
    REQUIRE_MESSAGE(added.exit_code == 0, added.out, added.err);
    const std::string id = must(site.last_operation()).at("id");
    const host::Outcome activated = must(site.belay({"activate", id}));
    REQUIRE_MESSAGE(activated.exit_code == 0, activated.out, activated.err);
    CHECK(legs(site) == "LAB-a LAB-b ");
    CHECK(must_shell(site, "efibootmgr").find("debian (LAB-b)") != std::string::npos);
    CHECK(must(site.belay({"abort", id})).exit_code == 0);
    CHECK(must(site.last_operation()).at("verified") == true);
    CHECK(world(site) == before);

    // And for good.
    const host::Outcome done =
        must(site.belay({"run", "mirror.add-disk", "--disk", "LAB-b", "--soak", "1s", "--yes"}));
    REQUIRE_MESSAGE(done.exit_code == 0, done.out, done.err);
    CHECK(must(site.last_operation()).at("state") == "committed");
    CHECK(legs(site) == "LAB-a LAB-b ");
    must_do(site.power_off());
}

}  // namespace
}  // namespace belay::boot
