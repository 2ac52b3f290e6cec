#pragma once
// For tests: the pair of examples/web-pair on two hosts of a network, from images whose versions fail as they
// are told; and what is heard by those who call it all the time.

#include "host/testing/network.h"
#include "image_site.h"
#include "supervisor/testing/callers.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace belay::daemon::testing {

using supervisor::Callers;

/// Which version answers, held against which is to.
class Heard {
  public:
    using Clock = Callers::Clock;

    /// Whoever is asked from now on is to be of that version.
    void expect(const std::string& version)
    {
        const std::lock_guard lock(mutex_);
        expected_ = version;
        since_ = Clock::now();
        answers_ = 0;
    }
    /// Either version may answer.
    void expect_any() { expect(""); }
    /// Until so many answers have come to what was asked since then.
    void await(size_t answers)
    {
        const auto until = Clock::now() + std::chrono::seconds(30);
        while (true) {
            {
                const std::lock_guard lock(mutex_);
                if (answers_ >= answers) return;
                REQUIRE_MESSAGE(Clock::now() < until, fmt::format("{} answers in half a minute", answers_));
            }
            usleep(2'000);
        }
    }
    /// The first answer of a wrong version; empty: there was none.
    std::string wrong()
    {
        const std::lock_guard lock(mutex_);
        return wrong_;
    }

    /// A line for each turn to serve of which somebody has heard since it was asked last, for who reads of a
    /// failure.
    std::string take_story()
    {
        const std::lock_guard lock(mutex_);
        return std::exchange(story_, {});
    }

    /// One at a time.
    void hear(const std::string& answer, Clock::time_point asked)
    {
        const std::lock_guard lock(mutex_);
        if (std::string turn = answer.substr(std::min(answer.find("version "), answer.size()));
            turn != turn_) {
            const std::chrono::duration<double> at = Clock::now() - begun_;
            story_ += fmt::format("{:.3f} s: {}", at.count(), turn);
            turn_ = std::move(turn);
        }
        if (asked < since_) return;
        ++answers_;
        if (expected_.empty() || !wrong_.empty() || answer.contains("version " + expected_ + " ")) return;
        wrong_ = fmt::format("asked {} us after {} is all that runs, and heard:\n{}",
                             (asked - since_) / std::chrono::microseconds(1), expected_, answer);
    }

  private:
    std::mutex mutex_;
    std::string expected_, wrong_, story_, turn_;
    const Clock::time_point begun_ = Clock::now();
    Clock::time_point since_;
    size_t answers_ = 0;
};

class WebShop : public ImageSite {
  public:
    static constexpr size_t hosts_of_network = 4, callers_host = 4;
    static constexpr uint16_t port = 8080;
    static constexpr std::chrono::seconds lease{1};

    /// `address`: of the pair, without its length.
    WebShop(const host::testing::Network& network, std::string address)
        : network_(network), address_(std::move(address))
    {
        hosts_ = {{"web1", &web1_}, {"web2", &web2_}, {"web3", &web3_}};
        controller_.make_controller(nullptr, address_of(3) + ":0");
        on(3, [&] { start(controller_); });
        configure(controller_, text());
        for (size_t host = 0; host < hosts_.size(); ++host)
            on(host, [&] { join(controller_, *hosts_[host].second, {{"name", hosts_[host].first}}); });
        for (size_t host = 0; host < hosts_.size(); ++host) on(host, [&] { start(*hosts_[host].second); });
        for (const auto& [name, host] : hosts_) REQUIRE(host->await_status(is_attached));
        for (const char* version : {"1.0", "2.0"}) need(upload(build(version)));
        install_first("shop", "1.0", {"web1", "web2"});
        await_service("server-1");
    }

    Json plan(const std::string& version, bool keep = true, const Json& more = Json::object())
    {
        return plan_upgrade("servers", version, keep, more);
    }
    void await_both() { await_pair("server-1"); }

    /// What that version does from its next start on; `how` is one of $WEB_PAIR_FAILS, or "sick": its health
    /// hook says so.
    void let_fail(const std::string& version, const std::string& how) const
    {
        std::ofstream(control_file(version)) << how << '\n';
    }
    void let_be_well(const std::string& version) const { std::filesystem::remove(control_file(version)); }

