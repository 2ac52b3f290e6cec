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

/// The nth of its calls of that name, by the first thread of a program.
struct Moment {
    std::string call;
    size_t nth = 0;
};

/// The words by which strace runs a program that dies before it does that, of what it does to these files;
/// nothing: it lives.
std::vector<std::string> dying(const Machine& machine, const std::optional<Moment>& at,
                               const std::vector<std::string>& files)
{
    std::vector<std::string> words = {"/usr/bin/strace",
                                      "-E",
                                      untraced_leaks,
                                      "-D",
                                      "-f",
                                      "-q",
                                      "-o",
                                      machine.path("writes"),
                                      "-e",
                                      fmt::format("trace={}", writes)};
    for (const std::string& file : files) words.insert(words.end(), {"-P", machine.state() + file});
    if (at)
        words.insert(words.end(), {"-e", fmt::format("inject={}:signal=KILL:when={}", at->call, at->nth)});
    return words;
}

/// What the run before has written, in its order. Each line begins with the number of a thread; strace counts
/// the calls of each thread and name apart, and what is kept is written by the first thread.
std::vector<Moment> writes_seen(const Machine& machine)
{
    const std::string written = text_of_file(machine.path("writes"));
    const std::string first_thread = written.substr(0, written.find(' ') + 1);
    std::istringstream lines(written);
    std::map<std::string, size_t> counts;
    std::vector<Moment> moments;
    for (std::string line; std::getline(lines, line);) {
        const size_t begin = line.find_first_not_of(' ', first_thread.size());
        const size_t end = line.find('(');
        if (!line.starts_with(first_thread) || end == std::string::npos || begin >= end) continue;
        const std::string call = line.substr(begin, end - begin);
        if (contains(fmt::format(",{},", writes), fmt::format(",{},", call)))
            moments.push_back({call, ++counts[call]});
    }
    return moments;
}

Ran run_dying(const Machine& machine, const std::optional<Moment>& at, const std::vector<std::string>& words,
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
        REQUIRE(run_dying(whole, std::nullopt, {"join", "-"}, controller.invite(role, role)).code == 0);
        const std::vector<Moment> of_join = writes_seen(whole);
        CHECK(of_join.size() >= 10);
        for (size_t number = 0; const Moment& at : of_join) {
            CAPTURE(at.call);
            CAPTURE(at.nth);
            const Machine machine;
            const std::string name = fmt::format("{}-{}", role, ++number);
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
        CHECK(run_dying(leaving, std::nullopt, {"leave"}).code == 0);
        const std::vector<Moment> of_leave = writes_seen(leaving);
        CHECK(of_leave.size() >= 2);
        for (const Moment& at : of_leave) {
            CAPTURE(at.call);
            CAPTURE(at.nth);
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
    std::vector<Moment> of_start;
    {
        Machine whole;
        whole.start(listen, dying(whole, std::nullopt, files));
        of_start = writes_seen(whole);
    }
    CHECK(of_start.size() >= 8);
    for (const Moment& at : of_start) {
        CAPTURE(at.call);
        CAPTURE(at.nth);
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
