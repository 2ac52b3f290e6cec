// The settings of an array on a real kernel, while a program writes to it: committed, aborted by a person, by
// the timer, by a gate, and after the power was cut.

#include "base/json.h"
#include "base/testing/must.h"
#include "mirror.h"

#include <csignal>

namespace belay {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

/// Stands for the path of the array by its UUID; its name is another one after a boot.
const std::string array = "ARRAY";

/// One procedure, and what the kernel says of its setting before and after.
struct Setting {
    Words words;
    std::string file;  ///< below /sys/block/mdX/md
    std::string before, after;
};

const std::vector<Setting> settings = {
    {{"array.bitmap", "--array", array, "--bitmap", "none"}, "bitmap/location", "+8\n", "none\n"},
    {{"array.sync-speed", "--array", array, "--max", "300M"},
     "sync_speed_max",
     "200000 (system)\n",
     "307200 (local)\n"},
    {{"array.sync-pause", "--array", array}, "sync_action", "idle\n", "frozen\n"}};

class Site {
  public:
    Site()
        : folder_(must(lab::Folder::make())), mirror_(must(lab::Mirror::build(folder_, {.disk = {48 << 20}})))
    {
    }

    host::Outcome belay(const Words& words) { return must(mirror_.belay(words)); }

    /// Adds and activates; the operation's number.
    std::string activate(const Setting& setting, const Words& options)
    {
        Words words = {"add"};
        words.insert(words.end(), setting.words.begin(), setting.words.end());
        std::ranges::replace(words, array, mirror_.array());
        words.insert(words.end(), options.begin(), options.end());
        words.emplace_back("--json");
        const host::Outcome added = belay(words);
        REQUIRE_MESSAGE(added.exit_code == 0, added.out, added.err);
        const size_t last = added.out.rfind('\n', added.out.size() - 2);
        const Json operation = must(parse_json(added.out.substr(last == std::string::npos ? 0 : last + 1)));
        const std::string id = operation.at("id");
        static_cast<void>(belay({"activate", id}));
        return id;
    }

    std::string now(const Setting& setting)
    {
        return must(mirror_.run(
            {"sh", "-c",
             "cat /sys/block/$(basename $(readlink -f " + mirror_.array() + "))/md/" + setting.file}));
    }

    Json shown(const std::string& id) { return must(parse_json(belay({"show", id, "--json"}).out)); }

    void went_back(const Setting& setting, const std::string& id)
    {
        const Json operation = shown(id);
        INFO(operation.dump(1));
        CHECK(operation.at("state") == "aborted");
        CHECK(operation.at("verified") == true);
        CHECK(operation.at("differences").empty());
        CHECK(now(setting) == setting.before);
    }

    void cut_power()
    {
        mirror_.power_cut();
        const Result<void> booted = mirror_.boot();
        REQUIRE_MESSAGE(booted.has_value(), booted.error().what);
    }

    void start_load()
    {
        const std::string blocks = std::string(lab::Mirror::data) + "/blocks";
        load_.emplace(must(mirror_.host().start({mirror_.program("belay-load"), "run", blocks})));
        REQUIRE(load_->read_until("ready\n", 30s).has_value());
    }

    void end_load()
    {
        REQUIRE(load_->signal(SIGTERM).has_value());
        const host::Outcome outcome = must(load_->wait(60s));
        CHECK_MESSAGE(outcome.out.find(", 0 lost") != std::string::npos, outcome.out, outcome.err);
        load_.reset();
    }

  private:
    lab::Folder folder_;
    lab::Mirror mirror_;
    std::optional<lab::Process> load_;
};

}  // namespace

TEST_CASE(
    "each setting is made, and goes back by a person, by the timer and by a gate; nothing written is lost")
{
    Site site;
    site.start_load();
    for (const Setting& setting : settings) {
        INFO(setting.words.front());
        const std::string by_hand = site.activate(setting, {});
        CHECK(site.now(setting) == setting.after);
        CHECK(site.belay({"abort", by_hand}).exit_code == 0);
        site.went_back(setting, by_hand);

        const std::string by_timer = site.activate(setting, {"--timer", "2s"});
        static_cast<void>(site.belay({"show", by_timer, "--follow"}));
        site.went_back(setting, by_timer);

        const std::string by_gate = site.activate(setting, {"--gate", "command:false", "--gate-grace", "1s"});
        static_cast<void>(site.belay({"show", by_gate, "--follow"}));
        site.went_back(setting, by_gate);

        const std::string committed = site.activate(setting, {});
        CHECK(site.belay({"commit", committed}).exit_code == 0);
        CHECK(site.shown(committed).at("state") == "committed");
        // What is held is let go by commit; the others keep what was set.
        CHECK(site.now(setting) == (setting.file == "sync_action" ? setting.before : setting.after));
    }
    site.end_load();
}

TEST_CASE("after a power cut in the soak each setting is still led back")
{
    Site site;
    for (const Setting& setting : settings) {
        INFO(setting.words.front());
        const std::string id = site.activate(setting, {});
        site.cut_power();
        CHECK(site.shown(id).at("state") == "activated");
        CHECK(site.belay({"abort", id}).exit_code == 0);
        site.went_back(setting, id);
    }
}

}  // namespace belay
