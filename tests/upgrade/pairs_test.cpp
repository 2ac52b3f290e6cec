// Redundant pairs are upgraded in service, by a controller and two hosts, each with a belayd of its own.

#include "daemon/upgrades.h"
#include "image_site.h"

namespace belay::daemon {
namespace {

using namespace std::chrono_literals;
using testing::Machine;
using testing::need;
using testing::write_script;

namespace image = upgrade::image;

/// What a version of the shop does beyond what it has to.
struct Made {
    std::string version;
    std::string extra = {};          ///< words for the stand-in
    std::string check = "exit 0";    ///< a script
    std::string upgrades_from = {};  ///< as in image.toml
};

/// A site with a pair of servers on two hosts, a third one that votes, and images of them.
class ShopSite : public testing::ImageSite {
  public:
    enum class RunBy { supervisor, driver };
    explicit ShopSite(RunBy run_by = RunBy::supervisor)
        : ImageSite(run_by == RunBy::driver ? 4 : 3), run_by_(run_by)
    {
        if (run_by_ == RunBy::driver) write_driver();
        begin(text());
    }

    /// The image's file.
    std::string build(const Made& made, const std::string& key = {}) const
    {
        const std::string folder = controller_.path("source-" + made.version);
        std::filesystem::create_directories(folder + "/root/bin");
        std::filesystem::copy_file(TEST_STAND_IN, folder + "/root/bin/stand-in",
                                   std::filesystem::copy_options::overwrite_existing);
        write_script(folder + "/root/bin/server", fmt::format("exec bin/stand-in {} \"$@\"\n", made.extra));
        write_script(folder + "/root/bin/check", made.check + "\n");
        image::Manifest manifest;
        manifest.name = "shop";
        manifest.version = need(image::parse_version(made.version));
        manifest.entry = {{"server", "bin/server"}};
        manifest.check = {"bin/check"};
        if (!made.upgrades_from.empty())
            manifest.upgrades_from = need(image::VersionRanges::of({made.upgrades_from}));
        return pack(manifest, folder, key);
    }
    void publish(const Made& made) { need(upload(build(made))); }
    /// Runs the shop on all of them.
    void install(const Made& made)
    {
        publish(made);
        install_on(run_by_ == RunBy::driver ? Json{"web1", "web2", "web3", "web4"} : Json{"web1", "web2"},
                   made.version);
    }

  private:
    /// A pair of files that is run by other means.
    void write_driver() const
    {
        write_script(controller_.path("driver"), R"sh(dir=$1 me=$2 other=$3 verb=$4
role=$(cat "$dir/$me.role")
case $verb in
    look) printf '{"role": "%s", "hot": true, "says": "it is %s", "version": "", "starts_by_itself": true,
        "runs_from": "%s", "peer": "reachable", "offers": [%s]}' "$role" "$role" "$(cat "$dir/$me.runs")" "$([ ! -e "$dir/takes" ] || echo '"take-over"')" ;;
    stand-by) if [ "$role" = active ]; then echo standby >"$dir/$me.role"; echo active >"$dir/$other.role"; fi ;;
    take-over)
        echo "$me" >>"$dir/takes"
        echo standby >"$dir/$other.role"
        echo active >"$dir/$me.role" ;;
    restart)
        [ "$role" = standby ] || { echo "it serves, and is not restarted" >&2; exit 1; }
        [ ! -e "$dir/$me.fails" ] || { echo "it does not start" >&2; exit 1; }
        echo "$BELAY_IMAGE_FOLDER/bin/server" >"$dir/$me.runs" ;;
