// belay backup as people and scripts use it, beside Debian's restic on the same repository.

#include "mounts.h"
#include "shop.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::backup {
namespace {

void sort_by_snapshot(Json& found)
{
    std::sort(found.begin(), found.end(), [](const Json& one, const Json& other) {
        return one.at("snapshot").get<std::string>() < other.at("snapshot").get<std::string>();
    });
}

TEST_CASE("a new repository is made, saved to, restored from, and restic agrees")
{
    const Scratch scratch;
    const Words common = {"--repo", scratch.path("repository"), "--password-file", scratch.path("password")};
    const auto belay = [&](Words words) {
        words.insert(words.end(), common.begin(), common.end());
        cli::fakes::TextConsole console;
        const int code = cli::run_backup(words, console);
        REQUIRE_MESSAGE(code == 0, console.said, console.complained);
        return console.said;
    };
    scratch.make_tree();
    CHECK(belay({"init"}).find("made the repository") == 0);
    const std::string said = belay({"run", scratch.path("tree")});
    CHECK(said.find("no snapshot to compare with") == 0);
    CHECK(said.find("8 new,") != std::string::npos);
    CHECK(belay({"run", scratch.path("tree")}).find("8 unchanged") != std::string::npos);
    scratch.restic({"check", "--read-data"});
    belay({"restore", "latest", "--target", scratch.path("back")});
    scratch.run({"diff", "-r", "--no-dereference", "--exclude=fifo", scratch.path("tree"),
                 scratch.path("back") + scratch.path("tree")});
}

TEST_CASE("--json says what restic says, and more")
{
    const Shop shop;
    shop.restic({"backup", shop.path("tree"), "--tag", "one,two", "--host", "web"});
    shop.write("tree/added", "new");
    shop.must_belay({"run", shop.path("tree"), "--host", "web", "-q"});
    for (const Words& words : std::vector<Words>{{"snapshots"},
                                                 {"snapshots", "--tag", "one"},
                                                 {"snapshots", "--group-by", "host"},
                                                 {"find", "*o*"},
                                                 {"find", "added", "--host", "web"},
                                                 {"stats"},
                                                 {"stats", "--mode", "raw-data"},
                                                 {"forget", "--keep-last", "1", "--dry-run"}}) {
        INFO(words.front());
        Json ours = shop.belay_json(words), restics = shop.restic_json(words);
        // restic finds in several snapshots at once, and tells them as they come.
        if (words.front() == "find") sort_by_snapshot(ours), sort_by_snapshot(restics);
        says_the_same(ours, restics);
    }
    Words ls = {"ls", "latest", "--json"};
    const std::vector<Json> ours = Shop::lines(shop.must_belay(ls)), restics = Shop::lines(shop.restic(ls));
    says_the_same(Json(ours), Json(restics));

    const std::string first = shop.belay_json({"snapshots"}).at(0).at("id");
    const std::string second = shop.belay_json({"snapshots"}).at(1).at("id");
    const std::vector<Json> differences = Shop::lines(shop.must_belay({"diff", first, second, "--json"}));
    says_the_same(differences.back(), shop.restic_json({"diff", first, second}));
    REQUIRE(differences.size() == 2);
    CHECK(differences.front().at("path") == shop.path("tree") + "/added");
    CHECK(differences.front().at("modifier") == "+");
}

TEST_CASE("the same patterns leave out the same files, and want the same back")
{
    const Shop shop;
    std::filesystem::create_directories(shop.path("tree/a/b/c"));
    for (const char* name : {"a/x.o", "a/keep.o", "a/b/X.O", "a/b/c/x.c", "a/b/c/y.c", "large.bin"})
        shop.write(fmt::format("tree/{}", name), name);
    shop.write("tree/large.bin", std::string(200000, 'b'));
    shop.write("tree/a/b/c/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    shop.write("tree/a/b/.nobackup", "");
    shop.write("patterns", "# what is made\n*.o\n\n!keep.o\n/tree/folder\n");
    const auto paths_of = [](const std::vector<Json>& nodes) {
        std::set<std::string> paths;
        for (const Json& node : nodes)
            if (node.at("struct_type") == "node") paths.insert(node.at("path"));
        return paths;
    };
    for (const Words& options : std::vector<Words>{{"--exclude", "*.o"},
                                                   {"--exclude", "*.o", "--exclude", "!keep.o"},
                                                   {"--iexclude", "*.o"},
                                                   {"--exclude", shop.path("tree") + "/a/*/c"},
                                                   {"--exclude", "tree/**/*.c"},
                                                   {"--exclude", "b/c"},
                                                   {"--exclude", "[^k]*.o"},
                                                   {"--exclude-file", shop.path("patterns")},
                                                   {"--exclude-caches"},
                                                   {"--exclude-if-present", ".nobackup"},
                                                   {"--exclude-larger-than", "100k"}}) {
        INFO(fmt::format("{}", fmt::join(options, " ")));
        Words ours = {"run", "-q", shop.path("tree"), "--tag", "ours"},
              restics = {"backup", shop.path("tree")};
        ours.insert(ours.end(), options.begin(), options.end());
        restics.insert(restics.end(), options.begin(), options.end());
        shop.must_belay(ours);
        const auto saved = paths_of(Shop::lines(shop.must_belay({"ls", "latest", "--json"})));
        shop.restic(restics);
        CHECK(saved == paths_of(Shop::lines(shop.must_belay({"ls", "latest", "--json"}))));
    }
    // A pattern from a file may name a variable of the environment.
    shop.write("with-variable", "$TREE_OF_TEST/lar*\n");
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet
    REQUIRE(::setenv("TREE_OF_TEST", shop.path("tree").c_str(), 1) == 0);
    shop.must_belay({"run", "-q", shop.path("tree"), "--exclude-file", shop.path("with-variable")});
    CHECK_FALSE(
        paths_of(Shop::lines(shop.must_belay({"ls", "latest", "--json"}))).contains(shop.path("tree/large")));
    shop.must_belay({"run", "-q", shop.path("tree")});
    shop.must_belay({"restore", "-q", "latest", "--target", shop.path("ours"), "--include", "*.c"});
    shop.restic({"restore", "latest", "--target", shop.path("restics"), "--include", "*.c"});
    const auto files_in = [](const std::string& folder) {
        std::set<std::string> files;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
            if (entry.is_regular_file()) files.insert(entry.path().lexically_relative(folder).string());
        return files;
    };
    CHECK(files_in(shop.path("ours")).size() == 2);
    CHECK(files_in(shop.path("ours")) == files_in(shop.path("restics")));
}

TEST_CASE("find looks among the times that --oldest and --newest leave, as restic does")
{
    const Shop shop;
    std::filesystem::create_directory(shop.path("dated"));
    constexpr time_t day = 86400, first = 1577880000;  // 2020-01-01 12:00 UTC
    for (int i = 0; i < 4; ++i) {
        shop.write(fmt::format("dated/day{}", i), "x");
        const timespec times[2] = {{first + i * day, 0}, {first + i * day, 0}};
        REQUIRE(::utimensat(AT_FDCWD, shop.path(fmt::format("dated/day{}", i)).c_str(), times, 0) == 0);
    }
    shop.must_belay({"run", "-q", shop.path("dated")});
    const auto found = [&](Words words) {
        words.insert(words.begin(), {"find", "day*"});
        const Json ours = shop.belay_json(words);
        says_the_same(ours, shop.restic_json(words));
        return ours.at(0).at("hits").get<int>();
    };
    CHECK(found({}) == 4);
    CHECK(found({"--oldest", "2020-01-03"}) == 2);
    CHECK(found({"--newest", "2020-01-02"}) == 1);
    CHECK(found({"--oldest", "2020-01-02", "--newest", "2020-01-03 18:00:00"}) == 2);
}

TEST_CASE("restore --verify reads back what was wanted, and says how much it was")
{
    const Shop shop;
    shop.must_belay({"run", "-q", shop.path("tree")});
    const std::string text =
        shop.must_belay({"restore", "latest", "--target", shop.path("back"), "--verify"});
    CHECK(text.find("restored 7 files") != std::string::npos);
    CHECK(text.find("verified 7 files, 8.2 MiB in ") != std::string::npos);
    const auto verified = [&](Words words) {
        words.insert(words.begin(), {"restore", "--target", shop.path("again"), "--verify", "--json"});
        const Json summary = must(parse_json(Shop::last_line(shop.must_belay(words))));
        CHECK(summary.at("message_type") == "summary");
        CHECK(summary.at("bytes_verified") == summary.at("total_bytes"));
        return summary.at("files_verified").get<int>();
    };
    CHECK(verified({"latest", "--include", "large"}) == 1);
    CHECK(verified({"latest", "--exclude", "folder"}) == 3);
    CHECK(verified({"latest:" + shop.path("tree/folder")}) == 5);
    const Said dry = shop.belay({"restore", "latest", "--target", shop.path("dry"), "--verify", "--dry-run"});
    CHECK(dry.code == 1);
    CHECK(dry.err.find("what a dry run does not write cannot be verified") != std::string::npos);
}

TEST_CASE("restore --verify names the file that is not what the snapshot says")
{
    const Shop shop;
    for (const char* folder : {"tree/one", "tree/two"}) {
        std::filesystem::create_directories(shop.path(folder));
        std::filesystem::create_directories(shop.path("back") + shop.path(folder));
        shop.write(std::string(folder) + "/file", folder);
    }
    shop.must_belay({"run", "-q", shop.path("tree")});
    with_own_mounts([&] {
        // Two folders of the snapshot are one in the target: of their files there can be one alone.
        const std::string one = shop.path("back") + shop.path("tree/one"),
                          two = shop.path("back") + shop.path("tree/two");
        REQUIRE(::mount(one.c_str(), two.c_str(), nullptr, MS_BIND, nullptr) == 0);
        const Words words = {"restore", "latest", "--target", shop.path("back")};
        CHECK(shop.belay(words).code == 0);
        Words verifying = words;
        verifying.emplace_back("--verify");
        const Said said = shop.belay(verifying);
        CHECK(said.code == 1);
        CHECK(said.err.find("/file differs from the snapshot in bytes 0 to 7") != std::string::npos);
        CHECK(said.err.find("1 files differ from the snapshot, or could not be read\n  next: ") !=
              std::string::npos);
        CHECK(said.out.find("verified 8 files") != std::string::npos);
        verifying.emplace_back("--json");
        const Said json = shop.belay(verifying);
        CHECK(json.code == 1);
        const Json error = must(parse_json(Shop::last_line(json.err)));
        CHECK(error.at("message_type") == "error");
        CHECK(error.at("during") == "restore");
        CHECK(error.at("item").get<std::string>().ends_with("/file"));
        CHECK(must(parse_json(Shop::last_line(json.out))).at("error_count") == 1);
    });
}

TEST_CASE("exit codes are restic's, and what is wrong is said in one sentence with what leads on")
{
    const Shop shop;
    const auto wrong = [&](const Words& words, int code, const std::string& sentence) {
        const Said said = shop.belay(words);
        INFO(said.out, said.err);
        CHECK(said.code == code);
        CHECK(said.err.find(sentence) != std::string::npos);
        CHECK(said.err.find("next: ") != std::string::npos);
    };
    wrong({"snapshtos"}, 1, "did you mean \"snapshots\"?");
    wrong({"snapshots", "--jsno"}, 1, "has no option --jsno, did you mean \"--json\"?");
    wrong({"ls", "latest"}, 1, "no snapshot is of that host");
    wrong({"run", shop.path("nowhere")}, 1, "none of the paths could be saved");
    wrong({"forget"}, 1, "nothing says which snapshots stay");
    wrong({"check", "--read-data-subset", "9/7"}, 1, "there is no part 9/7");
    wrong({"run", shop.path("tree"), "--exclude", "a["}, 1, "is no pattern");
    shop.must_belay({"run", "-q", shop.path("tree")});
    wrong({"forget", "--keep-hourly", "0", "--keep-tag", "none"}, 1,
          "the policy keeps none of the 1 snapshots");
    CHECK(shop.belay_json({"snapshots"}).size() == 1);
    wrong({"dump", "latest", "/nowhere"}, 1, "/nowhere is not in the snapshot");

    shop.write("password", "wrong\n");
    wrong({"snapshots"}, 12, "the password opens none of the 1 keys");
    shop.write("password", "correct horse\n");
    CHECK(std::filesystem::remove(shop.path("repository/config")));
    wrong({"snapshots"}, 10, "there is no repository");
}

TEST_CASE("a file that cannot be read is named, again at the end, and the exit code is 3")
{
    if (::geteuid() != 0) return;  // another user is needed, for whom there is something to refuse
    const Shop shop;
    // A file that goes between the walk and its reading cannot be timed; one that nobody may read can be had.
    const Said said = shop.belay({"run", shop.path("tree"), "/proc/self/mem"});
    INFO(said.out, said.err);
    CHECK(said.code == 3);
    CHECK(said.err.find("/proc/self/mem") != said.err.rfind("/proc/self/mem"));
    CHECK(said.out.find("saved") != std::string::npos);
}

TEST_CASE("what is dumped is the file, and a folder is an archive that tar and unzip read")
{
    const Shop shop;
    shop.must_belay({"run", "-q", shop.path("tree")});
    const std::string file = shop.path("tree") + "/small";
    shop.must_belay({"dump", "latest", file, "--target", shop.path("small")});
    CHECK(shop.read("small") == shop.read("tree/small"));
    shop.must_belay({"dump", "latest", shop.path("tree"), "--target", shop.path("tree.tar")});
    std::filesystem::create_directory(shop.path("unpacked"));
    Scratch::run({"tar", "--extract", "--file", shop.path("tree.tar"), "--directory", shop.path("unpacked")});
    Scratch::run({"diff", "-r", "--no-dereference", "--exclude=fifo", shop.path("tree"),
                  shop.path("unpacked") + shop.path("tree")});
    shop.must_belay(
        {"dump", "latest", shop.path("tree"), "--archive", "zip", "--target", shop.path("tree.zip")});
    CHECK(Scratch::run({"python3", "-m", "zipfile", "-l", shop.path("tree.zip")}).find("folder/text") !=
          std::string::npos);
}

TEST_CASE("keys, tags, locks and statistics are changed and seen by both")
{
    const Shop shop;
    shop.must_belay({"run", "-q", shop.path("tree")});
    shop.write("second", "battery staple\n");
    shop.must_belay({"key", "add", "--new-password-file", shop.path("second")});
    says_the_same(shop.belay_json({"key", "list"}).at(0).at("userName"),
                  shop.restic_json({"key", "list"}).at(0).at("userName"));
    CHECK(shop.belay_json({"key", "list"}).size() == 2);
    shop.must_belay({"tag", "--set", "kept,well", "latest"});
    CHECK(shop.restic_json({"snapshots"}).at(0).at("tags") == Json::array({"kept", "well"}));
    shop.must_belay({"rewrite", "--exclude", "*.none", "latest"});
    shop.must_belay({"forget", "--keep-tag", "kept", "--prune"});
    CHECK(shop.must_belay({"unlock"}).find("removed 0 locks") == 0);
    CHECK(shop.must_belay({"check"}).find("no errors were found") != std::string::npos);
    CHECK(shop.must_belay({"repair", "index"}).find("0 are lost") != std::string::npos);
    CHECK(shop.must_belay({"repair", "snapshots"}).find("1 snapshots are sound") != std::string::npos);
}

TEST_CASE("a dry run writes nothing")
{
    const Shop shop;
    shop.must_belay({"run", "-q", shop.path("tree")});
    const auto files = [&] {
        std::set<std::string> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(shop.path("repository")))
            if (entry.is_regular_file()) all.insert(entry.path().string());
        return all;
    };
    const auto before = files();
    shop.write("tree/more", "more");
    shop.must_belay({"run", shop.path("tree"), "--dry-run"});
    shop.must_belay({"forget", "--keep-last", "1", "--unsafe-allow-remove-all", "--prune", "--dry-run"});
    shop.must_belay({"prune", "--dry-run"});
    shop.must_belay({"rewrite", "--exclude", "text", "--dry-run"});
    shop.must_belay({"restore", "latest", "--target", shop.path("back"), "--dry-run"});
    CHECK(files() == before);
    CHECK_FALSE(std::filesystem::exists(shop.path("back")));
}

TEST_CASE("a device's image is saved and restored, and nothing is written over unasked")
{
    const Shop shop;
    Scratch::run({"truncate", "--size=32M", shop.path("disk")});
    Scratch::run({"mkfs.ext4", "-q", "-d", shop.path("tree/folder/deeper"), shop.path("disk")});
    const Json saved = shop.belay_json({"save-device", shop.path("disk")});
    CHECK(saved.at("content") == "ext4");
    CHECK(saved.at("bytes_used") < saved.at("total_bytes"));
    const std::string target = shop.path("disk2");
    CHECK(shop.belay({"restore-device", "latest", "--target", target}).code == 1);
    CHECK_FALSE(std::filesystem::exists(target));
    shop.must_belay({"restore-device", "latest", "--target", target, "--yes", "--verify"});
    Scratch::run({"e2fsck", "-f", "-n", target});
    CHECK(shop.belay({"restore-device", "latest", "--target", target, "--yes"}).code == 1);
}

/// Waits for it, half a minute at most.
bool comes(const std::function<bool()>& seen)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!seen()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

/// A shop with its tree saved, and its repository mounted by another process.
class MountedShop : public Shop {
  public:
    MountedShop()
    {
        must_belay({"run", "-q", path("tree"), "--tag", "shown"});
        std::filesystem::create_directory(folder());
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) ::_exit(belay({"mount", folder()}).code);
        bool ended = false;
        const bool there = comes([&] {
            ended = ::waitpid(child_, nullptr, WNOHANG) == child_;
            return ended || std::filesystem::exists(folder() + "/tags");
        });
        if (ended) {
            MESSAGE("not tried: this machine lets nobody mount by FUSE");
            child_ = -1;
        }
        REQUIRE(there);
    }
    ~MountedShop()
    {
        if (child_ > 0) static_cast<void>(end());
    }
    bool is_mounted() const { return child_ > 0; }
    std::string folder() const { return path("mounted"); }
    /// As by Ctrl-C; whether it ended by itself then.
    bool end()
    {
        int status = 0;
        const pid_t child = std::exchange(child_, -1);
        return ::kill(child, SIGINT) == 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status);
    }

  private:
    pid_t child_ = -1;
};

