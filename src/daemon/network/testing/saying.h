#pragma once
// For tests: a machine whose daemon says what happens to a message server.

#include "daemon/network/testing/machine.h"

namespace belay::daemon::testing {

constexpr auto come_within = std::chrono::minutes(2);

/// A machine whose daemon says what happens.
class Saying : public Machine {
  public:
    ~Saying() { end_messages(); }

    void begin() { start({}); }
    std::unique_ptr<site::Client> messages() const
    {
        return need(site::connect({.socket = path("messages.sock"), .state_folder = "", .daemon = ""}));
    }
    /// Once there are so many.
    std::vector<Json> found(const Json& query, size_t count)
    {
        const auto until = std::chrono::steady_clock::now() + come_within;
        while (true) {
            const Json answer = ask("Messages", query);
            if (answer.at("messages").size() >= count) return answer.at("messages");
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, answer.dump());
            usleep(20'000);
        }
    }

  private:
    void end_messages() const
    {
        const auto server =
            site::connect({.socket = path("messages.sock"), .state_folder = "", .daemon = ""});
        if (server) static_cast<void>((*server)->call("End", Json::object()).has_value());
    }
};

/// Until it holds; the test fails where it does not.
inline void await(const char* what, const std::function<bool()>& holds)
{
    const auto until = std::chrono::steady_clock::now() + come_within;
    while (!holds()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < until, std::string(what));
        usleep(20'000);
    }
}

}  // namespace belay::daemon::testing
