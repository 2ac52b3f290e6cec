// How `belay backup` comes to a repository: its place, password and key, and the locks of others.

#include "backup/maintenance/keys.h"
#include "backup/repository/repository_lock.h"
#include "mounts.h"
#include "rest_server.h"
#include "shop.h"

namespace belay::backup {
namespace {

/// A repository with its place and password in files.
class Kept : public Scratch {
  public:
    Kept()
    {
        init(*this);
        write("place", path("repository") + "\nsecond line\n");
        write("wrong", "wrong\n");
    }
    /// Opens it by these alone, beside what `--repo` and `--password-file` would say.
    static Said open(const Words& environment, Words words, const std::string& input = {})
    {
        words.insert(words.begin(), {"snapshots", "--json", "--no-lock"});
        return run_program(environment, words, input);
    }
};

TEST_CASE("the place of the repository comes from each option and variable that is promised")
{
    const Kept kept;
    const std::string place = kept.path("repository"), nowhere = kept.path("nowhere");
    const auto code = [&](Words environment, Words words) {
        environment.emplace_back("RESTIC_PASSWORD=correct horse");
        return Kept::open(environment, std::move(words)).code;
    };
    CHECK(code({}, {}) == 1);
    CHECK(code({}, {"--repo", place}) == 0);
    CHECK(code({}, {"--repository-file", kept.path("place")}) == 0);
    // Programs of a test run in the root folder.
    CHECK(code({}, {"--repo", place.substr(1)}) == 0);
    CHECK(code({}, {"--repository-file", kept.path("place").substr(1)}) == 0);
    CHECK(code({"RESTIC_REPOSITORY=" + place}, {}) == 0);
    CHECK(code({"RESTIC_REPOSITORY_FILE=" + kept.path("place")}, {}) == 0);
    // What is said goes before what the environment says.
    CHECK(code({"RESTIC_REPOSITORY=" + nowhere}, {}) == 10);
    CHECK(code({"RESTIC_REPOSITORY=" + nowhere}, {"--repo", place}) == 0);
    CHECK(code({"RESTIC_REPOSITORY=" + nowhere}, {"--repository-file", kept.path("place")}) == 0);
    CHECK(code({"RESTIC_REPOSITORY_FILE=" + nowhere}, {"--repo", place}) == 0);
}

TEST_CASE("the password comes from each option and variable that is promised")
{
    const Kept kept;
    const auto open = [&](Words environment, const Words& words, const std::string& input = {}) {
        environment.push_back("RESTIC_REPOSITORY=" + kept.path("repository"));
        return Kept::open(environment, words, input);
    };
    const auto code = [&](const Words& environment, const Words& words) {
        return open(environment, words).code;
    };
    const std::string file = kept.path("password"), wrong = kept.path("wrong");
    const std::string command = fmt::format(R"(sh -c "echo correct\ horse; echo more; test -e '{}'")", file);
    CHECK(code({}, {}) == 1);
    CHECK(open({}, {}, "correct horse\n").code == 0);
    CHECK(open({}, {}, "wrong\n").code == 12);
    CHECK(code({}, {"--password-file", file}) == 0);
    // Programs of a test run in the root folder.
    CHECK(code({}, {"--password-file", file.substr(1)}) == 0);
    CHECK(code({}, {"--password-file", wrong}) == 12);
    CHECK(code({}, {"--password-command", command}) == 0);
    CHECK(code({}, {"--password-command", "echo wrong"}) == 12);
    CHECK(code({"RESTIC_PASSWORD=correct horse"}, {}) == 0);
    CHECK(code({"RESTIC_PASSWORD=wrong"}, {}) == 12);
    CHECK(code({"RESTIC_PASSWORD_FILE=" + file}, {}) == 0);
    CHECK(code({"RESTIC_PASSWORD_COMMAND=" + command}, {}) == 0);
    // What is said goes before what the environment says.
    for (const Words& right : {Words{"--password-file", file}, Words{"--password-command", command}})
        for (const std::string other :
             {"RESTIC_PASSWORD=wrong", "RESTIC_PASSWORD_FILE=/none", "RESTIC_PASSWORD_COMMAND=false"})
            CHECK(code({other}, right) == 0);
}

TEST_CASE("a program that gives no password is named, and nothing that it has said is shown")
{
    const Kept kept;
    const auto said = [&](const std::string& command) {
        return Kept::open({},
                          {"--repo", kept.path("repository"), "--password-command", command, "--no-color"});
    };
    const Said failed = said("sh -c 'echo correct horse; exit 3'");
    CHECK(failed.code == 1);
    CHECK(failed.err.find("sh did not end well, and so there is no password") != std::string::npos);
    CHECK((failed.out + failed.err).find("correct horse") == std::string::npos);
    CHECK(said("no-such-program-anywhere").err.find("cannot run no-such-program-anywhere") !=
          std::string::npos);
    CHECK(said("true").err.find("the repository's password is empty") != std::string::npos);
    CHECK(said("echo 'x").err.find("a ' is not closed in the command") != std::string::npos);
    const Said both = Kept::open(
        {}, {"--password-file", "a", "--password-command", "b", "--repo", kept.path("repository")});
    CHECK(both.code == 1);
    CHECK(both.err.find("from a file or from a program, not from both") != std::string::npos);
}

TEST_CASE("--key-hint and RESTIC_KEY_HINT choose among the keys of one password")
{
    const Kept kept;
    const Repository repository = opened(kept);
    const NewKey twin{.password = Scratch::password, .cost = {.n = 16, .r = 1, .p = 1}};
    const std::vector<Id> keys = {repository.key_id(), must(add_key(repository, twin)),
                                  must(add_key(repository, twin))};
    const auto current = [&](const Words& environment, Words words) {
        words.insert(words.end(), {"key", "list", "--json", "--no-lock", "--repo", kept.path("repository"),
                                   "--password-file", kept.path("password")});
        const Said said = run_program(environment, words);
        REQUIRE_MESSAGE(said.code == 0, said.err);
        for (const Json& key : must(parse_json(said.out)))
            if (key.at("current") == true) return key.at("id").get<std::string>();
        return std::string();
    };
    for (const Id& key : keys) {
        CHECK(current({}, {"--key-hint", key.short_hex()}) == key.short_hex());
        CHECK(current({"RESTIC_KEY_HINT=" + key.hex()}, {}) == key.short_hex());
    }
}

TEST_CASE("account and certificates of a server come from the environment as well")
{
    const Scratch scratch;
    const RestServer server(scratch, {.tls = true, .wants_certificate = true});
    static_cast<void>(
        must(Repository::create(server.place(), Scratch::password, {.cost = {.n = 16, .r = 1, .p = 1}})));
    std::string place = server.location();
    const std::string account = "someone:open%20sesame@";
    place.erase(place.find(account), account.size());
    const Words all = {"RESTIC_REPOSITORY=" + place,
                       "RESTIC_PASSWORD=correct horse",
                       "RESTIC_CACERT=" + server.certificate(),
                       "RESTIC_TLS_CLIENT_CERT=" + server.certificate_and_key(),
                       "RESTIC_REST_USERNAME=someone",
                       "RESTIC_REST_PASSWORD=open sesame"};
    const Said said = Kept::open(all, {});
    CHECK_MESSAGE(said.code == 0, said.err);
    for (size_t i = 2; i < all.size(); ++i) {
        Words without = all;
        without.erase(without.begin() + static_cast<ptrdiff_t>(i));
        INFO(all[i]);
        CHECK(Kept::open(without, {}).code == 1);
    }
}

TEST_CASE("the level of compression and the size of packs come from option and environment")
{
    const Scratch scratch;
    std::filesystem::create_directory(scratch.path("tree"));
    scratch.write("tree/text", std::string(1 << 20, 't'));
    scratch.write("tree/random", Scratch::random_text(15 << 20, 3));
    init(scratch);
    std::filesystem::rename(scratch.path("repository"), scratch.path("empty"));
    struct Made {
        size_t packs = 0;
        uint64_t bytes = 0;
    };
    const auto made = [&](Words environment, Words words) {
        std::filesystem::remove_all(scratch.path("repository"));
        std::filesystem::copy(scratch.path("empty"), scratch.path("repository"),
                              std::filesystem::copy_options::recursive);
        environment.insert(environment.end(), {"RESTIC_REPOSITORY=" + scratch.path("repository"),
                                               "RESTIC_PASSWORD=correct horse"});
        words.insert(words.begin(), {"run", "-q", scratch.path("tree")});
        const Said said = run_program(environment, words);
        REQUIRE_MESSAGE(said.code == 0, said.err);
        Made all;
        for (const ListedFile& pack : must(place(scratch)->list(FileKind::pack))) {
            ++all.packs;
            all.bytes += pack.size;
        }
        return all;
    };
    const Made usual = made({}, {});
    for (const auto& [environment, words] : {std::pair<Words, Words>{{"RESTIC_COMPRESSION=off"}, {}},
                                             std::pair<Words, Words>{{}, {"--compression", "off"}}})
        CHECK(made(environment, words).bytes > usual.bytes + (900 << 10));
    for (const auto& [environment, words] : {std::pair<Words, Words>{{"RESTIC_PACK_SIZE=4"}, {}},
                                             std::pair<Words, Words>{{}, {"--pack-size", "4"}}})
        CHECK(made(environment, words).packs > usual.packs);
}

TEST_CASE("there is no cache, whatever is said of one")
{
    const Kept kept;
    const std::string cache = kept.path("cache");
    const Said said = Kept::open({"RESTIC_CACHE_DIR=" + cache, "XDG_CACHE_HOME=" + cache, "HOME=" + cache},
                                 {"--repo", kept.path("repository"), "--password-file", kept.path("password"),
                                  "--cache-dir", cache, "--cleanup-cache"});
    CHECK_MESSAGE(said.code == 0, said.err);
    CHECK_FALSE(std::filesystem::exists(cache));
}

/// A repository that somebody has locked for himself alone.
struct Locked {
    /// On a terminal, so that it is seen to wait.
    ProgramOnTerminal list(const std::string& patience) const
    {
        return {{"RESTIC_PASSWORD=correct horse"},
                {"snapshots", "--repo", kept.path("repository"), "--retry-lock", patience}};
    }

