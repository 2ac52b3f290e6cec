#pragma once
// For tests: Debian's rclone as a REST server on loopback, and what it is reached by.

#include "backup/backend/location.h"
#include "host/descriptor.h"
#include "scratch.h"

#include <atomic>
#include <csignal>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace belay::backup {

/// Serves the folder "served" of a scratch folder to the account "someone"; its repository is in
/// "served/repository".
class RestServer {
  public:
    struct Kind {
        bool tls = false;
        bool wants_certificate = false;  ///< of the client: that of the server will do
        bool append_only = false;
    };

    RestServer(const Scratch& scratch, Kind kind) : scratch_(scratch), kind_(kind)
    {
        std::filesystem::create_directory(scratch.path("served"));
        // The password is "open sesame".
        scratch.write("accounts", "someone:{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=\n");
        if (kind.tls) make_certificate();
        start();
    }
    explicit RestServer(const Scratch& scratch) : RestServer(scratch, Kind{}) {}
    ~RestServer() { end(); }
    RestServer(const RestServer&) = delete;
    RestServer& operator=(const RestServer&) = delete;

    /// Starts it, on the port that it had before.
    void start()
    {
        std::vector<std::string> argv = {"rclone",
                                         "serve",
                                         "restic",
                                         "--config",
                                         "/dev/null",
                                         "--addr",
                                         "127.0.0.1:" + port_,
                                         "--htpasswd",
                                         scratch_.path("accounts")};
        const auto add = [&](std::vector<std::string> more) {
            argv.insert(argv.end(), more.begin(), more.end());
        };
        if (kind_.tls) add({"--cert", certificate(), "--key", scratch_.path("key")});
        if (kind_.wants_certificate) add({"--client-ca", certificate()});
        if (kind_.append_only) add({"--append-only"});
        add({scratch_.path("served")});
        spawn(argv);
        const std::string said = wait_for("Serving restic REST API on ");
        const size_t colon = said.rfind(':');
        port_ = said.substr(colon + 1, said.find('/', colon) - colon - 1);
    }
    /// At once, as a machine that loses its power.
    void end()
    {
        const pid_t pid = pid_.exchange(-1);
        if (pid <= 0) return;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }

    /// PEM, also the one that has signed it.
    std::string certificate() const { return scratch_.path("certificate"); }
    /// Certificate and key in one file.
    std::string certificate_and_key() const { return scratch_.path("both"); }

    /// As restic takes it, with the account.
    std::string location() const
    {
        return fmt::format("rest:{}://someone:open%20sesame@127.0.0.1:{}/repository/",
                           kind_.tls ? "https" : "http", port_);
    }
    PlaceOptions options() const
    {
        PlaceOptions options;
        if (kind_.tls) options.rest.http.ca_file = certificate();
        if (kind_.wants_certificate) options.rest.http.certificate_file = certificate_and_key();
        options.rest.retries = {.first_pause = std::chrono::milliseconds(5),
                                .longest_pause = std::chrono::milliseconds(100),
                                .gives_up_after = std::chrono::seconds(20)};
        return options;
    }
    std::unique_ptr<Backend> place() const { return must(open_place(location(), options())); }
    std::string restic(std::vector<std::string> words) const
    {
        std::vector<std::string> argv = {
            "restic", "--no-cache", "-r", location(), "--password-file", scratch_.path("password"), "-q"};
        if (kind_.tls) argv.insert(argv.end(), {"--cacert", certificate()});
        argv.insert(argv.end(), words.begin(), words.end());
        return Scratch::run(std::move(argv));
    }

  private:
    void make_certificate() const
    {
        Scratch::run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                      "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                      "subjectAltName=IP:127.0.0.1", "-keyout", scratch_.path("key"), "-out", certificate()});
        scratch_.write("both", scratch_.read("certificate") + scratch_.read("key"));
    }
    void spawn(const std::vector<std::string>& argv)
    {
        std::vector<char*> words;
        for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
        words.push_back(nullptr);
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        output_ = host::Descriptor(ends[0]);
        const host::Descriptor theirs(ends[1]);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ != 0) return;
        // It does not outlive a test that crashes.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(theirs.number(), STDOUT_FILENO);
        ::dup2(theirs.number(), STDERR_FILENO);
        ::execvp(words[0], words.data());
        ::_exit(127);
    }
    /// What it says up to the line that begins (behind date and time) so.
    std::string wait_for(std::string_view wanted)
    {
        std::string said;
        for (;;) {
            const size_t found = said.find(wanted);
            if (found != std::string::npos && said.find('\n', found) != std::string::npos)
                return said.substr(0, said.find('\n', found));
            pollfd entry{.fd = output_.number(), .events = POLLIN, .revents = 0};
            REQUIRE_MESSAGE(::poll(&entry, 1, 30'000) == 1, "rclone says: ", said);
            char buffer[4096];
            const ssize_t count = ::read(output_.number(), buffer, sizeof buffer);
            REQUIRE_MESSAGE(count > 0, "rclone ended: ", said);
            said.append(buffer, static_cast<size_t>(count));
        }
    }

    const Scratch& scratch_;
    Kind kind_;
    std::string port_ = "0";
    std::atomic<pid_t> pid_ = -1;  ///< one thread may end it, another start it again
    host::Descriptor output_;
};

}  // namespace belay::backup
