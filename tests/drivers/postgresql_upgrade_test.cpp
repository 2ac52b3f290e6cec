// A PostgreSQL pair gets another minor version by pair.upgrade, for real: two hosts with a belayd each, a
// controller, the server from an image, and clients that keep each transaction that was acknowledged.
//
// BELAY_PAIR_ROUNDS: how often all of it (1).

#include "image_site.h"
#include "own_network.h"
#include "postgresql_pair.h"

namespace belay::daemon {
namespace {

using testing::ImageSite;
using testing::Machine;
using testing::need;

constexpr const char* any_member = "ab";

int rounds()
{
    const char* const asked = std::getenv("BELAY_PAIR_ROUNDS");  // NOLINT(concurrency-mt-unsafe)
    return asked == nullptr ? 1 : std::stoi(asked);
}

class PostgresqlSite : public ImageSite {
  public:
    PostgresqlSite()
    {
        hosts_ = {{"db1", &db1_}, {"db2", &db2_}};
        controller_.make_controller();
        start(controller_);
        std::string text;
        for (const auto& [name, host] : hosts_)
            text += fmt::format("[host.{}]\naddress = \"127.0.0.1\"\n", name);
        configure(controller_, text);
        for (const auto& [name, host] : hosts_) {
            // The server's own account runs what is in the library.
            std::filesystem::permissions(host->path(""), std::filesystem::perms{0755});
            join(controller_, *host, {{"name", name}});
            start(*host);
            REQUIRE(host->await_status(testing::is_attached));
        }
        publish("15.1");
        publish("15.2");
        install_first("postgresql", "15.1", {"db1", "db2"});
        pair_.emplace([this](char member) { return library(member) + "/postgresql/15.1/bin"; });
        configure(controller_, text + applications());
        await_service("db-1");
    }

    void publish(const std::string& version)
    {
        const std::string folder = controller_.path("source-" + version);
        const auto made = testing::run_to_end({TEST_POSTGRESQL_IMAGE, folder, version, "15"});
        REQUIRE_MESSAGE(made.code == 0, made.said);
        need(upload(build(folder)));
    }
    Machine& at(char member) { return member == 'a' ? db1_ : db2_; }
    std::string library(char member) { return at(member).state() + "-images"; }
    pid_t process(char member) const
    {
        pid_t pid = 0;
        std::ifstream(pair_->path(std::string(1, member)) + "/postmaster.pid") >> pid;
        return pid;
    }
    /// All of the server is of this version: the process itself, and the folders that it found from there.
    void check_runs(char member, const std::string& version)
    {
        CAPTURE(member);
        const std::string folder = fmt::format("{}/postgresql/{}/", library(member), version);
        std::error_code gone;
        const std::string exe =
            std::filesystem::read_symlink(fmt::format("/proc/{}/exe", process(member)), gone);
        CHECK(exe == folder + "lib/postgresql/15/bin/postgres");
        const auto folders = pair_->sql(member,
                                        "SELECT string_agg(setting, ' ' ORDER BY name) FROM pg_config WHERE "
                                        "name IN ('PKGLIBDIR', 'SHAREDIR')");
        CHECK_MESSAGE(folders.out == fmt::format("{0}lib/postgresql/15/lib {0}share/postgresql/15\n", folder),
                      folders.said);
    }

  private:
    std::string applications() const
    {
        std::string text;
        for (const char member : {'a', 'b'})
            text +=
                fmt::format("[application.db-{0}]\nhost = \"db{0}\"\nimage = \"postgresql\"\ndriver = {1}\n",
                            member - 'a' + 1, Json(pair_->words(member, {"--starts-at-boot"})).dump());
        return text + "[pair.db]\nprimary = \"db-1\"\nbackup = \"db-2\"\nredundancy = \"hot\"\n";
    }

    Machine db1_, db2_;
    std::optional<belay::testing::PostgresqlPair> pair_;
};

TEST_CASE(
    "a PostgreSQL pair gets another minor version, and is led back from one, and no transaction is lost")
{
    if (!belay::testing::has_postgresql()) return;
    belay::testing::have_own_network();
    PostgresqlSite site;
    belay::testing::Load load = belay::testing::load_of_clients();
    for (const char member : std::string(any_member)) site.check_runs(member, "15.1");

    INFO("what writes its files in another form is refused before anything is touched");
    site.publish("16.0");
    const pid_t primary = site.process('a'), standby = site.process('b');
    const Json major = site.plan_upgrade("db", "16.0");
    CHECK(major.at("operation").is_null());
    CHECK_MESSAGE(testing::contains(ImageSite::refusals(major), ">=16 <17~"), ImageSite::refusals(major));
    CHECK(site.process('a') == primary);
    CHECK(site.process('b') == standby);
    CHECK(ImageSite::letters(site.at('a')) == "15.1 C");

    std::string runs = "15.1", other = "15.2", serves = "db-1", stands_by = "db-2";
    const auto is_on = [&](const std::string& version) {
        for (const char member : std::string(any_member)) {
            site.check_runs(member, version);
            const std::string summary = ImageSite::letters(site.at(member));
            CHECK_MESSAGE(testing::contains(summary, version + " C"), summary);
        }
    };
    const auto activated = [&](const std::string& version) {
        const Json planned = site.plan_upgrade("db", version);
        REQUIRE_MESSAGE(planned.at("operation").is_string(), ImageSite::refusals(planned));
        const std::string operation = planned["operation"];
        CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
        for (const char member : std::string(any_member)) site.check_runs(member, version);
        return operation;
    };
    for (int round = 0; round < rounds(); ++round) {
        CAPTURE(round);
        const std::string committed = activated(other);
        site.await_service(stands_by);
        CHECK_MESSAGE(site.go(committed, {"commit"}) == "committed", site.show(committed));
        std::swap(runs, other);
        std::swap(serves, stands_by);
        is_on(runs);

        const std::string aborted = activated(other);
        site.await_service(stands_by);
        CHECK_MESSAGE(site.go(aborted, {"abort"}) == "aborted", site.show(aborted));
        site.await_service(serves);
        is_on(runs);
    }
    belay::testing::check_nothing_lost(load);
}

}  // namespace
}  // namespace belay::daemon
