// belay catalog follow, as a process beside others that use the same catalog and the same repositories.

#include "catalog_shop.h"
#include "rest_server.h"
#include "talking_program.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace belay::backup {
namespace {

using std::chrono::seconds;

class FollowedShop : public CatalogShop {
  public:
    std::unique_ptr<TalkingProgram> follow(const Words& environment = {}) const
    {
        return std::make_unique<TalkingProgram>(
            environment,
            Words{BELAY_PROGRAM, "catalog", "follow", "--every", "1s", "--json", "--catalog", catalog},
            path("complaints"));
    }
    void save(const std::string& host) const
    {
        must_belay({"run", path("tree"), "--host", host, "-q", "--identity", "none"});
    }
    std::string id() const { return catalog_json({"list"}).at(0).at("repository"); }
    size_t snapshots() const { return catalog_json({"snapshots"}).size(); }
    /// It is sound, and equal to one that is made anew.
    void is_whole() const
    {
        must_catalog({"check"});
        const std::string before = digest();
        must_catalog({"rebuild"});
        CHECK(digest() == before);
    }
};

/// Another one, with another key.
void make_certificate(const Scratch& scratch)
{
    Scratch::run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                  "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                  "-keyout", scratch.path("key"), "-out", scratch.path("certificate")});
}

TEST_CASE("what is saved, forgotten, registered and left while it follows is in the catalog by itself")
{
    const FollowedShop shop;
    shop.save("web");
    shop.add({"--no-refresh"});
    const auto following = shop.follow();
    CHECK(following->next("following").at("repositories") == 1);
    const Json first = following->next("refreshed");
    CHECK(first.at("snapshots_new") == 1);
    CHECK(first.at("repository") == shop.id());
    shop.save("mail");
    CHECK(following->next("refreshed").at("snapshots_new") == 1);
    CHECK(shop.snapshots() == 2);
    shop.must_belay({"forget", "--keep-last", "1", "--group-by", ""});
    CHECK(following->next("refreshed").at("snapshots_gone") == 1);

    const Scratch second;
    init(second);
    second.make_tree();
    shop.must_catalog({"add", second.path("repository"), "--password-file", second.path("password"),
                       "--retry-lock", "30s"});
    const Json followed = following->next("followed");
    CHECK(followed.at("location") == second.path("repository"));
    second.restic({"backup", second.path("tree")});
    CHECK(following->next("refreshed").at("repository") == followed.at("repository"));
    shop.must_catalog({"remove", second.path("repository")});
    CHECK(following->next("left").at("repository") == followed.at("repository"));
    shop.is_whole();
    shop.save("web");
    following->next("refreshed");
    CHECK(shop.snapshots() == 2);
    CHECK(following->end(SIGTERM) == 0);
    CHECK(following->complained().empty());
    CHECK(shop.restic({"list", "locks"}).empty());
    shop.is_whole();
}

TEST_CASE("a catalog that was made anew without everything is filled again")
{
    const FollowedShop shop;
    const Scratch other;
    init(other);
    shop.save("web");
    shop.add();
    shop.must_catalog({"add", other.path("repository"), "--password-file", other.path("password")});
    const auto following = shop.follow();
    following->next("following");
    // The repository is as it was all the while, but cannot be opened.
    const Json added = shop.catalog_json({"list"});
    const size_t at = added.at(0).at("location") == shop.path("repository") ? 0 : 1;
    const std::string password =
        shop.catalog + "/repositories/" + added.at(at).at("repository").get<std::string>() + "/password";
    std::filesystem::rename(password, password + ".away");
    CHECK(shop.say(run_catalog, {"rebuild", "--skip-missing"}).code == 3);
    CHECK(shop.snapshots() == 0);
    following->next("problem");
    std::filesystem::rename(password + ".away", password);
    CHECK(following->next("refreshed").at("snapshots_new") == 1);
    CHECK(shop.snapshots() == 1);
    CHECK(following->end(SIGINT) == 0);
}

TEST_CASE("who holds the catalog's lock, or the repository's, is waited for")
{
    const FollowedShop shop;
    shop.add();
    const auto following = shop.follow();
    following->next("following");
    {
        const host::Descriptor lock = must(CatalogFolder(shop.catalog).lock());
        shop.save("web");
        // It looks once a second, and finds what it may not take in yet.
        std::this_thread::sleep_for(seconds(3));
        CHECK(shop.snapshots() == 0);
    }
    CHECK(following->next("refreshed", seconds(5)).at("snapshots_new") == 1);
    {
        Repository repository = opened(shop);
        const auto lock = must(RepositoryLock::take(repository, Access::exclusive));
        SavingNotes notes;
        SavingSummary summary;
        must(save_paths(repository, {.paths = {shop.path("tree")}, .hostname = "web"}, notes, summary));
        const Json problem = following->next("problem");
        CHECK(problem.at("error").at("kind") == "busy");
        CHECK(problem.at("repository") == shop.id());
    }
    following->next("refreshed");
    following->next("well");
    CHECK(shop.snapshots() == 2);
    CHECK(following->end(SIGTERM) == 0);
}

TEST_CASE("a server that goes, or is another one, is told once, and the other repositories are followed on")
{
    const FollowedShop shop;
    shop.add();
    const Scratch away;
    RestServer server(away, {.tls = true});
    away.write("trusted", away.read("certificate"));
    static_cast<void>(
        must(Repository::create(server.place(), Scratch::password, {.cost = {.n = 1024, .r = 8, .p = 1}})));
    shop.must_catalog({"add", server.location(), "--cacert", away.path("trusted"), "--password-file",
                       shop.path("password"), "--no-refresh"});
    const auto following = shop.follow();
    CHECK(following->next("following").at("repositories") == 2);
    following->next("refreshed");
    server.end();
    const Json gone = following->next("problem");
    CHECK(gone.at("error").at("kind") == "unavailable");
    CHECK(gone.at("seconds_until_next") < 2);
    shop.save("web");
    CHECK(following->next("refreshed").at("repository") != gone.at("repository"));
    server.start();
    CHECK(following->next("well").at("repository") == gone.at("repository"));
    CHECK(following->complained().find("it is tried again") != std::string::npos);
    // It has another certificate than the one that is trusted.
    server.end();
    make_certificate(away);
    server.start();
    Json other = following->next("problem");
    if (other.at("error").at("kind") == "unavailable") other = following->next("problem");
    CHECK(other.at("error").at("kind") == "permission");
    CHECK(other.at("repository") == gone.at("repository"));
    shop.save("web");
    CHECK(following->next("refreshed").at("repository") != gone.at("repository"));
    away.write("trusted", away.read("certificate"));
    CHECK(following->next("well").at("repository") == gone.at("repository"));
    CHECK(following->end(SIGTERM) == 0);
}

TEST_CASE("it ends at once and in order whatever it does, and tells systemd when it begins")
{
    const FollowedShop shop;
    shop.save("web");
    shop.add({"--no-refresh"});
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    shop.path("notify").copy(address.sun_path, sizeof address.sun_path - 1);
    const host::Descriptor systemd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(systemd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const auto heard = [&] {
        pollfd entry{.fd = systemd.number(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&entry, 1, 20'000) == 1);
        char text[256];
        const ssize_t count = ::recv(systemd.number(), text, sizeof text, 0);
        return std::string(text, static_cast<size_t>(std::max<ssize_t>(count, 0)));
    };
    // From the moment on at which it is ready, a little later each time.
    for (int i = 0; i < 12; ++i) {
        const auto following = shop.follow({"NOTIFY_SOCKET=" + shop.path("notify")});
        CHECK(heard() == "READY=1");
        std::this_thread::sleep_for(Milliseconds(30 * i));
        const auto begun = std::chrono::steady_clock::now();
        CHECK(following->end(SIGTERM) == 0);
        CHECK(std::chrono::steady_clock::now() - begun < seconds(3));
        CHECK(following->complained().empty());
        CHECK(shop.restic({"list", "locks"}).empty());
        pollfd entry{.fd = systemd.number(), .events = POLLIN, .revents = 0};
        while (::poll(&entry, 1, 0) == 1) CHECK(heard() == "STOPPING=1");
        must(CatalogFolder(shop.catalog).lock());
        if (i % 4 == 0) shop.save("web");
    }
    const auto following = shop.follow();
    following->next("following");
    following->hang_up();
    shop.save("web");
    CHECK(following->wait() == 1);  // nobody reads what it says
    shop.must_catalog({"refresh"});
    shop.is_whole();
}

}  // namespace
}  // namespace belay::backup
