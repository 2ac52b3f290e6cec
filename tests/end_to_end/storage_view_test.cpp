// The views of a live host: a real kernel with md, LVM, a thin pool, a snapshot, swap, a loop device, ESPs
// and a disk that speaks SCSI, first sound, then in trouble. The scripts in storage_view/ make it.
//
// The recordings sound-host and troubled-host in src/storage/recordings come from the same scripts:
//
//     lab/run --disks 8x200M --share /tmp/out --modules
//     raid1,dm-mod,dm-thin-pool,dm-snapshot,loop,scsi_debug,sd_mod sh tests/end_to_end/storage_view/sound.sh
//     && belay storage record /tmp/out/sound-host.jsonl

#include "base/json.h"
#include "base/testing/must.h"
#include "host.h"

#include <algorithm>
#include <climits>
#include <fstream>
#include <set>
#include <sstream>
#include <unistd.h>

namespace belay {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

std::string program(const std::string& name)
{
    char path[PATH_MAX];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    const std::string own(path, length > 0 ? static_cast<size_t>(length) : 0);
    return own.substr(0, own.rfind('/') + 1) + name;
}

std::string kept_screen(const std::string& name)
{
    std::ifstream file(fmt::format("{}/{}.txt", BELAY_SCREENS, name));
    std::stringstream text;
    text << file.rdbuf();
    REQUIRE_MESSAGE(!text.str().empty(), name);
    return text.str();
}

/// How full a pool is depends on what mkfs wrote to it: "data 27 %" is "data N %".
std::string without_percents(std::string text)
{
    for (size_t at = 0; (at = text.find(" %", at)) != std::string::npos; ++at) {
        const size_t digits = text.find_last_not_of("0123456789", at - 1) + 1;
        text.replace(digits, at - digits, "N");
        at = digits + 1;
    }
    return text;
}

/// The lines that only the first text has, with "- ", and those that only the second has, with "+ ".
std::string differences(const std::string& first, const std::string& second)
{
    const auto lines_of = [](const std::string& text) {
        std::multiset<std::string> lines;
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);) lines.insert(line);
        return lines;
    };
    const std::multiset<std::string> before = lines_of(first);
    const std::multiset<std::string> after = lines_of(second);
    std::vector<std::string> gone;
    std::vector<std::string> come;
    std::ranges::set_difference(before, after, std::back_inserter(gone));
    std::ranges::set_difference(after, before, std::back_inserter(come));
    std::string text;
    for (const std::string& line : gone) text += "- " + line + '\n';
    for (const std::string& line : come) text += "+ " + line + '\n';
    return text;
}

class Site {
  public:
    Site()
    {
        for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h"})
            options_.disks.push_back({name, {200 << 20}});
        host_ = must(lab::Host::boot(folder_, options_));
    }

    void play(const std::string& script)
    {
        const host::Outcome outcome =
            must(host_->run({"sh", fmt::format("{}/{}.sh", BELAY_STORAGE_VIEW, script)}, {}, 3min));
        REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.out, outcome.err);
    }

    host::Outcome belay(Words words)
    {
        words.insert(words.begin(), {"env", "LC_ALL=C.UTF-8", program("belay"), "storage"});
        return must(host_->run(std::move(words), {}, 2min));
    }

    std::string show() { return belay({"show"}).out; }

    /// What `show --json` has, a field each line.
    std::string nodes(Words options)
    {
        options.insert(options.begin(), {"show", "--json"});
        return must(parse_json(belay(std::move(options)).out)).dump(1);
    }

    /// "code shown" of each finding, a line each.
    std::string findings()
    {
        const host::Outcome outcome = belay({"health", "--json"});
        std::string texts;
        const Json report = must(parse_json(outcome.out));
        CHECK_MESSAGE(report.at("not_looked").empty(), report.dump(1));
        for (const Json& finding : report.at("findings"))
            texts += fmt::format("{} {}\n", finding.at("code").get<std::string>(),
                                 finding.at("shown").get<std::string>());
        return texts;
    }

    /// What the views must leave as it is. Reading a file where it is mounted may set its time of access, as
    /// any reading does: of that ESP the content counts.
    std::string state()
    {
        return must(
                   host_->run({"sh", "-c",
                               "cat /proc/mounts /proc/swaps; ls /run /mnt; "
                               "find /boot/efi -type f -exec sha256sum {} +; sha256sum /dev/ubdb1; "
                               "LVM_SUPPRESS_FD_WARNINGS=1 vgs --noheadings -o vg_name,vg_seqno 2>/dev/null; "
                               "dmsetup table; mdadm --examine /dev/ubdf | grep Events"}))
            .out;
    }

    std::string content_of(const std::string& path) { return must(host_->run({"cat", path})).out; }

  private:
    const lab::Folder folder_ = must(lab::Folder::make());
    lab::Options options_{
        .memory = {512 << 20},
        .modules = {"raid1", "dm-mod", "dm-thin-pool", "dm-snapshot", "loop", "scsi_debug", "sd_mod"}};
    std::unique_ptr<lab::Host> host_;
};

}  // namespace

TEST_CASE("a live host with one of everything is shown and judged, sound and in trouble; nothing is changed")
{
    Site site;
    site.play("sound");
    static_cast<void>(site.show());  // the daemon is there from now on
    const std::string before = site.state();
    CHECK(differences(without_percents(site.show()), without_percents(kept_screen("show-sound-host-140"))) ==
          "");
    CHECK(site.findings().empty());
    CHECK(site.belay({"health"}).exit_code == 0);
    CHECK(site.belay({"record", "/sound.jsonl"}).exit_code == 0);
    CHECK(differences(before, site.state()) == "");
    CHECK(differences(site.nodes({"--from", "/sound.jsonl"}), site.nodes({})) == "");

    site.play("troubled");
    CHECK(differences(without_percents(site.show()),
                      without_percents(kept_screen("show-troubled-host-140"))) == "");
    CHECK(site.findings() ==
          "md.member-failed /dev/md0\n"
          "md.degraded /dev/md0\n"
          "md.inactive /dev/md127\n"
          "partition.uuid-twice /dev/ubda1, /dev/ubdh1\n"
          "partition.uuid-twice /dev/ubda2, /dev/ubdh2\n"
          "partition.uuid-twice /dev/ubda3, /dev/ubdh3\n"
          "lvm.pv-missing vg1\n"
          "lvm.snapshot-invalid vg0/before\n"
          "lvm.pool-data-full vg0/pool\n"
          "esp.stale ESP /dev/ubdb1 of LAB-b (/dev/ubdb)\n"
          "esp.no-loader ESP /dev/ubdh1 of LAB-h (/dev/ubdh)\n"
          "swap.not-mirrored LAB-e (/dev/ubde)\n");
    CHECK(site.belay({"health"}).exit_code == 1);

    CHECK(site.belay({"record", "--mask", "/masked.jsonl"}).exit_code == 0);
    CHECK(site.content_of("/masked.jsonl").find("LAB-") == std::string::npos);
    const std::string masked = site.belay({"health", "--from", "/masked.jsonl"}).out;
    CHECK(masked.find("9 disks, 1 array and 2 volume groups looked at: 9 critical, 2 warning, 1 note\n") !=
          std::string::npos);
}

}  // namespace belay
