#include "server_pair.h"

#include "base/invariant.h"
#include "base/json.h"
#include "examples/contact-centre/trace.h"
#include "own_folder.h"
#include "upgrade/image/building.h"
#include "upgrade/image/signature.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

namespace belay::faults {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace image = upgrade::image;

constexpr const char* images = "/var/lib/belay-images";
constexpr const char* closed = "/var/lib/belay/closed";
constexpr const char* trace = "/run/trace";
constexpr Bytes disk{uint64_t{640} << 20};  // what an upgrade wants to stay free is 256 MiB
constexpr auto whole_within = 2min;
constexpr auto between_looks = 200ms;

constexpr std::string_view site_text = R"(
[host.alpha]
address = "10.77.0.1"

[host.web1]
address = "10.77.0.2"

[host.web2]
address = "10.77.0.3"

[application.server-1]
host = "web1"
image = "shop"
command = ["bin/server", "--name", "server-1", "--trace", "/run/trace", "--one-clock", "--act-every", "5"]
readiness = { kind = "notify" }
orders = { kind = "pipe" }
autorestart = "on-failure"
nonstop = "1/10s"
start_timeout = "30s"

[application.server-2]
host = "web2"
command = ["bin/server", "--name", "server-2", "--trace", "/run/trace", "--one-clock", "--act-every", "5"]

[pair.servers]
primary = "server-1"
backup = "server-2"
redundancy = "hot"
lease = "2s"
)";

/// A host can be closed to a version, which does not start there then.
constexpr std::string_view server = R"script(#!/bin/sh
test "$(cat /var/lib/belay/closed 2>/dev/null)" != "$BELAY_IMAGE_VERSION" || exit 1
exec bin/stand-in "$@"
)script";

template <typename T>
T must_be(Result<T> result)
{
    INVARIANT(result);
    return *std::move(result);
}

/// The bytes of an image of that version.
Result<std::string> build_image(const std::string& version, const std::string& key)
{
    const lab::Folder folder = TRY(lab::Folder::make());
    const std::string root = folder.path() + "/root";
    std::filesystem::create_directories(root + "/bin");
    std::filesystem::copy_file(lab::own_folder() + "/belay-stand-in", root + "/bin/stand-in");
    std::ofstream(root + "/bin/server") << server;
    std::filesystem::permissions(root + "/bin/server", std::filesystem::perms{0755});
    image::Manifest manifest;
    manifest.name = "shop";
    manifest.version = TRY(image::parse_version(version));
    manifest.entry = {{"server", "bin/server"}};
    const std::string file = folder.path() + "/shop.image";
    TRY(image::build({.manifest = manifest, .root = root, .output = file, .key = key}));
    std::ifstream built(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(built), {});
}

std::string name_on(size_t host)
{
    return host == web1 ? "server-1" : "server-2";
}

class ServerPair final : public Subject {
  public:
    ServerPair() : keys_(must_be(image::make_key_pair())) {}

    void ask_for(lab::SiteOptions& options) const override
    {
        for (const char* host : {"web1", "web2"}) options.disk_sizes[host] = disk;
        options.at_boot.push_back({"mkdir", "-p", "/etc/belay/image-keys"});
        options.at_boot.push_back(
            {"sh", "-c", "printf '%s' \"$1\" >/etc/belay/image-keys/shop.pem", "sh", keys_.public_key});
    }

    /// The library is on the disk, too.
    Result<void> equip(lab::Site& site, size_t host) override
    {
        const std::string there = std::string(lab::Site::state) + "/images";
        TRY(site.run(host, {"mkdir", "-p", there, images}));
        TRY(site.run(host, {"mount", "--bind", there, images}));
        return {};
    }

    Result<void> set_up(lab::Site& site, const std::function<Result<void>(size_t)>& start) override
    {
        TRY(site.run(alpha, {"tee", "/root/site.toml"}, site_text));
        TRY(done(site, {"config", "apply", "/root/site.toml"}));
        const std::string configuring = TRY(newest(site));
        TRY(done(site, {"commit", configuring}));
        // How often they tell each other that they live counts from the next connection on.
        for (const size_t host : members()) {
            TRY(site.stop_daemon(host));
            TRY(start(host));
        }
        for (const std::string version : {"1.0", "2.0"}) {
            const std::string bytes = TRY(build_image(version, keys_.private_key));
            // Each controller has its own.
            for (size_t host = 0; host < site.size(); ++host) {
                if (host == web1 || host == web2) continue;
                TRY(site.run(host, {"sh", "-c", "cat >/root/shop.image"}, bytes));
                TRY(done(site, {"image", "publish", "/root/shop.image"}, host));
            }
        }
        TRY(done(site, {"add", "--on", "web1,web2", "--waves", "2", "image.install", "--image", "shop",
                        "--version", standing_}));
        const std::string installing = TRY(newest(site));
        TRY(done(site, {"activate", installing}));
        TRY(done(site, {"commit", installing}));
        TRY(await_whole(site));
        around_ = TRY(site.run(web1, {"ls", "-A", images}));
        return {};
    }

