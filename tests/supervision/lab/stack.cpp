#include "stack.h"

#include "host/descriptor.h"
#include "stand_ins.h"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <fmt/ranges.h>
#include <poll.h>
#include <sched.h>
#include <set>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace belay::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto patience = 2min;
constexpr auto between_looks = 100ms;
constexpr Milliseconds answer_patience = 10s;
constexpr const char* outside_address = "10.77.0.254/24";
// A process has a name of 15 letters.
constexpr std::string_view supervisor_name = "belay-superviso", stand_in_name = "belay-stand-in";

/// Connects, and waits for the first that is said. In the network of the calling thread.
bool is_answered(const std::string& address, uint16_t port, Milliseconds limit)
{
    const host::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &to.sin_addr);
    if (connect(socket.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
        errno != EINPROGRESS)
        return false;
    pollfd wait{socket.number(), POLLIN, 0};
    char byte = 0;
    return poll(&wait, 1, static_cast<int>(limit.count())) == 1 && read(socket.number(), &byte, 1) == 1;
}

}  // namespace

Stack::Stack(std::vector<std::string> names, const std::string& site, lab::SiteOptions options)
    : folder_(need(lab::Folder::make())), network_(need(lab::Network::make()))
{
    need(network_->add_address(outside_address));
    options.names = std::move(names);
    options.network = network_;
    site_.emplace(need(lab::Site::build(folder_, lab::with_stand_ins(std::move(options)))));
    need(site_->enrol());
    need(site_->run(0, {"tee", "/root/site.toml"}, site));
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"config", "apply", "/root/site.toml"}, {"commit", "1"}}) {
        const host::Outcome done = need(site_->belay(0, words));
        REQUIRE_MESSAGE(done.exit_code == 0, done.out, done.err);
    }
    // How often they tell each other that they live counts from the next connection on.
    for (size_t host = 1; host < site_->size(); ++host) {
        need(site_->stop_daemon(host));
        need(site_->start_daemon(host));
    }
}

std::map<std::string, Json> Stack::applications(size_t host)
{
    const host::Outcome listed = need(site_->belay(host, {"app", "list", "--json"}));
    REQUIRE_MESSAGE(listed.exit_code == 0, listed.out, listed.err);
    std::map<std::string, Json> all;
    const Json answer = need(parse_json(listed.out));
    for (const Json& one : answer.at("applications")) all[one.at("name")] = one;
    return all;
}

bool Stack::await_that(const std::function<bool()>& holds)
{
    const auto until = Clock::now() + patience;
    while (Clock::now() < until) {
        if (holds()) return true;
        std::this_thread::sleep_for(between_looks);
    }
    return false;
}

Json Stack::await(size_t host, const std::string& name, const std::function<bool(const Json&)>& come)
{
    Json now;
    const bool has_come = await_that([&] {
        now = applications(host)[name];
        return now.is_object() && come(now);
    });
    REQUIRE_MESSAGE(has_come, name, " on ", site_->name(host), ": ", now.dump());
    return now;
}

Json Stack::await_phase(size_t host, const std::string& name, std::string_view phase)
{
    return await(host, name, [&](const Json& now) { return now["phase"] == phase; });
}

std::vector<Happened> Stack::happened(size_t host)
{
    return stand_in::happened_in(need(site_->run(host, {"cat", lab::trace_of_stand_ins})));
}

void Stack::kill(size_t host, pid_t pid, const std::string& signal)
{
    REQUIRE(pid > 1);
    need(site_->run(host, {"kill", "-" + signal, fmt::format("{}", pid)}));
}

std::map<pid_t, Seen> Stack::processes(size_t host)
{
    std::map<pid_t, Seen> all;
    std::istringstream lines(need(site_->run(host, {"sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true"})));
    for (std::string line; std::getline(lines, line);) {
        // 42 (any name) S 1 ...
        const size_t begin = line.find('('), end = line.rfind(')');
        if (begin == std::string::npos || end == std::string::npos) continue;
        std::istringstream rest(line.substr(end + 1));
        char state = 'Z';
        Seen seen{.name = line.substr(begin + 1, end - begin - 1)};
        rest >> state >> seen.parent;
        if (state != 'Z' && state != 'X') all[std::stoi(line)] = seen;
    }
    return all;
}

pid_t Stack::supervisor(size_t host)
{
    const std::map<pid_t, Seen> all = processes(host);
    for (const auto& [pid, seen] : all) {
        const auto parent = all.find(seen.parent);
        if (seen.name == supervisor_name && parent != all.end() && parent->second.name == supervisor_name)
            return pid;
    }
    return 0;
}

std::string Stack::unwatched(size_t host)
{
    // A supervisor has a pidfd of each process that it watches; which, stands in fdinfo.
    const std::string held = need(
        site_->run(host, {"sh", "-c",
                          "for pid in $(pgrep -x belay-superviso); do grep -s ^Pid: /proc/$pid/fdinfo/* | "
                          "sed \"s/^.*Pid:/$pid/\"; done; true"}));
    std::map<pid_t, std::set<pid_t>> holders;
    std::istringstream pairs(held);
    for (pid_t holder = 0, of = 0; pairs >> holder >> of;) holders[of].insert(holder);
    std::set<pid_t> known;
    std::string wrong;
    for (const auto& [name, application] : applications(host)) {
        if (application.value("host", "") != site_->name(host)) continue;
        const auto pid = application.value("pid", pid_t{0});
        if (pid == 0) continue;
        known.insert(pid);
        if (holders[pid].size() != 1)
            wrong +=
                fmt::format("{}, process {}, is watched by {} supervisors; ", name, pid, holders[pid].size());
    }
    for (const auto& [pid, seen] : processes(host)) {
        if (seen.name == stand_in_name && !known.contains(pid))
            wrong += fmt::format("process {} is no application's; ", pid);
    }
    return wrong;
}

void Stack::check_hands(size_t host)
{
    std::string wrong;
    await_that([&] {
        wrong = unwatched(host);
        return wrong.empty();
    });
    if (wrong.empty()) return;
    for (const auto& [pid, seen] : processes(host)) {
        if (seen.name.starts_with("belay"))
            wrong += fmt::format("\n{} {}, of {}", pid, seen.name, seen.parent);
    }
    for (const auto& [name, application] : applications(host)) wrong += '\n' + application.dump();
    FAIL_CHECK(wrong);
}

std::optional<Milliseconds> Stack::answers_within(size_t host, uint16_t port)
{
    std::optional<Milliseconds> took;
    // A namespace belongs to a thread.
    std::thread([&] {
        if (setns(network_->namespace_fd(), CLONE_NEWNET) != 0) return;
        const auto begun = Clock::now();
        if (is_answered(site_->address(host), port, answer_patience))
            took = std::chrono::duration_cast<Milliseconds>(Clock::now() - begun);
    }).join();
    return took;
}

}  // namespace belay::testing
