// What a file on a disk can suffer. The contract itself is in conformance_test.cpp.

#include "store/sqlite.h"

#include "store/scratch_folder.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// What the name of a file ends with whose syncs fail; empty: none do.
std::string failing_syncs;  // the one global: the function below has no other way to know

bool sync_fails(int file)
{
    if (failing_syncs.empty()) return false;
    std::error_code ignored;
    const auto name = std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", file), ignored).string();
    return name.ends_with(failing_syncs);
}

}  // namespace

/// Stands before the C library's own, so that SQLite meets a disk that fails.
extern "C" int fdatasync(int file)
{
    if (!sync_fails(file)) return static_cast<int>(syscall(SYS_fdatasync, file));
    errno = EIO;
    return -1;
}

namespace belay::store {
namespace {

using namespace std::chrono_literals;

BootClock clock_of_boot(const std::string& boot, std::chrono::milliseconds time = 1000s)
{
    return {.boot = boot, .now = [time] { return time; }};
}

Result<Commit> put(Store& store, const std::string& key, const std::string& value, LeaseId lease = 0)
{
    return store.commit({.when = {}, .then = {{.key = key, .value = value, .lease = lease}}});
}

Result<Commit> remove(Store& store, const std::string& key)
{
    return store.commit({.when = {}, .then = {{.key = key}}});
}

bool has(Store& store, const std::string& key)
{
    return store.get(key).value().has_value();
}

std::string content(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const std::string& path, size_t offset, const std::string& bytes)
{
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
    REQUIRE(file.flush());
}

/// Runs SQL as any other program would.
void as_another_program(const std::string& path, const char* sql)
{
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    REQUIRE(sqlite3_close(database) == SQLITE_OK);
}

/// A database with `keys` keys of some size, closed.
void make_database(const std::string& path, int keys)
{
    const auto store = open_sqlite(path).value();
    for (int i = 0; i < keys; ++i) REQUIRE(put(*store, fmt::format("key/{:04}", i), std::string(300, 'v')));
}

/// The error that opening gives; the file and its folder must be as before.
Error refused_untouched(const std::string& path)
{
    const auto in_folder = [&] {
        std::set<std::string> names;
        for (const auto& file :
             std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())) {
            names.insert(file.path());
        }
        return names;
    };
    const std::string before = content(path);
    const auto names_before = in_folder();
    const auto store = open_sqlite(path);
    REQUIRE_FALSE(store);
    CHECK(content(path) == before);
    CHECK(in_folder() == names_before);
    return store.error();
}

TEST_CASE("a database that is opened again holds everything")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    {
        const auto store = open_sqlite(path).value();
        CHECK(put(*store, "a", "1"));
        CHECK(put(*store, "a", "2"));
        CHECK(put(*store, "b", ""));
        CHECK(remove(*store, "b"));
    }
    CHECK(access((path + "-wal").c_str(), F_OK) != 0);
    const auto store = open_sqlite(path).value();
    CHECK(store->revision().value() == 4);
    const Entry entry = store->get("a").value().value();
    CHECK(entry.value == "2");
    CHECK(entry.created == 1);
    CHECK(entry.modified == 2);
    const auto changes = store->watch("", 2).value()->next(0ms).value();
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].deleted);
    CHECK(changes[0].entry.modified == 4);
    CHECK(put(*store, "c", "")->revision == 5);
}

TEST_CASE("nobody else may read a new database")
{
    const ScratchFolder folder;
    const auto store = open_sqlite(folder / "belay.db").value();
    CHECK(put(*store, "a", "1"));
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
        CHECK(file.status().permissions() ==
              (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    }
}

TEST_CASE("odd characters in the path mean nothing")
{
    const ScratchFolder folder;
    const std::string path = folder / "a?mode=ro#b%41.db";
    CHECK(put(*open_sqlite(path).value(), "a", "1"));
    CHECK(std::filesystem::exists(path));
    CHECK(has(*open_sqlite(path).value(), "a"));
}

TEST_CASE("a database that another has open is busy")
{
    const ScratchFolder folder;
    const auto store = open_sqlite(folder / "belay.db").value();
    const auto second = open_sqlite(folder / "belay.db");
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::busy);
    CHECK(put(*store, "a", "1"));
}

