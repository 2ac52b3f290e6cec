// A catalog of repositories on a media server: `belay catalog` as a process, and clients that save meanwhile.

#include "../backup/talking_program.h"
#include "media_site.h"

#include <doctest/doctest.h>

namespace belay::media {
namespace {

using Words = std::vector<std::string>;

struct Said {
    int code = 0;
    std::string out, err;
};

/// A media server with the space "team", a repository in it, and a catalog beside.
class CatalogSite {
  public:
    explicit CatalogSite(MediaSite::Kind kind) : site(std::move(kind))
    {
        site.add("anna", "team", "full");
        site.add("bert", "team", "append");
        site.add("carl", "team", "read");
        site.restic("anna", "team", {"init"});
        site.scratch().make_tree();
    }
    CatalogSite() : CatalogSite(MediaSite::Kind{}) {}

    Words words(Words all) const
    {
        all.insert(all.begin(), {BELAY_PROGRAM, "catalog"});
        all.insert(all.end(), {"--catalog", site.scratch().path("catalog")});
        return all;
    }
    Said say(Words all, const Words& environment = {}) const
    {
        all = words(std::move(all));
        all.insert(all.begin(), environment.begin(), environment.end());
        all.insert(all.begin(), "env");
        const host::Outcome outcome =
            must(host::real_host()->run({.argv = std::move(all), .effect = host::Effect::changes}));
        return {outcome.exit_code, outcome.out, outcome.err};
    }
    Said add(const std::string& location, const Words& more = {}, const Words& environment = {}) const
    {
        Words all = {"add",      location,          "--password-file", site.scratch().path("password"),
                     "--cacert", site.certificate()};
        all.insert(all.end(), more.begin(), more.end());
        return say(std::move(all), environment);
    }
    Json json(Words all) const
    {
        all.emplace_back("--json");
        const Said said = say(std::move(all));
        REQUIRE_MESSAGE(said.code == 0, said.err);
        return must(parse_json(said.out));
    }
    std::string save(const std::string& account, const std::string& host) const
    {
        return site.restic(account, "team", {"backup", site.scratch().path("tree"), "--host", host});
    }

