// pair.upgrade of a device as a person meets it: belayd, belay and belay-vty as they are installed, against
// the lab's simulated pair over SSH.

#include "device_site.h"

#include <algorithm>

using namespace belay;
using belay::devices::secret;
using belay::devices::Site;
using belay::testing::Ran;

namespace {

std::set<std::string> lines_of_plan(const Json& view)
{
    std::set<std::string> lines;
    for (const Json& step : view.at("steps")) {
        for (const char* way : {"commands", "undo_commands"})
            for (const Json& line : step.value(way, Json::array())) lines.insert(line.get<std::string>());
    }
    for (const Json& sentence : view.at("plan").at("topology")) lines.insert(sentence.get<std::string>());
    return lines;
}

/// Of two steps of the device, by its own clock: "2019-02-08:09:28:32".
long seconds_between(const Json& earlier, const Json& later)
{
    const auto moment = [](const Json& step) {
        std::tm parts{};
        REQUIRE(strptime(step.at("started").get<std::string>().c_str(), "%Y-%m-%d:%H:%M:%S", &parts) !=
                nullptr);
        return timegm(&parts);
    };
    return moment(later) - moment(earlier);
}

}  // namespace

TEST_CASE("a pair is upgraded in service; all that is typed stands in the plan, and no secret anywhere")
{
    Site site;
    const std::string id = site.plan();
    REQUIRE(site.belay({"add", id}).code == 0);
    REQUIRE(site.belay({"activate", id}).code == 0);
    const Json soaking = site.show(id);
    CHECK(soaking.at("state") == "activated");
    CHECK(json_text(soaking.at("plan").at("left_by_abort")).find("install remove inactive") !=
          std::string::npos);
    CHECK(soaking.at("device").at("issu").at("state") == "Activated");
    CHECK(soaking.at("device").at("issu").at("transitions").size() == 3);
    // As in the published run: 09:28:32, 09:36:03, 09:37:16. The device says whole seconds, and the first
    // takes 451.24 s: two moments that are told so are 451 or 452 apart.
    const Json completed = soaking.at("device").at("issu").at("completed");
    REQUIRE(completed.size() == 3);
    const long first = seconds_between(completed[0], completed[1]);
    CHECK((first == 451 || first == 452));
    CHECK(seconds_between(completed[1], completed[2]) == 73);
    const std::string seen = site.belay({"show", id}).out;
    for (const char* words : {"Step-by-step ISSU", "Added -> Standby activated -> Active switched-over",
                              "terminal state reached", "switch 1: 16.9.3, STANDBY HOT"}) {
        CAPTURE(words);
        CHECK(seen.find(words) != std::string::npos);
    }
    REQUIRE(site.belay({"commit", id}).code == 0);
    CHECK(
        site.belay({"show", id}).out.find("Switchover at " + completed[2].at("started").get<std::string>()) !=
        std::string::npos);
    for (const Json& member : site.device().at("members")) {
        CHECK(member.at("release") == "16.9.3");
        CHECK(member.at("packages")[0].at("state") == "committed");
    }

    std::string all_of_plan;
    for (const std::string& line : lines_of_plan(site.show(id))) all_of_plan += line + '\n';
    for (const std::string& line : must(site.pair().typed())) {
        CAPTURE(line);
        const bool is_shown = all_of_plan.find(line) != std::string::npos;
        CHECK((is_shown || line == "terminal length 0" || line == "terminal width 0"));
    }
    const std::string transcript = site.show(id).at("steps")[0].at("arguments").at("transcript");
    CHECK(testing::text_of(transcript).find("#install commit") != std::string::npos);
    for (const auto& file : std::filesystem::recursive_directory_iterator(site.path(""))) {
        if (!file.is_regular_file() || file.path().filename() == "site.toml") continue;
        CAPTURE(file.path().string());
        CHECK(testing::text_of(file.path()).find(secret) == std::string::npos);
    }
}

TEST_CASE("the device's own timer is stopped with that of the operation, and an abort leads both back")
{
    Site site;
    const std::string id = site.plan();
    REQUIRE(site.belay({"add", id}).code == 0);
    REQUIRE(site.belay({"activate", id}).code == 0);
    CHECK(site.device().at("timer").is_number());
    REQUIRE(site.belay({"timer", id, "--stop"}).code == 0);
    must(site.pair().await(
        [](const Json& state) { return json_text(state).find("timer") != std::string::npos; }));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!site.device().at("timer").is_null()) REQUIRE(std::chrono::steady_clock::now() < end);
    REQUIRE(site.belay({"abort", id}).code == 0);
    const Json after = site.show(id);
    CHECK(after.at("state") == "aborted");
    CHECK(after.at("differences").empty());
    for (const Json& member : site.device().at("members")) CHECK(member.at("release") == "16.9.2");
}