TEST_CASE("a lease has its full time again after a restart of the process, and ends with the boot")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    LeaseId lease = 0;
    {
        const auto store = open_sqlite(path, clock_of_boot("1", 1000s)).value();
        lease = store->grant(10s).value();
        CHECK(put(*store, "leader", "me", lease));
        CHECK(put(*store, "stays", ""));
    }
    {
        const auto store = open_sqlite(path, clock_of_boot("1", 1009s)).value();
        CHECK(store->next_expiry().value() == 10s);
        CHECK(has(*store, "leader"));
        CHECK(store->keep_alive(lease));
    }
    const auto store = open_sqlite(path, clock_of_boot("2", 5s)).value();
    CHECK_FALSE(has(*store, "leader"));
    CHECK(has(*store, "stays"));
    CHECK(store->revision().value() == 3);
    CHECK_FALSE(store->next_expiry().value());
    CHECK(store->keep_alive(lease).error().kind == ErrorKind::not_found);
    CHECK(store->grant(10s).value() != lease);
}

TEST_CASE("a database from a newer Belay is refused and stays as it is")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    make_database(path, 5);
    as_another_program(path, "PRAGMA user_version = 2");
    const Error error = refused_untouched(path);
    CHECK(error.kind == ErrorKind::version);
    CHECK(error.what ==
          fmt::format("{} was written by a newer Belay (format 2; this one reads up to format 1)", path));
    CHECK_FALSE(error.next.empty());
}

TEST_CASE("a newer Belay that died leaves its WAL, and that stays as well")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    make_database(path, 5);
    sqlite3* newer = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &newer) == SQLITE_OK);
    REQUIRE(sqlite3_exec(newer, "PRAGMA user_version = 2", nullptr, nullptr, nullptr) == SQLITE_OK);
    const ScratchFolder crash;
    std::filesystem::copy(path, crash / "belay.db");
    std::filesystem::copy(path + "-wal", crash / "belay.db-wal");
    sqlite3_close(newer);

    const std::string wal = content(crash / "belay.db-wal");
    REQUIRE(!wal.empty());
    CHECK(refused_untouched(crash / "belay.db").kind == ErrorKind::version);
    CHECK(content(crash / "belay.db-wal") == wal);
}

TEST_CASE("another application's database is refused and stays as it is")
{
    const ScratchFolder folder;
    const std::string path = folder / "other.db";
    as_another_program(path, "CREATE TABLE notes (text); INSERT INTO notes VALUES ('hello')");
    const Error error = refused_untouched(path);
    CHECK(error.kind == ErrorKind::corrupt);
    CHECK(error.what == path + " is the database of another application");
}

TEST_CASE("a file that is no database is refused and stays as it is")
{
    const ScratchFolder folder;
    std::ofstream(folder / "belay.db") << std::string(10'000, 'x');
    const Error error = refused_untouched(folder / "belay.db");
    CHECK(error.kind == ErrorKind::corrupt);
    CHECK(error.what.starts_with(folder / "belay.db is damaged: "));
    CHECK_FALSE(error.next.empty());
}

TEST_CASE("a database with a damaged page is refused and stays as it is, whichever page it is")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    make_database(path, 100);
    const std::string whole = content(path);
    constexpr size_t page = 4096;
    REQUIRE(whole.size() > 8 * page);
    for (size_t offset = 0; offset < whole.size(); offset += page) {
        std::ofstream(path, std::ios::binary) << whole;
        overwrite(path, offset, std::string(page, '\xa5'));
        CAPTURE(offset);
        CHECK(refused_untouched(path).kind == ErrorKind::corrupt);
    }
}

TEST_CASE("a database that lost its end is refused and stays as it is")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    make_database(path, 100);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    CHECK(refused_untouched(path).kind == ErrorKind::corrupt);
}

