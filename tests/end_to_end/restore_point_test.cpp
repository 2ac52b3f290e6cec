// Restore points on a real kernel: what disk.replace and array.grow keep puts back a label, a partition table
// and a superblock that were wiped; filesystem.shrink goes back past the step that destroys, by the restore
// of what it saved, also where the power is cut in the resize, in the restore and around the records.

#include "bench.h"
#include "mirror.h"

namespace belay {
namespace {

using Words = std::vector<std::string>;

/// What an operation has kept: a command for each piece, by the end of its file's name.
class Kept {
  public:
    Kept(lab::Mirror& mirror, const std::string& id)
        : mirror_(mirror),
          manifest_(must(parse_json(
              must(mirror.run({"cat", fmt::format("/var/lib/belay/restore-points/{}/manifest.json", id)})))))
    {
    }

    /// Types the commands that the manifest names for a file; those behind "#" where they are asked for.
    void put_back(const std::string& file, const std::string& hint = {})
    {
        bool found = false;
        for (const Json& piece : manifest_.at("pieces")) {
            if (!piece.at("file").get<std::string>().ends_with(file)) continue;
            for (std::string line : piece.at("put_back").get<Words>()) {
                const size_t at = line.find(": ");
                if (line.starts_with("#") && (hint.empty() || !line.contains(hint))) continue;
                if (line.starts_with("#")) line = line.substr(at + 2);
                must(mirror_.run({"sh", "-c", line}));
                found = true;
            }
        }
        CHECK_MESSAGE(found, file, "\n", manifest_.dump(1));
    }

