#pragma once
// For tests: a site with a pair of servers on two hosts, each with a belayd of its own, and images of them.

#include "image_site.h"

namespace belay::daemon {

using namespace std::chrono_literals;
using testing::join;
using testing::Machine;
using testing::need;
using testing::write_script;

namespace image = upgrade::image;

/// What a version of the shop does beyond what it has to.
struct Made {
    std::string version;
    std::string extra = {};          ///< words for the stand-in
    std::string check = "exit 0";    ///< a script
    std::string upgrades_from = {};  ///< as in image.toml
};

/// A site with a pair of servers on two hosts, a third one that votes, and images of them.
class ShopSite : public testing::ImageSite {
  public:
    enum class RunBy { supervisor, driver };
    /// Where a second pair is. Crossed: on the same hosts as the first one, which serves where it stands by.
    enum class Pages { nowhere, elsewhere, crossed };
    explicit ShopSite(RunBy run_by = RunBy::supervisor, Pages pages = Pages::nowhere)
        : run_by_(run_by), pages_(pages)
    {
        hosts_ = {{"web1", &web1_}, {"web2", &web2_}, {"web3", &web3_}};
        if (pages_ == Pages::elsewhere) hosts_.emplace_back("web4", &web4_);
        if (run_by_ == RunBy::driver) write_driver();
        controller_.make_controller();
        start(controller_);
        configure(controller_, text());
        for (const auto& [name, host] : hosts_) join(controller_, *host, {{"name", name}});
        for (const auto& [name, host] : hosts_) start(*host);
        for (const auto& [name, host] : hosts_) REQUIRE(host->await_status(testing::is_attached));
    }

    /// The image's file.
    std::string build(const Made& made, const std::string& key = {}) const
    {
        const std::string folder = controller_.path("source-" + made.version);
        std::filesystem::create_directories(folder + "/root/bin");
        std::filesystem::copy_file(TEST_STAND_IN, folder + "/root/bin/stand-in",
                                   std::filesystem::copy_options::overwrite_existing);
        write_script(folder + "/root/bin/server", fmt::format("exec bin/stand-in {} \"$@\"\n", made.extra));
        write_script(folder + "/root/bin/check", made.check + "\n");
        image::Manifest manifest;
        manifest.name = "shop";
        manifest.version = need(image::parse_version(made.version));
        manifest.entry = {{"server", "bin/server"}};
        manifest.check = {"bin/check"};
        if (!made.upgrades_from.empty())
            manifest.upgrades_from = need(image::VersionRanges::of({made.upgrades_from}));
        return pack(manifest, folder, key);
    }
    void publish(const Made& made) { need(upload(build(made))); }

    std::vector<std::string> names_of_members() const
    {
        if (pages_ == Pages::elsewhere) return {"web1", "web2", "web3", "web4"};
        return {"web1", "web2"};
    }
    /// Runs the shop on all of them.
    void install(const Made& made)
    {
        publish(made);
        install_first("shop", made.version, names_of_members());
        await_service("server-1");
        if (pages_ != Pages::nowhere) await_service("page-1");
    }
    Json plan(const std::string& version, bool keep = true, const std::string& pairs = "servers")
    {
        return plan_upgrade(pairs, version, keep);
    }
    Machine web1_, web2_, web3_, web4_;

  private:
    /// A pair of files that is run by other means.
    void write_driver() const
    {
        write_script(controller_.path("driver"), R"sh(dir=$1 me=$2 other=$3 verb=$4
role=$(cat "$dir/$me.role")
case $verb in
    look) printf '{"role": "%s", "hot": true, "says": "it is %s", "version": "", "starts_by_itself": true,
        "runs_from": "%s", "peer": "reachable", "offers": [%s]}' "$role" "$role" "$(cat "$dir/$me.runs")" "$([ ! -e "$dir/takes" ] || echo '"take-over"')" ;;
    stand-by) if [ "$role" = active ]; then echo standby >"$dir/$me.role"; echo active >"$dir/$other.role"; fi ;;
    take-over)
        echo "$me" >>"$dir/takes"
        echo standby >"$dir/$other.role"
        echo active >"$dir/$me.role" ;;
    restart)
        [ "$role" = standby ] || { echo "it serves, and is not restarted" >&2; exit 1; }
        [ ! -e "$dir/$me.fails" ] || { echo "it does not start" >&2; exit 1; }
        echo "$me" >>"$dir/restarts"
        echo >"$dir/$me.busy"
        [ ! -e "$dir/$other.busy" ] || echo "$me" >>"$dir/both-at-once"
        sleep 0.3
        rm "$dir/$me.busy"
        echo "$BELAY_IMAGE_FOLDER/bin/server" >"$dir/$me.runs" ;;
esac
)sh");
        const bool are_crossed = pages_ == Pages::crossed;
        for (const auto& [name, host] : {std::pair("server-1", &web1_), std::pair("server-2", &web2_),
                                         std::pair("page-1", are_crossed ? &web2_ : &web3_),
                                         std::pair("page-2", are_crossed ? &web1_ : &web4_)}) {
            const bool is_first = std::string_view(name).ends_with('1');
            std::ofstream(controller_.path(fmt::format("{}.role", name)))
                << (is_first ? "active\n" : "standby\n");
            std::ofstream(controller_.path(fmt::format("{}.runs", name)))
                << host->state() << "-images/shop/1.0/bin/server\n";
        }
    }
    std::string text() const
    {
        std::string all;
        for (const char* host : {"web1", "web2", "web3", "web4"})
            all += fmt::format("[host.{}]\naddress = \"127.0.0.1\"\n", host);
        const std::string folder = controller_.path("");
        const auto pair_text = [&](const char* name, const char* member, int first_host, int second_host) {
            const auto application = [&](int number, int host) {
                if (run_by_ == RunBy::driver)
                    return fmt::format(
                        "[application.{0}-{1}]\nhost = \"web{2}\"\ndriver = [\"{3}driver\", \"{3}\", "
                        "\"{0}-{1}\", \"{0}-{4}\"]\n",
                        member, number, host, folder, 3 - number);
                return fmt::format(
                    "[application.{0}-{1}]\nhost = \"web{2}\"\ncommand = [\"bin/server\", \"--name\", "
                    "\"{0}-{1}\", \"--act-every\", \"5\", \"--trace\", \"{3}\"]\n",
                    member, number, host, controller_.path(fmt::format("trace-of-{}", member)));
            };
            return application(1, first_host) +
                   "image = \"shop\"\nreadiness = { kind = \"notify\" }\norders = { kind = \"pipe\" }\n"
                   "autorestart = \"on-failure\"\nnonstop = \"1/10s\"\nstart_timeout = \"5s\"\n" +
                   application(2, second_host) +
                   fmt::format(
                       "[pair.{0}]\nprimary = \"{1}-1\"\nbackup = \"{1}-2\"\nredundancy = \"hot\"\n"
                       "lease = \"1s\"\n",
                       name, member);
        };
        all += pair_text("servers", "server", 1, 2);
        if (pages_ == Pages::elsewhere) all += pair_text("pages", "page", 3, 4);
        if (pages_ == Pages::crossed) all += pair_text("pages", "page", 2, 1);
        return all;
    }

    const RunBy run_by_;
    const Pages pages_;
};

}  // namespace belay::daemon
