// The simulated pair as OpenSSH's own clients meet it.

#include "host/real.h"
#include "host/testing/scratch.h"
#include "iosxe/image.h"
#include "iosxe/running.h"

#include <csignal>
#include <doctest/doctest.h>
#include <thread>

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;
using host::Outcome;

template <typename T>
T must(Result<T> result)
{
    const std::string why = result ? "" : result.error().what + "\n" + result.error().output;
    REQUIRE_MESSAGE(result.has_value(), why);
    return *std::move(result);
}

const std::string image_text =
    "belay-lab-iosxe image version=16.9.3.0.3127 size=812345678\n" + std::string(5000, 'x');

/// A pair and somebody with OpenSSH.
class Desk {
  public:
    explicit Desk(std::vector<std::string> more = {}) : arguments(std::move(more))
    {
        arguments.insert(arguments.end(), {"--zone", "jst", "--start", "2019-02-08T09:20:00", "--state",
                                           scratch.path("state")});
        restart();
        scratch.file("image.bin", image_text);
        know();
    }
    void restart() { pair.emplace(must(RunningPair::start(scratch.path(""), arguments))); }
    /// Its host key of now is the one that is trusted.
    void know() { scratch.file("known", fmt::format("[127.0.0.1]:{} {}\n", pair->port(), pair->host_key())); }

    std::vector<std::string> options() const
    {
        return {"-F", "/dev/null",
                "-o", "StrictHostKeyChecking=yes",
                "-o", "UserKnownHostsFile=" + scratch.path("known"),
                "-o", "GlobalKnownHostsFile=/dev/null",
                "-o", "ConnectTimeout=20"};
    }
    Outcome run(std::vector<std::string> argv, const std::string& input = {}) const
    {
        return must(host->run({.argv = std::move(argv), .input = input, .limit = 120s}));
    }
    /// What comes of these keys on a line of its own.
    Outcome ssh(const std::string& keys, std::vector<std::string> more = {}) const
    {
        std::vector<std::string> argv = {"sshpass", "-p", "belay", "ssh", "-tt"};
        const std::vector<std::string> common = options();
        // Of an option that is given twice, ssh takes the first.
        argv.insert(argv.end(), more.begin(), more.end());
        argv.insert(argv.end(), common.begin(), common.end());
        argv.insert(argv.end(), {"-p", fmt::format("{}", pair->port()), "belay@127.0.0.1"});
        return run(std::move(argv), keys);
    }
    Outcome scp(const std::string& target) const
    {
        std::vector<std::string> argv = {"sshpass", "-p", "belay", "scp", "-O"};
        const std::vector<std::string> common = options();
        argv.insert(argv.end(), common.begin(), common.end());
        argv.insert(argv.end(), {"-P", fmt::format("{}", pair->port()), scratch.path("image.bin"),
                                 "belay@127.0.0.1:" + target});
        return run(std::move(argv));
    }
    Json state() const { return must(pair->ask({{"do", "state"}})).at("state"); }
    void injure(const Json& what) const
    {
        Json request = what;
        request["do"] = "injure";
        must(pair->ask(request));
    }

    host::testing::Scratch scratch;
    std::unique_ptr<host::Host> host = host::real_host();
    std::vector<std::string> arguments;
    std::optional<RunningPair> pair;
};

bool both_run(const Json& state, const std::string& version)
{
    return state.at("members").at(0).at("running").get<std::string>() == version &&
           state.at("members").at(1).at("running").get<std::string>() == version;
}

bool idle(const Json& state)
{
    return state.at("job").is_null() && state.at("members").at(0).at("boot").is_null() &&
           state.at("members").at(1).at("boot").is_null();
}

}  // namespace

