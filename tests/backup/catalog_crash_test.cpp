// The commands of the catalog, killed at any moment, and on a disk that is full from any write on.

#include "../sampling.h"
#include "catalog_shop.h"
#include "failing_disk.h"
#include "how_many.h"

#include <algorithm>
#include <doctest/doctest.h>
#include <sys/wait.h>

namespace belay::backup {
namespace {

using Way = FailingDisk::Way;

/// How many are tried of those that there are: all, before a release.
size_t accidents(size_t usual, size_t sanitized)
{
    return is_whole() ? 100'000 : how_many("BELAY_CATALOG_ACCIDENTS", usual, sanitized);
}

struct Accident {
    Way way = Way::none;
    bool counts_writes = false;
    long at = 0;
};

struct Ended {
    bool is_killed = false;
    int code = 0;
    long calls = 0;
    std::string err;
};

/// A shop with a catalog that knows some of its snapshots, and copies of it all.
class CrashShop : public CatalogShop {
  public:
    CrashShop()
    {
        std::filesystem::remove(path("tree/large"));
        for (int i = 0; i < 3; ++i) save(i);
    }
    void save(int i) const
    {
        std::filesystem::create_directory(path(fmt::format("tree/more{}", i)));
        for (int file = 0; file < 100; ++file)
            write(fmt::format("tree/more{}/file{}", i, file), fmt::format("{} {}", i, file));
        must_belay({"run", path("tree"), "--host", "web", "-q", "--identity", "none"});
    }
    void add_cheaply() const { add({"--keep-password"}); }

    /// Keeps repository and catalog as they are now; back() brings them back.
    void keep() const
    {
        for (const char* name : {"repository", "catalog"}) copy(path(name), path(name) + ".kept");
    }
    void back() const
    {
        for (const char* name : {"repository", "catalog"}) copy(path(name) + ".kept", path(name));
    }

    /// Runs a command of the catalog in a process of its own that meets the accident.
    Ended run(Words words, const Accident& accident) const
    {
        words.insert(words.end(), {"--catalog", catalog});
        write("ended", "");
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            failing_disk.below = catalog;
            failing_disk.counts_writes = accident.counts_writes;
            failing_disk.at = accident.at;
            failing_disk.calls = 0;
            failing_disk.way = accident.way;
            cli::fakes::TextConsole console;
            const int code = run_catalog(words, console);
            failing_disk.way = Way::none;
            write("ended", fmt::format("{}\n{}", failing_disk.calls.load(), console.complained));
            ::_exit(code);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        Ended ended{.is_killed = WIFSIGNALED(status), .code = WEXITSTATUS(status), .err = {}};
        if (ended.is_killed) {
            REQUIRE(WTERMSIG(status) == SIGKILL);
            return ended;
        }
        const std::string said = read("ended");
        ended.calls = std::stol(said);
        ended.err = said.substr(said.find('\n') + 1);
        return ended;
    }

    size_t registered() const { return must(CatalogFolder(catalog).registrations()).size(); }
    Words files_of_catalog() const
    {
        const std::string current = CatalogFolder(catalog).current();
        Words all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(catalog)) {
            const std::string name = entry.path().lexically_relative(catalog).string();
            // Who only reads leaves the log of the database, and the log's index.
            if (name != current + "-wal" && name != current + "-shm") all.push_back(name);
        }
        std::ranges::sort(all);
        return all;
    }
    /// Only what a catalog with so many repositories has.
    void has_no_leavings(size_t repositories) const
    {
        Words expected = {"lock", "repositories", "catalog.sqlite", CatalogFolder(catalog).current()};
        for (const Registration& one : must(CatalogFolder(catalog).registrations()))
            for (const char* name : {"", "/location", "/password", "/registration.json"})
                expected.push_back("repositories/" + one.id.hex() + name);
        CHECK(registered() == repositories);
        std::ranges::sort(expected);
        CHECK(fmt::format("{}", fmt::join(files_of_catalog(), " ")) ==
              fmt::format("{}", fmt::join(expected, " ")));
    }
    /// A refresh brings it to what a rebuild makes, and nothing lies about.
    void recovers(size_t repositories) const
    {
        const Said refreshed = say(run_catalog, {"refresh"});
        REQUIRE_MESSAGE(refreshed.code == 0, refreshed.err);
        must_catalog({"check"});
        has_no_leavings(repositories);
        const std::string before = digest();
        must_catalog({"rebuild"});
        CHECK(digest() == before);
        has_no_leavings(repositories);
    }

