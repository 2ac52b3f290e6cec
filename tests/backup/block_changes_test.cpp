// Thin volumes saved by what has changed: the images are those that all of the volumes would give, and little
// is read. Held against the bases, which are the volumes as they were when they were saved.

#include "backup/block/device_restoring.h"
#include "block_site.h"

namespace belay::backup {
namespace {

constexpr uint64_t size = 96 << 20;

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

/// Saves a volume, and holds the image against the base that is kept of it, of which all is read. How much
/// was read for the image itself.
uint64_t save_and_compare(Site& site, const std::string& name, bool has_parent)
{
    const Json saved = site.ask({"save", site.repository, "/dev/lab/" + name, "base"});
    CAPTURE(saved.dump());
    CHECK(saved["problems"].empty());
    CHECK((saved["parent"] != "") == has_parent);
    CHECK(saved["done"] == saved["used"]);
    const std::string base = base_of(site, name);
    const Json all = site.ask({"save", site.repository, base});
    CHECK(all["read"] == all["used"]);
    CHECK(saved["used"] == all["used"]);
    CHECK(chunks_of(site, saved) == chunks_of(site, all));
    CHECK(all["stored"].get<uint64_t>() < 4096);
    if (name == "raw") {
        site.ask(
            {"restore", site.repository, saved["snapshot"].get<std::string>(), "/dev/lab/back", "compare"});
        site.run({"cmp", base, "/dev/lab/back"});
    }
    site.run({"lvm", "lvchange", "--activate", "n", base.substr(5)});
    CHECK(site.snapshots().empty());
    return saved["read"];
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
    std::string volume;
    SUBCASE("without a filesystem")
    {
        make_thin(site, "raw");
        site.shell(
            "head -c 30000000 /dev/urandom | dd of=/dev/lab/raw bs=1M seek=20 conv=fsync iflag=fullblock");
        // Only what is mapped is read, also when nothing uses it.
        const Json unused = site.ask({"save", site.repository, "/dev/lab/raw"});
        CHECK(unused["read"].get<uint64_t>() >= 30'000'000);
        CHECK(unused["read"].get<uint64_t>() < 31 << 20);
        CHECK(notes_of(unused).find("all mapped blocks are saved") != std::string::npos);
        CHECK(save_and_compare(site, "raw", false) == unused["read"]);
        for (int round = 1; round <= 4; ++round) {
            site.ask({"scatter", "/dev/lab/raw", std::to_string(round)});
            CHECK(save_and_compare(site, "raw", true) < 24 << 20);
        }
        CHECK(save_and_compare(site, "raw", true) == 0);
    }
    SUBCASE("ext4")
    {
        make_filesystem(site, "ext", {"mke2fs", "-q", "-t", "ext4"});
        const uint64_t all = save_and_compare(site, "ext", false);
        for (int round = 1; round <= 2; ++round) {
            site.ask({"change", "/mnt/ext", std::to_string(round)});
            CHECK(save_and_compare(site, "ext", true) < all / 2);
        }
    }
    SUBCASE("XFS, with a file that gets its name later, without being written")
    {
        make_filesystem(site, "xfs", {"mkfs.xfs", "-q", "--unsupported"});
        lab::Process nameless =
            must(site.host->start({program_folder() + "/belay-block-guest", "nameless", "/mnt/xfs"}));
        CHECK(must(nameless.read_until("written", std::chrono::seconds(30))).find("written") !=
              std::string::npos);
        const uint64_t all = save_and_compare(site, "xfs", false);
        must(nameless.write("\n"));
        CHECK(must(nameless.read_until("named", std::chrono::seconds(30))).find("named") !=
              std::string::npos);
        CHECK(save_and_compare(site, "xfs", true) < all);
        site.ask({"change", "/mnt/xfs", "5"});
        CHECK(save_and_compare(site, "xfs", true) < all);
    }
    site.scratch.restic({"check", "--read-data"});
}

}  // namespace
}  // namespace belay::backup
