// What is asked of LVM for a snapshot, and what comes of its answers. The real one is asked in
// tests/backup/block_volumes_test.cpp.

#include "backup/block/lvm_snapshot.h"

#include "backup/backend/memory.h"
#include "backup/block/base_keeper.h"
#include "backup/repository/this_process.h"
#include "base/json.h"
#include "base/testing/must.h"
#include "host/simulated.h"

#include <algorithm>
#include <unistd.h>

namespace belay::backup {
namespace {

constexpr uint64_t mebibyte = 1 << 20;

/// A volume group "vg" that does what the tests need of LVM.
struct FakeLvm {
    host::SimulatedHost host;
    std::vector<Json> volumes;
    std::vector<std::vector<std::string>> changes;
    bool creation_fails_late = false;
    std::string report_instead;

    FakeLvm()
    {
        host.install("lvm",
                     [this](host::Machine&, const host::Command& command) { return answer(command.argv); });
        host.change([](host::Machine& machine) {
            machine.put_file(fmt::format("/proc/{}/stat", ::getpid()),
                             "1 (a) name) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
        });
    }

    void add(const std::string& name, const std::string& more = "{}")
    {
        Json volume = {{"vg_name", "vg"},
                       {"lv_name", name},
                       {"lv_uuid", "uuid-" + name},
                       {"lv_path", "/dev/vg/" + name},
                       {"lv_size", "104857600"},
                       {"pool_lv", ""},
                       {"origin", ""},
                       {"lv_attr", "-wi-ao----"},
                       {"lv_health_status", ""},
                       {"data_percent", ""},
                       {"metadata_percent", ""},
                       {"lv_tags", ""},
                       {"vg_free", "52428800"},
                       {"vg_extent_size", "4194304"}};
        volume.update(must(parse_json(more)));
        volumes.push_back(volume);
    }

    Json& volume(const std::string& name)
    {
        const auto found =
            std::ranges::find_if(volumes, [&](const Json& one) { return one["lv_name"] == name; });
        REQUIRE(found != volumes.end());
        return *found;
    }

    LogicalVolume look(const std::string& name) { return must(logical_volume(host, "vg/" + name)); }
    Result<std::unique_ptr<LvmSnapshot>> take(const std::string& name, const LvmSnapshotOptions& options = {})
    {
        return LvmSnapshot::take(host, look(name), options);
    }

    static std::string word_after(const std::vector<std::string>& argv, std::string_view option)
    {
        const auto found = std::ranges::find(argv, option);
        return found == argv.end() ? "" : *std::next(found);
    }

    Result<host::Outcome> answer(const std::vector<std::string>& argv)
    {
        if (argv[1] == "lvs") return list(argv);
        changes.push_back(argv);
        if (argv[1] == "lvcreate") {
            const std::string origin = argv.back().substr(3);
            const Json more = {{"origin", origin},
                               {"pool_lv", volume(origin)["pool_lv"]},
                               {"lv_tags", "belay.block-snapshot," +
                                               argv[std::ranges::find(argv, "--addtag") - argv.begin() + 3]}};
            add(word_after(argv, "--name"), more.dump());
            return host::Outcome{.exit_code = creation_fails_late ? 5 : 0, .out = {}, .err = {}};
        }
        if (argv[1] == "lvchange") return host::Outcome{};
        const std::string uuid = word_after(argv, "--select").substr(8);
        std::erase_if(volumes, [&](const Json& one) {
            return uuid.starts_with(one["lv_uuid"].get<std::string>() + " && lv_tags=belay.block-snapshot");
        });
        return host::Outcome{};
    }

    Result<host::Outcome> list(const std::vector<std::string>& argv)
    {
        if (!report_instead.empty()) return host::Outcome{.exit_code = 0, .out = report_instead, .err = {}};
        Json rows = Json::array();
        const std::string tag = word_after(argv, "--select");
        for (const Json& one : volumes) {
            const bool wanted = tag.empty() ? argv.back() == "vg/" + one["lv_name"].get<std::string>()
                                            : one["lv_tags"].get<std::string>().starts_with(tag.substr(8));
            if (wanted) rows.push_back(one);
        }
        const Json report = {{"report", {{{"lv", rows}}}}};
        return host::Outcome{.exit_code = 0, .out = report.dump(), .err = {}};
    }
};

}  // namespace

TEST_CASE("a classic snapshot gets a tenth of its origin, or what was asked for, and no more than there is")
{
    FakeLvm lvm;
    lvm.add("data");
    const auto size_with = [&](const LvmSnapshotOptions& options) {
        const auto snapshot = must(lvm.take("data", options));
        CHECK(snapshot->volume().origin == "data");
        CHECK(snapshot->path() == "/dev/vg/" + snapshot->volume().name);
        return FakeLvm::word_after(lvm.changes.back(), "--size");
    };
    CHECK(size_with({}) == fmt::format("{}b", 12 * mebibyte));
    CHECK(size_with({.room = Bytes{5 * mebibyte}}) == fmt::format("{}b", 8 * mebibyte));
    CHECK(lvm.volumes.size() == 1);  // each is gone with its object

    lvm.volume("data")["lv_size"] = "10737418240";
    CHECK(size_with({}) == fmt::format("{}b", 48 * mebibyte));

    const auto larger = lvm.take("data", {.room = Bytes{60 * mebibyte}});
    REQUIRE(!larger);
    CHECK(larger.error().kind == ErrorKind::no_space);
    lvm.volume("data")["vg_free"] = "0";
    CHECK(lvm.take("data").error().kind == ErrorKind::no_space);
}

TEST_CASE("a thin snapshot is activated once and not at a boot; a pool that is nearly full gets none")
{
    FakeLvm lvm;
    lvm.add("pool", R"({"data_percent": "40.10", "metadata_percent": "94.99"})");
    lvm.add("data", R"({"pool_lv": "pool"})");
    {
        const auto snapshot = must(lvm.take("data"));
        const auto& argv = lvm.changes.back();
        CHECK(FakeLvm::word_after(argv, "--setactivationskip") == "y");
        CHECK(std::ranges::count(argv, "--ignoreactivationskip") == 1);
        CHECK(std::ranges::count(argv, "--size") == 0);
        must(snapshot->check());
        lvm.volumes.back()["lv_health_status"] = "failed";
        CHECK(snapshot->check().error().kind == ErrorKind::failed);
    }
    CHECK(lvm.volumes.size() == 2);
    lvm.volume("pool")["metadata_percent"] = "95.00";
    const auto refused = lvm.take("data");
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::no_space);
    CHECK(refused.error().what.find("vg/pool") != std::string::npos);
}

TEST_CASE("a snapshot that overflows is told; one that is half made is removed; one of a snapshot is refused")
{
    FakeLvm lvm;
    lvm.add("data");
    {
        const auto snapshot = must(lvm.take("data"));
        must(snapshot->check());
        lvm.volumes.back()["lv_attr"] = "swi-I-s---";
        CHECK(snapshot->check().error().kind == ErrorKind::no_space);
        must(snapshot->remove());
        CHECK(lvm.volumes.size() == 1);
    }
    lvm.creation_fails_late = true;
    CHECK(lvm.take("data").error().kind == ErrorKind::failed);
    CHECK(lvm.volumes.size() == 1);
    lvm.add("old", R"({"origin": "data"})");
    CHECK(lvm.take("old").error().kind == ErrorKind::refused);
}

TEST_CASE("leftovers are those of this host whose makers are gone")
{
    FakeLvm lvm;
    lvm.add("data");
    const auto mine = must(lvm.take("data"));
    CHECK(must(leftover_snapshots(lvm.host)).empty());

    const std::string tags = mine->volume().tags.at(1);
    const auto add_with = [&](const std::string& name, const std::string& owner) {
        lvm.add(name, fmt::format(R"({{"lv_tags": "belay.block-snapshot,{}"}})", owner));
    };
    const size_t last = tags.rfind(':');
    add_with("another-process", tags.substr(0, last) + ":1");
    add_with("another-host", "belay.owner=elsewhere:boot:1:1");
    add_with("another-boot", fmt::format("belay.owner={}:boot:{}:4711", host_name(), ::getpid()));
    add_with("hostile", "belay.owner=");
    std::vector<std::string> names;
    for (const LogicalVolume& volume : must(leftover_snapshots(lvm.host))) {
        names.push_back(volume.name);
        must(remove_leftover_snapshot(lvm.host, volume));
    }
    CHECK(names == std::vector<std::string>{"another-process", "another-boot"});
    CHECK(must(leftover_snapshots(lvm.host)).empty());
    CHECK(lvm.volumes.size() == 4);
}

TEST_CASE("what LVM may say that is no report is an error")
{
    FakeLvm lvm;
    for (const std::string text :
         {"", "{", "[]", "{}", R"({"report": 7})", R"({"report": [{"lv": {}}]})",
          R"({"report": [{"lv": [{"lv_name": "a"}]}]})", R"({"report": [{"lv": [7]}]})"}) {
        lvm.report_instead = text.empty() ? " " : text;
        CAPTURE(text);
        const auto volume = logical_volume(lvm.host, "vg/data");
        REQUIRE(!volume);
        CHECK(volume.error().kind == ErrorKind::corrupt);
    }
    lvm.report_instead = R"({"report": [{"lv": []}]})";
    CHECK(logical_volume(lvm.host, "vg/data").error().kind == ErrorKind::not_found);
}

TEST_CASE("a base that stands for something else is not used, and why is said")
{
    FakeLvm lvm;
    lvm.add("pool", R"({"data_percent": "10.0", "metadata_percent": "2.0"})");
    lvm.add("data", R"({"pool_lv": "pool"})");
    const Repository repository = must(Repository::create(std::make_unique<MemoryBackend>(), "correct horse",
                                                          {.cost = {.n = 1024, .r = 8, .p = 1}}));
    const Id snapshot = must(repository.save_text(FileKind::snapshot, Snapshot().to_text()));
    KeptBase::Mark mark{.name = "data",
                        .uuid = "uuid-data",
                        .repository = repository.config().id,
                        .snapshot = snapshot,
                        .used = Id::of("used"),
                        .blocks = 7};
    std::string size = "104857600", why;
    SUBCASE("none")
    {
        mark.name = "other";
        why = "no base was kept";
    }
    SUBCASE("re-created")
    {
        mark.uuid = "uuid-before";
        why = "of a volume data that is gone";
    }
    SUBCASE("another repository")
    {
        mark.repository = Id::of("another");
        why = "of another repository";
    }
    SUBCASE("forgotten")
    {
        mark.snapshot = Id::of("forgotten");
        why = "the snapshot " + mark.snapshot.short_hex() + " of the base vg/base cannot be had";
    }
    SUBCASE("grown")
    {
        size = "54525952";
        why = "vg/data has another size than its base vg/base";
    }
    SUBCASE("usable") {}
    const std::vector<std::string> tags = mark.tags();
    lvm.add("base",
            Json{{"pool_lv", "pool"}, {"lv_size", size}, {"lv_tags", tags[0] + "," + tags[1]}}.dump());
    CHECK(must(kept_bases(lvm.host, "vg/data")).size() == (mark.name == "data" ? 1 : 0));

    std::vector<std::string> notes;
    BaseKeeper keeper(lvm.host, repository, lvm.look("data"), {},
                      [&](const std::string& what) { notes.push_back(what); });
    UsedBlocks used = all_blocks(104857600, "unknown");
    keeper.prepare(*must(lvm.take("data")), used);
    CHECK(keeper.parent() == nullptr);
    // There is no such device on this machine: nothing more is found out, and all is read.
    REQUIRE(notes.size() == (why.empty() ? 1 : 2));
    CHECK_MESSAGE(notes.front().find(why) != std::string::npos, notes.front());
    CHECK_MESSAGE(notes.back().starts_with("all is read, and no base is kept: cannot look at /dev/vg/"),
                  notes.back());
    CHECK(total(used.extents) == 104857600);
    // What was made for it is gone.
    for (const Json& volume : lvm.volumes) CHECK(!volume["lv_name"].get<std::string>().starts_with("belay-"));
}

}  // namespace belay::backup
