// Several controllers over one etcd, as processes: one leads, and another takes over.

#include "daemon/network/testing/machine.h"
#include "site/leadership/leadership.h"
#include "site/reactions/testing/receivers.h"
#include "store/etcd/testing/certificates.h"
#include "store/etcd/testing/cluster.h"

#include <filesystem>
#include <thread>

namespace belay::daemon {
namespace {

using namespace testing;

Json store_of_site(const std::string& prefix)
{
    return {{"address", fmt::format("etcd:{}/{}", store::shared_etcd().endpoint(0), prefix)},
            {"ca", ""},
            {"certificate", ""},
            {"key", ""}};
}

bool leads(const Json& status)
{
    return status.at("place").at("controller").at("leads") == true;
}

/// A site with two controllers, of which alpha leads, and the host web1.
struct Site {
    std::string prefix = store::new_prefix();
    Machine alpha, beta, web1;

    Site()
    {
        alpha.make_controller(store_of_site(prefix));
        REQUIRE(alpha.await_status(leads));
        join(alpha, beta, {{"name", "beta"}, {"role", "controller"}});
        beta.make_controller(store_of_site(prefix));
        // Its own link shows that it knows where the one that leads is.
        REQUIRE(beta.await_status(is_attached));
        join(alpha, web1, {{"name", "web1"}});
        REQUIRE(web1.await_status(is_attached));
    }

    static std::string change(Machine& controller, const std::string& text, int64_t timer_ms)
    {
        const Json planned =
            controller.ask("Plan", {{"procedure", "config.change"},
                                    {"arguments", {{"text", text}, {"file", "site.toml"}, {"mode", "merge"}}},
                                    {"timer_ms", timer_ms},
                                    {"keep", true}});
        REQUIRE(planned.at("refused") == false);
        const std::string id = planned.at("operation");
        for (const char* verb : {"add", "activate"}) {
            controller.ask("Request", {{"operation", id}, {"verb", verb}});
            controller.rest(id);
        }
        return id;
    }
};

/// Who stands by says that the operations of the site are not in its lists, and where they are.
void check_tells_leader(Machine& other, const Error& refusal, Machine& leader)
{
    const Json controller = leader.status().at("place").at("controller");
    const std::string why =
        fmt::format("{} leads the site, at {}", leader.status().at("host").get<std::string>(),
                    controller.at("address").get<std::string>());
    CHECK_MESSAGE(contains(refusal.what, why), refusal.what);
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"history"}, {"history", "--audit"}, {"show"}}) {
        CAPTURE(words.back());
        const Ran text = other.belay(words);
        CHECK(text.code == 0);
        CHECK_MESSAGE(contains(text.said, "not looked at: the operations of the site"), text.said);
        std::vector<std::string> as_json = words;
        as_json.emplace_back("--json");
        const Json answer = need(parse_json(other.belay(as_json).said));
        CHECK(answer.at("not_looked")[0].at("why") == why);
        CHECK(answer.at("not_looked")[0].at("leader").at("addresses") ==
              Json::array({controller.at("address")}));
        CHECK(!contains(leader.belay(words).said, "not looked at"));
    }
}

