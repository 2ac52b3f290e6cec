#pragma once
// belay-supervisor as a process, beside a message server.

#include "framework/supervision/application.h"
#include "server.h"

namespace belay::messages {

using framework::supervision::Application;

/// The supervisor of this host, with the applications that it was told of.
class Supervisor {
  public:
    explicit Supervisor(const MessageServer& server)
        : client_(must(site::connect({.socket = server.run() + "/supervisor.sock",
                                      .state_folder = server.state(),
                                      .daemon = TEST_SUPERVISOR}))),
          pid_(must(client_->call("Hello", Json::object())).at("pid"))
    {
    }
    ~Supervisor()
    {
        kill(pid_, SIGTERM);
        for (int i = 0; i < 60'000 && kill(pid_, 0) == 0; ++i) {
            usleep(1000);
            waitpid(-1, nullptr, WNOHANG);
        }
    }
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    void run(const std::vector<Application>& applications)
    {
        must(client_->call("Describe", {{"applications", applications}, {"whole", true}}));
        std::vector<int64_t> ids;
        for (const Application& one : applications) ids.push_back(one.id);
        must(client_->call("Order", {{"applications", ids}, {"want", "running"}}));
    }
    Json standings() { return must(client_->call("Standings", Json::object())).at("applications"); }
    pid_t pid() const { return pid_; }

  private:
    std::unique_ptr<site::Client> client_;
    pid_t pid_;
};

}  // namespace belay::messages
