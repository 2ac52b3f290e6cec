// Thin volumes saved by what has changed: the images are those that all of the volumes would give, and little
// is read. Held against the bases, which are the volumes as they were when they were saved.

#include "backup/block/device_restoring.h"
#include "block_site.h"

#include <csignal>

namespace belay::backup {
namespace {

/// The chunks of the image in a snapshot.
std::vector<Id> chunks_of(const Site& site, const Json& saved)
{
    Repository repository =
        must(Repository::open(std::make_unique<LocalBackend>(site.repository), Scratch::password));
    must(repository.load_index([](const Id&, const Error& error) { FAIL_CHECK(error.what); }));
    const Id id = must(Id::from_hex(saved["snapshot"].get<std::string>()));
    const std::string text = must(repository.load_text({FileKind::snapshot, id}));
    return must(image_in(repository, must(Snapshot::from_text(text)).tree)).content;
}

/// The one base that there is of a volume, made active.
std::string base_of(Site& site, const std::string& volume)
{
    std::string name = site.shell(
        "lvm lvs --noheadings --options lv_name --select "
        "'lv_tags=belay.block-base' | tr -d ' ' | while read n; do lvm lvs --noheadings "
        "--options lv_name,lv_tags lab/$n; done | grep belay.base=" +
        volume + "/ | awk '{print $1}'");
    REQUIRE(std::ranges::count(name, '\n') == 1);
    name.pop_back();
    site.run({"lvm", "lvchange", "--activate", "y", "--ignoreactivationskip", "lab/" + name});
    return "/dev/lab/" + name;
}

std::string notes_of(const Json& saved)
{
    return saved["notes"].dump();
}

/// Saves a volume by its base, if it has one.
Json save(Site& site, const std::string& name, const Words& more = {})
{
    Words words = {"save", site.repository, "/dev/lab/" + name, "base"};
    words.insert(words.end(), more.begin(), more.end());
    Json saved = site.ask(words);
    INFO(saved.dump());
    CHECK(saved["problems"].empty());
    CHECK(saved["done"] == saved["used"]);
    CHECK(site.snapshots().empty());
    return saved;
}

/// Holds the image that was saved last against the base that is kept of it, of which all is read; its path.
std::string compare(Site& site, const std::string& name, const Json& saved)
{
    CAPTURE(saved.dump());
    const std::string base = base_of(site, name);
    const Json all = site.ask({"save", site.repository, base});
    CHECK(all["read"] == all["used"]);
    CHECK(saved["used"] == all["used"]);
    CHECK(chunks_of(site, saved) == chunks_of(site, all));
    if (name == "raw") {
        site.ask({"restore", site.repository, saved["snapshot"].get<std::string>(), "/dev/lab/back"});
        site.run({"cmp", base, "/dev/lab/back"});
    }
    site.run({"lvm", "lvchange", "--activate", "n", base.substr(5)});
    return base;
}

/// What `belay backup save-device` says.
std::string command(Site& site, const Words& more)
{
    Words words = {"env",
                   "RESTIC_PASSWORD=" + std::string(Scratch::password),
                   program_folder() + "/belay",
                   "backup",
                   "--repo",
                   site.repository,
                   "save-device"};
    words.insert(words.end(), more.begin(), more.end());
    return site.run(words);
}

void make_pool(Site& site)
{
    site.run({"lvm", "vgcreate", "lab", site.host->device("a")});
    site.run({"lvm", "lvcreate", "--yes", "--name", "pool", "--size", "400m", "--thinpool", "pool", "lab"});
    site.run({"lvm", "lvcreate", "--yes", "--name", "back", "--size", "96m", "lab"});
}

void make_thin(Site& site, const std::string& name)
{
    site.run({"lvm", "lvcreate", "--name", name, "--virtualsize", "96m", "--thinpool", "pool", "lab"});
}

/// Some 20 MiB of files.
void make_filesystem(Site& site, const std::string& name, const Words& mkfs)
{
    make_thin(site, name);
    Words words = mkfs;
    words.push_back("/dev/lab/" + name);
    site.run(words);
    site.shell("mkdir /mnt/" + name + " && mount /dev/lab/" + name + " /mnt/" + name + " && cd /mnt/" + name +
               " && mkdir kept && for i in 1 2 3 4; do head -c 700000 /dev/urandom > kept/$i; done && "
               "head -c 18000000 /dev/urandom > large && sync");
}

TEST_CASE("a thin volume is saved by what has changed since its base, bit by bit as it is")
{
    Site site;
    make_pool(site);
    make_thin(site, "raw");
    site.shell("head -c 30000000 /dev/urandom | dd of=/dev/lab/raw bs=1M seek=20 conv=fsync iflag=fullblock");
    make_filesystem(site, "ext", {"mke2fs", "-q", "-t", "ext4"});
    make_filesystem(site, "xfs", {"mkfs.xfs", "-q", "--unsupported"});

    // A run that is killed when the next base is made already leaves no base, but leftovers.
    CHECK(site.program({"save", site.repository, "/dev/lab/raw", "base", "die=no base was kept"}).exit_code ==
          128 + SIGKILL);
    CHECK(site.ask({"leftovers", "remove"}).size() == 2);
    CHECK(site.snapshots().empty());

    // Without a filesystem only what is mapped is read.
    Json raw = save(site, "raw");
    CHECK(raw["parent"] == "");
    CHECK(raw["read"].get<uint64_t>() >= 30'000'000);
    CHECK(raw["read"].get<uint64_t>() < 31 << 20);
    CHECK(notes_of(raw).find("no base was kept") != std::string::npos);
    CHECK(notes_of(raw).find("all mapped blocks are saved") != std::string::npos);
    for (int round = 1; round <= 2; ++round) {
        site.ask({"scatter", "/dev/lab/raw", std::to_string(round)});
        const Json next = save(site, "raw");
        CHECK(next["parent"] == raw["snapshot"]);
        CHECK(next["read"].get<uint64_t>() > 0);
        CHECK(next["read"].get<uint64_t>() < 24 << 20);
        raw = next;
    }
    const std::string base = compare(site, "raw", raw);

    // Somebody writes to the base.
    site.run({"lvm", "lvchange", "--permission", "rw", base.substr(5)});
    base_of(site, "raw");
    site.shell("head -c 4096 /dev/urandom | dd of=" + base + " bs=4096 seek=6000 conv=fsync");
    const Json written = save(site, "raw", {"dry"});
    CHECK(written["parent"] == "");
    CHECK(written["read"] == written["used"]);
    CHECK(notes_of(written).find("somebody has written to the base") != std::string::npos);

    // A metadata snapshot of the pool that a killed run has left behind is taken back, that of a stranger
    // not.
    Json ext = save(site, "ext");
    site.ask({"change", "/mnt/ext", "1"});
    const Words reserve = {"dmsetup", "message", "lab-pool-tpool", "0", "reserve_metadata_snap"};
    site.run(reserve);
    const Json busy = save(site, "ext", {"dry"});
    CHECK(notes_of(busy).find("another program has a metadata snapshot") != std::string::npos);
    CHECK(busy["read"] == busy["used"]);
    site.run({"lvm", "lvchange", "--addtag", "belay.metadata-snapshot", "lab/pool"});
    const Json changed = save(site, "ext");
    CHECK(changed["parent"] == ext["snapshot"]);
    CHECK(changed["read"].get<uint64_t>() < changed["used"].get<uint64_t>() / 2);
    compare(site, "ext", changed);

    // The blocks of a file without a name are used on the volume, and not on its snapshot, when the journal
    // is replayed there. Nothing writes to them when the file gets a name.
    lab::Process nameless =
        must(site.host->start({program_folder() + "/belay-block-guest", "nameless", "/mnt/xfs"}));
    CHECK(must(nameless.read_until("written", std::chrono::seconds(30))).find("written") !=
          std::string::npos);
    const Json xfs = save(site, "xfs");
    must(nameless.write("\n"));
    CHECK(must(nameless.read_until("named", std::chrono::seconds(30))).find("named") != std::string::npos);
    const std::string lines = command(site, {"--keep-base", "--json", "/dev/lab/xfs"});
    const Json named = must(parse_json(lines.substr(lines.rfind('\n', lines.size() - 2) + 1)));
    CAPTURE(lines);
    CHECK(named["message_type"] == "summary");
    CHECK(named["parent"] == xfs["snapshot"]);
    CHECK(named["bytes_read"].get<uint64_t>() < named["bytes_used"].get<uint64_t>());
    CHECK(named["bytes_used"].get<uint64_t>() > xfs["used"].get<uint64_t>() + (1 << 20));
    compare(site, "xfs", {{"snapshot", named["snapshot_id"]}, {"used", named["bytes_used"]}});
    CHECK(command(site, {"--drop-base", "/dev/lab/xfs"}).find("removed lab/belay-") != std::string::npos);
    CHECK(command(site, {"--drop-base", "/dev/lab/xfs"}).find("no base of lab/xfs is kept") !=
          std::string::npos);
    CHECK(site.refusal({"save", site.repository, "/dev/lab/back", "base"})["kind"] == "refused");
    site.scratch.restic({"check", "--read-data"});
}

}  // namespace
}  // namespace belay::backup
