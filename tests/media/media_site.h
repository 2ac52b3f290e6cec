#pragma once
// For tests: belayd-media as a process on loopback, with accounts that `belay media` has made.

#include "../backup/scratch.h"
#include "backup/backend/location.h"
#include "base/json.h"
#include "host/descriptor.h"

#include <arpa/inet.h>
#include <csignal>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace belay::media {

using backup::Scratch;

/// Serves "data" of a scratch folder. Every password is "open sesame".
class MediaSite {
  public:
    struct Kind {
        bool tls = true;
        std::vector<std::string> more = {};  ///< options
    };

    explicit MediaSite(Kind kind) : kind_(std::move(kind))
    {
        scratch_.write("account-password", "open sesame\n");
        start();
        if (kind_.tls) scratch_.write("certificate", belay({"media", "certificate"}));
    }
    MediaSite() : MediaSite(Kind{}) {}
    ~MediaSite() { end(SIGKILL); }
    MediaSite(const MediaSite&) = delete;
    MediaSite& operator=(const MediaSite&) = delete;

    /// What `belay` prints; it must succeed.
    std::string belay(std::vector<std::string> words) const
    {
        const bool asks_server = words.at(1) == "status" || words.at(1) == "list";
        const bool has_state = words.at(1) != "status";
        // A host runs bare names alone.
        words.insert(words.begin(), {"env", BELAY_PROGRAM});
        if (asks_server) words.insert(words.end(), {"--media-socket", scratch_.path("media.sock")});
        if (has_state) words.insert(words.end(), {"--media-state", scratch_.path("state")});
        return Scratch::run(std::move(words));
    }
    void add(const std::string& account, const std::string& space, const std::string& access) const
    {
        belay({"media", "add", account, "--space", space, "--access", access, "--password-file",
               scratch_.path("account-password")});
    }
    Json status() const { return must(parse_json(belay({"media", "status", "--json"}))); }

    /// On the port that it had before.
    void start()
    {
        std::vector<std::string> argv = {BELAYD_MEDIA,
                                         "--role",
                                         "media",
                                         "--listen",
                                         "127.0.0.1:" + port_,
                                         "--data",
                                         scratch_.path("data"),
                                         "--state-dir",
                                         scratch_.path("state"),
                                         "--socket",
                                         scratch_.path("media.sock"),
                                         "--log-verbose",
                                         "trace",
                                         "--log-file",
                                         scratch_.path("log")};
        if (!kind_.tls) argv.push_back("--without-tls");
        argv.insert(argv.end(), kind_.more.begin(), kind_.more.end());
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        const host::Descriptor reads(ends[0]);
        host::Descriptor writes(ends[1]);
        argv.insert(argv.end(), {"--ready-fd", std::to_string(ends[1])});
        std::vector<char*> words;
        for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) ::_exit(1);
            ::close(ends[0]);
            ::execv(words[0], words.data());
            ::_exit(127);
        }
        writes.close();
        std::string said;
        char letter = 0;
        while (::read(reads.number(), &letter, 1) == 1 && letter != '\n') said += letter;
        REQUIRE_MESSAGE(said == "ready", said);
        const std::string address = status().at("address");
        port_ = address.substr(address.rfind(':') + 1);
    }
    /// Its exit code, 128 + signal.
    int end(int signal)
    {
        if (pid_ <= 0) return -1;
        ::kill(pid_, signal);
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    const Scratch& scratch() const { return scratch_; }
    pid_t pid() const { return pid_; }
    uint16_t port() const { return static_cast<uint16_t>(std::stoi(port_)); }
    std::string certificate() const { return scratch_.path("certificate"); }
    std::string log() const { return scratch_.read("log"); }
    /// As restic takes it, with an account; `repository` begins with its space.
    std::string location(const std::string& account, const std::string& repository) const
    {
        return fmt::format("rest:{}://{}:open%20sesame@127.0.0.1:{}/{}/", kind_.tls ? "https" : "http",
                           account, port_, repository);
    }
    std::unique_ptr<backup::Backend> place(const std::string& account, const std::string& repository) const
    {
        backup::PlaceOptions options;
        if (kind_.tls) options.rest.http.ca_file = certificate();
        options.rest.retries = {.first_pause = std::chrono::milliseconds(5),
                                .longest_pause = std::chrono::milliseconds(100),
                                .gives_up_after = std::chrono::seconds(20)};
        return must(backup::open_place(location(account, repository), options));
    }
    /// A program with its arguments behind the repository's, as restic and belay backup take them.
    std::vector<std::string> client(const std::string& program, const std::string& account,
                                    const std::string& repository, std::vector<std::string> words) const
    {
        std::vector<std::string> argv = {"env", program};
        if (program != "restic") argv.emplace_back("backup");
        argv.insert(argv.end(), {"--no-cache", "-r", location(account, repository), "--password-file",
                                 scratch_.path("password")});
        if (kind_.tls) argv.insert(argv.end(), {"--cacert", certificate()});
        argv.insert(argv.end(), words.begin(), words.end());
        return argv;
    }
    std::string restic(const std::string& account, const std::string& repository,
                       std::vector<std::string> words) const
    {
        return Scratch::run(client("restic", account, repository, std::move(words)));
    }

  private:
    const Scratch scratch_;
    const Kind kind_;
    std::string port_ = "0";
    pid_t pid_ = -1;
};