TEST_CASE("damage that is met in use makes the store say so from then on")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    make_database(path, 10'000);  // larger than the cache, so that pages are read again
    const auto store = open_sqlite(path).value();
    overwrite(path, 4096, std::string(std::filesystem::file_size(path) - 4096, '\xa5'));
    const auto watch = store->watch("", store->revision().value()).value();
    const auto first = store->list("");
    REQUIRE_FALSE(first);
    CHECK(first.error().kind == ErrorKind::corrupt);
    CHECK(put(*store, "a", "1").error().what == first.error().what);
    CHECK(store->revision().error().what == first.error().what);
    CHECK(watch->next(1min).error().what == first.error().what);
}

TEST_CASE("an empty file becomes a database, and so does one whose making was cut short")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    std::ofstream(path).flush();
    CHECK(put(*open_sqlite(path).value(), "a", "1"));
    as_another_program(folder / "cut.db", "PRAGMA journal_mode = WAL");
    CHECK(put(*open_sqlite(folder / "cut.db").value(), "a", "1"));
}

TEST_CASE("a folder that is not there is not found")
{
    const ScratchFolder folder;
    CHECK(open_sqlite(folder / "none/belay.db").error().kind == ErrorKind::not_found);
}

/// What a child process finds out, as its exit code: the parent may be root, who is allowed everything.
int as_nobody(const std::function<int()>& body)
{
    const pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
        _exit(body());
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

TEST_CASE("a folder or file that may not be read says so")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    make_database(path, 1);
    const auto is_refused = [&] {
        const auto store = open_sqlite(path);
        return !store && store.error().kind == ErrorKind::permission ? 0 : 1;
    };
    REQUIRE(chmod(folder.path().c_str(), 0) == 0);
    CHECK(as_nobody(is_refused) == 0);
    REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
    REQUIRE(chmod(path.c_str(), 0) == 0);
    CHECK(as_nobody(is_refused) == 0);
    REQUIRE(chmod(path.c_str(), 0444) == 0);
    CHECK(as_nobody(is_refused) == 0);
    REQUIRE(chmod(folder.path().c_str(), 0700) == 0);
}