  private:
    lab::Mirror& mirror_;
    Json manifest_;
};

std::string add_and_abort(lab::Mirror& mirror, Words words)
{
    words.insert(words.begin(), "add");
    words.emplace_back("--json");
    const host::Outcome added = must(mirror.belay(words));
    REQUIRE_MESSAGE(added.exit_code == 0, added.out, added.err);
    const std::string id = Bench::last_json(added.out).at("id");
    const host::Outcome shown = must(mirror.belay({"show", id}));
    CHECK_MESSAGE(shown.out.contains("/var/lib/belay/restore-points/" + id), shown.out);
    CHECK(must(mirror.belay({"abort", id})).exit_code == 0);
    return id;
}

void write_note(lab::Mirror& mirror)
{
    must(mirror.run({"sh", "-c", fmt::format("echo precious > {}/note; sync", lab::Mirror::data)}));
}

void serves_note_again(lab::Mirror& mirror)
{
    must(mirror.run({"mount", mirror.filesystem(), lab::Mirror::data}));
    CHECK(must(mirror.run({"cat", std::string(lab::Mirror::data) + "/note"})) == "precious\n");
}

void stop_serving(lab::Mirror& mirror)
{
    must(mirror.run({"umount", lab::Mirror::data}));
}

TEST_CASE("disk.replace leaves what puts a wiped partition table and md superblock back")
{
    const lab::Folder folder = must(lab::Folder::make());
    lab::Mirror mirror = must(lab::Mirror::build(folder, {.disk = {48 << 20}, .joining = {48 << 20}}));
    write_note(mirror);
    const std::string table = "sfdisk --dump " + mirror.disk(lab::Mirror::leaving);
    const std::string before = must(mirror.run({"sh", "-c", table}));
    const std::string id = add_and_abort(
        mirror, {"disk.replace", "--leaving", lab::Mirror::leaving, "--joining", lab::Mirror::joining});

    Kept kept(mirror, id);
    stop_serving(mirror);
    must(mirror.run({"mdadm", "--stop", mirror.array()}));
    for (const std::string& serial : mirror.members())
        must(mirror.run({"mdadm", "--zero-superblock", mirror.disk(serial) + "-part1"}));
    must(mirror.run({"wipefs", "--all", "--force", mirror.disk(lab::Mirror::leaving)}));
    must(mirror.run({"dd", "if=/dev/zero", "of=" + mirror.disk(lab::Mirror::leaving), "bs=64K", "count=1",
                     "conv=notrunc,fsync"}));
    must(mirror.run({"udevadm", "settle"}));

    kept.put_back(std::string("ubd-") + lab::Mirror::leaving + ".sfdisk");
    CHECK(must(mirror.run({"sh", "-c", table})) == before);
    must(mirror.run({"udevadm", "settle"}));
    kept.put_back(".md");
    static_cast<void>(must(mirror.host().run({"mdadm", "--assemble", "--scan"})));
    must(mirror.run({"udevadm", "settle"}));
    const std::string detail = must(mirror.run({"mdadm", "--detail", mirror.array()}));
    CHECK_MESSAGE(detail.contains("active sync"), detail);
    serves_note_again(mirror);
    const host::Outcome cleaned = must(mirror.belay({"clean"}));
    CHECK_MESSAGE(cleaned.out.contains("the restore point of operation " + id), cleaned.out);
    CHECK(must(mirror.host().run({"test", "-e", "/var/lib/belay/restore-points/" + id})).exit_code == 1);
}

TEST_CASE("array.grow leaves what puts a wiped physical volume and its group back")
{
    const lab::Folder folder = must(lab::Folder::make());
    lab::MirrorOptions options{.disk = {96 << 20}, .joining = {16 << 20}};
    options.used = {48 << 20};
    options.content = "lvm";
    lab::Mirror mirror = must(lab::Mirror::build(folder, options));
    write_note(mirror);
    const std::string id = add_and_abort(mirror, {"array.grow", "--array", mirror.array()});

    Kept kept(mirror, id);
    stop_serving(mirror);
    must(mirror.run({"lvm", "vgchange", "--activate", "n", "lab"}));
    must(mirror.run({"wipefs", "--all", "--force", mirror.array()}));
    must(mirror.run(
        {"dd", "if=/dev/zero", "of=" + mirror.array(), "bs=64K", "count=8", "conv=notrunc,fsync"}));
    must(mirror.run({"udevadm", "settle"}));
    CHECK(must(mirror.host().run({"lvm", "vgs", "lab"})).exit_code != 0);

    kept.put_back("lab.vgcfg", "its label is lost");
    must(mirror.run({"lvm", "vgchange", "--activate", "y", "lab"}));
    must(mirror.run({"udevadm", "settle"}));
    serves_note_again(mirror);
}

TEST_CASE("array.grow leaves what puts a wiped LUKS header back")
{
    const lab::Folder folder = must(lab::Folder::make());
    lab::MirrorOptions options{.disk = {96 << 20}, .joining = {16 << 20}};
    options.used = {64 << 20};
    options.content = "luks";
    lab::Mirror mirror = must(lab::Mirror::build(folder, options));
    write_note(mirror);
    const std::string id = add_and_abort(mirror, {"array.grow", "--array", mirror.array()});

    Kept kept(mirror, id);
    stop_serving(mirror);
    must(mirror.run({"cryptsetup", "close", "secret"}));
    // Both headers of LUKS2, and the keys behind them: without these the data are lost for ever.
    must(mirror.run(
        {"dd", "if=/dev/zero", "of=" + mirror.array(), "bs=1M", "count=16", "conv=notrunc,fsync"}));
    must(mirror.run({"udevadm", "settle"}));
    CHECK_FALSE(mirror.open_luks());

    kept.put_back(".luks");
    must(mirror.open_luks());
    serves_note_again(mirror);
}

/// An ext4 of 96 MiB on a volume or on a disk alone, which every boot mounts; room for what is saved on a
/// third disk.
class ShrinkBench final : public Bench {
  public:
    enum class On { volume, disk };

    explicit ShrinkBench(On on = On::volume) : on_(on), folder_(must(lab::Folder::make()))
    {
        start();
        shell("mke2fs -q -t ext4 " + host().device("state") + " && mke2fs -q -t ext4 " +
              host().device("keep"));
        if (on_ == On::volume)
            shell("lvm vgcreate lab " + host().device("data") +
                  " && lvm lvcreate --yes --name data --size 96m lab");
        shell("udevadm settle; mke2fs -q -t ext4 " + device() + " 96M");
        mount();
        shell(
            "cd /mnt/data; for i in $(seq 1 40); do mkdir -p d$i; head -c 150000 /dev/urandom > d$i/f; "
            "ln d$i/f d$i/g; ln -s f d$i/s; chmod 6$((i % 8))0 d$i/f; done; sync");
        tree_ = tree();
    }

    lab::Host& host() override { return *host_; }
    void cut_power() override
    {
        host_->power_cut();
        host_.reset();
        start();
        mount();
    }

    /// Cuts the power as soon as a program is begun whose arguments are those; after the boot it is itself.
    void cut_in(const std::string& place, const std::string& real, const std::string& when, Words asking)
    {
        shell("rm -f " + place + "; printf '#!/bin/sh\n" + when + " && touch /run/begun\nexec " + real +
              " \"$@\"\n' >" + place + "; chmod 755 " + place);
        asking.insert(asking.begin(), program("belay"));
        const lab::Process asked = must(host().start(asking));
        shell("for i in $(seq 1 1500); do test -e /run/begun && exit 0; sleep 0.02; done; exit 1");
        cut_power();
    }