esac
)sh");
        for (const auto& [name, host] : {std::pair("server-1", &web1_), std::pair("server-2", &web2_),
                                         std::pair("page-1", &web3_), std::pair("page-2", &web4_)}) {
            const bool is_first = std::string_view(name).ends_with('1');
            std::ofstream(controller_.path(fmt::format("{}.role", name)))
                << (is_first ? "active\n" : "standby\n");
            std::ofstream(controller_.path(fmt::format("{}.runs", name)))
                << host->state() << "-images/shop/1.0/bin/server\n";
        }
    }
    std::string text() const
    {
        std::string all;
        for (const char* host : {"web1", "web2", "web3", "web4"})
            all += fmt::format("[host.{}]\naddress = \"127.0.0.1\"\n", host);
        const std::string folder = controller_.path("");
        const auto server = [&](int number) {
            if (run_by_ == RunBy::driver)
                return fmt::format(
                    "[application.server-{0}]\nhost = \"web{0}\"\ndriver = [\"{1}driver\", \"{1}\", "
                    "\"server-{0}\", \"server-{2}\"]\n",
                    number, folder, 3 - number);
            return fmt::format(
                "[application.server-{0}]\nhost = \"web{0}\"\ncommand = [\"bin/server\", \"--name\", "
                "\"server-{0}\", \"--act-every\", \"5\", \"--trace\", \"{1}\"]\n",
                number, controller_.path("trace"));
        };
        if (run_by_ == RunBy::driver) {
            for (int number : {1, 2})
                all += fmt::format(
                    "[application.page-{0}]\nhost = \"web{3}\"\nimage = \"shop\"\ndriver = [\"{1}driver\", "
                    "\"{1}\", \"page-{0}\", \"page-{2}\"]\n",
                    number, folder, 3 - number, number + 2);
            all += "[pair.pages]\nprimary = \"page-1\"\nbackup = \"page-2\"\nredundancy = \"hot\"\n";
        }
        return all + server(1) +
               "image = \"shop\"\nreadiness = { kind = \"notify\" }\norders = { kind = \"pipe\" }\n"
               "autorestart = \"on-failure\"\nnonstop = \"1/10s\"\nstart_timeout = \"5s\"\n" +
               server(2) +
               "[pair.servers]\nprimary = \"server-1\"\nbackup = \"server-2\"\nredundancy = \"hot\"\nlease = "
               "\"1s\"\n";
    }

    const RunBy run_by_;
};

TEST_CASE("a pair is upgraded standby first, committed, upgraded again and led back by a person")
{
    ShopSite site;
    site.install({"1.0"});
    CHECK(ShopSite::letters(site.web1_) == "1.0 C");
    site.publish({"2.0"});
    const Json planned = site.plan("2.0");
    REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
    const std::string first = planned["operation"];
    CHECK(site.go(first, {"add"}) == "added");
    CHECK(ShopSite::letters(site.web2_) == "1.0 C, 2.0 I");
    CHECK_MESSAGE(site.go(first, {"activate"}) == "activated", site.show(first));
    // The one that stood by has it first, and serves from then on.
    site.await_service("server-2");
    for (Machine* const host : {&site.web1_, &site.web2_}) {
        CHECK(ShopSite::running(*host) == "2.0");
        CHECK(ShopSite::letters(*host) == "1.0 D, 2.0 U");
    }
    CHECK_MESSAGE(site.go(first, {"commit"}) == "committed", site.show(first));
    CHECK(ShopSite::letters(site.web1_) == "1.0 I, 2.0 C");

    INFO("a version that is kept is run again as any other is, and the way back from it is the same");
    const std::string second = site.plan("1.0").at("operation");
    CHECK_MESSAGE(site.go(second, {"add", "activate"}) == "activated", site.show(second));
    CHECK(ShopSite::running(site.web1_) == "1.0");
    site.await_service("server-1");
    CHECK_MESSAGE(site.go(second, {"abort"}) == "aborted", site.show(second));
    site.await_service("server-2");
    for (Machine* const host : {&site.web1_, &site.web2_}) {
        CHECK(ShopSite::running(*host) == "2.0");
        CHECK(ShopSite::letters(*host) == "1.0 I, 2.0 C");
    }
    CHECK(site.plan("2.0").at("plan").at("steps").empty());
}

/// What speaks against it, one after another.
std::string refusals(const Json& planned)
{
    std::string all;
    for (const Json& one : planned.at("findings")) {
        if (one.at("verdict") == "fail") all += one.at("found").get<std::string>() + "\n";
    }
    return all;
}