/// A connection on which a test writes what it likes; without TLS.
class Wire {
  public:
    /// From another address of loopback, where one is given.
    explicit Wire(const MediaSite& site, const std::string& from = "127.0.0.1")
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        REQUIRE(socket_);
        sockaddr_in own{}, there{};
        own.sin_family = there.sin_family = AF_INET;
        REQUIRE(::inet_pton(AF_INET, from.c_str(), &own.sin_addr) == 1);
        REQUIRE(::inet_pton(AF_INET, "127.0.0.1", &there.sin_addr) == 1);
        there.sin_port = htons(site.port());
        REQUIRE(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
        REQUIRE(::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0);
    }

    /// False where the other side has hung up.
    bool send(std::string_view bytes) const
    {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(sent));
        }
        return true;
    }
    void hang_up() { socket_.close(); }
    void nothing_more_comes() const { ::shutdown(socket_.number(), SHUT_WR); }

    /// The status of the next answer, whose body is in `body`; 0: it hung up, -1: nothing came in time.
    int answer(std::chrono::milliseconds limit = std::chrono::seconds(20))
    {
        const auto until = std::chrono::steady_clock::now() + limit;
        std::string text;
        size_t end = std::string::npos;
        head.clear();
        body.clear();
        for (;;) {
            if (end == std::string::npos) end = text.find("\r\n\r\n");
            if (end != std::string::npos) {
                head = text.substr(0, end);
                const size_t length = head.find("Content-Length: ");
                const size_t wanted = length == std::string::npos ? 0 : std::stoul(head.substr(length + 16));
                if (text.size() >= end + 4 + wanted || is_head) {
                    body = text.substr(end + 4);
                    return std::stoi(head.substr(head.find(' ') + 1, 3));
                }
            }
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                until - std::chrono::steady_clock::now());
            pollfd entry{.fd = socket_.number(), .events = POLLIN, .revents = 0};
            if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) == 0) return -1;
            char buffer[65536];
            const ssize_t count = ::recv(socket_.number(), buffer, sizeof buffer, 0);
            if (count <= 0) return 0;
            text.append(buffer, static_cast<size_t>(count));
        }
    }
    std::string head, body;
    bool is_head = false;

  private:
    host::Descriptor socket_;
};

/// A request as text. The account's password is the right one.
inline std::string request(const std::string& method, const std::string& path, const std::string& account,
                           std::string_view body = {}, const std::string& headers = {})
{
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: here\r\n", method, path);
    if (account == "anna") text += "Authorization: Basic YW5uYTpvcGVuIHNlc2FtZQ==\r\n";
    if (account == "bert") text += "Authorization: Basic YmVydDpvcGVuIHNlc2FtZQ==\r\n";
    if (account == "carl") text += "Authorization: Basic Y2FybDpvcGVuIHNlc2FtZQ==\r\n";
    if (!body.empty() || method == "POST") text += fmt::format("Content-Length: {}\r\n", body.size());
    return text + headers + "\r\n" + std::string(body);
}

}  // namespace belay::media
