// What goes wrong on a real host, as a person meets it: one clear sentence, what to do, an exit code, nothing
// changed.

#include "base/json.h"
#include "mirror.h"

#include <doctest/doctest.h>

namespace belay {
namespace {

using Words = std::vector<std::string>;

/// A mirror with blank disks of a chosen size.
struct Bench {
    lab::Folder folder = *lab::Folder::make();
    Result<lab::Mirror> mirror;

    explicit Bench(Bytes joining)
        : mirror(lab::Mirror::build(folder, {.disk = {48 << 20}, .joining = joining}))
    {
        REQUIRE_MESSAGE(mirror.has_value(), mirror.error().what);
    }

    host::Outcome belay(Words words)
    {
        const Result<host::Outcome> outcome = mirror->belay(std::move(words));
        REQUIRE_MESSAGE(outcome.has_value(), outcome.error().what);
        return *outcome;
    }

    std::string shell(const std::string& line)
    {
        const Result<std::string> said = mirror->run({"sh", "-c", line});
        REQUIRE_MESSAGE(said.has_value(), said.error().what);
        return *said;
    }

    /// The array and the tables and first blocks of all disks, in one text.
    std::string everything()
    {
        return shell(
            "mdadm --detail --export /dev/md*[0-9]; for d in /dev/ubd[a-d]; do "
            "dd if=$d bs=64K count=1 2>/dev/null | sha256sum; sfdisk --dump $d 2>&1; done; true");
    }

    void end_daemon() { shell("pkill -x belayd; while pgrep -x belayd >/dev/null; do sleep 0.05; done"); }

    /// The command is refused with this exit code, both texts are in what it says, and nothing has changed.
    void refused(const Words& words, int code, const std::string& what, const std::string& next)
    {
        const std::string before = everything();
        hold(belay(words), words, code, what, next);
        CHECK(everything() == before);
    }

    static void hold(const host::Outcome& outcome, const Words& words, int code, const std::string& what,
                     const std::string& next)
    {
        const std::string said = outcome.out + outcome.err;
        INFO(host::Command{.argv = words}.to_text(), "\n", said);
        CHECK(outcome.exit_code == code);
        CHECK(said.find(what) != std::string::npos);
        CHECK(said.find(next) != std::string::npos);
    }
};

Words replacement(const std::string& verb, const std::string& leaving, const std::string& joining)
{
    return {verb, "disk.replace", "--leaving", leaving, "--joining", joining};
}

TEST_CASE("a person who errs is told what, where, and what to do")
{
    Bench bench({48 << 20});
    bench.refused(replacement("plan", "LAB-x", "LAB-c"), 5, "no disk LAB-x on this host; there are LAB-a",
                  "belay storage show");
    bench.refused(replacement("plan", "LAB-a", "LAB-a"), 2, "cannot replace itself", "name two disks");
    bench.refused(replacement("plan", "LAB-c", "LAB-d"), 3, "is no member of a running array",
                  "belay storage show");
    bench.refused(replacement("add", "LAB-a", "LAB-b"), 3, "is part of md", "take another disk");
    bench.refused(replacement("add", "LAB-a", "LAB-state"), 3, "mounted on /var/lib/belay",
                  "take another disk");
    bench.refused({"plan", "disk.replce"}, 5, "disk.replace", "belay procedures");
    bench.refused({"plan", "disk.replace", "--leaving", "LAB-a"}, 2, "--joining",
                  "belay procedures disk.replace");
    bench.refused({"activate", "77"}, 5, "there is no operation 77", "belay history");
}

TEST_CASE("a disk that is too small by one sector is refused, and one that is just large enough is not")
{
    // The table ends with its copy: 33 sectors behind the last partition, which sfdisk ends at a whole MiB.
    constexpr uint64_t partition_end = (48 << 20) / 512 - 2048;
    constexpr uint64_t enough = (partition_end + 33) * 512;
    {
        Bench bench({enough - 512});
        bench.refused(replacement("add", "LAB-a", "LAB-c"), 3, "512 too few", "take a larger disk");
    }
    Bench bench({enough});
    CHECK(bench.belay(replacement("plan", "LAB-a", "LAB-c")).exit_code == 0);
}

TEST_CASE("two operations on one mirror: the second is told who works on it")
{
    Bench bench({48 << 20});
    CHECK(bench.belay(replacement("add", "LAB-a", "LAB-c")).exit_code == 0);
    bench.refused(replacement("add", "LAB-b", "LAB-d"), 3, "is locked by operation 1", "belay show 1");
    CHECK(bench.belay({"abort", "1"}).exit_code == 0);
    CHECK(bench.belay(replacement("plan", "LAB-b", "LAB-d")).exit_code == 0);
}

TEST_CASE("a database that this Belay cannot use is named, and stays as it is")
{
    Bench bench({48 << 20});
    CHECK(bench.belay({"history"}).exit_code == 0);
    bench.end_daemon();
    const std::string file = "/var/lib/belay/belay.db";
    bench.shell("cp " + file + " /tmp/belay.db; sqlite3 " + file + " 'PRAGMA user_version = 9'");
    const auto sum = [&] { return bench.shell("sha256sum " + file); };
    std::string before = sum();
    bench.refused(replacement("add", "LAB-a", "LAB-c"), 7, "was written by a newer Belay",
                  "install that Belay again");
    CHECK(sum() == before);
    bench.shell("cp /tmp/belay.db " + file + "; dd if=/dev/urandom of=" + file +
                " bs=4096 seek=2 count=1 conv=notrunc 2>&1");
    before = sum();
    bench.refused(replacement("add", "LAB-a", "LAB-c"), 8, file + " is damaged", "put a backup in the place");
    CHECK(sum() == before);
    bench.shell("cp /tmp/belay.db " + file);
    CHECK(bench.belay(replacement("plan", "LAB-a", "LAB-c")).exit_code == 0);
}

TEST_CASE("no room for the journal, no permission, another version: nothing begins")
{
    Bench bench({48 << 20});
    CHECK(bench.belay({"history"}).exit_code == 0);
    const Words add = replacement("add", "LAB-a", "LAB-c");

    bench.shell("dd if=/dev/zero of=/var/lib/belay/filling bs=1M 2>/dev/null; true");
    bench.refused(add, 3, "free in /var/lib/belay", "make room in /var/lib/belay");
    bench.shell("rm /var/lib/belay/filling");

    const auto as_another = [&](Words words, const Words& by, int code, const std::string& what,
                                const std::string& next) {
        const std::string before = bench.everything();
        words.insert(words.begin(), by.begin(), by.end());
        Bench::hold(*bench.mirror->host().run(words), words, code, what, next);
        CHECK(bench.everything() == before);
    };
    const std::string belay = bench.mirror->program("belay");
    as_another(add, {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", belay}, 6,
               "no permission to talk to belayd", "sudo belay");

    // The same program under another version: one of the same length, written over its own.
    bench.shell(
        fmt::format("version=$({0} --version | cut -d' ' -f2); "
                    "sed \"s/$version/$(echo $version | tr 0-9 9)/g\" {0} >/tmp/belay; chmod +x /tmp/belay",
                    belay));
    as_another(add, {"/tmp/belay"}, 7, "and this is belay 9.9.9", "the next belay starts the new one");
    CHECK(bench.belay(add).exit_code == 0);
}

}  // namespace
}  // namespace belay
