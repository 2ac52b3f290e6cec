// Belay's own way: a site of three hosts, each with its belayd, and a pair that runs from an image.

#include "program.h"
#include "site/client.h"
#include "supervision_processes.h"
#include "upgrade_ways.h"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr std::array<const char*, 4> names = {"", "web1", "web2", "office"};
constexpr int site_hosts = 3, controlling_host = 3;
constexpr uint16_t controller_port = 4880;
constexpr auto site_patience = std::chrono::seconds(60);
constexpr auto site_is_asked_every = std::chrono::milliseconds(5);

struct SiteHost {
    std::optional<Program> daemon = {};
    std::unique_ptr<site::Client> client = {};
};

class BelayUpgrades final : public UpgradeWay {
  public:
    BelayUpgrades(HostNetwork network, const UpgradeGround& ground, PairPlace place)
        : UpgradeWay(std::move(network)), ground_(ground), place_(place)
    {
    }
    ~BelayUpgrades() override
    {
        for (auto& [number, host] : hosts_) {
            host.client.reset();
            host.daemon.reset();
        }
        for (int host = 1; host <= site_hosts; ++host) end_supervisor(host);
    }
    BelayUpgrades(const BelayUpgrades&) = delete;
    BelayUpgrades& operator=(const BelayUpgrades&) = delete;

    Result<void> begin()
    {
        TRY(make_site());
        TRY(run_belay({"image", "key", ground_.folder + "/key.pem"}));
        std::filesystem::create_directory(keys());
        std::filesystem::copy_file(ground_.folder + "/key.pub.pem", keys() + "/key.pem");
        for (const char* version : {"1.0", "2.0"}) TRY(publish(version));
        TRY(go(
            TRY(plan({{"procedure", "config.change"},
                      {"arguments", {{"text", configuration()}, {"file", "site.toml"}, {"mode", "merge"}}}})),
            {"add", "activate", "commit"}));
        const Json hosts =
            place_ == PairPlace::two_hosts ? Json::array({"web1", "web2"}) : Json::array({"web1"});
        TRY(go(TRY(plan({{"procedure", "image.install"},
                         {"arguments", {{"image", "shop"}, {"version", "1.0"}}},
                         {"hosts", hosts},
                         {"waves", {hosts.size()}}})),
               {"add", "activate", "commit"}));
        return await_pair();
    }
    std::string address() const override
    {
        const std::string moves = virtual_address;
        return place_ == PairPlace::two_hosts ? moves.substr(0, moves.find('/')) : HostNetwork::address_of(1);
    }
    Result<void> upgrade(UpgradeTimes& times) override
    {
        is_new_ = !is_new_;
        const std::string there_and_back = TRY(plan_upgrade());
        TRY(go(there_and_back, {"add", "activate"}));
        const Nanoseconds left = reading(CLOCK_MONOTONIC);
        TRY(go(there_and_back, {"abort"}));
        times["abort"].push_back(reading(CLOCK_MONOTONIC) - left);
        TRY(await_pair());

        const Nanoseconds begun = reading(CLOCK_MONOTONIC);
        const std::string for_good = TRY(plan_upgrade());
        Nanoseconds last = begun;
        for (const char* phase : {"add", "activate", "commit"}) {
            TRY(go(for_good, {phase}));
            const Nanoseconds now = reading(CLOCK_MONOTONIC);
            times[phase].push_back(now - last);
            last = now;
        }
        times["whole"].push_back(last - begun);
        return await_pair();
    }

  private:
    // --- a site ---

    std::string folder_of(int host) const { return fmt::format("{}/host-{}", ground_.folder, host); }
    std::string keys() const { return ground_.folder + "/keys"; }
    std::string socket_of(int host) const { return folder_of(host) + "/belayd.sock"; }

