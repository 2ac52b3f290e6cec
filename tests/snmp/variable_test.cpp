// Variables of SNMP agents, asked of Debian's snmpd: by belayd-react alone, and by belayd for alarms.

#include "manager.h"

namespace belay {
namespace {

using daemon::testing::Ran;
using testing::await_that;
using testing::ManagedMachine;
using testing::own_host_name;

Json errand_for(const ManagedMachine& machine, const std::string& oid)
{
    return {{"kind", "variable"},
            {"oid", oid},
            {"host", "127.0.0.1"},
            {"port", machine.port()},
            {"version", "3"},
            {"user", "reader"},
            {"authentication", "SHA-256"},
            {"authentication_password", "authentication"},
            {"privacy_password", "confidential"},
            {"limit_ms", 30'000}};
}

Ran react(const Json& errand)
{
    return daemon::testing::run_to_end({TEST_REACT}, json_text(errand) + "\n");
}

constexpr const char* up_time = "1.3.6.1.2.1.1.3.0";
constexpr const char* description = "1.3.6.1.2.1.1.1.0";

void await_snmpd(const ManagedMachine& machine)
{
    Json asked = errand_for(machine, up_time);
    asked["limit_ms"] = 600;
    await_that("snmpd answers", [&] { return react(asked).code == 0; });
}

TEST_CASE("numbers of all kinds are read, by both versions of the protocol")
{
    const ManagedMachine machine;
    await_snmpd(machine);
    for (const char* const oid : {up_time, "1.3.6.1.2.1.25.2.2.0", "1.3.6.1.2.1.25.1.5.0",
                                  "1.3.6.1.2.1.11.1.0", "1.3.6.1.2.1.31.1.1.1.6.1"}) {
        const Ran read = react(errand_for(machine, oid));
        CAPTURE(std::string(oid));
        CHECK_MESSAGE(read.code == 0, read.said);
        CHECK_MESSAGE(read.said.find_first_not_of("0123456789\n") == std::string::npos, read.said);
    }
    Json asked = errand_for(machine, up_time);
    asked["version"] = "2c";
    asked["community"] = "everybody";
    CHECK(react(asked).code == 0);
    // With nothing kept from others.
    asked = errand_for(machine, up_time);
    asked["user"] = "plain";
    asked["privacy_password"] = "";
    CHECK(react(asked).code == 0);
}

TEST_CASE("why a variable is not read is said in one sentence, and whether it may be read later")
{
    const ManagedMachine machine;
    await_snmpd(machine);
    const auto says = [](const Json& errand, int code, const std::string& what) {
        const Ran ran = react(errand);
        CHECK_MESSAGE(ran.code == code, ran.said);
        CHECK_MESSAGE(ran.said.contains(what), ran.said);
    };
    constexpr int not_now = 75, never = 69;
    const Json good = errand_for(machine, up_time);
    const auto with = [&](const char* field, const Json& value) {
        Json changed = good;
        changed[field] = value;
        changed["limit_ms"] = 600;
        return changed;
    };
    says(errand_for(machine, description), never, "is no whole number");
    says(errand_for(machine, "1.3.6.1.4.1.99999.1.0"), never, "has no variable 1.3.6.1.4.1.99999.1.0");
    says(with("user", "nobody"), never, "knows no user nobody");
    says(with("authentication_password", "authenticatiom"), never, "does not take the password of reader");
    says(with("authentication_password", "short"), never, "shorter than 8 characters");
    says(with("privacy_password", "confidentiam"), not_now, "privacy password");
    says(with("port", testing::free_udp_port()), not_now, "does not answer");
    Json community = with("version", "2c");
    community["community"] = "somebody";
    says(community, not_now, "the community is wrong");
}

TEST_CASE("a variable raises an alarm and clears it, and the log says once why one is not read")
{
    ManagedMachine machine;
    machine.start_daemon({"--log-file", machine.path("log"), "--log-verbose", "all"});
    const auto site = [&](const char* password) {
        // Of belay-snmp: belayApplicationPhase of web, which is 4 while it is started.
        return fmt::format(R"(
[host."{0}"]
address = "127.0.0.1"

[application.web]
host = "{0}"
command = ["{1}", "--name", "web"]
readiness = {{ kind = "notify" }}

[snmp.local]
version = "3"
user = "reader"
authentication_password = "{2}"
privacy_password = "confidential"

[alarm.phase]
severity = "major"
detect = {{ variable = "1.3.6.1.4.1.32473.1.1.3.1.3.119.101.98", at = "127.0.0.1:{3}", account = "local", rising = 4, every = "1s" }}
)",
                           own_host_name(), TEST_STAND_IN, password, machine.port());
    };
    const auto alarms = [&] {
        return must(parse_json(machine.belay({"alarms", "--json"}).out)).at("alarms");
    };
    machine.configure(site("not the password"));
    machine.await_phase("web", "started");
    INFO(testing::text_of(machine.path("log")));
    await_that("it is said why it is not read", [&] {
        return testing::text_of(machine.path("log")).contains("does not take the password of reader");
    });
    CHECK(alarms().empty());
    machine.configure(site("authentication"));
    await_that("it is raised", [&] { return !alarms().empty(); });
    CHECK(alarms()[0].at("alarm") == "phase");
    CHECK(alarms()[0].at("object").get<std::string>().contains("1.3.6.1.4.1.32473.1.1.3.1.3.119.101.98"));
    REQUIRE(machine.belay({"app", "stop", "web"}).code == 0);
    await_that("it is cleared", [&] { return alarms().empty(); });
    const std::string log = testing::text_of(machine.path("log"));
    const size_t said = log.find("the variable of the alarm phase is not read");
    CHECK(said != std::string::npos);
    CHECK_FALSE(log.contains("not the password"));
}

}  // namespace
}  // namespace belay
