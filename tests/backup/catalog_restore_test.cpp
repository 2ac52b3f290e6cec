// belay restore where several repositories have what is wanted, and some of them cannot be had.

#include "catalog_shop.h"
#include "rest_server.h"

#include <doctest/doctest.h>

namespace belay::backup {
namespace {

/// A shop with a copy of its repository on another disk.
class TwoPlaces : public CatalogShop {
  public:
    TwoPlaces()
    {
        must_belay({"identity", "create", "--identity", path("identity")});
        save("2026-01-01 10:00:00", "first");
        save("2026-02-01 10:00:00", "second");
        other_belay({"init", "--copy-chunker-params", "--from-repo", path("repository"),
                     "--from-password-file", path("password")});
        other_belay({"copy", "--from-repo", path("repository"), "--from-password-file", path("password")});
        add();
        must_catalog({"add", other.path("repository"), "--password-file", other.path("password")});
    }

    void save(const std::string& time, std::string_view content) const
    {
        write("tree/small", content);
        must_belay(
            {"run", path("tree"), "--host", "web", "-q", "--time", time, "--identity", path("identity")});
    }
    void other_belay(Words words) const
    {
        words.insert(words.end(),
                     {"--repo", other.path("repository"), "--password-file", other.path("password"), "-q"});
        cli::fakes::TextConsole console;
        REQUIRE_MESSAGE(cli::run_backup(words, console) == 0, console.complained);
    }
    Said restore(const std::string& target, Words more = {}) const
    {
        Words words = {path("tree/small"), "--client", "web", "--target", path(target)};
        words.insert(words.end(), more.begin(), more.end());
        return say(cli::run_restore, words);
    }
    std::string restored(const std::string& target) const { return read(target + path("tree/small")); }
    void lose(const std::string& which) const { std::filesystem::rename(which, which + ".away"); }