TEST_CASE("ssh logs in by password and by key, and by nothing else")
{
    host::testing::Scratch keys;
    const std::unique_ptr<host::Host> host = host::real_host();
    REQUIRE(must(host->run({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys.path("id")}}))
                .exit_code == 0);
    REQUIRE(
        must(host->run({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys.path("other")}}))
            .exit_code == 0);
    const Desk desk({"--keys", keys.path("id.pub")});
    const Outcome by_password = desk.ssh("terminal length 0\rshow version | include IOS XE\rexit\r");
    CHECK(by_password.exit_code == 0);
    CHECK(by_password.out.contains("Cisco IOS XE Software, Version 16.09.02\r\nC9500#"));

    const Outcome one =
        desk.run({"sshpass", "-p", "belay", "ssh", "-F", "/dev/null", "-o", "StrictHostKeyChecking=yes", "-o",
                  "UserKnownHostsFile=" + desk.scratch.path("known"), "-p",
                  fmt::format("{}", desk.pair->port()), "belay@127.0.0.1", "show redundancy | include Mode"});
    CHECK(one.exit_code == 0);
    CHECK(one.out.starts_with("                 Hardware Mode = Duplex"));

    const auto with = [&](const std::string& name) {
        std::vector<std::string> argv = {
            "ssh", "-tt", "-i", keys.path(name), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"};
        const std::vector<std::string> common = desk.options();
        argv.insert(argv.end(), common.begin(), common.end());
        argv.insert(argv.end(), {"-p", fmt::format("{}", desk.pair->port()), "belay@127.0.0.1"});
        return desk.run(std::move(argv), "show clock\rexit\r");
    };
    CHECK(with("id").out.contains(" jst Fri Feb 8 2019"));
    CHECK(with("other").exit_code == 255);
    const Outcome wrong = desk.run({"sshpass", "-p", "wrong", "ssh", "-F", "/dev/null", "-o",
                                    "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-p",
                                    fmt::format("{}", desk.pair->port()), "belay@127.0.0.1"});
    CHECK(wrong.exit_code == 5);
    CHECK(must(desk.pair->typed()) ==
          std::vector<std::string>{"terminal length 0", "show version | include IOS XE", "exit",
                                   "show redundancy | include Mode", "show clock", "exit"});
}

TEST_CASE("scp carries an image, and the device's hash of it is the file's own")
{
    const Desk desk({"--factor", "1000"});
    const Outcome carried = desk.scp("flash:new.bin");
    CHECK_MESSAGE(carried.exit_code == 0, carried.err);
    const std::string md5 = file_of(image_text, {}).md5;
    const Outcome verified = desk.ssh("verify /md5 flash:new.bin " + md5 + "\rdir flash:\rexit\r");
    CHECK(verified.out.contains("Verified (flash:new.bin) = " + md5));
    CHECK(verified.out.contains("812345678"));
    CHECK(desk.scp("disk7:new.bin").exit_code != 0);
    desk.injure({{"failure", "image-damaged"}});
    CHECK(desk.scp("flash:new.bin").exit_code == 0);
    CHECK(desk.ssh("verify /md5 flash:new.bin " + md5 + "\rexit\r").out.contains("%Error verifying"));
}

TEST_CASE("an image whose way breaks off is there in part, is no image, and can be carried again")
{
    const Desk desk({"--factor", "1000"});
    const std::string large = image_text + std::string(4 << 20, 'y');
    desk.scratch.file("image.bin", large);
    desk.injure({{"failure", "line-lost"}, {"at", "scp"}, {"after_bytes", 1 << 20}});
    CHECK(desk.scp("flash:new.bin").exit_code != 0);
    const Json part = desk.state().at("members").at(0).at("files").at("new.bin");
    CHECK(part.at("size").get<uint64_t>() >= 1U << 20);
    CHECK(part.at("size").get<uint64_t>() < large.size());
    CHECK(desk.ssh("install add file flash:new.bin\rexit\r").out.contains("is not a valid image"));
    const std::string md5 = file_of(large, {}).md5;
    CHECK(desk.ssh("verify /md5 flash:new.bin " + md5 + "\rexit\r").out.contains("%Error verifying"));
    CHECK(desk.scp("flash:new.bin").exit_code == 0);
    CHECK(desk.ssh("verify /md5 flash:new.bin " + md5 + "\rexit\r").out.contains("Verified"));
}

TEST_CASE("three steps over SSH: the line is lost at the switch-over, and the address answers again")
{
    const Desk desk({"--factor", "3000"});
    REQUIRE(desk.scp("flash:new.bin").exit_code == 0);
    CHECK(desk.ssh("install add file flash:new.bin\rexit\r").out.contains("SUCCESS: install_add"));
    // So that a busy machine comes to the commit before the device's own timer runs out, in 72 s.
    must(desk.pair->ask({{"do", "factor"}, {"factor", 100}}));
    // Nothing ends this session but the device.
    const Outcome activated = desk.ssh("install activate issu\r");
    CHECK(activated.exit_code == 255);
    CHECK(activated.out.contains("STAGE 4: Restarting Active (switchover to standby)"));
    must(desk.pair->await([](const Json& state) { return idle(state) && both_run(state, "16.9.3.0.3127"); }));
    const Outcome after =
        desk.ssh("terminal length 0\rshow issu state detail\rinstall commit\rshow install summary\rexit\r");
    CHECK(after.out.contains("on switch 2"));
    CHECK(after.out.contains("State transition: Added -> Standby activated -> Active switched-over"));
    CHECK(after.out.contains("SUCCESS: install_commit"));
    CHECK(after.out.contains("IMG   C    16.9.3.0.3127"));
}

