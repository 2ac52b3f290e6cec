#include "site.h"

#include "base/json.h"
#include "own_folder.h"

#include <algorithm>
#include <csignal>
#include <future>

namespace belay::lab {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds daemon_is_there_within = 60s;
constexpr int port = 4880;
constexpr Bytes usual_disk{64 << 20};

}  // namespace

Result<Site> Site::build(const Folder& folder, SiteOptions options)
{
    if (options.programs.empty()) options.programs = own_folder();
    std::shared_ptr<Network> network = options.network;
    if (!network) network = TRY(Network::make());
    Site site(folder, std::move(options), std::move(network));
    std::vector<std::future<Result<void>>> booting;
    for (size_t host = 0; host < site.size(); ++host)
        booting.push_back(std::async(std::launch::async, [&site, host] { return site.boot(host); }));
    Result<void> all;
    for (auto& one : booting) {
        if (Result<void> booted = one.get(); !booted) all = std::move(booted);
    }
    TRY(std::move(all));
    return site;
}

Result<void> Site::boot(size_t host)
{
    Guest& guest = hosts_[host];
    guest.daemon.reset();
    guest.host.reset();
    const std::string image = fmt::format("{}/{}-state.img", folder_->path(), name(host));
    const auto asked = options_.disk_sizes.find(name(host));
    const Bytes size = asked == options_.disk_sizes.end() ? usual_disk : asked->second;
    const bool is_new = ::access(image.c_str(), F_OK) != 0;
    guest.host = TRY(Host::boot(*folder_, {.name = name(host),
                                           .memory = {256 << 20},
                                           .disks = {{"state", size, "LAB-" + name(host)}},
                                           .modules = options_.modules,
                                           .network = network_,
                                           .address = address(host) + "/24",
                                           .at_boot = options_.at_boot}));
    const std::string disk = guest.host->device("state");
    if (is_new) TRY(run(host, {"mke2fs", "-q", "-t", "ext4", disk}));
    TRY(run(host, {"mkdir", "-p", state}));
    TRY(run(host, {"mount", disk, state}));
    return {};
}

Result<void> Site::start_daemon(size_t host, const std::vector<std::string>& arguments)
{
    std::vector<std::string> argv = {"sh", "-c", "exec \"$@\" --ready-fd 3 3>&1", "sh",
                                     program(options_.daemon)};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    Guest& guest = hosts_[host];
    guest.daemon.emplace(TRY(guest.host->start(argv)));
    TRY(guest.daemon->read_until("ready\n", daemon_is_there_within));
    return {};
}

Result<void> Site::kill_daemon(size_t host)
{
    std::optional<Process>& daemon = hosts_[host].daemon;
    TRY(daemon->signal(SIGKILL));
    TRY(daemon->wait(daemon_is_there_within));
    daemon.reset();
    return {};
}

Result<void> Site::stop_daemon(size_t host)
{
    std::optional<Process>& daemon = hosts_[host].daemon;
    TRY(daemon->signal(SIGTERM));
    TRY(daemon->wait(daemon_is_there_within));
    daemon.reset();
    return {};
}

Result<void> Site::join(size_t host)
{
    std::vector<std::string> words = {"host", "invite", "--name", name(host)};
    if (is_controller(host) && host != 0) words.insert(words.end(), {"--role", "controller"});
    const host::Outcome invited = TRY(belay(0, words));
    if (invited.exit_code != 0) return fail(ErrorKind::failed, invited.err);
    TRY(run(host, {program("belayd"), "join", "-"}, invited.out));
    return {};
}

bool Site::is_controller(size_t host) const
{
    return host == 0 || std::ranges::find(options_.controllers, name(host)) != options_.controllers.end();
}

std::vector<std::string> Site::listening(size_t host, const std::vector<std::string>& arguments) const
{
    std::vector<std::string> all = {"--listen", fmt::format("{}:{}", address(host), port)};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
}

Result<void> Site::enrol(const std::vector<std::string>& arguments)
{
    TRY(start_daemon(0, listening(0, arguments)));
    for (size_t host = 0; host < size(); ++host) {
        TRY(join(host));
        if (host == 0) TRY(stop_daemon(host));
        const bool is_another = is_controller(host) && host != 0;
        TRY(start_daemon(host, is_another ? listening(host, arguments) : std::vector<std::string>()));
    }
    return await_attached();
}

Result<void> Site::await_attached()
{
    const auto end = std::chrono::steady_clock::now() + daemon_is_there_within;
    while (std::chrono::steady_clock::now() < end) {
        const host::Outcome listed = TRY(belay(0, {"host", "list", "--json"}));
        size_t attached = 0;
        const Json answer = TRY(parse_json(listed.out));
        for (const Json& one : answer.at("hosts")) {
            if (one.at("presence").at("state") == "attached") ++attached;
        }
        if (attached == size()) return {};
    }
    return fail(ErrorKind::timeout, "not every host has attached to the controller");
}

void Site::power_cut(size_t host)
{
    hosts_[host].daemon.reset();
    hosts_[host].host.reset();
}

Result<void> Site::set_link(size_t host, bool up)
{
    TRY(run(host, {"ip", "link", "set", "vec0", up ? "up" : "down"}));
    return {};
}

Result<std::string> Site::run(size_t host, std::vector<std::string> argv, std::string_view input)
{
    const std::string command = host::Command{.argv = argv}.to_text();
    const host::Outcome outcome = TRY(hosts_[host].host->run(std::move(argv), input));
    if (outcome.exit_code != 0)
        return fail(ErrorKind::failed, fmt::format("{} ended on {} with exit code {}: {}{}", command,
                                                   name(host), outcome.exit_code, outcome.out, outcome.err));
    return outcome.out;
}

Result<host::Outcome> Site::belay(size_t host, std::vector<std::string> arguments, std::string_view input,
                                  Milliseconds limit)
{
    arguments.insert(arguments.begin(), program("belay"));
    return hosts_[host].host->run(std::move(arguments), input, limit);
}

}  // namespace belay::lab
