#pragma once
// For tests: machines of a site, each with a belayd as a process.

#include "site/client.h"
#include "store/scratch_folder.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;  // NOLINT(readability-redundant-declaration): only with _GNU_SOURCE is it in unistd.h

namespace belay::daemon::testing {

template <typename T>
T need(Result<T> result)
{
    REQUIRE_MESSAGE(result, (result ? "" : result.error().what));
    return *std::move(result);
}

inline std::string text_of_file(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Ran {
    int code = -1;
    std::string said;
};

/// A machine: a state folder, and whatever daemon serves it; that ends with it.
class Machine {
  public:
    Machine() = default;
    ~Machine() { stop(); }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_.path(), name); }
    std::string state() const { return path("state"); }

    /// From now on it is a controller, at a port that is free; `store`: as in its file.
    void make_controller(const Json& store = nullptr) const
    {
        for (const std::string& folder : {state(), state() + "/site"})
            REQUIRE((mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST));
        std::ofstream(state() + "/site/controller.json") << json_text({{"listen", "127.0.0.1:0"},
                                                                       {"advertise", Json::array()},
                                                                       {"store", store},
                                                                       {"id", id_of_folder()}});
    }

    /// A connection, for which the daemon is started where it does not run.
    site::Client& face()
    {
        if (!face_) {
            face_ = need(site::connect(
                {.socket = path("belayd.sock"), .state_folder = state(), .daemon = TEST_BELAYD}));
            pid_ = need(face_->call("Hello", {{"version", BELAY_VERSION}})).at("pid");
        }
        return *face_;
    }
    Json ask(std::string_view method, const Json& parameters = Json::object())
    {
        return need(face().call(method, parameters));
    }
    Json status() { return ask("Status"); }
    pid_t pid() const { return pid_; }
    /// The state in which an operation comes to rest.
    std::string rest(const std::string& operation, bool settle = true)
    {
        std::string state;
        const auto followed =
            face().stream("Watch", {{"operation", operation}, {"settle", settle}}, [&](const Json& view) {
                state = view.at("state");
                return true;
            });
        REQUIRE_MESSAGE(followed, (followed ? "" : followed.error().what));
        return state;
    }

    /// Follows Status until this holds; false after a minute. A daemon may begin anew meanwhile.
    bool await_status(const std::function<bool(const Json&)>& holds)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        bool held = false;
        while (!held && std::chrono::steady_clock::now() < end) {
            // Its end is no failure: the next one tells more.
            static_cast<void>(face()
                                  .stream("Status", Json::object(),
                                          [&](const Json& status) {
                                              held = holds(status);
                                              return !held;
                                          })
                                  .has_value());
            face_.reset();  // a stream is ended by closing its connection
        }
        return held;
    }

    /// The next question opens a connection anew, as after a stream that was left.
    void forget_face() { face_.reset(); }

    void stop()
    {
        face_.reset();
        if (pid_ == 0) return;
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

    /// Runs `belayd ...` on the state of this machine to its end.
    Ran belayd(std::vector<std::string> words, const std::string& input = "") const
    {
        words.insert(words.begin(), TEST_BELAYD);
        words.insert(words.end(), {"--state-dir", state()});
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        std::array<int, 2> in{}, out{};
        REQUIRE(pipe2(in.data(), O_CLOEXEC) == 0);
        REQUIRE(pipe2(out.data(), O_CLOEXEC) == 0);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&files, out[1], STDERR_FILENO);
        pid_t pid = 0;
        REQUIRE(posix_spawn(&pid, argv.front(), &files, nullptr, argv.data(), environ) == 0);
        posix_spawn_file_actions_destroy(&files);
        close(in[0]);
        close(out[1]);
        REQUIRE(write(in[1], input.data(), input.size()) == static_cast<ssize_t>(input.size()));
        close(in[1]);
        Ran ran;
        std::array<char, 4096> room{};
        for (ssize_t count = 0; (count = read(out[0], room.data(), room.size())) > 0;)
            ran.said.append(room.data(), static_cast<size_t>(count));
        close(out[0]);
        int status = 0;
        REQUIRE(waitpid(pid, &status, 0) == pid);
        ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return ran;
    }

  private:
    /// Another one for each machine.
    std::string id_of_folder() const
    {
        std::string id = folder_.path().substr(folder_.path().rfind('-') + 1);
        return id;
    }

    store::ScratchFolder folder_;
    std::unique_ptr<site::Client> face_;
    pid_t pid_ = 0;
};

inline bool is_attached(const Json& status)
{
    return status.at("place").at("link").at("attached") == true;
}

/// Joins a machine to the site of a controller, as `name`.
inline void join(Machine& controller, Machine& machine, const Json& invitation)
{
    const std::string word = controller.ask("HostInvite", invitation).at("word");
    const Ran joined = machine.belayd({"join", "-"}, word + "\n");
    REQUIRE_MESSAGE(joined.code == 0, joined.said);
}

}  // namespace belay::daemon::testing