TEST_CASE("what is wrong with an image is said before anything is touched")
{
    ShopSite site;
    site.install({"1.0"});

    INFO("one byte is altered, whichever");
    const std::string good = testing::text_of_file(site.build({"2.0"}));
    for (const size_t at : {size_t{20}, good.size() / 2, good.size() - 9}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 1);
        std::ofstream(site.controller_.path("bad.image"), std::ios::binary) << bad;
        CHECK_FALSE(site.upload(site.controller_.path("bad.image")));
    }
    INFO("another key");
    const auto strange = site.upload(site.build({"2.0"}, need(image::make_key_pair()).private_key));
    REQUIRE_FALSE(strange);
    CHECK_MESSAGE(strange.error().kind == ErrorKind::refused, strange.error().what);
    CHECK(site.controller_.ask("ImageSummary")["published"].size() == 1);

    INFO("other files under a version that is known");
    const auto other = site.upload(site.build({.version = "1.0", .extra = "--lines 1"}));
    REQUIRE_FALSE(other);
    CHECK_MESSAGE(other.error().what == "there is another shop 1.0 already, of other files",
                  other.error().what);

    INFO("a version that may not follow the one that runs");
    site.publish({.version = "3.0", .upgrades_from = ">=2.0"});
    CHECK_MESSAGE(testing::contains(refusals(site.plan("3.0", false)), ">=2.0"),
                  refusals(site.plan("3.0", false)));

    INFO("a key that one of the hosts does not trust");
    site.publish({"2.0"});
    site.web2_.stop();
    std::filesystem::create_directory(site.web2_.path("no-keys"));
    site.web2_.start({"--image-keys", site.web2_.path("no-keys")});
    REQUIRE(site.web2_.await_status(testing::is_attached));
    const Json planned = site.plan("2.0");
    CHECK(planned.at("operation").is_null());
    CHECK_MESSAGE(testing::contains(refusals(planned), "image.trusted"), refusals(planned));
    CHECK(ShopSite::letters(site.web1_) == "1.0 C");
    CHECK(ShopSite::letters(site.web2_) == "1.0 C");
}

TEST_CASE("what is wrong with the hosts is said before anything is touched")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});

    INFO("another operation works on the pair");
    const std::string first = site.plan("2.0").at("operation");
    CHECK(site.go(first, {"add"}) == "added");
    const Json second = site.plan("2.0");
    CHECK_MESSAGE(second.at("operation").is_null(), second.dump(1));
    CHECK(site.go(first, {"abort"}) == "aborted");
    CHECK(ShopSite::letters(site.web1_) == "1.0 C");

    INFO("no pair, no version");
    CHECK(site.controller_.face()
              .call("Plan",
                    {{"procedure", "pair.upgrade"}, {"arguments", {{"pair", "nobody"}, {"version", "2.0"}}}})
              .error()
              .what == "there is no pair \"nobody\", and no application of a pair");
    CHECK(testing::contains(site.controller_.face()
                                .call("Plan", {{"procedure", "pair.upgrade"},
                                               {"arguments", {{"pair", "servers"}, {"version", "9.9"}}}})
                                .error()
                                .what,
                            "there is no shop 9.9"));

    INFO("the one that stands by is stopped");
    site.web2_.ask("ApplicationOrder", {{"application", "server-2"}, {"want", "stopped"}});
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (ShopSite::running(site.web2_) != "none") REQUIRE(std::chrono::steady_clock::now() < until);
    const std::string found = refusals(site.plan("2.0", false));
    CHECK_MESSAGE(testing::contains(found, "member.ready"), found);
    CHECK_MESSAGE(testing::contains(found, "member.starts-by-itself"), found);
}

/// The whole of a version that comes to nothing: both run 1.0 afterwards, and the one that served serves.
void comes_to_nothing(ShopSite& site, const Made& made, const std::vector<std::string>& verbs)
{
    INFO(made.version);
    site.publish(made);
    const Json planned = site.plan(made.version);
    REQUIRE_MESSAGE(planned.at("operation").is_string(), planned.at("findings").dump(1));
    const std::string operation = planned["operation"];
    CHECK_MESSAGE(site.go(operation, verbs) == "aborted", site.show(operation));
    const Json ended = site.controller_.ask("Show", {{"operation", operation}});
    CHECK_MESSAGE(ended.at("differences").empty(), site.show(operation));
    for (Machine* const host : {&site.web1_, &site.web2_}) {
        CHECK(ShopSite::running(*host) == "1.0");
        CHECK_MESSAGE(ShopSite::letters(*host) == "1.0 C", ShopSite::letters(*host));
    }
}