    std::string tree() { return shell(program("belay") + " backup fingerprint /mnt/data").substr(0, 64); }
    std::string device() { return on_ == On::volume ? "/dev/lab/data" : host().device("data"); }
    /// Of the volume, or of the filesystem where there is none.
    uint64_t size()
    {
        if (on_ == On::volume) return std::stoull(shell("blockdev --getsize64 /dev/lab/data"));
        return std::stoull(shell("dumpe2fs -h " + device() +
                                 " 2>/dev/null | awk '/^Block count:/ {n = $3} /^Block size:/ {s = $3} "
                                 "END {print n * s}'"));
    }
    /// As it was at first.
    void is_large()
    {
        CHECK(size() == 96 << 20);
        CHECK(shell("findmnt --noheadings --output OPTIONS /mnt/data").starts_with("rw"));
        CHECK(tree() == tree_);
        shell(fmt::format("umount /mnt/data; e2fsck -f -n {0}; mount {0} /mnt/data", device()));
    }
    void is_small()
    {
        CHECK(size() == 48 << 20);
        CHECK(tree() == tree_);
    }
    void enlarge_again()
    {
        if (on_ == On::volume) shell("lvm lvextend --yes --size 96m lab/data");
        shell(fmt::format("resize2fs {} 96M", device()));
        CHECK(size() == 96 << 20);
    }
    /// What a file held in the filesystem that an operation has saved before it restored what was older.
    std::string saved_before_restore(const std::string& id, const std::string& file)
    {
        shell("mkdir /run/image && mount -t tmpfs tmpfs /run/image");
        return shell(
            fmt::format("cd $(dirname $(find /mnt/keep -path '*/{}/since.json')) && {} backup "
                        "restore-device $(sed -n 's/.*\"snapshot\": \"\\(.*\\)\".*/\\1/p' since.json) "
                        "--target /run/image/it --repo data --password-file password --no-cache "
                        "--yes >/dev/null && debugfs -R 'cat {}' /run/image/it 2>/dev/null",
                        id, program("belay"), file));
    }

  private:
    void start()
    {
        auto booted = lab::Host::boot(
            folder_, {.name = "shrink",
                      .memory = {320 << 20},
                      .disks = {{"data", {128 << 20}}, {"keep", {96 << 20}}, {"state", {64 << 20}}},
                      .modules = {"dm-mod"}});
        REQUIRE_MESSAGE(booted.has_value(), booted.error().what);
        host_ = std::move(*booted);
        // An operation finds belay where every tool is; the tree there is the guest's memory.
        shell("mkdir -p /usr/local/bin; ln -sf " + program("belay") + " /usr/local/bin/belay");
    }
    void mount()
    {
        shell("mkdir -p /var/lib/belay /mnt/keep /mnt/data; mount " + host().device("state") +
              " /var/lib/belay && mount " + host().device("keep") + " /mnt/keep");
        if (on_ == On::volume) shell("lvm vgchange --activate y lab");
        shell("udevadm settle");
        // As by /etc/fstab: where it cannot be mounted, a host starts without.
        static_cast<void>(try_shell(fmt::format("mount {} /mnt/data", device())));
    }