    MediaSite site;
};

TEST_CASE("what restic saves on a media server is in the catalog within seconds")
{
    const CatalogSite place;
    const Said added = place.add(place.site.location("bert", "team"));
    REQUIRE_MESSAGE(added.code == 0, added.err);
    // It does not look by itself.
    backup::TalkingProgram following({}, place.words({"follow", "--every", "1h", "--json"}),
                                     place.site.scratch().path("complaints"));
    following.next("following");
    for (const char* host : {"web", "mail", "db"}) {
        place.save("bert", host);
        const auto saved = std::chrono::steady_clock::now();
        CHECK(following.next("refreshed").at("snapshots_new") == 1);
        const auto passed = std::chrono::steady_clock::now() - saved;
        CHECK(passed < std::chrono::seconds(10));
        MESSAGE("in the catalog after ",
                std::chrono::duration_cast<std::chrono::milliseconds>(passed).count(), " ms");
        CHECK(place.json({"search", place.site.scratch().path("tree/small"), "--client", host})
                  .at("files")
                  .size() == 1);
    }
    place.site.restic("anna", "team", {"forget", "--keep-last", "1", "--group-by", ""});
    CHECK(following.next("refreshed").at("snapshots_gone") == 2);
    CHECK(following.end(SIGTERM) == 0);
    CHECK(following.complained().empty());
}

/// The digits of the registered repository, and its files in the catalog.
std::string registered(const CatalogSite& place)
{
    const Json all = place.json({"list"});
    REQUIRE(all.size() == 1);
    return all.at(0).at("repository");
}

size_t keys(const CatalogSite& place)
{
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(place.site.scratch().path("data/team/keys")))
        ++count;
    return count;
}

TEST_CASE("the account is kept for later, from the URL or the environment, and shown to nobody")
{
    const CatalogSite place;
    place.save("anna", "web");
    const std::string whole = place.site.location("anna", "team");
    const size_t at = whole.find('@'), colon = whole.rfind(':', at);
    const std::string bare = "rest:https://" + whole.substr(at + 1);
    const std::string with_user = whole.substr(0, colon) + whole.substr(at);
    const Words password = {"RESTIC_REST_PASSWORD=open sesame"};
    const Words account = {"RESTIC_REST_USERNAME=anna", password.front()};
    struct Case {
        std::string location;
        Words environment;
    };
    for (const Case& one : {Case{whole, {}}, Case{bare, account}, Case{with_user, password}}) {
        INFO(one.location);
        CHECK(place.add(one.location).code == (one.location == whole ? 0 : 1));
        const Said added = place.add(one.location, {}, one.environment);
        REQUIRE_MESSAGE(added.code == 0, added.err);
        // From now on nobody says account, password and certificate any more.
        place.save("anna", "web");
        const Said refreshed = place.say({"refresh"});
        CHECK_MESSAGE(refreshed.code == 0, refreshed.err);
        CHECK(refreshed.out.find("1 snapshot new") != std::string::npos);
        const std::string id = registered(place);
        const std::string folder = "catalog/repositories/" + id;
        for (const Said& said : {added, refreshed, place.say({"list"}), place.say({"list", "--json"})})
            CHECK((said.out + said.err).find("sesame") == std::string::npos);
        CHECK(place.site.scratch().read(folder + "/registration.json").find("sesame") == std::string::npos);
        struct stat status = {};
        REQUIRE(::stat(place.site.scratch().path(folder + "/location").c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        // restic takes the files as they are.
        const std::string snapshots = Scratch::run(
            {"restic", "--no-cache", "--repository-file", place.site.scratch().path(folder + "/location"),
             "--password-file", place.site.scratch().path(folder + "/password"), "--cacert",
             place.site.certificate(), "snapshots", "--json"});
        CHECK(must(parse_json(snapshots)).size() >= 2);
        const Said removed = place.say({"remove", id.substr(0, 8)});
        CHECK_MESSAGE(removed.code == 0, removed.err);
        CHECK(keys(place) == 1);
    }
    place.site.scratch().write("other", "no certificate\n");
    const Said distrusted =
        place.say({"add", whole, "--password-file", place.site.scratch().path("password")});
    CHECK(distrusted.code == 1);
    CHECK(distrusted.err.find("--cacert") != std::string::npos);
    CHECK(place.add(whole, {"--cacert", place.site.scratch().path("other")}).code == 1);
    CHECK(place.json({"list"}).empty());
    CHECK(keys(place) == 1);
}

TEST_CASE("an account that may add gives the catalog its key, and is told what to do when it wants it back")
{
    const CatalogSite place;
    place.save("bert", "web");
    const Said added = place.add(place.site.location("bert", "team"));
    REQUIRE_MESSAGE(added.code == 0, added.err);
    CHECK(keys(place) == 2);
    CHECK(place.json({"snapshots"}).size() == 1);
    const std::string id = registered(place);
    const Said refused = place.say({"remove", id});
    CHECK(refused.code == 1);
    CHECK(refused.err.find("403") != std::string::npos);
    CHECK(refused.err.find("--keep-key") != std::string::npos);
    CHECK(registered(place) == id);
    CHECK(place.json({"snapshots"}).size() == 1);
    // Once more: a new key comes, and the one before cannot go.
    const Said again = place.add(place.site.location("bert", "team"));
    CHECK(again.code == 0);
    CHECK(again.err.find("belay backup key remove") != std::string::npos);
    CHECK(keys(place) == 3);
    CHECK(place.say({"refresh"}).code == 0);
    CHECK(place.say({"remove", id, "--keep-key"}).code == 0);
    CHECK(place.json({"list"}).empty());
    CHECK(place.json({"snapshots"}).empty());
    CHECK(keys(place) == 3);
    CHECK(place.site.restic("anna", "team", {"list", "locks"}).empty());
}

TEST_CASE("an account that may only read adds no key, and the repository's password may be kept for it")
{
    const CatalogSite place;
    place.save("anna", "web");
    const Said refused = place.add(place.site.location("carl", "team"));
    CHECK(refused.code == 1);
    CHECK(refused.err.find("--keep-password") != std::string::npos);
    CHECK(place.json({"list"}).empty());
    const Said added = place.add(place.site.location("carl", "team"), {"--keep-password"});
    REQUIRE_MESSAGE(added.code == 0, added.err);
    CHECK(keys(place) == 1);
    CHECK(place.site.scratch().read("catalog/repositories/" + registered(place) + "/password") ==
          place.site.scratch().read("password"));
    place.save("anna", "mail");
    CHECK(place.say({"refresh"}).code == 0);
    CHECK(place.json({"clients"}).size() == 2);
    CHECK(place.say({"remove", registered(place)}).code == 0);
    CHECK(place.json({"list"}).empty());
    CHECK(place.site.restic("anna", "team", {"list", "locks"}).empty());
}

TEST_CASE("where the server is away, nothing is registered, nothing is lost, and it can be left")
{
    const MediaSite::Kind plain{.tls = false};
    CatalogSite place(plain);
    place.save("anna", "web");
    const Words with = {"--password-file", place.site.scratch().path("password")};
    const auto add = [&] {
        return place.say({"add", place.site.location("anna", "team"), with[0], with[1]});
    };
    REQUIRE(add().code == 0);
    const std::string id = registered(place);
    place.site.end(SIGKILL);
    CHECK(place.json({"search", place.site.scratch().path("tree/small")}).at("files").size() == 1);
    CHECK(place.say({"remove", id, "--keep-key"}).code == 0);
    CHECK(place.json({"list"}).empty());
    place.site.start();
    CHECK(add().code == 0);
}

}  // namespace
}  // namespace belay::media