TEST_CASE("a version that fails in any way leads back to the old one by itself")
{
    ShopSite site;
    site.install({"1.0"});
    comes_to_nothing(site, {.version = "2.1", .check = "echo no such option >&2; exit 1"}, {"add"});
    site.await_service("server-1");
    comes_to_nothing(site, {.version = "2.2", .extra = "--fail-after 0"}, {"add", "activate"});
    site.await_service("server-1");
    comes_to_nothing(site, {.version = "2.3", .extra = "--ready-after 1000000"}, {"add", "activate"});
    site.await_service("server-1");
    comes_to_nothing(site, {.version = "2.4", .extra = "--fails-as primary"}, {"add", "activate"});
    site.await_service("server-1");
}

TEST_CASE("a version that fails in the soak leads back by itself, and so does the timer")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});
    const auto activated = [&](const Json& more) {
        const std::string operation = site.plan("2.0", true, more).at("operation");
        CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
        return operation;
    };
    const auto is_led_back = [&](const std::string& operation) {
        CHECK_MESSAGE(site.controller_.rest(operation, false) == "aborted", site.show(operation));
        for (Machine* const host : {&site.web1_, &site.web2_}) CHECK(ShopSite::running(*host) == "1.0");
        // The one that is led back last has let the other one serve.
        site.await_service("server-2");
    };
    const std::string first = activated(Json::object());
    site.await_service("server-2");
    // What dies twice within its time is given up.
    for (int i = 0; i < 2; ++i) {
        pid_t pid = 0;
        const auto until = std::chrono::steady_clock::now() + 20s;
        while (pid == 0) {
            const Json answer = site.web2_.ask("Applications");
            pid = answer.at("applications").at(0).value("pid", 0);
            REQUIRE(std::chrono::steady_clock::now() < until);
        }
        kill(pid, SIGKILL);
        usleep(300'000);
    }
    is_led_back(first);
    is_led_back(activated({{"timer_ms", 15000}}));
}

TEST_CASE("members that are found on different versions are brought together")
{
    ShopSite site;
    site.install({"1.0"});
    site.publish({"2.0"});
    // As after an upgrade by hand that was left half-way.
    const Json planned = site.controller_.ask("Plan", {{"procedure", "image.install"},
                                                       {"arguments", {{"image", "shop"}, {"version", "2.0"}}},
                                                       {"hosts", {"web1", "web2"}},
                                                       {"waves", {2}},
                                                       {"keep", true}});
    REQUIRE(site.go(planned.at("operation"), {"add", "activate", "commit"}) == "committed");
    std::ofstream(site.web2_.state() + "-images/packages.conf")
        << "[shop]\nruns = \"2.0\"\ncommitted = \"2.0\"\n";
    site.web2_.ask("ApplicationOrder", {{"application", "server-2"}, {"want", "running"}, {"restart", true}});
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (ShopSite::running(site.web2_) != "2.0") REQUIRE(std::chrono::steady_clock::now() < until);
    site.await_service("server-1");
    for (const char* version : {"2.0", "1.0"}) {
        const std::string operation = site.plan(version).at("operation");
        CHECK_MESSAGE(site.go(operation, {"add", "activate", "commit"}) == "committed", site.show(operation));
        for (Machine* const host : {&site.web1_, &site.web2_}) CHECK(ShopSite::running(*host) == version);
    }
}

