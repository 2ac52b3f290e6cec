// The abort timer on a real host that loses its power.

#include "base/json.h"
#include "mirror.h"

#include <doctest/doctest.h>
#include <thread>

namespace belay {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a deadline that passes while the host is off is kept at the next boot")
{
    const lab::Folder folder = *lab::Folder::make();
    Result<lab::Mirror> mirror = lab::Mirror::build(folder, {.disk = {48 << 20}, .joining = {48 << 20}});
    REQUIRE_MESSAGE(mirror.has_value(), mirror.error().what);
    const auto belay = [&](std::vector<std::string> words) {
        const Result<host::Outcome> outcome = mirror->belay(std::move(words));
        REQUIRE_MESSAGE(outcome.has_value(), outcome.error().what);
        return *outcome;
    };
    const auto shown = [&] { return *parse_json(belay({"show", "1", "--json"}).out); };

    CHECK(belay({"add", "disk.replace", "--leaving", "LAB-a", "--joining", "LAB-c", "--timer", "30s"})
              .exit_code == 0);
    CHECK(belay({"activate", "1"}).exit_code == 0);
    REQUIRE(shown().at("state") == "activated");
    mirror->power_cut();
    std::this_thread::sleep_for(30s);
    const Result<void> booted = mirror->boot();
    REQUIRE_MESSAGE(booted.has_value(), booted.error().what);

    // Nobody asks for anything but to see it; the daemon that answers keeps the deadline.
    CHECK(belay({"show", "1", "--follow"}).exit_code == 0);
    const Json operation = shown();
    CHECK(operation.at("state") == "aborted");
    CHECK(operation.at("verified") == true);
    CHECK(operation.at("differences").empty());
    const std::string detail = *mirror->run({"mdadm", "--detail", mirror->array()});
    CHECK(detail.find("Raid Devices : 2\n") != std::string::npos);
    CHECK(detail.find("degraded") == std::string::npos);
}

}  // namespace
}  // namespace belay