    On on_;
    lab::Folder folder_;
    std::unique_ptr<lab::Host> host_;
    std::string tree_;
};

const Words shrink_words = {"filesystem.shrink", "--filesystem", "/mnt/data", "--size", "48MiB",
                            "--keep-in",         "/mnt/keep"};

TEST_CASE(
    "a filesystem shrinks and is taken back bit by bit, past the step that destroyed; then it is committed")
{
    ShrinkBench bench;
    const std::string id = bench.activate(shrink_words);
    CHECK(bench.shown(id).at("state") == "activated");
    bench.is_small();
    CHECK(bench.try_shell("touch /mnt/data/new").exit_code != 0);
    // What is on the disk now is no longer what was there.
    CHECK(bench.belay({"abort", id}).exit_code == 0);
    bench.went_back(id);
    const Json steps = bench.shown(id).at("steps");
    for (const Json& step : steps) {
        if (step.at("name") != "shrink") continue;
        CHECK(step.at("restoring") == true);
        CHECK(step.at("detail").get<std::string>().contains("restored from what save had saved"));
    }
    bench.is_large();

    const std::string committed = bench.activate(shrink_words);
    CHECK(bench.belay({"commit", committed}).exit_code == 0);
    bench.is_committed(committed);
    bench.is_small();
    CHECK(bench.try_shell("touch /mnt/data/d1").exit_code == 0);

    // Too small, in use, and kept on itself: said before anything is touched.
    const std::string everything = "blockdev --getsize64 /dev/lab/data; findmnt /mnt/data";
    Words tiny = shrink_words;
    tiny[4] = "4MiB";
    bench.refused({"plan", tiny[0], tiny[1], tiny[2], tiny[3], tiny[4], tiny[5], tiny[6]}, 3,
                  "fits into the new size", "take a larger size", everything);
}

TEST_CASE("the power is cut while resize2fs moves blocks, and while what was saved is put back")
{
    ShrinkBench bench;
    const std::string resized = bench.add(shrink_words);
    bench.cut_in("/usr/local/sbin/resize2fs", "/usr/sbin/resize2fs", "[ $1 != -P ]", {"activate", resized});
    bench.follow(resized);
    // What the boot could not mount is checked and resized to the end; what it has mounted goes back.
    if (bench.shown(resized).at("state") == "activated") static_cast<void>(bench.belay({"abort", resized}));
    bench.went_back(resized);
    bench.is_large();

    const std::string restored = bench.activate(shrink_words);
    bench.cut_in("/usr/local/bin/belay", Bench::program("belay"), "[ $2 = restore-device ]",
                 {"abort", restored});
    bench.follow(restored);
    bench.went_back(restored);
    bench.is_large();
}

TEST_CASE("the power is cut while resize2fs moves blocks on a disk without LVM" * before_release())
{
    ShrinkBench bench(ShrinkBench::On::disk);
    const std::string resized = bench.add(shrink_words);
    bench.cut_in("/usr/local/sbin/resize2fs", "/usr/sbin/resize2fs", "[ $1 != -P ]", {"activate", resized});
    bench.follow(resized);
    if (bench.shown(resized).at("state") == "activated") static_cast<void>(bench.belay({"abort", resized}));
    bench.went_back(resized);
    bench.is_large();
}

TEST_CASE(
    "a filesystem on a disk without LVM goes back past the step that destroyed, and what a boot let somebody "
    "write is saved before that")
{
    ShrinkBench bench(ShrinkBench::On::disk);
    const std::string written = bench.activate(shrink_words);
    bench.is_small();
    CHECK(bench.try_shell("touch /mnt/data/new").exit_code != 0);
    bench.cut_power();
    bench.shell("echo since >/mnt/data/since; sync");
    CHECK(bench.belay({"abort", written}).exit_code == 0);
    bench.went_back(written);
    bench.is_large();
    CHECK(bench.saved_before_restore(written, "since") == "since\n");
}

/// Once more from the first state, with a cut a bit later, until it is over before the cut.
void cut_on_the_way_to_commit(ShrinkBench& bench)
{
    constexpr unsigned nth = 61;  // one in the middle, and one that comes too late
    unsigned cuts = 0, committed = 0;
    for (unsigned commit = is_whole() ? 3 : 9;; commit += each(nth)) {
        const std::string end = bench.cut_after(commit, false, shrink_words);
        INFO("cut after commit ", commit, ": ", end);
        const bool small = end == "committed" || end == "over";
        if (small) {
            bench.is_small();
            bench.enlarge_again();
            ++committed;
        }
        bench.is_large();
        if (end == "over") break;
        ++cuts;
    }
    CHECK(cuts >= (is_whole() ? 6U : 1U));
    CHECK(committed > 0);
}

TEST_CASE("the power is cut around the records on the way to commit, on a disk")
{
    ShrinkBench bench(ShrinkBench::On::disk);
    cut_on_the_way_to_commit(bench);
}

TEST_CASE("the power is cut around the records on the way to commit, on a volume" * before_release())
{
    ShrinkBench bench;
    cut_on_the_way_to_commit(bench);
}

TEST_CASE("the power is cut around the records on the way back" * before_release())
{
    ShrinkBench bench;
    unsigned cuts = 0;
    constexpr unsigned first = 10;
    for (unsigned commit = first;; ++commit) {
        const std::string end = bench.cut_after(commit, true, shrink_words);
        INFO("cut after commit ", commit, ": ", end);
        CHECK(end != "committed");
        bench.is_large();
        if (end == "over") break;
        ++cuts;
    }
    CHECK(cuts >= 10);
}

}  // namespace
}  // namespace belay
