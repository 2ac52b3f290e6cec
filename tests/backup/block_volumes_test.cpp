// Volumes in use on a real kernel: their snapshots are whole filesystems, with all that was written before,
// and none is left behind.

#include "block_site.h"

#include <csignal>

namespace belay::backup {
namespace {

/// A volume, the command that makes its filesystem, and the one that finds it without fault.
struct Volume {
    std::string name;
    std::string type;

    std::string device() const { return "/dev/lab/" + name; }
    std::string folder() const { return "/mnt/" + name; }
    bool is_xfs() const { return type == "xfs"; }
};

const std::vector<Volume> volumes = {
    {"ext", "ext4"}, {"xfs", "xfs"}, {"thinext", "ext4"}, {"thinxfs", "xfs"}};

void mount(Site& site, const Volume& volume)
{
    site.shell("mkdir -p " + volume.folder() + " && mount " + volume.device() + " " + volume.folder());
}

void make_volumes(Site& site, const std::vector<Volume>& wanted)
{
    site.run({"lvm", "vgcreate", "lab", site.host->device("a")});
    site.run({"lvm", "lvcreate", "--yes", "--name", "pool", "--size", "256m", "--thinpool", "pool", "lab"});
    for (const Volume& volume : wanted) {
        if (volume.name.starts_with("thin"))
            site.run({"lvm", "lvcreate", "--name", volume.name, "--virtualsize", "96m", "--thinpool", "pool",
                      "lab"});
        else
            site.run({"lvm", "lvcreate", "--yes", "--name", volume.name, "--size", "96m", "lab"});
        if (volume.is_xfs())
            site.run({"mkfs.xfs", "-q", "--unsupported", volume.device()});
        else
            site.run({"mke2fs", "-q", "-t", "ext4", volume.device()});
        mount(site, volume);
        // What is written before the snapshot is in it: also what no sync has written to the disk.
        site.shell(
            "cd " + volume.folder() +
            " && mkdir kept && for i in 1 2 3 4; do head -c 700000 /dev/urandom > kept/$i; done"
            " && head -c 5000000 /dev/urandom > gone && sync && rm gone"
            " && sha256sum kept/* > sums && head -c 300000 /dev/urandom > late && sha256sum late >> sums");
    }
    site.run({"lvm", "lvcreate", "--yes", "--name", "back", "--size", "96m", "lab"});
}

/// Writes into a volume until it is gone: new files, and old ones again.
lab::Process start_writer(Site& site, const Volume& volume)
{
    return must(site.host->start({program_folder() + "/belay-block-guest", "write", volume.folder()}));
}

bool is_replayed(const Json& saved)
{
    return saved["notes"].dump().find("its journal is replayed") != std::string::npos;
}

/// The restored image has no fault, and all that was there before the snapshot.
void check_restored(Site& site, const Volume& volume)
{
    const std::string back = "/dev/lab/back";
    if (volume.is_xfs()) {
        site.run({"xfs_repair", "-n", back});
    } else {
        site.run({"e2fsck", "-f", "-n", back});
    }
    site.shell("mkdir -p /mnt/back && mount -o ro" + std::string(volume.is_xfs() ? ",nouuid " : " ") + back +
               " /mnt/back && cd /mnt/back && sha256sum --check --quiet sums");
    site.run({"umount", "/mnt/back"});
}

TEST_CASE("volumes are saved as they were at one moment, while programs write to them")
{
    Site site;
    make_volumes(site, volumes);
    for (const Volume& volume : volumes) {
        CAPTURE(volume.name);
        lab::Process writer = start_writer(site, volume);
        CHECK(must(writer.read_until("writing", std::chrono::seconds(30))).find("writing") !=
              std::string::npos);
        const int before = std::stoi(site.run({"cat", volume.folder() + "/count"}));
        const Json saved = site.ask({"save", site.repository, volume.device()});
        CHECK(std::stoi(site.run({"cat", volume.folder() + "/count"})) > before);
        CHECK(saved["content"] == volume.type);
        // The freeze has emptied ext4's journal, and left a record in that of XFS.
        CHECK(is_replayed(saved) == volume.is_xfs());
        CHECK_MESSAGE(saved["whole"] == "", saved.dump());
        CHECK(saved["problems"].empty());
        CHECK(saved["used"].get<uint64_t>() < saved["total"].get<uint64_t>() / 2);
        CHECK(site.snapshots().empty());

        // The target holds what the volume before has left there.
        const Json restored =
            site.ask({"restore", site.repository, saved["snapshot"].get<std::string>(), "/dev/lab/back"});
        CHECK(restored["problems"].empty());
        CHECK(restored["verified"] == restored["total"]);
        check_restored(site, volume);
    }

    const std::string snapshot = site.scratch.restic({"snapshots", "--json"});
    REQUIRE(must(parse_json(snapshot)).size() == volumes.size());
    const std::string id = must(parse_json(snapshot))[0]["id"];
    CHECK(site.refusal({"restore", site.repository, id, "/dev/lab/ext"})["kind"] == "busy");
    site.run({"lvm", "lvcreate", "--yes", "--name", "small", "--size", "8m", "lab"});
    CHECK(site.refusal({"restore", site.repository, id, "/dev/lab/small"})["kind"] == "refused");

    // A snapshot that has not enough room.
    const Json overflowed =
        site.refusal({"save", site.repository, "/dev/lab/ext", "room=4M", "fill=/mnt/ext/filled"});
    CHECK_MESSAGE(overflowed["kind"] == "no_space", overflowed.dump());
    site.run({"lvm", "lvcreate", "--yes", "--name", "filler", "--extents", "100%FREE", "lab"});
    CHECK(site.refusal({"save", site.repository, "/dev/lab/ext"})["kind"] == "no_space");
    CHECK(site.snapshots().empty());
    CHECK(must(parse_json(site.scratch.restic({"snapshots", "--json"}))).size() == volumes.size());
    site.scratch.restic({"check", "--read-data"});
}

TEST_CASE(
    "what a killed run and a power cut leave is found and removed; a journal is replayed on the snapshot")
{
    Site site;
    const std::vector<Volume> two = {volumes[0], volumes[3]};
    make_volumes(site, two);
    std::vector<lab::Process> writers;
    for (const Volume& volume : two) {
        CHECK(site.program({"save", site.repository, volume.device(), "die"}).exit_code == 128 + SIGKILL);
        writers.push_back(start_writer(site, volume));
        CHECK(must(writers.back().read_until("writing", std::chrono::seconds(30))).find("writing") !=
              std::string::npos);
    }
    CHECK(site.ask({"leftovers"}) == Json({"ext", "thinxfs"}));
    site.shell("sync -f /mnt/ext/sums /mnt/thinxfs/sums");
    site.host->power_cut();
    writers.clear();
    site.boot();
    site.run({"lvm", "vgchange", "--activate", "y", "lab"});
    CHECK(site.ask({"leftovers", "remove"}) == Json({"ext", "thinxfs"}));
    CHECK(site.snapshots().empty());
    CHECK(site.ask({"leftovers"}).empty());

    for (const Volume& volume : two) {
        CAPTURE(volume.name);
        // Nobody has mounted it since: it is saved whole, or from a snapshot on which its journal is
        // replayed.
        const Json saved = site.ask({"save", site.repository, volume.device(), "always"});
        CHECK(is_replayed(saved));
        CHECK_MESSAGE(saved["whole"] == "", saved.dump());
        site.ask(
            {"restore", site.repository, saved["snapshot"].get<std::string>(), "/dev/lab/back", "compare"});
        check_restored(site, volume);
        const Json whole = site.ask({"save", site.repository, volume.device()});
        CHECK(whole["whole"].get<std::string>().find("journal") != std::string::npos);
        // Of a thin volume that is what is mapped.
        CHECK((whole["used"] == whole["total"]) == !volume.name.starts_with("thin"));
    }
    CHECK(site.snapshots().empty());

    // Swap in use is saved as it is, without a snapshot; the kernel swaps onto what comes back.
    site.run({"lvm", "lvcreate", "--yes", "--name", "swap", "--size", "96m", "lab"});
    const std::string swap = "/dev/lab/swap";
    site.run({"mkswap", "--label", "memory", swap});
    site.run({"swapon", swap});
    const Json swapping = site.ask({"save", site.repository, swap});
    CHECK(swapping["content"] == "swap");
    CHECK(swapping["used"] == 4096);
    CHECK(swapping["notes"].empty());
    site.run({"swapoff", swap});
    const std::string identity = site.run({"swaplabel", swap});
    site.ask({"restore", site.repository, swapping["snapshot"].get<std::string>(), "/dev/lab/back"});
    CHECK(site.run({"swaplabel", "/dev/lab/back"}) == identity);
    site.run({"swapon", "/dev/lab/back"});
    CHECK(site.run({"cat", "/proc/swaps"}).find("partition\t98300") != std::string::npos);
    site.run({"swapoff", "/dev/lab/back"});

    // A disk with a bad sector.
    site.run({"dmsetup", "create", "bad", "--table",
              "0 8192 linear " + site.host->device("a") + " 0\n8192 8 error\n8200 8184 linear " +
                  site.host->device("a") + " 8200\n"});
    const Json bad = site.ask({"save", site.repository, "/dev/mapper/bad"});
    REQUIRE(bad["problems"].size() == 1);
    CHECK(bad["problems"][0].get<std::string>().find("4096 bytes at byte 4194304 of") != std::string::npos);
}

}  // namespace
}  // namespace belay::backup