    Callers::Options calls(Heard& heard) const
    {
        return {.address = address_,
                .port = port,
                .pause = std::chrono::milliseconds(10),
                .in_thread = [this] { network_.go_to(callers_host); },
                .hears = [&heard](const std::string& answer, auto asked) { heard.hear(answer, asked); }};
    }
    /// The two that the pair runs on: the one that serves, the one that stands by.
    std::pair<Machine*, Machine*> by_role()
    {
        const Json serves = pair("server-1")["serves"];
        return serves == "server-1" ? std::pair(&web1_, &web2_) : std::pair(&web2_, &web1_);
    }
    static pid_t process_of(Machine& host)
    {
        const Json answer = host.ask("Applications");
        const Json& pid = answer.at("applications").at(0).at("pid");
        return pid.is_number() ? pid.get<pid_t>() : 0;
    }
    /// As that process itself was told.
    static std::string version_of(pid_t process)
    {
        const std::string all = text_of_file(fmt::format("/proc/{}/environ", process));
        const std::string name = "BELAY_IMAGE_VERSION=";
        const size_t begin = all.find(name);
        if (begin == std::string::npos) return "none";
        const size_t value = begin + name.size();
        return all.substr(value, all.find('\0', value) - value);
    }
    /// At its host's own address.
    std::string answer_of(const Machine& host) const
    {
        std::string answer;
        network_.on(callers_host,
                    [&] { answer = supervisor::answer_to(address_of(&host == &web1_ ? 0 : 1), port, "/"); });
        return answer;
    }

    Machine web1_, web2_, web3_;

  private:
    /// Counted from 0; the one after the hosts is the controller's.
    static std::string address_of(size_t host) { return fmt::format("192.0.2.1{}", host + 1); }
    /// Processes that are started there begin on the network of that machine.
    void on(size_t host, const std::function<void()>& what) const
    {
        network_.go_to(host + 1);
        what();
        network_.go_home();
    }
    std::string control_file(const std::string& version) const { return controller_.path("does-" + version); }

    /// The example as it is, behind a program that tells it how to fail.
    std::string build(const std::string& version) const
    {
        const std::string folder = controller_.path("source-" + version);
        const std::string programs = folder + "/root/bin/";
        std::filesystem::create_directories(programs);
        std::filesystem::copy_file(TEST_WEB_PAIR, programs + "web-pair");
        std::ofstream(programs + "VERSION") << version << '\n';
        const std::string how = fmt::format("$(cat '{}' 2>/dev/null)", control_file(version));
        write_script(programs + "server",
                     fmt::format("export WEB_PAIR_FAILS=\"{}\"\nexec bin/web-pair\n", how));
        write_script(programs + "health", fmt::format("[ \"{}\" != sick ]\n", how));
        image::Manifest manifest;
        manifest.name = "shop";
        manifest.version = need(image::parse_version(version));
        manifest.entry = {{"server", "bin/server"}};
        manifest.health = {"bin/health"};
        return pack(manifest, folder);
    }
    std::string text() const
    {
        std::string all;
        for (size_t host = 0; host < 3; ++host)
            all += fmt::format("[host.web{}]\naddress = \"{}\"\n", host + 1, address_of(host));
        for (const int number : {1, 2})
            all += fmt::format(
                "[application.server-{0}]\nhost = \"web{0}\"\nimage = \"shop\"\ncommand = [\"bin/server\"]\n"
                "ports = [{{ name = \"web\", port = {1}, held = true, nonblocking = true }}]\n"
                "readiness = {{ kind = \"notify\" }}\norders = {{ kind = \"pipe\" }}\ndrain_timeout = "
                "\"10s\"\n"
                "nonstop = \"1/10s\"\n",
                number, port);
        return all +
               fmt::format(
                   "[pair.servers]\nprimary = \"server-1\"\nbackup = \"server-2\"\nredundancy = \"hot\"\n"
                   "address = \"{}/{}\"\ninterface = \"eth0\"\nlease = \"{}s\"\n",
                   address_, address_.contains(':') ? 64 : 24, lease.count());
    }

    const host::testing::Network& network_;
    const std::string address_;
};

}  // namespace belay::daemon::testing
