#pragma once
// For tests: machines of a site, each with a belayd as a process.

#include "daemon/testing/run.h"
#include "daemon/testing/time_limit.h"
#include "site/client.h"
#include "store/scratch_folder.h"

#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

/// A machine: a state folder, and whatever daemon serves it; that ends with it.
class Machine {
  public:
    Machine() = default;
    ~Machine()
    {
        stop();
        end_applications();
    }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    std::string path(std::string_view name) const { return fmt::format("{}/{}", folder_.path(), name); }
    std::string state() const { return path("state"); }

    mutable pid_t supervisor_ = 0;
    void signal_supervisor(int signal) const
    {
        if (signal == SIGSTOP) {
            auto supervisor =
                need(site::connect({.socket = path("supervisor.sock"), .state_folder = "", .daemon = ""}));
            supervisor_ = need(supervisor->call("Hello", Json::object())).at("pid");
        }
        if (supervisor_ != 0) REQUIRE(::kill(supervisor_, signal) == 0);
        if (signal == SIGCONT) supervisor_ = 0;
    }

    /// What its supervisor has started ends, and the supervisor as well.
    void end_applications() const
    {
        mend_supervisor();
        auto supervisor =
            site::connect({.socket = path("supervisor.sock"), .state_folder = "", .daemon = ""});
        if (!supervisor) return;
        const auto hello = (*supervisor)->call("Hello", Json::object());
        if (!hello) return;
        const pid_t pid = hello->at("pid");
        ::kill(pid, SIGTERM);
        for (int i = 0; i < 20'000 && ::kill(pid, 0) == 0; ++i) usleep(1000);
    }

    /// Its supervisor does nothing any more, as if its host were cut off; and does again.
    void cut_supervisor() const { signal_supervisor(SIGSTOP); }
    void mend_supervisor() const { signal_supervisor(SIGCONT); }

    /// From now on it is a controller, at a port that is free; `store`: as in its file.
    void make_controller(const Json& store = nullptr, const std::string& listen = "127.0.0.1:0") const
    {
        for (const std::string& folder : {state(), state() + "/site"})
            REQUIRE((mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST));
        std::ofstream(state() + "/site/controller.json") << json_text(
            {{"listen", listen}, {"advertise", Json::array()}, {"store", store}, {"id", id_of_folder()}});
    }

    /// A controller listens where it does now from its next start on, so that others find it again.
    void keep_address()
    {
        const std::string file = state() + "/site/controller.json";
        Json json = need(parse_json(text_of_file(file)));
        json["listen"] = status().at("place").at("controller").at("address");
        std::ofstream(file) << json_text(json);
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
        const TimeLimit limit(face(), std::chrono::steady_clock::now() + std::chrono::minutes(2));
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
            follow_status(end, [&](const Json& status) {
                held = holds(status);
                return !held;
            });
            face_.reset();  // a stream is ended by closing its connection
        }
        return held;
    }

    /// The next question opens a connection anew, as after a stream that was left.
    void forget_face() { face_.reset(); }

    /// The daemon does not get to do anything any more.
    void kill()
    {
        ::kill(pid_, SIGKILL);
        stop();
    }

    void stop()
    {
        face_.reset();
        if (pid_ == 0) return;
        ::kill(pid_, SIGTERM);
        await_end_of(std::exchange(pid_, 0));
    }

    /// Starts its daemon with these options, by another program where one is given; comes back when it
    /// serves.
    void start(const std::vector<std::string>& options, std::vector<std::string> words = {})
    {
        REQUIRE(pid_ == 0);
        words.insert(words.end(), {TEST_BELAYD, "--socket", path("belayd.sock"), "--state-dir", state()});
        words.insert(words.end(), options.begin(), options.end());
        pid_ = start_and_await_ready(words);
    }

    /// Runs `belayd ...` on the state of this machine to its end.
    Ran belayd(std::vector<std::string> words, const std::string& input = "") const
    {
        words.insert(words.begin(), TEST_BELAYD);
        words.insert(words.end(), {"--state-dir", state()});
        return run_to_end(words, input);
    }

    /// Runs `belay ...` as a person at this machine would, whose home is its folder.
    Ran belay(std::vector<std::string> words, const std::string& input = "")
    {
        face();
        words.insert(words.begin(), TEST_BELAY);
        return run_to_end(words, input,
                          {"BELAY_SOCKET=" + path("belayd.sock"), "HOME=" + folder_.path(), plain_path});
    }

  private:
    /// Until it ends, which is no failure: the next one tells more.
    void follow_status(std::chrono::steady_clock::time_point end,
                       const std::function<bool(const Json&)>& each)
    {
        const TimeLimit limit(face(), end);
        static_cast<void>(face().stream("Status", Json::object(), each).has_value());
    }

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

/// Somebody at a machine that is no part of any site, with a home where `belay` keeps what is theirs.
class Person {
  public:
    Ran belay(std::vector<std::string> words, const std::string& input = "") const
    {
        words.insert(words.begin(), TEST_BELAY);
        // There is no daemon here, and none is to be started.
        return run_to_end(words, input,
                          {"BELAY_SOCKET=/nowhere/belayd.sock", "HOME=" + home_.path(), plain_path});
    }
    std::string site_file(std::string_view name) const
    {
        return fmt::format("{}/.config/belay/sites/{}.json", home_.path(), name);
    }

  private:
    store::ScratchFolder home_;
};

inline bool contains(std::string_view text, std::string_view part)
{
    return text.find(part) != std::string_view::npos;
}

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

/// Changes the configuration of a site for good.
inline void configure(Machine& controller, const std::string& text)
{
    const Json planned =
        controller.ask("Plan", {{"procedure", "config.change"},
                                {"arguments", {{"text", text}, {"file", "site.toml"}, {"mode", "merge"}}},
                                {"keep", true}});
    const std::string id = planned.at("operation");
    for (const char* verb : {"add", "activate", "commit"}) {
        controller.ask("Request", {{"operation", id}, {"verb", verb}});
        controller.rest(id);
    }
    REQUIRE(controller.ask("Show", {{"operation", id}}).at("state") == "committed");
}

}  // namespace belay::daemon::testing