    Result<void> prepare(lab::Site& site, const Strike& strike, const std::string&) override
    {
        target_ = standing_ == "1.0" ? "2.0" : "1.0";
        TRY(site.run(web2, {"rm", "-f", closed}));
        // The one on web1 is to stand by, and to be the first.
        if (TRY(await_whole(site)) == web1) {
            TRY(done(site, {"app", "switch-over", "servers"}));
            if (TRY(await_whole(site)) != web2)
                return fail(ErrorKind::failed, "the other one does not serve after a switch-over");
        }
        // Every second time the image comes to the hosts anew.
        if (++operations_ % 2 == 0) TRY(done(site, {"image", "remove-inactive"}));
        if (strike.course == Course::fails) TRY(site.run(web2, {"tee", closed}, target_ + "\n"));
        for (const size_t host : members()) {
            TRY(site.run(host, {"sync"}));
            before_[host] = TRY(versions(site, host));
            TRY(take_trace(site, host));
        }
        traces_.clear();
        return {};
    }

    std::vector<std::string> plan() const override
    {
        return {"add", "pair.upgrade", "--pair", "servers", "--version", target_};
    }

    Milliseconds short_timer() const override { return 40s; }
    bool minds_clocks() const override { return true; }
    bool waits_for_the_other() const override { return true; }
    std::vector<size_t> members() const override { return {web1, web2}; }

    Result<void> before_power_cut(lab::Site& site, size_t host) override
    {
        if (host == alpha) return {};
        return take_trace(site, host);
    }

    Result<void> check(lab::Site& site, bool is_committed) override
    {
        const std::string wanted = is_committed ? target_ : standing_;
        TRY(await_whole(site));
        for (const size_t host : members()) TRY(check_host(site, host, wanted, is_committed));
        TRY(check_reigns(site));
        standing_ = wanted;
        return {};
    }

    std::string story(lab::Site& site, size_t host) override
    {
        std::string text;
        for (const char* command : {"ls -A /var/lib/belay-images/ /var/lib/belay-images/shop",
                                    "cat /var/lib/belay-images/packages.conf; cat /var/lib/belay/closed"}) {
            const auto said = site.run(host, {"sh", "-c", std::string(command) + " 2>&1; true"});
            text += said ? *said : said.error().what;
        }
        const auto listed = site.belay(host, {"app", "list", "--json"});
        return text + (listed ? listed->out : listed.error().what);
    }

  private:
    static Result<void> done(lab::Site& site, const std::vector<std::string>& words, size_t host = alpha)
    {
        const host::Outcome outcome = TRY(site.belay(host, words));
        if (outcome.exit_code != 0)
            return fail(ErrorKind::failed,
                        fmt::format("belay {}: {}{}", words.front(), outcome.out, outcome.err));
        return {};
    }

    /// The operation that was planned last.
    static Result<std::string> newest(lab::Site& site)
    {
        const host::Outcome listed = TRY(site.belay(alpha, {"history", "--limit", "1", "--json"}));
        const Json answer = TRY(parse_json(listed.out));
        const Json operations = answer.value("operations", Json::array());
        if (operations.empty()) return fail(ErrorKind::failed, "there is no operation: " + listed.err);
        return operations.at(0).at("id").get<std::string>();
    }

    Result<std::map<std::string, Json>> applications(lab::Site& site)
    {
        std::map<std::string, Json> all;
        // Each for itself: which controller leads does not matter.
        for (const size_t host : members()) {
            const host::Outcome listed = TRY(site.belay(host, {"app", "list", "--json"}));
            const Json answer = TRY(parse_json(listed.out));
            for (const Json& one : answer.value("applications", Json::array()))
                if (one.at("name") == name_on(host)) all[name_on(host)] = one;
        }
        return all;
    }

