// mirror.add-disk on a real kernel, under load: aborted by a person, by the timer, by a gate; committed; and
// cut short by the power, after which the operation ends by itself.

#include "base/json.h"
#include "base/testing/must.h"
#include "lone_disk.h"
#include "sampling.h"

#include <csignal>

namespace belay {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

void must_do(const Result<void>& done)
{
    REQUIRE_MESSAGE(done.has_value(), done.error().what);
}

/// Adds and activates; the operation's number.
std::string activate(LoneDisk& site, const Words& options)
{
    Words words = {"add", "mirror.add-disk", "--disk", LoneDisk::joining, "--json"};
    words.insert(words.end(), options.begin(), options.end());
    const host::Outcome added = must(site.belay(words));
    REQUIRE_MESSAGE(added.exit_code == 0, added.out, added.err);
    const size_t last = added.out.rfind('\n', added.out.size() - 2);
    const Json operation = must(parse_json(added.out.substr(last == std::string::npos ? 0 : last + 1)));
    const std::string id = operation.at("id");
    static_cast<void>(must(site.belay({"activate", id})));
    return id;
}

Json shown(LoneDisk& site, const std::string& id)
{
    return must(parse_json(must(site.belay({"show", id, "--json"})).out));
}

/// What an abort must leave as it was.
std::string world(LoneDisk& site)
{
    return must(site.shell(
        "cat /etc/fstab; find /etc/kernel /etc/apt/apt.conf.d -type f; ls /boot; "
        "findmnt --list --noheadings --output TARGET | grep boot; "
        "mdadm --detail /dev/md0 | grep -E 'Devices|active sync'; "
        "blkid --probe /dev/disk/by-id/ubd-LAB-b || true; lsblk --noheadings --list --output NAME"));
}

/// Both legs in sync, and a copy that starts by itself.
void is_a_mirror(LoneDisk& site)
{
    const std::string detail = must(site.shell("mdadm --detail /dev/disk/by-id/md-uuid-a10e*"));
    CHECK_MESSAGE(detail.find("Raid Devices : 2\n") != std::string::npos, detail);
    CHECK_MESSAGE(detail.find("Active Devices : 2\n") != std::string::npos, detail);
    const Result<std::string> same = site.shell(
        "diff -r /boot/efi/EFI/debian /boot/efi2/EFI/debian && cmp /boot/efi/EFI/debian/grubx64.efi "
        "/boot/efi2/EFI/BOOT/BOOTX64.EFI && grep -q '^PARTUUID=.* /boot/efi2 vfat .*nofail' /etc/fstab && "
        "test -x /etc/kernel/postinst.d/zz-belay-esp && test -f /etc/apt/apt.conf.d/90belay-esp");
    CHECK_MESSAGE(same.has_value(), same.error().what);
}

void went_back(LoneDisk& site, const std::string& id, const std::string& before)
{
    const Json operation = shown(site, id);
    INFO(operation.dump(1));
    CHECK(operation.at("state") == "aborted");
    CHECK(operation.at("verified") == true);
    CHECK(operation.at("differences").empty());
    CHECK(world(site) == before);
}

/// Runs it as a one-shot by a daemon that stops at its n-th record; then the power goes. Whether it came to
/// that.
bool cut_after(LoneDisk& site, unsigned commit)
{
    lab::Process daemon = must(site.host().start(
        {"env", fmt::format("BELAY_MORTAL=after {} stop", commit), LoneDisk::program("belayd-mortal")}));
    must(site.shell("until test -S /run/belay/belayd.sock; do sleep 0.05; done"));
    lab::Process asking = must(site.host().start({LoneDisk::program("belay"), "run", "mirror.add-disk",
                                                  "--disk", LoneDisk::joining, "--soak", "1s", "--yes"}));
    bool came = false;
    for (int looks = 0; looks < 600 && !came; ++looks) {
        came = daemon.read_until("mortal: now\n", 200ms).has_value();
        if (!came && asking.wait(1ms).has_value()) break;
    }
    site.hear_load();
    site.power_cut();
    return came;
}

}  // namespace

TEST_CASE(
    "a lone disk gets its mirror, and goes back by a person, by the timer and by a gate; nothing is lost")
{
    LoneDisk site = must(LoneDisk::make());
    const std::string before = world(site);
    must_do(site.start_load());

    const std::string by_hand = activate(site, {});
    is_a_mirror(site);
    CHECK(must(site.belay({"abort", by_hand})).exit_code == 0);
    went_back(site, by_hand, before);

    const std::string by_timer = activate(site, {"--timer", "3s"});
    static_cast<void>(must(site.belay({"show", by_timer, "--follow"})));
    went_back(site, by_timer, before);

    const std::string by_gate = activate(site, {"--gate", "command:false", "--gate-grace", "1s"});
    static_cast<void>(must(site.belay({"show", by_gate, "--follow"})));
    went_back(site, by_gate, before);

    const std::string committed = activate(site, {});
    CHECK(must(site.belay({"commit", committed})).exit_code == 0);
    CHECK(shown(site, committed).at("state") == "committed");
    is_a_mirror(site);
    must_do(site.verify_load());

    must(site.shell("echo 'search the root' > /boot/efi/EFI/debian/grub.cfg"));
    CHECK(must(site.belay({"storage", "esp-sync", "--dry-run"})).exit_code == 1);
    const host::Outcome synced = must(site.belay({"storage", "esp-sync"}));
    CHECK(synced.out == "/boot/efi2 is up to date again\n  EFI/debian/grub.cfg is another\n");
    is_a_mirror(site);
}

TEST_CASE("a changed /etc/fstab is not put back over somebody's work")
{
    LoneDisk site = must(LoneDisk::make());
    const std::string id = activate(site, {});
    must(site.shell("echo '# mine' >> /srv/state/fstab"));
    static_cast<void>(must(site.belay({"abort", id})));
    const Json held = shown(site, id);
    CHECK(held.at("state") == "held");
    CHECK(held.dump().find("somebody else has changed /etc/fstab meanwhile") != std::string::npos);
    // Once the person has taken the change back, the way back is open.
    must(site.shell("sed -i '/^# mine/d' /srv/state/fstab"));
    CHECK(must(site.belay({"abort", id})).exit_code == 0);
    CHECK(shown(site, id).at("verified") == true);
}

TEST_CASE("the power is cut after records of mirror.add-disk, and it ends by itself")
{
    LoneDisk site = must(LoneDisk::make());
    must_do(site.power_off());
    must_do(site.keep());
    unsigned cuts = 0, tried = 0;
    for (unsigned commit = 1; commit <= 15; commit += each(7)) {
        ++tried;
        INFO("after commit ", commit);
        must_do(site.put_back());
        must_do(site.boot());
        must_do(site.start_load());
        if (cut_after(site, commit)) ++cuts;
        must_do(site.boot());
        const Json all = must(parse_json(must(site.belay({"history", "--json"})).out)).at("operations");
        if (!all.empty()) {
            const std::string id = all.back().at("id");
            if (all.back().at("state") == "planned") static_cast<void>(must(site.belay({"abort", id})));
            static_cast<void>(must(site.belay({"show", id, "--follow"})));
            const Json operation = shown(site, id);
            const bool committed = operation.at("state") == "committed";
            CHECK_MESSAGE((committed || operation.at("state") == "aborted"), operation.dump(1));
            if (committed) is_a_mirror(site);
        }
        must_do(site.verify_load());
        site.power_cut();
    }
    CHECK(cuts == tried);
}

}  // namespace belay