    Result<void> make_site()
    {
        for (int host = 1; host <= site_hosts; ++host) std::filesystem::create_directories(folder_of(host));
        TRY(start_daemon(
            controlling_host,
            {"--listen", fmt::format("{}:{}", HostNetwork::address_of(controlling_host), controller_port)}));
        for (int host = 1; host <= site_hosts; ++host) {
            const Json invited =
                TRY(controller().call("HostInvite", {{"name", names.at(static_cast<size_t>(host))}}));
            TRY(network().within(host, [&] {
                return run_to_end({ground_.programs + "/belayd", "join",
                                   invited.at("word").get<std::string>(), "--state-dir",
                                   folder_of(host) + "/state"});
            }));
        }
        hosts_.erase(controlling_host);
        for (const int host : {controlling_host, 1, 2}) TRY(start_daemon(host, {}));
        for (int host = 1; host <= site_hosts; ++host) {
            TRY(await("a host does not attach to its controller", [&]() -> Result<bool> {
                const Json status = TRY(hosts_[host].client->call("Status", Json::object()));
                return status.at("place").at("link").at("attached") == true;
            }));
        }
        return {};
    }

    Result<void> start_daemon(int host, const std::vector<std::string>& more)
    {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("make a pipe", errno));
        const host::Descriptor listens(ends[0]);
        host::Descriptor ready(ends[1]);
        std::vector<std::string> words = {ground_.programs + "/belayd",
                                          "--socket",
                                          socket_of(host),
                                          "--state-dir",
                                          folder_of(host) + "/state",
                                          "--image-keys",
                                          keys(),
                                          "--ready-fd",
                                          "3",
                                          "--log-verbose",
                                          "none"};
        words.insert(words.end(), more.begin(), more.end());
        SiteHost& at = hosts_[host];
        TRY(network().within(host, [&]() -> Result<void> {
            Program started = TRY(Program::start(words, ready.number()));
            at.daemon.emplace(std::move(started));
            return {};
        }));
        ready.close();
        std::array<char, 512> room{};
        const ssize_t size = read(listens.number(), room.data(), room.size());
        const std::string_view said(room.data(), size > 0 ? static_cast<size_t>(size) : 0);
        if (said != "ready\n") return fail(ErrorKind::failed, fmt::format("belayd does not serve: {}", said));
        at.client = TRY(site::connect({.socket = socket_of(host), .state_folder = {}, .daemon = {}}));
        return {};
    }

    /// Its applications are forgotten first, so that no control group of theirs stays.
    void end_supervisor(int host) const
    {
        const auto client =
            site::connect({.socket = folder_of(host) + "/supervisor.sock", .state_folder = {}, .daemon = {}});
        if (!client) return;
        const auto hello = (*client)->call("Hello", Json::object());
        if (!hello) return;
        static_cast<void>(
            (*client)->call("Describe", {{"applications", Json::array()}, {"whole", true}}).has_value());
        static_cast<void>(await("", [&]() -> Result<bool> {
                              const Json left = TRY((*client)->call("Standings", Json::object()));
                              return left.at("applications").empty();
                          }).has_value());
        const pid_t guard = process_parent(hello->at("pid").get<pid_t>());
        kill(hello->at("pid").get<pid_t>(), SIGTERM);
        // As the first process of a namespace we are its parent by then.
        while (guard > 1 && kill(guard, 0) == 0 && waitpid(guard, nullptr, WNOHANG) != guard) rest();
    }

    // --- what is in it ---

    Result<void> run_belay(std::vector<std::string> words) const
    {
        words.insert(words.begin(), {"/usr/bin/env", "BELAY_SOCKET=" + socket_of(controlling_host),
                                     ground_.programs + "/belay"});
        return run_to_end(words);
    }
    Result<void> publish(const std::string& version) const
    {
        const std::string source = fmt::format("{}/shop-{}", ground_.folder, version);
        std::filesystem::create_directories(source + "/root/bin");
        std::filesystem::copy_file(ground_.server, source + "/root/bin/server");
        std::ofstream(source + "/root/bin/VERSION") << version << '\n';
        std::ofstream(source + "/image.toml") << fmt::format("name = \"shop\"\nversion = \"{}\"\n", version);
        const std::string image = source + ".image";
        TRY(run_belay({"image", "build", source, "-o", image, "--key", ground_.folder + "/key.pem"}));
        return run_belay({"image", "publish", image});
    }
    std::string configuration() const
    {
        std::string all;
        for (int host = 1; host <= site_hosts; ++host)
            all += fmt::format("[host.{}]\naddress = \"{}\"\n", names.at(static_cast<size_t>(host)),
                               HostNetwork::address_of(host));
        for (const int number : {1, 2}) {
            all += fmt::format(
                "[application.server-{}]\nhost = \"{}\"\nimage = \"shop\"\ncommand = [\"bin/server\"]\n"
                "ports = [{{ name = \"web\", port = {}, held = true, nonblocking = true }}]\n"
                "readiness = {{ kind = \"notify\" }}\norders = {{ kind = \"pipe\" }}\ndrain_timeout = "
                "\"10s\"\n",
                number, place_ == PairPlace::two_hosts ? names.at(static_cast<size_t>(number)) : names[1],
                upgraded_port);
        }
        all += "[pair.servers]\nprimary = \"server-1\"\nbackup = \"server-2\"\nredundancy = \"hot\"\n";
        if (place_ == PairPlace::two_hosts)
            all += fmt::format("address = \"{}\"\ninterface = \"{}\"\n", virtual_address, host_interface);
        return all;
    }

    // --- operations ---

    site::Client& controller() { return *hosts_[controlling_host].client; }
    Result<std::string> plan(Json ask)
    {
        ask["keep"] = true;
        const Json planned = TRY(controller().call("Plan", ask));
        if (planned.at("operation").is_string()) return planned.at("operation").get<std::string>();
        return fail(ErrorKind::refused, planned.at("findings").dump(1));
    }
    Result<std::string> plan_upgrade()
    {
        return plan({{"procedure", "pair.upgrade"},
                     {"arguments", {{"pair", "servers"}, {"version", is_new_ ? "2.0" : "1.0"}}}});
    }
    /// By each verb to the state that it leads to.
    Result<void> go(const std::string& operation, const std::vector<std::string>& verbs)
    {
        static const std::map<std::string, std::string> leads_to = {
            {"add", "added"}, {"activate", "activated"}, {"commit", "committed"}, {"abort", "aborted"}};
        for (const std::string& verb : verbs) {
            TRY(controller().call("Request", {{"operation", operation}, {"verb", verb}}));
            std::string state;
            // A stream takes its connection with it.
            const auto watch =
                TRY(site::connect({.socket = socket_of(controlling_host), .state_folder = {}, .daemon = {}}));
            TRY(watch->stream("Watch", {{"operation", operation}, {"settle", true}}, [&](const Json& view) {
                state = view.at("state");
                return true;
            }));
            if (state != leads_to.at(verb))
                return fail(ErrorKind::failed,
                            fmt::format("operation {} is {} after {}", operation, state, verb));
        }
        return {};
    }
    /// Both are there, and one serves.
    Result<void> await_pair()
    {
        return await("the pair does not come to rest", [&]() -> Result<bool> {
            const Json all = TRY(controller().call("Pairs", Json::object()));
            const Json& pair = all.at("pairs").at(0);
            return pair.at("serves").is_string() &&
                   std::ranges::all_of(pair.at("applications"),
                                       [](const Json& one) { return one.at("phase") == "started"; });
        });
    }

    static void rest() { usleep(std::chrono::microseconds(site_is_asked_every).count()); }
    static Result<void> await(const std::string& what, const std::function<Result<bool>()>& come)
    {
        const Nanoseconds until = reading(CLOCK_MONOTONIC) + site_patience;
        while (!TRY(come())) {
            if (reading(CLOCK_MONOTONIC) > until) return fail(ErrorKind::timeout, what);
            rest();
        }
        return {};
    }

    const UpgradeGround ground_;
    const PairPlace place_;
    bool is_new_ = false;
    std::map<int, SiteHost> hosts_;
};

}  // namespace

Result<std::unique_ptr<UpgradeWay>> begin_belay_upgrades(const UpgradeGround& ground, PairPlace place)
{
    auto way = std::make_unique<BelayUpgrades>(TRY(HostNetwork::make(site_hosts)), ground, place);
    TRY(way->begin());
    return way;
}

}  // namespace belay::bench