    const Scratch other;
};

TEST_CASE("where a repository is gone, the same comes from the next one that has it")
{
    const TwoPlaces shop;
    const Said whole = shop.restore("whole");
    REQUIRE_MESSAGE(whole.code == 0, whole.err);
    CHECK(whole.err.empty());
    for (const std::string& gone : {shop.path("repository"), shop.other.path("repository")}) {
        const std::string stays =
            gone == shop.path("repository") ? shop.other.path("repository") : shop.path("repository");
        shop.lose(gone);
        const std::string target = fmt::format("from {}", Id::of(gone).short_hex());
        const Said said = shop.restore(target);
        CHECK_MESSAGE(said.code == 0, said.err);
        CHECK(shop.restored(target) == "second");
        CHECK(said.out.find(" in " + stays) != std::string::npos);
        const Said then = shop.restore(target + " then", {"--at", "2026-01-15"});
        CHECK(then.code == 0);
        CHECK(shop.restored(target + " then") == "first");
        std::filesystem::rename(gone + ".away", gone);
    }
    shop.lose(shop.path("repository"));
    shop.lose(shop.other.path("repository"));
    const Said nowhere = shop.restore("nowhere");
    CHECK(nowhere.code == 10);
    CHECK(nowhere.err.find(shop.path("repository")) != std::string::npos);
    CHECK(nowhere.err.find(shop.other.path("repository")) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(shop.path("nowhere")));
}

TEST_CASE("an older content comes only where that was allowed, and is said")
{
    const TwoPlaces shop;
    shop.save("2026-03-01 10:00:00", "third");
    shop.must_catalog({"refresh"});
    CHECK(shop.restore("third").code == 0);
    CHECK(shop.restored("third") == "third");
    shop.lose(shop.path("repository"));
    const Said refused = shop.restore("refused");
    CHECK(refused.code == 10);
    CHECK_FALSE(std::filesystem::exists(shop.path("refused")));
    const Said older = shop.restore("older", {"--or-older"});
    REQUIRE_MESSAGE(older.code == 0, older.err);
    CHECK(shop.restored("older") == "second");
    CHECK(older.err.find(shop.path("repository")) != std::string::npos);
    CHECK(older.err.find("this is an older one") != std::string::npos);
    CHECK(older.out.find("2026-02-01") != std::string::npos);
    CHECK(older.out.find(shop.other.path("repository")) != std::string::npos);
    const Said json = shop.restore("json", {"--or-older", "--json"});
    CHECK(Shop::lines(json.out).front().at("message_type") == "source_failed");
    CHECK(Shop::lines(json.out).front().at("location") == shop.path("repository"));
    // What is asked for as of an earlier time is not replaced by what came later.
    CHECK(shop.restore("first", {"--at", "2026-01-15"}).code == 0);
    CHECK(shop.restored("first") == "first");
}

TEST_CASE("a dry run lists the alternatives, and each command that it names does it")
{
    const TwoPlaces shop;
    const auto dry = [&](Words more) {
        more.insert(more.end(), {"--dry-run", "--json"});
        const Said said = shop.restore("dry", more);
        REQUIRE_MESSAGE(said.code == 0, said.err);
        return must(parse_json(said.out));
    };
    const Json said = dry({});
    CHECK(said.at("has_newest_content") == true);
    REQUIRE(said.at("alternatives").size() == 1);
    CHECK(said.at("alternatives").at(0).at("location") != said.at("location"));
    Words argv = said.at("alternatives").at(0).at("restic").get<Words>();
    argv.insert(argv.begin() + 1, "--no-cache");
    Scratch::run(argv);
    CHECK(shop.restored("dry") == "second");
    const Json older = dry({"--or-older"}).at("alternatives");
    REQUIRE(older.size() == 3);
    CHECK(older.at(0).at("has_newest_content") == true);
    CHECK(older.at(1).at("has_newest_content") == false);
    CHECK(older.at(2).at("has_newest_content") == false);
    const Said text = shop.restore("text", {"--dry-run"});
    CHECK(text.out.find("where that cannot be had, the same: ") != std::string::npos);
}

TEST_CASE("a repository that is locked, cannot be opened, or has lost the snapshot, is passed over")
{
    const TwoPlaces shop;
    shop.save("2026-03-01 10:00:00", "third");
    shop.must_catalog({"refresh"});
    shop.other_belay(
        {"copy", "--from-repo", shop.path("repository"), "--from-password-file", shop.path("password")});
    shop.must_catalog({"refresh"});
    const Json all = shop.catalog_json({"list"});
    // The one that comes first.
    const Json dry = must(parse_json(shop.restore("dry", {"--dry-run", "--json"}).out));
    const std::string first = dry.at("location");
    const bool is_own = first == shop.path("repository");
    const Scratch& place = is_own ? static_cast<const Scratch&>(shop) : shop.other;
    {
        Repository repository = opened(place);
        const auto lock = must(RepositoryLock::take(repository, Access::exclusive));
        const Said said = shop.restore("locked");
        CHECK_MESSAGE(said.code == 0, said.err);
        CHECK(said.err.find("locked") != std::string::npos);
        CHECK(shop.restored("locked") == "third");
    }
    const std::string password = shop.catalog + "/repositories/" +
                                 dry.at("snapshot").at("repository").get<std::string>() + "/password";
    std::filesystem::rename(password, password + ".away");
    std::ofstream(password) << "wrong\n";
    const Said wrong = shop.restore("wrong");
    CHECK_MESSAGE(wrong.code == 0, wrong.err);
    CHECK(shop.restored("wrong") == "third");
    std::filesystem::rename(password + ".away", password);
    std::filesystem::remove(first + "/snapshots/" + dry.at("snapshot").at("id").get<std::string>());
    const Said lost = shop.restore("lost");
    CHECK_MESSAGE(lost.code == 0, lost.err);
    CHECK(lost.err.find("snapshot") != std::string::npos);
    CHECK(shop.restored("lost") == "third");
}

TEST_CASE("a server that does not answer is not waited for where the same is elsewhere")
{
    const CatalogShop shop;
    const Scratch away;
    RestServer server(away);
    shop.must_belay({"identity", "create", "--identity", shop.path("identity")});
    static_cast<void>(
        must(Repository::create(server.place(), Scratch::password, {.cost = {.n = 1024, .r = 8, .p = 1}})));
    cli::fakes::TextConsole console;
    const Words save = {"run",
                        shop.path("tree"),
                        "--host",
                        "web",
                        "-q",
                        "--identity",
                        shop.path("identity"),
                        "--repo",
                        server.location(),
                        "--password-file",
                        shop.path("password")};
    REQUIRE(cli::run_backup(save, console) == 0);
    REQUIRE(cli::run_backup(
                {"copy", "--from-repo", server.location(), "--from-password-file", shop.path("password"),
                 "--repo", shop.path("repository"), "--password-file", shop.path("password"), "-q"},
                console) == 0);
    REQUIRE(cli::run_backup(save, console) == 0);  // the server has a newer one, so it comes first
    shop.add();
    shop.must_catalog({"add", server.location(), "--password-file", shop.path("password")});
    server.end();
    const auto begun = std::chrono::steady_clock::now();
    const Said said = shop.say(cli::run_restore,
                               {shop.path("tree/small"), "--client", "web", "--target", shop.path("back")});
    CHECK_MESSAGE(said.code == 0, said.err);
    CHECK(said.err.find(server.place()->location()) != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(30));
    CHECK(shop.read("back" + shop.path("tree/small")) == shop.read("tree/small"));
}

}  // namespace
}  // namespace belay::backup
