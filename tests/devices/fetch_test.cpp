// A Catalyst that fetches its image from a web server, as a person meets it.

#include "base/digest.h"
#include "device_site.h"
#include "image_server.h"

#include <algorithm>

using namespace belay;
using belay::devices::ImageServer;
using belay::devices::Site;
using belay::testing::Ran;

TEST_CASE("the device fetches its image from a web server: what goes wrong there, and what comes right")
{
    const ImageServer server;
    const std::string name = "cat9k_iosxe.16.09.03.SPA.bin";
    Site site({"--trust", server.authority()});
    server.serve(name, testing::text_of(site.image()));
    const std::string digest = "sha512:" + must(sha512_of_file(site.image()));
    const auto flash_has_it = [&] {
        const Json answer = must(site.pair().ask({{"do", "state"}}));
        return answer.at("state").at("members").at(0).at("files").contains(name);
    };
    const auto fails = [&](const std::string& url, const std::string& told, const std::string& why) {
        CAPTURE(url);
        const std::string id = site.plan_fetch(url, told);
        const Ran ran = site.belay({"add", id});
        CHECK(ran.code != 0);
        CHECK_MESSAGE(ran.said.find(why) != std::string::npos, ran.said);
        CHECK(site.show(id).at("state") == "aborted");
        CHECK_FALSE(flash_has_it());
    };
    fails(server.url("other.16.09.03.bin"), digest, "(No such file or directory)");
    fails(server.url("broken/" + name), digest, "(Connection reset by peer)");
    fails(server.url(name), "md5:" + std::string(32, '0'), "on the device, and is to have 0000");

    const std::string id = site.plan_fetch(server.url(name), digest);
    const std::string plan = json_text(site.show(id));
    const std::string line = fmt::format("copy {} flash:{}", server.url(name), name);
    CHECK_MESSAGE(plan.find(line) != std::string::npos, plan);
    CHECK(plan.find("an image of 1.5 GiB") != std::string::npos);
    REQUIRE(site.belay({"add", id}).code == 0);
    CHECK(flash_has_it());
    CHECK(std::ranges::count(must(site.pair().typed()), line) == 2);
    REQUIRE(site.belay({"abort", id}).code == 0);
    CHECK(site.show(id).at("state") == "aborted");
    CHECK_FALSE(flash_has_it());

    // What lies there already is verified, and nothing is fetched.
    must(site.pair().ask({{"do", "put"}, {"name", name}, {"text", testing::text_of(site.image())}}));
    const std::string there = site.plan_fetch(server.url(name), digest);
    CHECK(json_text(site.show(there)).find("which lies there already") != std::string::npos);
    REQUIRE(site.belay({"add", there}).code == 0);
    CHECK(std::ranges::count(must(site.pair().typed()), line) == 2);
}

TEST_CASE("belayd is killed while the device fetches its image, which ends the copy: it is fetched anew")
{
    const ImageServer server;
    const std::string name = "cat9k_iosxe.16.09.03.SPA.bin";
    Site site({"--trust", server.authority()});
    server.serve(name, testing::text_of(site.image()));
    const std::string id = site.plan_fetch(server.url(name), "sha512:" + must(sha512_of_file(site.image())));
    // The copy takes eight seconds then, and stands still until belayd is dead.
    must(site.pair().ask({{"do", "factor"}, {"factor", 20}}));
    REQUIRE(site.belay({"add", id, "--no-wait"}).code == 0);
    must(site.pair().await([](const Json& state) { return state.at("copying").is_object(); }));
    must(site.pair().ask({{"do", "factor"}, {"factor", 0}}));
    REQUIRE(must(site.pair().ask({{"do", "state"}})).at("state").at("copying").is_object());
    site.kill_daemon();
    must(site.pair().ask({{"do", "factor"}, {"factor", 300}}));
    while (site.belay({"status"}).code != 0) usleep(100'000);
    site.await_state(id, "added");
    const auto copy = [](const std::string& line) { return line.starts_with("copy "); };
    CHECK(std::ranges::count_if(must(site.pair().typed()), copy) == 2);
    REQUIRE(site.belay({"activate", id}).code == 0);
    REQUIRE(site.belay({"commit", id}).code == 0);
    for (const Json& member : site.device().at("members")) CHECK(member.at("release") == "16.9.3");
}

TEST_CASE("a device that does not trust the web server fetches nothing from it")
{
    const ImageServer server;
    Site site({"--trust", server.another()});
    server.serve("cat9k_iosxe.16.09.03.SPA.bin", testing::text_of(site.image()));
    const std::string id = site.plan_fetch(server.url("cat9k_iosxe.16.09.03.SPA.bin"),
                                           "sha512:" + must(sha512_of_file(site.image())));
    const Ran ran = site.belay({"add", id});
    CHECK_MESSAGE(ran.said.find("(I/O error)") != std::string::npos, ran.said);
    CHECK_MESSAGE(ran.said.find("show crypto pki certificates") != std::string::npos, ran.said);
    CHECK(site.show(id).at("state") == "aborted");
}