  private:
    static void copy(const std::string& from, const std::string& to)
    {
        std::filesystem::remove_all(to);
        if (std::filesystem::exists(from))
            std::filesystem::copy(
                from, to,
                std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
    }
};

/// Runs it until it comes to its end, and dies at the first call, the second, and so on; then at some of its
/// writes. `then` sees what each death has left.
void with_every_death(const CrashShop& shop, const Words& words, const std::function<void()>& then)
{
    shop.keep();
    for (const bool counts_writes : {false, true}) {
        shop.back();
        const Ended whole = shop.run(words, {Way::dies, counts_writes, 0});
        REQUIRE_MESSAGE(whole.code == 0, whole.err);
        REQUIRE(whole.calls > 5);
        // Of the writes, which are many, some.
        const long most = static_cast<long>(accidents(6, 2));
        const long step =
            counts_writes ? std::max(1L, whole.calls / most) : std::max(1L, whole.calls / (2 * most));
        for (long at = 1; at <= whole.calls; at += step) {
            const std::string when =
                fmt::format("dies at {} of {}{}", at, whole.calls, counts_writes ? " with writes" : "");
            INFO(when);
            shop.back();
            // Which thread reads what first is not always the same, so there may be fewer calls.
            const Ended ended = shop.run(words, {Way::dies, counts_writes, at});
            CHECK((ended.is_killed || at + 10 > whole.calls));
            then();
        }
    }
}

TEST_CASE("a refresh may die at any moment")
{
    const CrashShop shop;
    shop.add_cheaply();
    shop.save(3);
    shop.must_belay({"forget", shop.belay_json({"snapshots"}).at(0).at("id")});
    const Json before = shop.catalog_json({"snapshots"});
    with_every_death(shop, {"refresh"}, [&] {
        // What it says is some of the snapshots of before and after, whole.
        const size_t snapshots = shop.catalog_json({"snapshots"}).size();
        CHECK(snapshots >= before.size() - 1);
        CHECK(snapshots <= before.size() + 1);
        shop.recovers(1);
    });
}

TEST_CASE("a rebuild may die at any moment")
{
    const CrashShop shop;
    shop.add_cheaply();
    const std::string before = shop.digest();
    with_every_death(shop, {"rebuild"}, [&] {
        CHECK(shop.digest() == before);
        shop.recovers(1);
        CHECK(shop.digest() == before);
    });
}

TEST_CASE("an import may die at any moment")
{
    const CrashShop shop;
    shop.add_cheaply();
    const std::string before = shop.digest();
    shop.must_catalog({"export", shop.path("exported")});
    std::filesystem::remove_all(shop.catalog);
    with_every_death(shop, {"import", shop.path("exported")}, [&] {
        const auto there = CatalogFolder(shop.catalog).open(catalog::Use::read);
        if (there && !must((*there)->is_empty())) {
            CHECK(shop.digest() == before);
        } else {
            shop.must_catalog({"import", shop.path("exported")});
            CHECK(shop.digest() == before);
        }
        shop.has_no_leavings(0);
    });
}

TEST_CASE("an add may die at any moment")
{
    const CrashShop shop;
    const Words words = {"add", shop.path("repository"), "--password-file", shop.path("password")};
    with_every_death(shop, words, [&] {
        const size_t registered = shop.registered();
        CHECK(registered <= 1);
        if (registered == 0) shop.must_catalog(words);
        shop.recovers(1);
    });
}

TEST_CASE("a remove may die at any moment")
{
    const CrashShop shop;
    shop.add();
    with_every_death(shop, {"remove", shop.path("repository")}, [&] {
        if (shop.registered() == 1) {
            const Said again = shop.say(run_catalog, {"remove", shop.path("repository")});
            // Its key may be gone already.
            if (again.code != 0) {
                CHECK(again.err.find("--keep-key") != std::string::npos);
                shop.must_catalog({"remove", shop.path("repository"), "--keep-key"});
            }
        }
        shop.must_catalog({"refresh"});
        shop.has_no_leavings(0);
        CHECK(shop.catalog_json({"snapshots"}).empty());
        CHECK(shop.belay_json({"key", "list"}).size() == 1);
    });
}

TEST_CASE("on a full disk a refresh loses nothing, whatever it was writing, and says why it ends")
{
    const CrashShop shop;
    shop.add_cheaply();
    shop.save(3);
    shop.must_belay({"forget", shop.belay_json({"snapshots"}).at(0).at("id")});
    const size_t before = shop.catalog_json({"snapshots"}).size();
    shop.keep();
    const Ended whole = shop.run({"refresh"}, {Way::is_full, true, 0});
    REQUIRE_MESSAGE(whole.code == 0, whole.err);
    REQUIRE(whole.calls > 10);
    size_t refused = 0;
    const long step = std::max(1L, whole.calls / static_cast<long>(accidents(20, 5)));
    for (long at = 1; at <= whole.calls; at += step) {
        INFO("full from write ", at, " of ", whole.calls);
        shop.back();
        const Ended ended = shop.run({"refresh"}, {Way::is_full, true, at});
        REQUIRE_FALSE(ended.is_killed);
        if (ended.code != 0) {
            ++refused;
            CHECK_MESSAGE((ended.err.find("No space left on device") != std::string::npos ||
                           ended.err.find("no room left") != std::string::npos),
                          ended.err);
            CHECK_MESSAGE(ended.err.find(shop.catalog) != std::string::npos, ended.err);
        }
        CHECK(shop.catalog_json({"snapshots"}).size() >= before - 1);
        shop.must_catalog({"check"});
        shop.recovers(1);
    }
    CHECK(refused >= 3);
}

}  // namespace
}  // namespace belay::backup