TEST_CASE("a pair that is run by other means is upgraded by its driver, and led back")
{
    ShopSite site(ShopSite::RunBy::driver);
    site.install({"1.0"});
    site.publish({"2.0"});
    const auto runs = [&](const std::string& name) {
        return testing::text_of_file(site.controller_.path(name + ".runs"));
    };
    const std::string operation = site.plan("2.0").at("operation");
    CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
    site.await_service("server-2");
    CHECK(testing::contains(runs("server-1"), "/2.0/"));
    CHECK(testing::contains(runs("server-2"), "/2.0/"));
    CHECK_MESSAGE(site.go(operation, {"abort"}) == "aborted", site.show(operation));
    site.await_service("server-1");
    CHECK(testing::contains(runs("server-1"), "/1.0/"));
    CHECK(testing::contains(runs("server-2"), "/1.0/"));
    CHECK(site.controller_.ask("PairSwitch", {{"pair", "servers"}}).at("to") == "server-2");
    site.await_service("server-2");

    INFO("a driver that lets the standby take over is asked for that");
    std::ofstream(site.controller_.path("takes")) << "";
    const std::string third = site.plan("2.0").at("operation");
    CHECK_MESSAGE(site.go(third, {"add", "activate", "commit"}) == "committed", site.show(third));
    CHECK(testing::text_of_file(site.controller_.path("takes")) == "server-1\n");
    site.await_service("server-1");

    INFO("what the driver says is why it goes back");
    for (const char* name : {"server-1.fails", "server-2.fails"})
        std::ofstream(site.controller_.path(name)) << "";
    const std::string failing = site.plan("1.0").at("operation");
    site.go(failing, {"add"});
    site.controller_.ask("Request", {{"operation", failing}, {"verb", "activate"}});
    CHECK(site.controller_.rest(failing) == "aborted");
    const std::string reason = site.controller_.ask("Show", {{"operation", failing}}).at("reason");
    CHECK_MESSAGE(testing::contains(reason, "it does not start"), reason);
    CHECK(site.controller_.face()
              .call("ApplicationOrder", {{"application", "server-1"}, {"want", "stopped"}})
              .error()
              .what == "\"server-1\" is run by other means: Belay knows it by its driver alone");
}

TEST_CASE("several pairs are upgraded in waves, never two of one at once, and one that fails goes back alone")
{
    ShopSite site(ShopSite::RunBy::driver);
    site.install({"1.0"});
    site.publish({"2.0"});
    const auto plan = [&](const Json& more) {
        Json arguments = {{"pair", "servers,pages"}, {"version", "2.0"}};
        arguments.update(more);
        return site.controller_.face().call(
            "Plan", {{"procedure", "pair.upgrade"}, {"arguments", arguments}, {"keep", true}});
    };
    CHECK(plan({{"pair", "servers,servers"}}).error().what == "the pair servers stands there twice");
    CHECK(plan({{"failures", "2"}}).error().what == "a limit of 2 failures would let all 2 pairs fail");
    CHECK(plan({{"waves", "two"}}).error().what == "\"two\" is no number of pairs, and --waves wants one");

    std::ofstream(site.controller_.path("page-2.fails")) << "";
    const Json planned = need(plan({{"waves", "2"}, {"failures", "1"}}));
    std::vector<std::string> waves;
    for (const Json& step : planned.at("plan").at("steps")) {
        if (step.at("phase") == "activate") waves.push_back(step.at("member"));
    }
    CHECK(waves ==
          std::vector<std::string>{"web2 (standby), web4 (standby)", "web1 (active), web3 (active)"});
    const std::string operation = planned.at("operation");
    CHECK_MESSAGE(site.go(operation, {"add", "activate"}) == "activated", site.show(operation));
    CHECK_MESSAGE(site.go(operation, {"commit"}) == "committed", site.show(operation));
    const auto runs = [&](const std::string& name, const std::string& version) {
        const std::string path = testing::text_of_file(site.controller_.path(name + ".runs"));
        CHECK_MESSAGE(testing::contains(path, "/" + version + "/"), path);
    };
    for (const char* name : {"server-1", "server-2"}) runs(name, "2.0");
    for (const char* name : {"page-1", "page-2"}) runs(name, "1.0");
    CHECK(ShopSite::letters(site.web3_) == "1.0 C");
}

}  // namespace
}  // namespace belay::daemon
