// A media server is a place like any other: for Belay's own client and for restic.

#include "../backup/place_promises.h"
#include "media_site.h"

namespace belay::media {
namespace {

TEST_CASE("a repository on a media server keeps the promises of a place")
{
    const MediaSite site;
    site.add("anna", "team", "full");
    backup::keeps_its_promises(*site.place("anna", "team/r"), [&](const std::string& path) {
        site.scratch().write("data/team/r/" + path, "foreign");
    });
}

/// One saves, the other restores the same; both check.
void is_one_repository(const MediaSite& site, const std::string& account, const std::string& repository)
{
    const std::string belay = BELAY_PROGRAM;
    const auto by = [&](const std::string& program, std::vector<std::string> words) {
        return Scratch::run(site.client(program, account, repository, std::move(words)));
    };
    for (const auto& [first, second] :
         {std::pair{std::string("restic"), belay}, std::pair{belay, std::string("restic")}}) {
        INFO(first, " first");
        by(first, {first == "restic" ? "backup" : "run", site.scratch().path("tree")});
        const std::string target = site.scratch().path(first == "restic" ? "by-belay" : "by-restic");
        by(second, {"restore", "latest", "--target", target});
        Scratch::run({"diff", "-r", site.scratch().path("tree"), target + site.scratch().path("tree")});
        by(first, {"check", "--read-data"});
        by(second, {"check", "--read-data"});
    }
}

TEST_CASE("restic and Belay use one repository over TLS; forgetting is for those who may")
{
    const MediaSite site;
    site.add("anna", "anna", "full");
    site.add("bert", "anna", "append");
    std::filesystem::create_directories(site.scratch().path("tree/folder"));
    for (unsigned i = 0; i < 20; ++i)
        site.scratch().write(fmt::format("tree/folder/{}", i),
                             Scratch::random_text(size_t{1000} * (i * i + 1), i));
    site.restic("anna", "anna/laptop", {"init"});
    is_one_repository(site, "anna", "anna/laptop");
    INFO("who may only add backs up, and forgets nothing");
    Scratch::run(
        site.client(BELAY_PROGRAM, "bert", "anna/laptop", {"run", site.scratch().path("tree/folder/3")}));
    const std::string before = site.restic("anna", "anna/laptop", {"snapshots", "--json"});
    const std::unique_ptr<host::Host> machine = host::real_host();
    host::Command forget{.argv = site.client(BELAY_PROGRAM, "bert", "anna/laptop",
                                             {"forget", "--keep-last", "1", "--group-by", "", "--prune"}),
                         .effect = host::Effect::changes};
    forget.limit = std::chrono::minutes(2);
    const host::Outcome outcome = must(machine->run(forget));
    CHECK(outcome.exit_code != 0);
    CHECK_MESSAGE(outcome.err.find("the server does not allow it") != std::string::npos, outcome.err);
    CHECK(site.restic("anna", "anna/laptop", {"snapshots", "--json"}) == before);
    site.restic("anna", "anna/laptop", {"forget", "--keep-last", "1", "--group-by", "", "--prune"});
    site.restic("anna", "anna/laptop", {"check", "--read-data"});

    INFO("a server that is told to end does so, and the next one goes on");
    MediaSite& other = const_cast<MediaSite&>(site);
    CHECK(other.end(SIGTERM) == 0);
    other.start();
    site.restic("anna", "anna/laptop", {"snapshots"});
}

TEST_CASE("the certificate of another server is refused, and so is a password over none")
{
    const MediaSite site;
    site.add("anna", "anna", "full");
    const MediaSite other;
    backup::PlaceOptions options;
    options.rest.http.ca_file = other.certificate();
    options.rest.retries.gives_up_after = std::chrono::seconds(2);
    const auto place = must(backup::open_place(site.location("anna", "anna/r"), options));
    const Result<void> made = place->create();
    REQUIRE(!made);
    CHECK_MESSAGE(made.error().what.find("certificate") != std::string::npos, made.error().what);
}

TEST_CASE("accounts go to rest-server's file and come from there")
{
    const MediaSite site({.tls = false});
    site.add("anna", "anna", "full");
    site.add("bert", "team", "append");
    const std::string htpasswd = site.belay({"media", "export"});
    CHECK(htpasswd.find("anna:$2b$10$") == 0);
    CHECK(htpasswd.find("\nbert:$2b$10$") != std::string::npos);
    site.scratch().write("htpasswd", htpasswd);
    const MediaSite next({.tls = false});
    next.belay({"media", "import", site.scratch().path("htpasswd"), "--access", "full"});
    must(next.place("bert", "bert/r")->create());
    CHECK(next.belay({"media", "list"}).find("bert (full)") != std::string::npos);
}

}  // namespace
}  // namespace belay::media
