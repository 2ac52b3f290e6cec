// A machine dies at each of its writes while it joins a site, leaves it, or becomes a controller: then it is
// one or it is none, it says so, and the same command again brings it on.

#include "daemon/network/testing/machine.h"
#include "site/identity/membership_file.h"
#include "store/etcd/testing/cluster.h"

#include <filesystem>

namespace belay::daemon {
namespace {

using namespace testing;

constexpr int killed = 128 + SIGKILL;
/// What changes files for good, or is the last moment before. They are few: no library of ours does such
/// things.
constexpr const char* writes =
    "mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,fchmod,fsync,fdatasync";

/// The words by which strace runs a program that dies before its n-th write below these files; 0: it lives.
std::vector<std::string> dying(const Machine& machine, size_t at, const std::vector<std::string>& files)
{
    std::vector<std::string> words = {"/usr/bin/strace",
                                      "-D",
                                      "-f",
                                      "-q",
                                      "-o",
                                      machine.path("writes"),
                                      "-e",
                                      fmt::format("trace={}", writes)};
    for (const std::string& file : files) words.insert(words.end(), {"-P", machine.state() + file});
    if (at > 0) words.insert(words.end(), {"-e", fmt::format("inject={}:signal=KILL:when={}", writes, at)});
    return words;
}

/// How many writes the first thread of the run before has made: strace counts those of each thread apart, and
/// what is kept is written by that one.
size_t writes_seen(const Machine& machine)
{
    const std::string written = text_of_file(machine.path("writes"));
    const std::string first_thread = written.substr(0, written.find(' ') + 1);
    std::istringstream lines(written);
    size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(first_thread) && contains(line, "(") && !contains(line, "+++") &&
            !contains(line, "---"))
            ++count;
    }
    return count;
}

Ran run_dying(const Machine& machine, size_t at, const std::vector<std::string>& words,
              const std::string& input = "")
{
    std::vector<std::string> all = dying(machine, at, {});
    all.emplace_back(TEST_BELAYD);
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"--state-dir", machine.state()});
    return run_to_end(all, input);
}

/// Not damaged: this machine is a member or it is none.
std::optional<site::Membership> whole_membership(const Machine& machine)
{
    return need(site::MembershipFile(machine.state()).read());
}

/// A controller that others may join as controllers too.
struct FirstController {
    Machine machine;

    FirstController()
    {
        machine.make_controller(
            {{"address", fmt::format("etcd:{}/{}", store::shared_etcd().endpoint(0), store::new_prefix())},
             {"ca", ""},
             {"certificate", ""},
             {"key", ""}});
        REQUIRE(machine.await_status(
            [](const Json& status) { return status.at("place").at("controller").at("leads") == true; }));
    }
    std::string invite(const std::string& name, const std::string& role)
    {
        return machine.ask("HostInvite", {{"name", name}, {"role", role}}).at("word").get<std::string>() +
               "\n";
    }
};

TEST_CASE(
    "a machine that dies at any write of joining joins with the same word, and one that leaves has left")
{
    FirstController controller;
    for (const std::string role : {"agent", "controller"}) {
        INFO(role);
        Machine whole;
        REQUIRE(run_dying(whole, 0, {"join", "-"}, controller.invite(role, role)).code == 0);
        const size_t of_join = writes_seen(whole);
        CHECK(of_join >= 10);
        for (size_t at = 1; at <= of_join; ++at) {
            CAPTURE(at);
            const Machine machine;
            const std::string name = fmt::format("{}-{}", role, at);
            const std::string word = controller.invite(name, role);
            CHECK(run_dying(machine, at, {"join", "-"}, word).code == killed);
            const bool was_member = whole_membership(machine).has_value();
            const Ran again = machine.belayd({"join", "-"}, word);
            CHECK_MESSAGE(again.code == (was_member ? 1 : 0), again.said);
            if (was_member) CHECK_MESSAGE(contains(again.said, "is a member of the site"), again.said);
            const auto membership = whole_membership(machine);
            REQUIRE(membership);
            CHECK(membership->name == name);
        }

        Machine leaving;
        const auto copy_state = [&](const Machine& to) {
            std::filesystem::remove_all(to.state());
            std::filesystem::copy(whole.state(), to.state(), std::filesystem::copy_options::recursive);
            if (role == "controller") to.make_controller();
        };
        copy_state(leaving);
        CHECK(run_dying(leaving, 0, {"leave"}).code == 0);
        const size_t of_leave = writes_seen(leaving);
        CHECK(of_leave >= 2);
        for (size_t at = 1; at <= of_leave; ++at) {
            CAPTURE(at);
            const Machine machine;
            copy_state(machine);
            CHECK(run_dying(machine, at, {"leave"}).code == killed);
            static_cast<void>(whole_membership(machine));
            const Ran again = machine.belayd({"leave"});
            CHECK_MESSAGE(again.code == 0, again.said);
            CHECK(!whole_membership(machine));
            CHECK(access((machine.state() + "/site/controller.json").c_str(), F_OK) != 0);
        }
        if (role == "controller") continue;
        CHECK(leaving.status().at("place").at("role") == "alone");
        CHECK(whole.await_status(is_attached));
    }
}

TEST_CASE("a machine that dies at any write of becoming a controller is one or is none, and becomes one then")
{
    const std::vector<std::string> files = {"/site", "/site/authority.json", "/site/.authority.json.belay",
                                            "/site/controller.json", "/site/.controller.json.belay"};
    const std::vector<std::string> listen = {"--listen", "127.0.0.1:0"};
    size_t of_start = 0;
    {
        Machine whole;
        whole.start(listen, dying(whole, 0, files));
        of_start = writes_seen(whole);
    }
    CHECK(of_start >= 8);
    for (size_t at = 1; at <= of_start; ++at) {
        CAPTURE(at);
        Machine machine;
        std::vector<std::string> words = dying(machine, at, files);
        words.insert(words.end(), {TEST_BELAYD, "--listen", "127.0.0.1:0", "--socket",
                                   machine.path("belayd.sock"), "--state-dir", machine.state()});
        CHECK(run_to_end(words).code == killed);
        const std::string role = machine.status().at("place").at("role");
        CHECK((role == "alone" || role == "controller"));
        if (role == "controller") continue;
        machine.stop();
        machine.start(listen);
        CHECK(machine.status().at("place").at("role") == "controller");
    }
}

}  // namespace
}  // namespace belay::daemon