TEST_CASE("when the controller that leads is killed another leads, hosts find it, and what it began goes on")
{
    Site site;
    CHECK(!leads(site.beta.status()));
    CHECK(site.beta.status().at("place").at("controller").at("leader").at("addresses") ==
          Json::array({site.alpha.status().at("place").at("controller").at("address")}));

    const std::string kept = Site::change(site.alpha, "[host.web1]\naddress = \"10.0.0.1\"\n", 3'600'000);
    CHECK(kept == "S1");
    site.alpha.ask("Request", {{"operation", kept}, {"verb", "commit"}});
    CHECK(site.alpha.rest(kept) == "committed");
    // Nobody confirms this one, and who began it is gone when its time is up.
    const std::string open = Site::change(site.alpha, "[host.web1]\naddress = \"10.0.0.2\"\n", 20'000);
    CHECK(site.alpha.ask("Show", {{"operation", open}}).at("state") == "activated");
    const auto stranger = site.beta.face().call("Request", {{"operation", open}, {"verb", "commit"}});
    REQUIRE(!stranger);
    CHECK(stranger.error().kind == ErrorKind::unavailable);
    check_tells_leader(site.beta, stranger.error(), site.alpha);

    kill(site.alpha.pid(), SIGKILL);
    site.alpha.stop();
    CHECK(site.beta.await_status(leads));
    CHECK(site.web1.await_status([&](const Json& status) {
        return is_attached(status) && status.at("place").at("link").at("controller") ==
                                          site.beta.status().at("place").at("controller").at("address");
    }));
    CHECK(site.beta.rest(open, false) == "aborted");
    const std::string text = site.beta.ask("ConfigShow").at("text");
    CHECK(text.find("10.0.0.1") != std::string::npos);
    CHECK(text.find("10.0.0.2") == std::string::npos);

    // The first one comes back, and stands by.
    CHECK(site.alpha.await_status(
        [](const Json& status) { return status.at("place").at("controller").at("leader").is_object(); }));
    CHECK(!leads(site.alpha.status()));
}

TEST_CASE("the lead is taken from the controller that is named, and from no other")
{
    Site site;
    const std::string open = Site::change(site.alpha, "[host.web1]\naddress = \"10.0.0.1\"\n", 3'600'000);
    const std::string leader = site.beta.status().at("place").at("controller").at("leader").at("host");
    site.beta.stop();
    const Ran wrong = site.beta.belayd({"--take-lead", "nobody"});
    CHECK(wrong.code == 1);
    CHECK_MESSAGE(wrong.said.find(leader + " leads the site, and not nobody") != std::string::npos,
                  wrong.said);
    CHECK(leads(site.alpha.status()));
    const Ran alone = Machine().belayd({"--take-lead", leader});
    CHECK(alone.code == 1);
    CHECK_MESSAGE(alone.said.find("this machine shares no site with one") != std::string::npos, alone.said);

    site.beta.start({"--take-lead", leader});
    CHECK(site.beta.await_status(leads));
    CHECK(site.alpha.await_status(
        [](const Json& status) { return status.at("place").at("controller").at("leader").is_object(); }));
    site.beta.ask("Request", {{"operation", open}, {"verb", "commit"}});
    CHECK(site.beta.rest(open) == "committed");
}

TEST_CASE("a controller that is told to end hands the lead over at once")
{
    Site site;
    const auto store = need(store::open_etcd(store::shared_etcd().options(site.prefix)));
    const auto term = [&] {
        const auto leader = need(store->get(site::leader_key));
        return leader ? leader->created : 0;
    };
    const store::Revision of_alpha = term();
    CHECK(of_alpha != 0);
    site.alpha.stop();
    CHECK(term() != of_alpha);  // nobody has to wait until its lease ends
    CHECK(site.beta.await_status(leads));
}

TEST_CASE("a controller that slept does not lead any more when it wakes up, and changes nothing")
{
    Site site;
    const std::string open = Site::change(site.alpha, "[host.web1]\naddress = \"10.0.0.1\"\n", 3'600'000);
    kill(site.alpha.pid(), SIGSTOP);
    CHECK(site.beta.await_status(leads));
    kill(site.alpha.pid(), SIGCONT);
    const auto late = site.alpha.face().call("Request", {{"operation", open}, {"verb", "commit"}});
    CHECK(!late);
    CHECK(site.alpha.await_status(
        [](const Json& status) { return status.at("place").at("controller").at("leader").is_object(); }));
    CHECK(site.beta.ask("Show", {{"operation", open}}).at("state") == "activated");
}

/// What a controller says to a change that is there already: it has to open what is sealed to know.
void check_knows(Machine& controller, const std::string& text)
{
    const Json same =
        controller.ask("Plan", {{"procedure", "config.change"},
                                {"arguments", {{"text", text}, {"file", "site.toml"}, {"mode", "merge"}}}});
    CHECK(same.at("plan").at("title") == "The configuration is as site.toml wants it already");
}

std::string sealed_storage(const std::string& secret)
{
    return "[storage.s1]\nkind = \"s3\"\nlocation = \"https://s3.example\"\naccess_key = \"me\"\nsecret_key "
           "= \"" +
           secret + "\"\n";
}

TEST_CASE(
    "over an etcd by TLS controllers share the keys of secrets, new ones as well, and the etcd has none")
{
    const store::Certificates made;
    made.make_ca("ca");
    for (const char* name : {"etcd", "belay", "stranger"}) made.sign(name, "ca");
    const store::Cluster etcd({.ca = made / "ca.pem",
                               .certificate = made / "etcd.pem",
                               .key = made / "etcd.key",
                               .own_certificate = made / "belay.pem",
                               .own_key = made / "belay.key"});
    const std::vector<std::string> by_tls = {
        "--listen",          "127.0.0.1:0",
        "--site-store",      fmt::format("etcd:{}/branch-3", etcd.endpoint(0)),
        "--site-store-ca",   made / "ca.pem",
        "--site-store-cert", made / "belay.pem",
        "--site-store-key",  made / "belay.key"};
    Machine alpha, beta;
    INFO("without a certificate the etcd does not answer, and the controller says so");
    const Ran stranger = alpha.belayd({by_tls.begin(), by_tls.begin() + 6});
    CHECK(stranger.code == 1);
    CHECK_MESSAGE(contains(stranger.said, "etcd does not answer"), stranger.said);

    alpha.start(by_tls);
    REQUIRE(alpha.await_status(leads));
    join(alpha, beta, {{"name", "beta"}, {"role", "controller"}});
    beta.start(by_tls);
    REQUIRE(beta.await_status(is_attached));

    INFO("the first secret of the site comes when both are there already; then there is a new key");
    const std::string text = sealed_storage("planted-4711");
    const std::string first = Site::change(alpha, text, 3'600'000);
    alpha.ask("Request", {{"operation", first}, {"verb", "commit"}});
    CHECK(alpha.rest(first) == "committed");
    check_knows(alpha, text);
    const std::string key = text_of_file(alpha.state() + "/configuration.key");
    const Json rotation = alpha.ask("Plan", {{"procedure", "config.rotate-key"}, {"keep", true}});
    const std::string rotated = rotation.at("operation");
    for (const char* verb : {"add", "activate", "commit"}) {
        alpha.ask("Request", {{"operation", rotated}, {"verb", verb}});
        alpha.rest(rotated);
    }
    const std::string newer = text_of_file(alpha.state() + "/configuration.key");
    CHECK(newer != key);

    alpha.kill();
    REQUIRE(beta.await_status(leads));
    check_knows(beta, text);
    CHECK(text_of_file(beta.state() + "/configuration.key") == newer);

    const auto store = need(store::open_etcd(etcd.options("branch-3")));
    for (const store::Entry& entry : need(store->list("", {}, 10'000))) {
        for (const std::string& secret : {std::string("planted-4711"), newer.substr(newer.rfind(' ') + 1, 40),
                                          key.substr(key.rfind(' ') + 1, 40)})
            CHECK_MESSAGE(!contains(entry.value, secret), entry.key);
    }
}

TEST_CASE("a controller that lost its lead with its etcd waits for that, and leads again")
{
    store::Cluster etcd(1);
    Machine alpha;
    alpha.make_controller({{"address", fmt::format("etcd:{}/branch-3", etcd.endpoint(0))},
                           {"ca", ""},
                           {"certificate", ""},
                           {"key", ""}});
    alpha.start({"--log-verbose", "standard", "--log-file", alpha.path("log")});
    const auto await_log = [&](std::string_view part) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (!contains(text_of_file(alpha.path("log")), part) && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return contains(text_of_file(alpha.path("log")), part);
    };
    REQUIRE(await_log("leads the site"));
    etcd.kill(0);
    REQUIRE(await_log("cannot serve: etcd does not answer"));
    std::filesystem::remove(alpha.path("log"));
    etcd.start(0);
    CHECK(await_log("leads the site"));
    CHECK(alpha.await_status(leads));
    CHECK(alpha.ask("Hello", {{"version", BELAY_VERSION}}).at("pid") == alpha.pid());
}

TEST_CASE("keys that are damaged in the store are said: the site is led, and who has the keys mends them")
{
    const std::string prefix = store::new_prefix();
    const auto store = need(store::open_etcd(store::shared_etcd().options(prefix)));
    const std::string entry = "site/configuration-keys";
    const auto value = [&] { return need(store->get(entry))->value; };
    const auto damage = [&](const std::string& by) {
        need(store->commit({.when = {}, .then = {{.key = entry, .value = by}}}));
    };
    Machine alpha, beta;
    const std::vector<std::string> logged = {"--log-verbose", "standard", "--log-file", alpha.path("log")};
    const auto lead_anew = [&](const std::string& by) {
        alpha.stop();
        damage(by);
        alpha.start(logged);
        REQUIRE(alpha.await_status(leads));
        const std::string log = text_of_file(alpha.path("log"));
        CHECK_MESSAGE(contains(log, "secrets are damaged in the store"), log);
        std::filesystem::remove(alpha.path("log"));
    };
    alpha.make_controller(store_of_site(prefix));
    REQUIRE(alpha.await_status(leads));
    alpha.keep_address();
    const std::string text = sealed_storage("planted-4711");
    configure(alpha, text);
    const std::string good = value();
    for (const std::string& by : {std::string("no JSON"), std::string("[]"), std::string("{\"sealed\":7}"),
                                  std::string("{\"sealed\":\"AAAA\"}"), good.substr(0, good.size() / 2)}) {
        CAPTURE(by);
        lead_anew(by);
        CHECK(value() != by);
        check_knows(alpha, text);
    }

    INFO("another controller gets them from there, and is the only one that has them then");
    join(alpha, beta, {{"name", "beta"}, {"role", "controller"}});
    beta.make_controller(store_of_site(prefix));
    REQUIRE(beta.await_status(is_attached));
    alpha.stop();
    REQUIRE(beta.await_status(leads));
    check_knows(beta, text);
    beta.stop();
    std::filesystem::remove(alpha.state() + "/configuration.key");
    lead_anew("no JSON");
    CHECK(alpha.ask("ConfigShow").at("version") == 1);
    // A new one in their place would be lost for beta's secrets, or they for its.
    const auto refused = alpha.face().call(
        "Plan", {{"procedure", "config.change"},
                 {"arguments", {{"text", sealed_storage("other")}, {"file", "f"}, {"mode", "merge"}}},
                 {"keep", true}});
    REQUIRE(!refused);
    CHECK_MESSAGE(contains(refused.error().what, "are damaged in the store"), refused.error().what);
    CHECK(value() == "no JSON");
    alpha.stop();
    REQUIRE(beta.await_status(leads));
    check_knows(beta, text);
    CHECK(value() != "no JSON");
}

TEST_CASE("an alarm whose controller dies before its mail is taken: one mail, from the next controller")
{
    const site::testing::Receiver mail("mail_server.py", {"none"});
    mail.is_busy(true);
    Site site;
    configure(site.alpha, fmt::format(R"(
[host.web1]
address = "127.0.0.1"

[relay.office]
server = "127.0.0.1:{}"
from = "belay@example.org"
tls = "none"

[script.mail]
kind = "mail"
relay = "office"
to = ["anna@example.org"]

[alarm.memory]
severity = "minor"
detect = {{ figure = "memory", rising = 1, every = "1s", hosts = ["web1"] }}
reactions = ["mail"]
)",
                                      mail.port));
    const auto memory_alarms = [](Machine& controller) {
        std::vector<Json> found;
        const auto answer = controller.face().call("AlarmList", {{"all", true}});
        for (const Json& alarm : answer ? answer->at("alarms") : Json::array()) {
            if (alarm.at("alarm") == "memory") found.push_back(alarm);
        }
        return found;
    };
    const auto was_tried = [&] {
        return std::ranges::any_of(memory_alarms(site.alpha), [](const Json& alarm) {
            const Json& reaction = alarm.at("reactions")[0];
            return reaction.at("attempts").get<int>() > 0 && reaction.at("state") != "doing";
        });
    };
    site::testing::await(was_tried, "the mail is refused for now");
    CHECK(mail.taken().empty());
    site.alpha.kill();
    REQUIRE(site.beta.await_status(leads));
    mail.is_busy(false);
    const auto are_done = [&] {
        const std::vector<Json> alarms = memory_alarms(site.beta);
        return !alarms.empty() && std::ranges::all_of(alarms, [](const Json& alarm) {
            return alarm.at("reactions")[0].at("state") == "done";
        });
    };
    site::testing::await(are_done, "the next controller has the mail taken");
    CHECK(memory_alarms(site.beta).size() == 1);
    CHECK(mail.taken().size() == 1);
}

}  // namespace
}  // namespace belay::daemon
