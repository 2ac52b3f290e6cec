// What a driver prints and how it ends, whatever it is; and what the tools of the built-in ones say.

#include "host/simulated.h"
#include "upgrade/driver/driver_program.h"
#include "upgrade/driver/haproxy.h"
#include "upgrade/driver/keepalived.h"
#include "upgrade/driver/look_text.h"
#include "upgrade/driver/postgresql/report.h"
#include "upgrade/driver/service.h"

#include <doctest/doctest.h>

namespace belay::upgrade::driver {
namespace {

const std::string whole_look =
    R"({"role":"standby","hot":true,"says":"streams from db1, 0 bytes behind","version":"15.18",)"
    R"("starts_by_itself":true,"runs_from":"/usr/lib/postgresql/15/bin/postgres","peer":"reachable",)"
    R"("offers":["take-over","drain"],"for_people":[1,2]})";

std::string with(std::string text, std::string_view from, std::string_view to)
{
    return text.replace(text.find(from), from.size(), to);
}

std::string problem_of(const std::string& text)
{
    const auto look = parse_look(text);
    return look ? "" : look.error().what;
}

TEST_CASE("a look is read as it was written, and what it lacks is named")
{
    const auto look = parse_look(whole_look);
    REQUIRE(look.has_value());
    CHECK(look->role == Role::standby);
    CHECK(look->hot);
    CHECK(look->peer == Reach::reachable);
    CHECK(look->offers == std::vector{Verb::take_over, Verb::drain});
    CHECK(parse_look(to_text(*look)) == *look);

    CHECK(problem_of(with(whole_look, "\"hot\":true,", "")) ==
          "the driver's look has no \"hot\" that is true or false");
    CHECK(problem_of(with(whole_look, "true", "1")) ==
          "the driver's look has no \"hot\" that is true or false");
    CHECK(problem_of(with(whole_look, "standby", "primary")) ==
          "the driver's look has no \"role\" that is active or standby or none");
    CHECK(problem_of(with(whole_look, "streams", "a\\nb")) ==
          "the driver's look has no \"says\" that is a text of one line, at most 1024 bytes");
    CHECK(problem_of(with(whole_look, "/usr/lib", "usr/lib")) ==
          "the driver's look has no \"runs_from\" that is an absolute path, or empty");
    for (const char* const offers : {"\"look\"", "\"drain\",\"drain\"", "7"})
        CHECK(problem_of(with(whole_look, "\"take-over\",\"drain\"", offers)) ==
              "the driver's look has no \"offers\" that is a list of take-over, renew, drain, undrain, each "
              "once");
    CHECK(problem_of("[]") == "the driver's look is no JSON object");
    CHECK(problem_of("").starts_with("the driver's look is no JSON object: not JSON"));
    CHECK(problem_of(std::string(65537, ' ')) == "the driver's look has more than 65536 bytes");
}

/// A driver that prints and ends as the test wants it.
class FakeDriver {
  public:
    FakeDriver()
    {
        host_.install("env", [this](host::Machine&, const host::Command& command) -> Result<host::Outcome> {
            asked = command.argv;
            limit = command.limit;
            return outcome;
        });
    }
    DriverProgram program()
    {
        return {host_,
                {.argv = {"/opt/driver", "--of", "a b"},
                 .image_folder = "/images/x/2.0",
                 .image_version = "2.0"}};
    }

    host::Outcome outcome;
    std::vector<std::string> asked;
    Milliseconds limit{0};