    Kept kept;
    Repository theirs = opened(kept);
    std::unique_ptr<RepositoryLock> lock = must(RepositoryLock::take(theirs, Access::exclusive));
};

TEST_CASE("--retry-lock waits for a lock that is given back")
{
    Locked locked;
    ProgramOnTerminal child = locked.list("60s");
    REQUIRE(child.shows("waiting for it up to 1 min"));
    locked.lock.reset();
    CHECK(child.end() == 0);
    CHECK(std::filesystem::is_empty(locked.kept.path("repository/locks")));
}

TEST_CASE("--retry-lock waits as long as it says for a lock that is not given back, and no longer")
{
    const Locked locked;
    const auto began = std::chrono::steady_clock::now();
    ProgramOnTerminal child = locked.list("1s");
    CHECK(child.end() == 11);
    CHECK(std::chrono::steady_clock::now() - began >= std::chrono::seconds(1));
    const std::string text = child.screen().text();
    CHECK(text.find("waiting for it up to 1 s") != std::string::npos);
    CHECK(text.find("belay: the repository is locked") != std::string::npos);
    CHECK(text.find("next: ") != std::string::npos);
    // Without a word of waiting it fails at once.
    const Said at_once = run_program({"RESTIC_PASSWORD=correct horse"},
                                     {"snapshots", "--repo", locked.kept.path("repository")});
    CHECK(at_once.code == 11);
}

TEST_CASE("check --no-lock checks a repository in which nobody can write")
{
    const Shop shop;
    shop.must_belay({"run", "-q", shop.path("tree")});
    with_own_mounts([&] {
        make_read_only(shop.path("repository"));
        const Said with_lock = shop.belay({"check", "--read-data"});
        CHECK(with_lock.code == 1);
        CHECK(with_lock.err.find("Read-only file system") != std::string::npos);
        const Said without = shop.belay({"check", "--read-data", "--no-lock"});
        CHECK_MESSAGE(without.code == 0, without.err);
        CHECK(without.out.find("no errors were found") != std::string::npos);
        CHECK(shop.belay({"snapshots", "--no-lock"}).code == 0);
    });
}

}  // namespace
}  // namespace belay::backup