TEST_CASE(
    "in one step, on two supervisors: nothing happens before the commit, which has no way back and says so")
{
    Site site({"--supervisors"});
    const std::string id = site.plan({"--one-step", "yes"});
    REQUIRE(site.belay({"add", id}).code == 0);
    REQUIRE(site.belay({"activate", id}).code == 0);
    for (const Json& member : site.device().at("members")) CHECK(member.at("release") == "16.9.2");
    CHECK(site.show(id).at("plan").at("left_by_abort").empty());
    const std::string way = site.show(id).at("steps").back().at("one_way");
    CHECK(way.find("without a soak") != std::string::npos);
    REQUIRE(site.belay({"commit", id, "--no-wait"}).code == 0);
    bool is_one_shot = false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(3);
    Json view;
    while ((view = site.show(id)).at("state") != "committed") {
        const Json device = view.value("device", Json::object());
        is_one_shot = is_one_shot || json_text(device).find("One-shot ISSU") != std::string::npos;
        REQUIRE(std::chrono::steady_clock::now() < end);
    }
    CHECK(is_one_shot);
    const Json device = site.device();
    for (const Json& member : device.at("members")) CHECK(member.at("release") == "16.9.3");
    CHECK(device.at("members")[0].at("name") == "supervisor R0");
    const std::vector<std::string> typed = must(site.pair().typed());
    CHECK(std::ranges::count_if(typed,
                                [](const std::string& line) { return line.starts_with("install "); }) == 1);
}

TEST_CASE("an operation whose timer is longer than the device's own has that one stopped")
{
    Site site;
    const std::string id = site.plan({"--timer", "3h"});
    REQUIRE(site.belay({"add", id}).code == 0);
    REQUIRE(site.belay({"activate", id}).code == 0);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!site.device().at("timer").is_null()) REQUIRE(std::chrono::steady_clock::now() < end);
    CHECK(site.show(id).at("state") == "activated");
}

TEST_CASE("a timer that is restarted, and would now outlast the device's own, has that one stopped")
{
    Site site;
    const std::string id = site.plan({"--timer", "7199s"});
    REQUIRE(site.belay({"add", id}).code == 0);
    REQUIRE(site.belay({"activate", id}).code == 0);
    CHECK(site.device().at("timer").is_number());
    REQUIRE(site.belay({"timer", id, "--restart"}).code == 0);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!site.device().at("timer").is_null()) REQUIRE(std::chrono::steady_clock::now() < end);
    CHECK(site.show(id).at("state") == "activated");
}

TEST_CASE("belayd is killed while both chassis reload; the next one follows what the device does")
{
    Site site;
    const std::string id = site.plan();
    REQUIRE(site.belay({"add", id}).code == 0);
    REQUIRE(site.belay({"activate", id, "--no-wait"}).code == 0);
    must(site.pair().await(
        [](const Json& state) { return json_text(state).find("16.9.3") != std::string::npos; }));
    site.kill_daemon();
    // It waits a moment for the belay-vty of the one that was killed.
    while (site.belay({"status"}).code != 0) usleep(100'000);
    site.await_state(id, "activated");
    REQUIRE(site.belay({"commit", id}).code == 0);
    for (const Json& member : site.device().at("members")) CHECK(member.at("release") == "16.9.3");
}

TEST_CASE("what speaks against it is said before anything is touched")
{
    Site site({"--failure", "standby-not-hot"});
    const auto refused = [&](const std::vector<std::string>& words, const std::string& why) {
        CAPTURE(why);
        const Ran ran = site.belay(words);
        CHECK(ran.code != 0);
        CHECK_MESSAGE(ran.said.find(why) != std::string::npos, ran.said);
    };
    const std::vector<std::string> asked = {"plan", "pair.upgrade", "--pair", "core", "--version"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), asked.begin(), asked.end());
        return more;
    };
    refused(with({"16.9.3", "--image", site.image()}), "STANDBY COLD");
    refused(with({"16.9.3"}), "--image");
    refused(with({"17.9.5", "--image", site.image()}), "is of 16.9.3");
    refused(with({"16.9.3", "--image", "/none.16.09.03.bin"}), "no image /none.16.09.03.bin");
    refused(with({"16.9.3", "--image", "flash:x.16.09.03.bin"}), "--digest");
    refused(with({"16.9.3", "--image", site.image(), "--digest", "md5:12"}), "is no digest");
    refused(with({"16.9.3", "--image", "https://h/x.16.09.03.bin"}), "--digest");
    const std::string md5 = "md5:" + std::string(32, 'a');
    refused(with({"16.9.3", "--image", "http://h/x.16.09.03.bin", "--digest", md5}), "is not encrypted");
    refused(with({"16.9.3", "--image", "https://anna:s3cret@h/x.16.09.03.bin", "--digest", md5}),
            "a name or a password");
    for (const auto& file : std::filesystem::recursive_directory_iterator(site.path("state"))) {
        CAPTURE(file.path().string());
        CHECK((!file.is_regular_file() || testing::text_of(file.path()).find("s3cret") == std::string::npos));
    }
    refused(with({"16.9.3", "--image", "https://h/x.16.09.03.bin?y", "--digest", md5}), "in its path");
    refused(with({"16.9.3", "--image", fmt::format("https://h/{}/x.16.09.03.bin", std::string(220, 'p')),
                  "--digest", md5}),
            "is too long");
    refused(with({"17.9.5", "--image", "https://h/x.16.09.03.bin", "--digest", md5}), "is of 16.9.3");
    refused(with({"16.9.3", "--image", site.image(), "--waves", "1"}), "several hosts");
    refused({"plan", "pair.upgrade", "--pair", "edge", "--version", "2", "--image", "x"},
            "no device \"edge\"");
    refused({"device", "edge"}, "no device \"edge\"");
    for (const std::string& line : must(site.pair().typed()))
        CHECK_MESSAGE(
            (line.starts_with("show ") || line.starts_with("dir ") || line.starts_with("terminal ")), line);

    site.know_as("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    refused({"device", "core"}, "host key");
}
