#pragma once
// For tests: a machine that runs alone, as a person has it: a configuration, `belay`, and a daemon that comes
// and goes.

#include "base/testing/must.h"
#include "daemon/testing/run.h"
#include "site/client.h"
#include "store/scratch_folder.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sys/stat.h>

namespace belay::testing {

using daemon::testing::Ran;

inline std::string own_host_name()
{
    std::string name(256, '\0');
    REQUIRE(gethostname(name.data(), name.size()) == 0);
    name.resize(name.find('\0'));
    return name;
}

inline std::string text_of(const std::string& path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void replace_all(std::string& text, std::string_view from, std::string_view to)
{
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

/// A site of examples/, for this machine alone.
inline std::string on_one_machine(const std::string& site)
{
    const Ran printed = daemon::testing::run_to_end({TEST_EXAMPLES "/on-one-machine", site});
    REQUIRE_MESSAGE(printed.code == 0, printed.said);
    return printed.out;
}

/// This machine, with a belayd and a supervisor of its own in a scratch folder. Both end with it.
class Machine {
  public:
    /// Applications that run as another user find their way into it.
    Machine() { REQUIRE(chmod(folder_.path().c_str(), 0711) == 0); }
    ~Machine()
    {
        for (const char* socket : {"run/belayd.sock", "run/supervisor.sock"}) {
            if (const pid_t pid = pid_at(socket); pid > 0) end(pid, SIGTERM);
        }
    }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    std::string path(std::string_view name) const { return folder_ / name; }

    /// belayd with these options; else the first command starts one without any.
    void start_daemon(const std::vector<std::string>& options) const
    {
        std::vector<std::string> words = {TEST_BELAYD, "--state-dir", path("state"), "--socket",
                                          path("run/belayd.sock")};
        words.insert(words.end(), options.begin(), options.end());
        daemon::testing::start_and_await_ready(words);
    }

    Ran belay(std::vector<std::string> words, const std::string& input = "")
    {
        words.insert(words.begin(), TEST_BELAY);
        return daemon::testing::run_to_end(words, input,
                                           {"BELAY_SOCKET=" + path("run/belayd.sock"),
                                            "BELAY_STATE_DIR=" + path("state"), daemon::testing::plain_path});
    }
    /// A command that goes on by itself; what it says goes to that file.
    pid_t belay_into(std::vector<std::string> words, const std::string& file) const
    {
        words.insert(words.begin(), TEST_BELAY);
        const host::Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
        const host::Descriptor out(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        return daemon::testing::spawn(
            words,
            {"BELAY_SOCKET=" + path("run/belayd.sock"), "BELAY_STATE_DIR=" + path("state"),
             daemon::testing::plain_path},
            {{STDIN_FILENO, nothing.number()}, {STDOUT_FILENO, out.number()}, {STDERR_FILENO, out.number()}});
    }
    void configure(const std::string& toml)
    {
        std::ofstream(path("site.toml")) << toml;
        const Ran applied = belay({"config", "import", path("site.toml")});
        REQUIRE_MESSAGE(applied.code == 0, applied.said);
        const std::string id = std::to_string(++changes_);
        const Ran committed = belay({"commit", id});
        REQUIRE_MESSAGE(committed.code == 0, committed.said);
    }
    Json application(const std::string& name)
    {
        const std::map<std::string, Json> all = applications();
        const auto found = all.find(name);
        return found == all.end() ? Json() : found->second;
    }
    /// Of all of them, by their names.
    std::map<std::string, Json> applications()
    {
        const Ran listed = belay({"app", "list", "--json"});
        REQUIRE_MESSAGE(listed.code == 0, listed.said);
        std::map<std::string, Json> all;
        const Json answer = must(parse_json(listed.out));
        for (const Json& one : answer.at("applications")) all[one.at("name")] = one;
        return all;
    }
    Json await(const std::string& name, const std::function<bool(const Json&)>& come)
    {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        Json now = application(name);
        while (!come(now)) {
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, now.dump());
            usleep(20'000);
            now = application(name);
        }
        return now;
    }
    Json await_phase(const std::string& name, std::string_view phase)
    {
        return await(name, [&](const Json& now) { return now.is_object() && now["phase"] == phase; });
    }

    /// Whoever listens there; 0: nobody.
    pid_t pid_at(std::string_view socket) const
    {
        auto client = site::connect({.socket = path(socket), .state_folder = "", .daemon = ""});
        if (!client) return 0;
        const auto hello = (*client)->call("Hello", {{"version", BELAY_VERSION}});
        return hello ? hello->value("pid", pid_t{0}) : 0;
    }
    void kill_daemon() const { end(pid_at("run/belayd.sock"), SIGKILL); }
    /// Everything of it dies, and what a reboot empties is empty.
    void reboot()
    {
        kill_daemon();
        end(pid_at("run/supervisor.sock"), SIGTERM);
        std::filesystem::remove_all(path("run"));
    }

  private:
    static void end(pid_t pid, int signal)
    {
        REQUIRE(pid > 1);
        kill(pid, signal);
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (kill(pid, 0) == 0 && !is_zombie(pid)) {
            REQUIRE(std::chrono::steady_clock::now() < until);
            usleep(1000);
        }
    }
    static bool is_zombie(pid_t pid)
    {
        std::ifstream status(fmt::format("/proc/{}/status", pid));
        for (std::string word; status >> word;) {
            if (word == "State:" && status >> word) return word == "Z";
        }
        return true;
    }

    store::ScratchFolder folder_;
    int changes_ = 0;
};

}  // namespace belay::testing
