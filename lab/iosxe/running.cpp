#include "iosxe/running.h"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

namespace belay::lab::iosxe {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds start_limit = 60s;

/// One line from there; what came behind it is thrown away. Errors: timeout, failed at its end.
Result<std::string> line_from(int descriptor, std::chrono::seconds limit)
{
    std::string line;
    const auto until = std::chrono::steady_clock::now() + limit;
    for (std::array<char, 65536> part;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd one{.fd = descriptor, .events = POLLIN, .revents = 0};
        if (left <= 0ms || ::poll(&one, 1, static_cast<int>(left.count())) == 0)
            return fail(ErrorKind::timeout, "the simulated pair says nothing");
        const ssize_t got = ::read(descriptor, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(ErrorKind::failed, "the simulated pair has ended: " + line);
        line.append(part.data(), static_cast<size_t>(got));
        if (const size_t end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
    }
}

}  // namespace

RunningPair::RunningPair(RunningPair&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      in_(std::move(other.in_)),
      control_(std::move(other.control_)),
      port_(other.port_),
      host_key_(std::move(other.host_key_)),
      fingerprint_(std::move(other.fingerprint_))
{
}

RunningPair& RunningPair::operator=(RunningPair&& other) noexcept
{
    std::swap(pid_, other.pid_);
    in_ = std::move(other.in_);
    std::swap(control_, other.control_);
    std::swap(port_, other.port_);
    std::swap(host_key_, other.host_key_);
    std::swap(fingerprint_, other.fingerprint_);
    return *this;
}

RunningPair::~RunningPair()
{
    kill();
}

void RunningPair::kill()
{
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

Result<RunningPair> RunningPair::start(const std::string& folder, std::vector<std::string> arguments)
{
    RunningPair pair;
    pair.control_ = folder + "/control";
    std::vector<std::string> argv = {BELAY_LAB_IOSXE, "--attached", "--control", pair.control_};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    std::array<int, 2> in{}, out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("cannot make a pipe", errno));
    const host::Descriptor in_end(in[0]);
    pair.in_ = host::Descriptor(in[1]);
    if (pipe2(out.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("cannot make a pipe", errno));
    const host::Descriptor out_end(out[0]);
    host::Descriptor out_start(out[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_end.number(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out_start.number(), STDOUT_FILENO);
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    const int problem = posix_spawn(&pair.pid_, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (problem != 0) return std::unexpected(system_error(fmt::format("cannot start {}", argv[0]), problem));
    out_start.close();
    const std::string line = TRY(line_from(out_end.number(), start_limit));
    const Json ready = TRY(parse_json(line));
    pair.port_ = ready.value("port", 0);
    pair.host_key_ = ready.value("host_key", "");
    pair.fingerprint_ = ready.value("fingerprint", "");
    if (pair.port_ == 0) return fail(ErrorKind::failed, "the simulated pair is not ready: " + line);
    return pair;
}

Result<Json> RunningPair::ask(const Json& request) const
{
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (control_.size() >= sizeof name.sun_path)
        return fail(ErrorKind::usage, control_ + " is too long for a socket");
    control_.copy(name.sun_path, control_.size());
    const host::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || connect(socket.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
        return std::unexpected(system_error("cannot reach the simulated pair at " + control_, errno));
    const std::string text = json_text(request) + "\n";
    if (send(socket.number(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        return std::unexpected(system_error("cannot ask the simulated pair", errno));
    const std::string line = TRY(line_from(socket.number(), start_limit));
    Json answer = TRY(parse_json(line));
    if (answer.contains("error")) return fail(ErrorKind::refused, answer.at("error").get<std::string>());
    return answer;
}

Result<std::vector<std::string>> RunningPair::typed() const
{
    const Json answer = TRY(ask({{"do", "typed"}}));
    std::vector<std::string> lines;
    for (const Json& line : answer.at("typed")) lines.push_back(line.at("text").get<std::string>());
    return lines;
}

Result<Json> RunningPair::await(const std::function<bool(const Json&)>& is, std::chrono::seconds limit) const
{
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
        Json answer = TRY(ask({{"do", "state"}}));
        if (is(answer.at("state"))) return answer;
        if (std::chrono::steady_clock::now() > until)
            return fail(ErrorKind::timeout, "the simulated pair did not come to it: " + json_text(answer));
        std::this_thread::sleep_for(10ms);
    }
}

}  // namespace belay::lab::iosxe
