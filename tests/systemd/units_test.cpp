// The units that are installed, under systemd itself: a host of its own on which Belay is installed as a
// person would, and started by systemctl.

#include "base/json.h"
#include "host.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <optional>
#include <thread>

namespace belay {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

template <typename T>
T need(Result<T> result)
{
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what + result.error().output));
    return *std::move(result);
}

/// As docs/snmp.md has it, with a manager who may look and one who may change something.
constexpr std::string_view snmpd_configuration = R"(agentAddress udp:127.0.0.1:161
master agentx
agentXPerms 0660 0755 Debian-snmp Debian-snmp
createUser manager SHA-256 authentication AES confidential
rwuser manager authPriv
)";

constexpr std::string_view application = R"([host.machine]
address = "127.0.0.1"
messages.syslog = "all"

[application.shop]
host = "machine"
log_level = "trace"
command = ["sh", "-c", "echo the shop is open; exec sleep 3600"]
)";

/// What else a Debian starts would take a minute, and is not what is tested here.
constexpr std::string_view begin_systemd = R"(
set -e
rm -rf /etc/systemd/system/*.wants /etc/fstab
echo machine > /etc/hostname
touch /etc/fstab
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service systemd-timesyncd.service \
            systemd-logind.service getty.target e2scrub_reap.service systemd-modules-load.service; do
    ln -sf /dev/null /etc/systemd/system/$unit
done
exec unshare --fork --pid --mount --mount-proc env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=multi-user.target --log-target=journal --show-status=false
)";

/// A host whose services systemd looks after. Threads: one.
class Managed {
  public:
    Managed() : folder_(need(lab::Folder::make()))
    {
        host_ = need(
            lab::Host::boot(folder_, {.name = "machine", .memory = Bytes{1024U << 20}, .modules = {"loop"}}));
        sh("cmake --install " BELAY_BUILD " --strip > /dev/null", 300s);
        systemd_.emplace(need(host_->start({"sh", "-c", std::string(begin_systemd)})));
        await("systemd", [&] { return run("systemctl is-system-running").out.find("running") == 0; });
    }

    /// A shell command inside, where systemd's processes are.
    host::Outcome run(const std::string& command, Milliseconds limit = 180s)
    {
        return need(host_->run({"sh", "-c",
                                "exec nsenter --target $(pgrep --oldest --exact systemd) --pid --mount -- "
                                "sh -c \"$0\"",
                                command},
                               {}, limit));
    }
    std::string need_run(const std::string& command, Milliseconds limit = 180s)
    {
        const host::Outcome outcome = run(command, limit);
        REQUIRE_MESSAGE(outcome.exit_code == 0, command, ": ", outcome.out, outcome.err,
                        run("systemctl --failed --no-pager; journalctl -b --no-pager | tail -n 40").out);
        return outcome.out;
    }
    void write(const std::string& path, std::string_view text)
    {
        need(host_->run({"sh", "-c", "mkdir -p \"$(dirname $0)\" && cat > $0", path}, text));
    }
    template <typename Holds>
    void await(const std::string& what, const Holds& holds)
    {
        const auto end = std::chrono::steady_clock::now() + 120s;
        while (!holds()) {
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, what,
                            run("systemctl --failed --no-pager; journalctl -b --no-pager | tail -n 60").out);
            std::this_thread::sleep_for(500ms);
        }
    }
    /// What systemctl shows of a unit.
    std::string property(const std::string& unit, const std::string& name)
    {
        std::string value = need_run("systemctl show --value --property=" + name + " " + unit);
        while (value.ends_with('\n')) value.pop_back();
        return value;
    }
    bool is_active(const std::string& unit) { return property(unit, "ActiveState") == "active"; }

  private:
    void sh(const std::string& command, Milliseconds limit)
    {
        const host::Outcome outcome = need(host_->run({"sh", "-c", command}, {}, limit));
        REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.out, outcome.err);
    }

    lab::Folder folder_;
    std::unique_ptr<lab::Host> host_;
    std::optional<lab::Process> systemd_;
};

Managed& machine()
{
    static Managed one;
    return one;
}

/// As belayd tells of it; nothing in it while it does not.
Json shop()
{
    const host::Outcome listed = machine().run("belay app list --json");
    if (listed.exit_code != 0) return Json::object();
    const Json all = need(parse_json(listed.out));
    for (const Json& one : all.at("applications"))
        if (one.at("name") == "shop") return one;
    return Json::object();
}

std::string snmp(const std::string& command)
{
    return command.substr(0, command.find(' ')) +
           " -v 3 -l authPriv -u manager -a SHA-256 -A authentication -x AES -X confidential -t 2 -r 10 -m "
           "'' -On "
           "127.0.0.1 " +
           command.substr(command.find(' ') + 1);
}
/// belayApplicationWant of "shop": its name is the index.
constexpr const char* want_of_shop = "1.3.6.1.4.1.32473.1.1.3.1.4.115.104.111.112";

TEST_CASE("systemd takes every unit as it is written")
{
    const host::Outcome looked =
        machine().run("systemd-analyze verify " BELAY_PREFIX "/lib/systemd/system/belay*.service");
    CHECK(looked.exit_code == 0);
    CHECK(looked.err == "");
}

TEST_CASE("belayd starts what it needs as units, and what it has started outlives it")
{
    machine().need_run("{ getent group belay || groupadd --system belay; } && systemctl enable --now belayd");
    machine().write("/root/site.toml", application);
    machine().need_run("belay config apply /root/site.toml && belay commit 1");
    machine().await("the application is started", [] { return shop().value("phase", "") == "started"; });
    const Json before = shop().at("pid");
    for (const char* unit : {"belayd", "belay-supervisor", "belay-messages"})
        CHECK(machine().is_active(unit));
    machine().await("what it printed is a message", [] {
        return machine().need_run("belay messages --app shop").find("the shop is open") != std::string::npos;
    });
    const std::string daemon = machine().property("belayd", "MainPID");
    machine().need_run("systemctl restart belayd belay-messages");
    CHECK(machine().property("belayd", "MainPID") != daemon);
    machine().await("belayd knows it", [&] { return shop().value("pid", Json()) == before; });
    machine().need_run("kill -9 " + machine().property("belayd", "MainPID"));
    machine().await("systemd starts it anew", [] { return machine().run("belay status").exit_code == 0; });
    CHECK(shop().value("pid", Json()) == before);
}

TEST_CASE("what other units log comes in by the journal, with who said it")
{
    // journald looks whose process it is when it reads what that has said: until then it has to be there.
    machine().need_run(
        "systemd-run --unit=teller --wait sh -c '{ echo the till is stuck; sleep 2; } | logger "
        "-p daemon.err'");
    machine().await("it is kept", [] {
        return machine().need_run("belay messages --app teller.service").find("the till is stuck") !=
               std::string::npos;
    });
}

TEST_CASE("Prometheus is served by an account without a name that may only look")
{
    machine().need_run("systemctl restart belayd && systemctl enable --now belay-metrics");
    CHECK(machine().is_active("belay-metrics"));
    CHECK(machine().property("belay-metrics", "DynamicUser") == "yes");
    machine().await("it is served", [] {
        const std::string served =
            machine().need_run("curl --silent --show-error http://127.0.0.1:9478/metrics");
        return served.find(
                   "belay_application_phase{application=\"shop\",host=\"machine\",phase=\"started\"} 1") !=
               std::string::npos;
    });
    CHECK(machine().need_run("curl --silent http://127.0.0.1:9478/metrics | promtool check metrics") == "");
}

TEST_CASE("SNMP as docs/snmp.md sets it up: a manager looks, and may stop nothing until root lets him")
{
    machine().write("/etc/snmp/snmpd.conf", snmpd_configuration);
    machine().need_run("systemctl start snmpd && systemctl enable --now belay-snmp");
    CHECK(machine().is_active("belay-snmp"));
    machine().await("the application is a row", [] {
        return machine().run(snmp("snmpbulkwalk 1.3.6.1.4.1.32473.1")).out.find("115.104.111.112") !=
               std::string::npos;
    });
    const std::string set = snmp("snmpset " + std::string(want_of_shop) + " i 2") + " 2>&1";
    CHECK(machine().run(set).out.find("notWritable") != std::string::npos);
    machine().need_run("systemctl restart snmpd");
    machine().await("it is attached to the new snmpd", [] {
        return machine().run(snmp("snmpget 1.3.6.1.4.1.32473.1.1.1.1.0")).out.find("STRING") !=
               std::string::npos;
    });

    machine().write("/etc/systemd/system/belay-snmp.service.d/override.conf",
                    "[Service]\nDynamicUser=no\nCapabilityBoundingSet=\n"
                    "Environment=BELAY_SNMP_ALLOW_SET=true\n");
    machine().need_run("systemctl daemon-reload && systemctl restart belay-snmp");
    machine().await("it is set", [&] { return machine().run(set).exit_code == 0; });
    machine().await("the application is stopped", [] { return shop().value("phase", "") == "stopped"; });
    CHECK(machine().need_run("belay app show shop").find("asked by SNMP") != std::string::npos);
}

TEST_CASE("nothing of it has failed or was refused by the kernel")
{
    CHECK(machine().need_run("systemctl list-units --failed --no-legend 'belay*' snmpd.service") == "");
    CHECK(machine()
              .run("journalctl -b --no-pager --grep 'belay.*(SECCOMP|Permission denied|Operation not "
                   "permitted)'")
              .out.find("belay") == std::string::npos);
    machine().need_run("systemctl stop belay-snmp belay-metrics belay-supervisor belay-messages belayd",
                       120s);
}

}  // namespace
}  // namespace belay