/// Writes until there is no room; then room is made, and everything that was promised must be there.
void fill_and_go_on(const std::string& path, const std::function<void()>& fill,
                    const std::function<void()>& make_room)
{
    auto store = open_sqlite(path).value();
    REQUIRE(put(*store, "counter", "0"));
    fill();
    int written = 0;
    for (;; ++written) {
        REQUIRE(written < 10'000);
        const auto commit =
            store->commit({.when = {},
                           .then = {{.key = "counter", .value = std::to_string(written + 1)},
                                    {.key = fmt::format("k{}", written), .value = std::string(2000, 'x')}}});
        if (commit) continue;
        CHECK(commit.error().kind == ErrorKind::no_space);
        CHECK(commit.error().what == fmt::format("no room left to write {}", path));
        break;
    }
    CHECK(store->get("counter").value()->value == std::to_string(written));
    CHECK_FALSE(has(*store, fmt::format("k{}", written)));
    CHECK(put(*store, "large", std::string(100'000, 'x')).error().kind == ErrorKind::no_space);
    CHECK(store->revision().value() == written + 1);

    make_room();
    CHECK(put(*store, "after", "1")->revision == written + 2);
    store.reset();
    store = open_sqlite(path).value();
    CHECK(has(*store, "after"));
    CHECK_FALSE(has(*store, "large"));
    CHECK(store->list("k").value().size() == static_cast<size_t>(written));
}

TEST_CASE("where files may not grow there is no space; once they may, the next commit works")
{
    const ScratchFolder folder;
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto old_action = signal(SIGXFSZ, SIG_IGN);
    fill_and_go_on(
        folder / "belay.db",
        [&] {
            const rlimit small{.rlim_cur = 300'000, .rlim_max = before.rlim_max};
            REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
        },
        [&] { REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0); });
    (void)signal(SIGXFSZ, old_action);
}

/// A disk of 2 MiB, mounted while it lives.
class SmallDisk {
  public:
    explicit SmallDisk(std::string path) : path_(std::move(path))
    {
        REQUIRE(mkdir(path_.c_str(), 0700) == 0);
        mounted_ = mount("belay-test", path_.c_str(), "tmpfs", 0, "size=2m") == 0;
    }
    ~SmallDisk()
    {
        if (mounted_) umount2(path_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    bool mounted() const { return mounted_; }

  private:
    const std::string path_;
    bool mounted_ = false;
};

TEST_CASE("on a full disk there is no space; once there is, the next commit works")
{
    const ScratchFolder folder;
    const std::string path = folder / "disk";
    const SmallDisk disk(path);
    if (!disk.mounted()) {
        MESSAGE("skipped: only root can mount a small disk");
        return;
    }
    fill_and_go_on(
        path + "/belay.db", [&] { std::ofstream(path + "/other") << std::string(1'200'000, 'x'); },
        [&] { REQUIRE(unlink((path + "/other").c_str()) == 0); });
}

TEST_CASE("after a failed sync the store answers with that error until it is opened anew")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    auto store = open_sqlite(path).value();
    CHECK(put(*store, "before", "1"));
    auto watch = store->watch("", 1).value();

    failing_syncs = "-wal";
    const auto lost = put(*store, "lost", "1");
    failing_syncs.clear();
    REQUIRE_FALSE(lost);
    CHECK(lost.error().kind == ErrorKind::io);
    CHECK(lost.error().what == fmt::format("cannot read or write {}: Input/output error", path));
    CHECK(put(*store, "after", "1").error().what == lost.error().what);
    CHECK(store->get("before").error().what == lost.error().what);
    CHECK(store->grant(1s).error().kind == ErrorKind::io);
    CHECK(watch->next(1min).error().kind == ErrorKind::io);

    watch.reset();
    store.reset();
    store = open_sqlite(path).value();
    CHECK(has(*store, "before"));
    CHECK_FALSE(has(*store, "after"));
    CHECK(put(*store, "after", "1"));
}

TEST_CASE("where the sync of a checkpoint fails, the commit before it holds and the next is refused")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    auto store = open_sqlite(path).value();
    failing_syncs = "/belay.db";
    int committed = 0;
    while (committed < 10 && put(*store, fmt::format("k{}", committed), std::string(2'000'000, 'x')))
        ++committed;
    failing_syncs.clear();
    CHECK(committed >= 1);
    CHECK(committed < 10);
    CHECK(store->revision().error().kind == ErrorKind::io);
    store.reset();
    store = open_sqlite(path).value();
    CHECK(store->list("k").value().size() == static_cast<size_t>(committed));
}

/// Commits pairs for ever, and reports each number once it is committed.
[[noreturn]] void commit_and_report(const std::string& path, int report)
{
    auto store = open_sqlite(path);
    if (!store) _exit(1);
    for (int number =
             std::stoi(store.value()->get("last").value().value_or(Entry{.key = "", .value = "0"}).value);
         ;) {
        const std::string next = std::to_string(++number);
        if (!(*store)->commit(
                {.when = {},
                 .then = {{.key = "last", .value = next}, {.key = "n/" + next, .value = next}}})) {
            _exit(1);
        }
        if (::write(report, &number, sizeof number) != sizeof number) _exit(1);
    }
}

TEST_CASE("whatever a killed process had reported as committed is there")
{
    const ScratchFolder folder;
    const std::string path = folder / "belay.db";
    int reported = 0;
    for (int kill_after : {1, 2, 30, 400, 1500}) {
        int report[2];
        REQUIRE(pipe(report) == 0);
        const pid_t child = fork();
        if (child == 0) commit_and_report(path, report[1]);
        close(report[1]);
        const int stop = reported + kill_after;
        while (reported < stop && read(report[0], &reported, sizeof reported) == sizeof reported) continue;
        kill(child, SIGKILL);
        CHECK(waitpid(child, nullptr, 0) == child);
        while (read(report[0], &reported, sizeof reported) == sizeof reported) continue;
        close(report[0]);
        REQUIRE(reported >= stop);

        const auto store = open_sqlite(path).value();
        const int last = std::stoi(store->get("last").value()->value);
        CHECK(last >= reported);
        CHECK(last <= reported + 1);
        CHECK(store->list("n/").value().size() == static_cast<size_t>(last));
        CHECK(store->revision().value() == last);
        reported = last;
    }
}

}  // namespace
}  // namespace belay::store