  private:
    host::SimulatedHost host_;
};

TEST_CASE("a driver is called by argv with its image, and its sentence is the error")
{
    FakeDriver fake;
    DriverProgram driver = fake.program();
    fake.outcome = {.exit_code = 0, .out = whole_look, .err = "a warning\n"};
    CHECK(driver.look().has_value());
    CHECK(fake.limit == std::chrono::seconds(10));
    fake.outcome = {.exit_code = 0, .out = "pg_ctl stop\npg_ctl start\n", .err = {}};
    CHECK(driver.commands(Verb::restart) == std::vector<std::string>{"pg_ctl stop", "pg_ctl start"});
    CHECK(fake.asked == std::vector<std::string>{"env", "BELAY_IMAGE_FOLDER=/images/x/2.0",
                                                 "BELAY_IMAGE_VERSION=2.0", "/opt/driver", "--of", "a b",
                                                 "commands", "restart"});
    CHECK(driver.stand_by().has_value());
    CHECK(fake.asked.back() == "stand-by");
    CHECK(fake.limit == std::chrono::minutes(10));

    const auto problem = [&](int exit_code, const char* said) {
        fake.outcome = {.exit_code = exit_code, .out = whole_look, .err = said};
        return driver.stand_by().error();
    };
    CHECK(problem(1, "\nthe peer is away\nmore\n").what == "/opt/driver: the peer is away");
    CHECK(problem(1, "no").kind == ErrorKind::refused);
    CHECK(problem(2, "no").kind == ErrorKind::usage);
    CHECK(problem(127, "no").kind == ErrorKind::not_found);
    CHECK(problem(137, "").kind == ErrorKind::failed);
    CHECK(problem(137, "").what == "/opt/driver: ended with exit code 137, and said nothing");
    CHECK(problem(1, "\x1b[31mred\x07").what == "/opt/driver: [31mred");
    CHECK(parse_commands(std::string(4097, 'x')).error().kind == ErrorKind::corrupt);
    CHECK(parse_commands("a\x1b[2J").error().what ==
          "command 1 of the driver is no line of at most 4096 bytes");
    std::string many;
    for (int i = 0; i < 257; ++i) many += "x\n";
    CHECK(parse_commands(many).error().what == "the driver names more than 256 commands");
}

TEST_CASE("what is asked again and again comes true, or does not within its time")
{
    host::SimulatedHost host;
    const Ground ground{.host = host, .pause = [&](Milliseconds span) { host.advance(span); }};
    int asked = 0;
    CHECK(comes_true(ground, std::chrono::seconds(1), [&]() -> Result<bool> { return ++asked == 5; }) ==
          true);
    CHECK(comes_true(ground, std::chrono::seconds(1), [&]() -> Result<bool> { return false; }) == false);
    CHECK(comes_true(ground, std::chrono::seconds(1),
                     [&]() -> Result<bool> { return fail(ErrorKind::io, "x"); })
              .error()
              .kind == ErrorKind::io);
}

TEST_CASE("places in the write-ahead log are 64 bits in two halves")
{
    CHECK(postgresql::parse_place("16/B374D848")->byte == 0x16B374D848);
    CHECK(postgresql::to_text({0x16B374D848}) == "16/B374D848");
    for (const char* const wrong : {"", "/", "0/", "/0", "1/123456789", "0/x", "0/-1", "0 /1", "10"})
        CHECK_FALSE(postgresql::parse_place(wrong).has_value());
}

TEST_CASE("pg_controldata and pg_lsclusters are read, and what is cut short is refused")
{
    const std::string control =
        "pg_control version number:            1300\n"
        "Database system identifier:           7577871632349270016\n"
        "Database cluster state:               shut down in recovery\n"
        "Latest checkpoint location:           0/3000098\n"
        "Latest checkpoint's REDO location:    0/3000060\n";
    CHECK(postgresql::parse_control(control) == postgresql::Control{.state = "shut down in recovery",
                                                                    .system = "7577871632349270016",
                                                                    .checkpoint = {0x3000098}});
    CHECK(postgresql::parse_control(control.substr(0, control.find("098"))).error().what ==
          "pg_controldata says nothing of \"Latest checkpoint location:\"");

    const std::string listed =
        R"([{"socketdir":"/var/run/postgresql","pgdata":"/var/lib/postgresql/15/main","configdir":"/etc/postgresql/15/main",)"
        R"("configuid":101,"owneruid":101,"running":0,"start":"auto","version":15,"port":"5432","ownergid":104,"config":{},)"
        R"("cluster":"main"}])";
    const auto clusters = postgresql::parse_clusters(listed);
    REQUIRE(clusters.has_value());
    CHECK(clusters->size() == 1);
    CHECK(clusters->front().version == "15");
    CHECK(clusters->front().port == 5432);
    CHECK(clusters->front().starts_by_itself);
    CHECK(postgresql::parse_clusters("[{}]").error().kind == ErrorKind::corrupt);
    CHECK(postgresql::parse_server("{}").error().kind == ErrorKind::corrupt);
    CHECK(postgresql::parse_identity("7577871632349270016|1|0/3000148|\n") == "7577871632349270016");
    CHECK_FALSE(postgresql::parse_identity("FATAL").has_value());
}

TEST_CASE("an address is here or not, as ip says")
{
    const std::string said =
        R"([{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},{},)"
        R"({"ifname":"eth0","addr_info":[{"family":"inet","local":"10.77.0.11","prefixlen":24},)"
        R"({"family":"inet6","local":"2001:db8::10","prefixlen":64}]}])";
    CHECK(has_address(said, "10.77.0.11") == true);
    CHECK(has_address(said, "2001:db8::10") == true);
    CHECK(has_address(said, "10.77.0.1") == false);
    CHECK(has_address("[7]", "10.77.0.1").error().kind == ErrorKind::corrupt);
}

TEST_CASE("HAProxy's servers and its worker, as its socket tells of them")
{
    const auto field = [](const char* type, const char* name, const char* value) {
        return fmt::format(
            R"({{"objType":"{}","proxyId":3,"id":1,"field":{{"pos":0,"name":"{}"}},"processNum":1,)"
            R"("tags":{{"origin":"Key","nature":"Name","scope":"Service"}},"value":{{"type":"str","value":{}}}}})",
            type, name, value);
    };
    const std::string said =
        "[[" + field("Frontend", "pxname", "\"all\"") + "],[" + field("Server", "pxname", "\"shop\"") + ',' +
        field("Server", "svname", "\"web1\"") + ',' + field("Server", "scur", "7") + ',' +
        field("Server", "status", "\"UP 1/3\"") + ',' + field("Server", "bck", "1") + "]]";
    const auto servers = parse_haproxy_servers(said);
    REQUIRE(servers.has_value());
    REQUIRE(servers->size() == 1);
    CHECK(servers->front().name == "web1");
    CHECK(servers->front().sessions == 7);
    CHECK(servers->front().is_up());
    CHECK(servers->front().is_backup);
    CHECK(parse_haproxy_servers("[[{}]]").error().kind == ErrorKind::corrupt);
    CHECK(parse_haproxy_info('[' + field("x", "Version", "\"2.6.12\"") + ',' + field("x", "Pid", "81") + ']')
              ->worker == 81);
    CHECK_FALSE(parse_haproxy_info("[]").has_value());
}

TEST_CASE("what was started from one version of an image is started from the one that is named now")
{
    const std::string now = "/var/lib/belay-images/web/2.0";
    CHECK(with_version("/var/lib/belay-images/web/1.0/sbin/keepalived", now) == now + "/sbin/keepalived");
    CHECK(with_version("--use-file=/var/lib/belay-images/web/1.0/etc/a.conf", now) ==
          "--use-file=" + now + "/etc/a.conf");
    CHECK(with_version("/var/lib/belay-images/web/1.0", now) == now);
    CHECK(with_version(now + "/bin/web", now) == now + "/bin/web");
    for (const char* const other :
         {"/usr/sbin/keepalived", "/var/lib/belay-images/website/1.0/bin/a", "--pid", "-f/etc/a", "a=b", ""})
        CHECK(with_version(other, now) == other);
    CHECK(with_version("/var/lib/belay-images/web/1.0/sbin/keepalived", "") ==
          "/var/lib/belay-images/web/1.0/sbin/keepalived");
}

TEST_CASE("a unit that is enabled until the next boot alone is not started after a power cut")
{
    for (const auto& [state, starts] :
         std::map<std::string, bool>{{"enabled", true}, {"enabled-runtime", false}, {"disabled", false}}) {
        host::SimulatedHost host;
        // As systemctl ends: well for what is enabled, however long.
        host.install("systemctl", [&](host::Machine&, const host::Command&) -> Result<host::Outcome> {
            return host::Outcome{.exit_code = state == "disabled" ? 1 : 0, .out = state + "\n", .err = ""};
        });
        const Result<bool> said = starts_by_itself(host, "keepalived.service");
        REQUIRE(said.has_value());
        CHECK(*said == starts);
    }
}

TEST_CASE("versions, as keepalived, HAProxy and nginx say them")
{
    CHECK(version_in("Keepalived v2.2.7 (01/16,2022)\n\nCopyright") == "2.2.7");
    CHECK(version_in("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n") ==
          "2.6.12-1+deb12u4");
    CHECK(version_in("nginx version: nginx/1.22.1\n") == "1.22.1");
    CHECK(version_in("no\n1.2") == "");
}

}  // namespace
}  // namespace belay::upgrade::driver
