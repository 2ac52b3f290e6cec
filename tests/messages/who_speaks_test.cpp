// Who speaks is known by the control group that the supervisor has put a process in, whatever that says.

#include "server.h"
#include "supervisor.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace belay::messages {
namespace {

using framework::supervision::Autorestart;

constexpr const char* lie =
    R"({"id":"02-00020","level":"alarm","host":"other","application":"licence server","text":"I am another"})";

Application speaker(int64_t id, const std::string& name, const MessageServer& server,
                    std::vector<std::string> words)
{
    Application application{.id = id, .name = name, .command = {TEST_SPEAKER, server.run() + "/say.sock"}};
    std::ranges::move(words, std::back_inserter(application.command));
    application.autorestart = Autorestart::never;
    return application;
}

std::string group_of(pid_t pid)
{
    std::ifstream file(fmt::format("/proc/{}/cgroup", pid));
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("0::")) return line.substr(3);
    }
    return "";
}

TEST_CASE("one that lies about who it is, is who it is; its level is what it is asked for")
{
    MessageServer server;
    Supervisor supervisor(server);
    if (!group_of(supervisor.pid()).ends_with("/supervisor")) {
        MESSAGE("this host has no control groups of version 2");
        return;
    }
    server.ask("Describe", {{"host", "web1"},
                            {"applications",
                             {{{"id", 3}, {"name", "pinger"}, {"log_level", "standard"}, {"output", ""}}}}});
    supervisor.run({speaker(3, "pinger", server, {lie, R"({"level":"trace","text":"too much"})"}),
                    speaker(4, "unknown", server, {"nobody has told of me"})});
    await([&] { return server.all({{"text", "nobody has told"}}).size() == 1; });
    await([&] { return server.all({{"text", "another"}}).size() == 1; });
    const Json told = server.all({{"text", "another"}}).at(0);
    CHECK(told.at("application") == "pinger");
    CHECK(told.at("host") == "web1");
    CHECK(told.at("level") == "alarm");
    CHECK(told.at("id") == "00-00000");
    CHECK(told.at("attributes").at("claimed_id") == "02-00020");
    CHECK(server.all({{"text", "too much"}}).empty());
    CHECK(server.all({{"text", "nobody has told"}}).at(0).at("application") == "application-4");
}

TEST_CASE(
    "one that is of no application is the user that it runs as, also in a group that it calls so itself")
{
    MessageServer server;
    Supervisor supervisor(server);
    server.ask("Describe", {{"host", "web1"},
                            {"applications", {{{"id", 3}, {"name", "pinger"}, {"log_level", "debug"}}}}});
    const auto say_as = [&](const std::string& group, std::string_view text) {
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            if (!group.empty()) {
                const int file = open((group + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
                if (file < 0 || write(file, "0", 1) != 1) _exit(3);
            }
            const std::string socket = server.run() + "/say.sock", line(text);
            execl(TEST_SPEAKER, TEST_SPEAKER, socket.c_str(), line.c_str(), nullptr);
            _exit(4);
        }
        int status = 0;
        waitpid(child, &status, 0);
        return WEXITSTATUS(status);
    };
    REQUIRE(say_as("", lie) == 0);
    const Json plain = server.all({{"text", "another"}}).at(0);
    CHECK(plain.at("application") == fmt::format("user {}", site::user_name(getuid())));
    CHECK(plain.at("attributes").at("program") == "belay-speaker");

    std::string mount;
    for (const char* place : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}) {
        if (mount.empty() && access((std::string(place) + "/cgroup.procs").c_str(), W_OK) == 0) mount = place;
    }
    const std::string forged = fmt::format("{}/forged-{}", mount, getpid());
    const std::string inner = forged + "/application-3";
    std::error_code problem;
    std::filesystem::create_directories(inner, problem);
    if (mount.empty() || problem || say_as(inner, "I forge") != 0) {
        MESSAGE("no control group can be made here");
        return;
    }
    const Json told = server.all({{"text", "I forge"}}).at(0);
    CHECK(told.at("application") == fmt::format("user {}", site::user_name(getuid())));
    rmdir(inner.c_str());
    rmdir(forged.c_str());
}

TEST_CASE("what an application prints becomes messages where its log level asks for it")
{
    MessageServer server;
    Supervisor supervisor(server);
    Application prints{.id = 3, .name = "pinger", .command = {"/bin/echo", "said on standard output"}};
    prints.autorestart = Autorestart::never;
    Json described = {{"id", 3}, {"name", "pinger"}, {"log_level", "trace"}};
    described["output"] = server.state() + "/output/pinger.3.log";
    server.ask("Describe", {{"host", "web1"}, {"applications", {described}}});
    await([&] { return !server.ask("Position", {{"source", "printed/3"}}).at("at").is_null(); });
    supervisor.run({prints});
    await([&] { return server.all({{"application", "pinger"}}).size() == 1; });
    const Json printed = server.all({{"application", "pinger"}}).at(0);
    CHECK(printed.at("text") == "said on standard output");
    CHECK(printed.at("level") == "trace");
}

}  // namespace
}  // namespace belay::messages
