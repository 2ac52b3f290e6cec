#pragma once
// For tests: a device as a person meets it, in the configuration of a belayd that runs; belay, belayd and
// belay-vty as they are installed, and the lab's simulated pair, over SSH.

#include "iosxe/running.h"
#include "supervision/machine.h"

namespace belay::devices {

constexpr const char* secret = "n0t-f0r-any-log";

/// A machine whose configuration has the device "core", and an image of the next release.
class Site : public testing::Machine {
  public:
    explicit Site(std::vector<std::string> more = {})
    {
        std::filesystem::create_directories(path("pair"));
        more.insert(more.end(), {"--password", secret, "--factor", "300"});
        pair_.emplace(must(lab::iosxe::RunningPair::start(path("pair"), std::move(more))));
        std::ofstream(image()) << "belay-lab-iosxe image version=16.9.3.0.3127 size=812345678\n";
        start_daemon({});
        know_as(pair_->host_key());
    }

    lab::iosxe::RunningPair& pair() { return *pair_; }
    std::string image() const { return path("cat9k_iosxe.16.09.03.SPA.bin"); }

    void know_as(const std::string& host_key)
    {
        configure(fmt::format(
            "[device.core]\naddress = \"127.0.0.1\"\nport = {}\nuser = \"belay\"\npassword = \"{}\"\n"
            "host_keys = [\"{}\"]\n",
            pair_->port(), secret, host_key));
    }

    /// As `belay` says it: the plan is kept.
    std::string plan(std::vector<std::string> more = {})
    {
        std::vector<std::string> words = {"plan",   "pair.upgrade", "--pair", "core",  "--version",
                                          "16.9.3", "--image",      image(),  "--json"};
        words.insert(words.end(), more.begin(), more.end());
        const testing::Ran planned = belay(words);
        REQUIRE_MESSAGE(planned.code == 0, planned.said);
        return must(parse_json(planned.out)).at("operation").get<std::string>();
    }
    /// The same of an image that the device fetches.
    std::string plan_fetch(const std::string& url, const std::string& digest)
    {
        const testing::Ran planned = belay({"plan", "pair.upgrade", "--pair", "core", "--version", "16.9.3",
                                            "--image", url, "--digest", digest, "--json"});
        REQUIRE_MESSAGE(planned.code == 0, planned.said);
        return must(parse_json(planned.out)).at("operation").get<std::string>();
    }
    Json show(const std::string& id) { return must(parse_json(belay({"show", id, "--json"}).out)); }
    Json device() { return must(parse_json(belay({"device", "core", "--json"}).out)); }
    void await_state(const std::string& id, const std::string& state)
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
        Json view;
        while ((view = show(id)).at("state") != state)
            REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, json_text(view));
    }

  private:
    std::optional<lab::iosxe::RunningPair> pair_;
};

}  // namespace belay::devices