TEST_CASE("a repository is mounted, read with any program, and unmounted by Ctrl-C")
{
    MountedShop shop;
    if (!shop.is_mounted()) return;
    const std::string seen = shop.folder() + "/tags/shown/latest" + shop.path("tree");
    Scratch::run({"diff", "-r", "--no-dereference", "--exclude=fifo", shop.path("tree"), seen});
    struct stat here{}, there_too{};
    REQUIRE(::lstat(shop.path("tree/small").c_str(), &here) == 0);
    REQUIRE(::lstat((seen + "/small").c_str(), &there_too) == 0);
    CHECK(here.st_mode == there_too.st_mode);
    CHECK(here.st_mtim.tv_nsec == there_too.st_mtim.tv_nsec);
    CHECK(::open((seen + "/small").c_str(), O_WRONLY) < 0);
    CHECK(shop.end());
    CHECK(std::filesystem::is_empty(shop.folder()));
    CHECK(std::filesystem::is_empty(shop.path("repository/locks")));
}

TEST_CASE("a mount shows the snapshots that come, and no longer those that have gone")
{
    MountedShop shop;
    if (!shop.is_mounted()) return;
    const auto shown = [&](const std::string& folder) {
        size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator(shop.folder() + folder))
            if (entry.path().filename() != "latest") ++count;
        return count;
    };
    const std::string text = shop.path("tree") + "/added";
    CHECK(shown("/ids") == 1);
    CHECK_FALSE(std::filesystem::exists(shop.folder() + "/tags/later"));
    CHECK_FALSE(std::filesystem::exists(shop.folder() + "/tags/shown/latest" + text));
    // Its blobs are in an index that was not there either.
    shop.write("tree/added", "new");
    shop.restic({"backup", shop.path("tree"), "--tag", "later,shown"});
    REQUIRE(comes([&] { return shown("/ids") == 2; }));
    CHECK(shown("/snapshots") == 2);
    CHECK(comes([&] { return std::filesystem::exists(shop.folder() + "/tags/later/latest" + text); }));
    for (const char* way : {"/tags/shown/latest", "/snapshots/latest"}) {
        std::ifstream file(shop.folder() + way + text);
        std::string content;
        std::getline(file, content);
        CHECK(content == "new");
    }
    shop.must_belay({"forget", "-q", "latest"});
    CHECK(comes([&] { return shown("/ids") == 1; }));
    CHECK(shop.end());
}

TEST_CASE("who interrupts a backup leaves no lock, and what was stored is there for the next run")
{
    const Shop shop;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // It reads what never ends, until it is told to.
        const int zeros = ::open("/dev/urandom", O_RDONLY);
        if (zeros < 0 || ::dup2(zeros, STDIN_FILENO) < 0) ::_exit(99);
        ::_exit(shop.belay({"run", "--stdin", "-q"}).code);
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    const auto packs = [&] {
        size_t count = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(shop.path("repository/data")))
            if (entry.is_regular_file()) ++count;
        return count;
    };
    while (packs() == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    REQUIRE(::kill(child, SIGINT) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 130);
    CHECK(std::filesystem::is_empty(shop.path("repository/locks")));
    CHECK_FALSE(std::filesystem::is_empty(shop.path("repository/index")));
    CHECK(shop.belay_json({"snapshots"}).empty());
    CHECK(shop.must_belay({"check"}).find("no errors were found") != std::string::npos);
}

}  // namespace
}  // namespace belay::backup