TEST_CASE("killed in the middle and started again: the same device, where it would have got to")
{
    Desk desk({"--factor", "0"});
    const std::string key = desk.pair->host_key();
    const int port = desk.pair->port();
    REQUIRE(desk.scp("flash:new.bin").exit_code == 0);
    desk.injure({{"failure", "line-lost"}, {"at", "install add"}});
    CHECK(desk.ssh("install add file flash:new.bin\r").exit_code == 255);
    must(desk.pair->ask({{"do", "forward"}, {"seconds", 100}}));
    must(desk.pair->await([](const Json& state) {
        return state.at("job").is_object() && state.at("job").at("next").get<int>() > 4;
    }));
    desk.pair->kill();
    desk.restart();
    CHECK(desk.pair->host_key() == key);
    CHECK(desk.pair->port() == port);
    CHECK(desk.state().at("job").is_object());
    must(desk.pair->ask({{"do", "forward"}, {"seconds", 300}}));
    must(desk.pair->await(idle));
    CHECK(desk.ssh("show install inactive\rexit\r").out.contains("IMG   I    16.9.3.0.3127"));
}

TEST_CASE("a line that is lost in the middle of a command, and the work that goes on without it")
{
    const Desk desk({"--factor", "100"});
    REQUIRE(desk.scp("flash:new.bin").exit_code == 0);
    desk.injure({{"failure", "line-lost"}, {"after_text", "Starting Add"}});
    const Outcome lost = desk.ssh("install add file flash:new.bin\r");
    CHECK(lost.exit_code == 255);
    CHECK(lost.out.contains("Starting Add"));
    CHECK_FALSE(lost.out.contains("SUCCESS"));
    must(desk.pair->ask({{"do", "factor"}, {"factor", 10000}}));
    must(desk.pair->await(idle));
    CHECK(desk.ssh("show install inactive\rexit\r").out.contains("IMG   I    16.9.3.0.3127"));
}

TEST_CASE("a server that is silent, one that is not there, and one that is half open")
{
    const Desk desk({"--factor", "1"});
    desk.injure({{"failure", "line-lost"}, {"how", "silent"}});
    CHECK(desk.ssh("exit\r", {"-o", "ConnectTimeout=2"}).exit_code == 255);
    must(desk.pair->ask({{"do", "mend"}, {"failure", "line-lost"}}));
    CHECK(desk.ssh("exit\r").exit_code == 0);

    desk.injure({{"failure", "line-lost"}, {"how", "refused"}});
    CHECK(desk.ssh("exit\r").err.contains("Connection refused"));
    must(desk.pair->ask({{"do", "mend"}, {"failure", "line-lost"}}));
    CHECK(desk.ssh("exit\r").exit_code == 0);

    // Half open: who was there hears nothing more and is not told; who comes is served.
    desk.injure({{"failure", "line-lost"}, {"how", "half-open"}, {"at", "show clock"}});
    std::thread there([&] {
        const Outcome unheard = desk.ssh("show clock\rshow version\r",
                                         {"-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"});
        CHECK(unheard.exit_code == 255);
        CHECK_FALSE(unheard.out.contains("ROMMON"));
    });
    there.join();
    CHECK(desk.ssh("exit\r").exit_code == 0);
}

TEST_CASE("another host key, after a while")
{
    const Desk desk;
    CHECK(desk.ssh("exit\r").exit_code == 0);
    desk.injure({{"failure", "host-key-changed"}});
    const auto until = std::chrono::steady_clock::now() + 60s;
    Outcome refused;
    do refused = desk.ssh("exit\r");
    while (refused.exit_code == 0 && std::chrono::steady_clock::now() < until);
    CHECK(refused.exit_code == 255);
    CHECK(refused.err.contains("IDENTIFICATION HAS CHANGED"));
}

TEST_CASE("the control socket does what it is asked, and refuses what makes no sense")
{
    const Desk desk({"--factor", "1"});
    must(desk.pair->ask({{"do", "log"}, {"text", "%SYS-5-CONFIG_I: Configured from console by console"}}));
    CHECK(desk.pair->ask({{"do", "fly"}}).error().what.contains("\"fly\" is nothing that can be done"));
    CHECK(desk.pair->ask({{"do", "injure"}, {"failure", "fire"}})
              .error()
              .what.contains("\"fire\" is no failure"));
    CHECK(desk.pair->ask("text").error().kind == ErrorKind::refused);
    CHECK(desk.pair->ask({{"do", "injure"}, {"failure", "line-lost"}, {"how", "loud"}}).error().kind ==
          ErrorKind::refused);
    CHECK(desk.pair->ask({{"do", "mend"}, {"failure", "bundle-boot"}}).error().kind == ErrorKind::refused);
    must(desk.pair->ask({{"do", "put"}, {"name", "x.bin"}, {"version", "17.9.5.0.1"}, {"size", 1000}}));
    CHECK(desk.state().at("members").at(0).at("files").at("x.bin").at("version").get<std::string>() ==
          "17.9.5.0.1");
}

}  // namespace belay::lab::iosxe