    /// Waits until one serves and the other stands by; the host of the one that serves.
    Result<size_t> await_whole(lab::Site& site)
    {
        std::string last;
        const auto end = Clock::now() + whole_within;
        while (Clock::now() < end) {
            // Who does not answer now may do so soon.
            std::map<std::string, Json> all = applications(site).value_or(std::map<std::string, Json>());
            std::map<std::string, size_t> hosts_of_roles;
            last.clear();
            for (const size_t host : members()) {
                const Json one = all[name_on(host)];
                last += json_text(one) + "\n";
                if (one.is_object() && one.value("phase", "") == "started")
                    hosts_of_roles[one.value("role", "")] = host;
            }
            if (hosts_of_roles.contains("primary") && hosts_of_roles.contains("backup"))
                return hosts_of_roles.at("primary");
            std::this_thread::sleep_for(between_looks);
        }
        return fail(ErrorKind::timeout, "not one serves while the other stands by: " + last);
    }

    static Result<std::set<std::string>> versions(lab::Site& site, size_t host)
    {
        std::istringstream lines(TRY(site.run(host, {"ls", "-A", std::string(images) + "/shop"})));
        std::set<std::string> all;
        for (std::string line; std::getline(lines, line);) all.insert(line);
        return all;
    }

    Result<void> check_host(lab::Site& site, size_t host, const std::string& wanted, bool is_committed)
    {
        const auto wrong = [&](const std::string& what) {
            return fail(ErrorKind::failed, fmt::format("on {}, where {} is to run (of {} and {}): {}",
                                                       site.name(host), wanted, standing_, target_, what));
        };
        std::map<std::string, Json> all = TRY(applications(site));
        const Json running = all[name_on(host)].value("image", Json());
        if (!running.is_object() || running.value("version", "") != wanted)
            return wrong("it runs " + json_text(running));
        const std::string conf = TRY(site.run(host, {"cat", std::string(images) + "/packages.conf"}));
        for (const char* what : {"runs", "committed"}) {
            if (conf.find(fmt::format("{} = \"{}\"", what, wanted)) == std::string::npos)
                return wrong("packages.conf says " + conf);
        }
        std::set<std::string> expected = before_[host];
        if (is_committed) expected.insert(target_);
        const std::set<std::string> there = TRY(versions(site, host));
        if (there != expected) return wrong(fmt::format("the library has {}", fmt::join(there, ", ")));
        const std::string around = TRY(site.run(host, {"ls", "-A", images}));
        if (around != around_) return wrong("beside the image there is " + around);
        return {};
    }

    /// Adds what it has written to what is known, and lets it begin anew.
    Result<void> take_trace(lab::Site& site, size_t host)
    {
        traces_ += TRY(
            site.run(host, {"sh", "-c", "test -e \"$1\" || exit 0; cat \"$1\" && : >\"$1\"", "sh", trace}));
        return {};
    }

    Result<void> check_reigns(lab::Site& site)
    {
        for (const size_t host : members()) TRY(take_trace(site, host));
        const auto reigns = stand_in::reigns_of(stand_in::happened_in(traces_), {"server-1", "server-2"});
        if (reigns.empty()) return fail(ErrorKind::failed, "nobody has acted");
        for (const auto& [one, other] : stand_in::overlaps_of(reigns))
            return fail(ErrorKind::failed,
                        fmt::format("{} (process {}, lease {}) has acted until {}, and {} (process {}, lease "
                                    "{}) from {} on",
                                    one.name, one.pid, one.token, one.last, other.name, other.pid,
                                    other.token, other.first));
        return {};
    }

    const image::KeyPair keys_;
    std::string standing_ = "1.0", target_;
    unsigned operations_ = 0;
    std::map<size_t, std::set<std::string>> before_;  ///< the versions that a host had
    std::string around_;                              ///< what a library has beside images
    std::string traces_;
};

}  // namespace

std::unique_ptr<Subject> server_pair()
{
    return std::make_unique<ServerPair>();
}

std::map<Course, Journals> journals_of_server_pair()
{
    return {
        {Course::commits, {.counts = {14, 11, 12}, .of_applications = true}},
        {Course::fails, {.counts = {14, 12, 12}, .before_the_turn = {9, 6, 7}, .of_applications = true}},
        {Course::aborts, {.counts = {15, 12, 13}, .before_the_turn = {10, 6, 8}, .of_applications = true}},
        {Course::expires,
         {.counts = {15, 12, 13},
          .before_the_timer_ends = {{11, 7, 8}},
          .timer_runs_from = 10,
          .of_applications = true}},
    };
}

}  // namespace belay::faults
