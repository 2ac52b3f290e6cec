#pragma once
// A supervisor as a process, for tests, and what its stand-ins say.

#include "base/testing/must.h"
#include "framework/supervision/application.h"
#include "framework/supervision/life.h"
#include "host/application/process_handle.h"
#include "host/application/sockets.h"
#include "host/testing/processes.h"
#include "host/testing/scratch.h"
#include "site/client.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::supervisor {

using namespace std::chrono_literals;
using framework::supervision::Application;
using framework::supervision::ApplicationId;
using framework::supervision::Autorestart;
using framework::supervision::Gate;
using framework::supervision::Orders;
using framework::supervision::Question;
using host::testing::Scratch;
using site::Client;

inline constexpr auto patience = 60s;

struct Happened {
    int64_t at = 0;  ///< nanoseconds
    pid_t pid = 0;
    std::string name, what;
};

/// A supervisor, and what its stand-ins say.
class House {
  public:
    House() { client(); }
    ~House()
    {
        end_who_serves();
        // A guard whose supervisor was killed time after time rests for seconds before it starts another.
        const auto until = std::chrono::steady_clock::now() + patience;
        for (std::set<pid_t> left = supervisors(); !left.empty() && std::chrono::steady_clock::now() < until;
             left = supervisors()) {
            for (const pid_t pid : left) kill(pid, SIGTERM);
            usleep(20'000);
        }
    }
    House(const House&) = delete;
    House& operator=(const House&) = delete;

    Client& client()
    {
        if (client_) return *client_;
        client_ = must(site::connect({.socket = scratch_.path("run/supervisor.sock"),
                                      .state_folder = scratch_.path("state"),
                                      .daemon = TEST_SUPERVISOR}));
        return *client_;
    }
    /// After the end of the one before: waits for the next, or for one that fits. `program`: starts it where
    /// there is none.
    void reconnect(
        const std::function<bool(pid_t)>& fits = [](pid_t) { return true; }, const std::string& program = "")
    {
        client_.reset();
        const auto until = std::chrono::steady_clock::now() + patience;
        while (!client_) {
            REQUIRE(std::chrono::steady_clock::now() < until);
            auto client = site::connect({.socket = scratch_.path("run/supervisor.sock"),
                                         .state_folder = scratch_.path("state"),
                                         .daemon = program});
            if (!client) continue;
            const auto hello = (*client)->call("Hello", Json::object());
            if (hello && fits(hello->at("pid"))) client_ = std::move(*client);
        }
    }

    Json ask(std::string_view method, const Json& parameters)
    {
        return must(client().call(method, parameters));
    }
    void describe(const std::vector<Application>& applications, bool whole = true)
    {
        ask("Describe", {{"applications", applications}, {"whole", whole}});
    }
    void order(const std::vector<ApplicationId>& ids, std::string_view want, bool restart = false)
    {
        ask("Order", {{"applications", ids}, {"want", want}, {"restart", restart}});
    }
    pid_t supervisor() { return ask("Hello", Json::object())["pid"]; }

    std::map<ApplicationId, Json> standings(bool use = false)
    {
        std::map<ApplicationId, Json> all;
        const Json answer = ask("Standings", {{"use", use}});
        for (const Json& one : answer.at("applications")) all[one["id"].get<ApplicationId>()] = one;
        return all;
    }
    /// Waits for it, woken by each change.
    std::map<ApplicationId, Json> await(const std::function<bool(std::map<ApplicationId, Json>&)>& come)
    {
        std::map<ApplicationId, Json> now = standings();
        const auto until = std::chrono::steady_clock::now() + patience;
        while (!come(now)) {
            if (std::chrono::steady_clock::now() > until) FAIL(Json(now).dump(1));
            usleep(2000);
            now = standings();
        }
        return now;
    }
    Json await_phase(ApplicationId id, std::string_view phase)
    {
        return await([&](auto& now) { return now[id]["phase"] == phase; })[id];
    }

    std::string path(std::string_view name) const { return scratch_.path(name); }
    std::vector<Happened> happened() const
    {
        std::ifstream file(path("trace"));
        std::vector<Happened> all;
        for (std::string line; std::getline(file, line);) {
            std::istringstream words(line);
            Happened one;
            words >> one.at >> one.pid >> one.name;
            std::getline(words >> std::ws, one.what);
            all.push_back(one);
        }
        return all;
    }
    std::string output_of(ApplicationId id)
    {
        std::ifstream file(standings()[id]["output"].get<std::string>());
        return {std::istreambuf_iterator<char>(file), {}};
    }

    /// A stand-in that says when it is ready, with these words besides.
    Application stand_in(ApplicationId id, const std::string& name, std::vector<std::string> words = {}) const
    {
        Application application;
        application.id = id;
        application.name = name;
        application.command = {TEST_STAND_IN, "--name", name, "--trace", path("trace")};
        application.command.insert(application.command.end(), words.begin(), words.end());
        application.readiness.kind = Question::Kind::notify;
        return application;
    }

    static std::string field_of(pid_t pid, std::string_view field)
    {
        std::ifstream file(fmt::format("/proc/{}/status", pid));
        for (std::string word; file >> word;) {
            if (word == field && file >> word) return word;
        }
        return {};
    }
    static pid_t parent_of(pid_t pid)
    {
        const std::string parent = field_of(pid, "PPid:");
        return parent.empty() ? 0 : std::stoi(parent);
    }
    /// It has ended, whether somebody has waited for it or not.
    static bool is_gone(pid_t pid)
    {
        const std::string state = field_of(pid, "State:");
        return state.empty() || state == "Z";
    }

    /// With their guards.
    std::set<pid_t> supervisors() const
    {
        return host::testing::processes_with(path("run/supervisor.sock"), TEST_SUPERVISOR);
    }

  private:
    void end_who_serves()
    {
        if (!client_) return;  // a test that failed while there was none
        const auto hello = client_->call("Hello", Json::object());
        if (!hello) return;
        const auto supervisor = hello->value("pid", pid_t{0});
        const pid_t guard = parent_of(supervisor);
        kill(supervisor, SIGTERM);
        // A guard that is ours is waited for.
        int status = 0;
        if (waitpid(guard, &status, 0) >= 0) CHECK(status == 0);
    }

    Scratch scratch_;
    std::unique_ptr<Client> client_;
};

inline uint16_t free_port()
{
    const auto socket = must(host::listen_on({.address = "127.0.0.1"}));
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
}

/// What answers at a port of this machine; empty: nobody.
inline std::string answer_of(uint16_t port)
{
    const host::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
    std::string text;
    std::array<char, 256> room{};
    for (ssize_t count = 0; (count = recv(socket.number(), room.data(), room.size(), 0)) > 0;)
        text.append(room.data(), static_cast<size_t>(count));
    return text;
}

inline size_t count_of(const std::vector<Happened>& all, std::string_view name, std::string_view what)
{
    return static_cast<size_t>(std::ranges::count_if(
        all, [&](const Happened& one) { return one.name == name && one.what == what; }));
}

/// Who votes for the lease of pair 5, as a host of it is told.
struct PairAsTold {
    std::vector<ApplicationId> applications = {};  ///< those on the host
    std::vector<Json> members = {{{"host", 1}}};   ///< with address, port and key, where it is another
    std::chrono::milliseconds lease = 1s;          ///< that a slow machine does not lose
    bool automatic = true, returns = false, cold = false;
    uint64_t epoch = 1;
    std::string address = {};  ///< of the one that serves, at interface ether1 or ether2
};

inline Json pair_of(const PairAsTold& told)
{
    Json members = Json::array();
    for (Json member : told.members) {
        for (const char* text : {"address", "key"}) member[text] = member.value(text, "");
        member["port"] = member.value("port", 0);
        members.push_back(std::move(member));
    }
    return {{"pair", 5},
            {"name", "the pair"},
            {"epoch", told.epoch},
            {"lease_ms", told.lease.count()},
            {"automatic", told.automatic},
            {"returns", told.returns},
            {"cold", told.cold},
            {"preferred", 1},
            {"other", 2},
            {"own", told.applications},
            {"members", std::move(members)}};
}

}  // namespace belay::supervisor
