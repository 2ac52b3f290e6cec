// The simulated machine is held to a real kernel: it plays the story of story.h, and each command and each
// look must come out as in the recordings.

#include "host/recorded.h"
#include "simulated_storage.h"
#include "story.h"

#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

using namespace belay;

namespace {

std::unique_ptr<host::RecordedHost> recording(const std::string& scene)
{
    std::ifstream file(fmt::format("{}/{}.jsonl", BELAY_RECORDINGS, scene));
    std::stringstream text;
    text << file.rdbuf();
    auto played = host::recorded_host(text.str());
    REQUIRE_MESSAGE(played, scene << ": " << (played ? "" : played.error().what));
    return *std::move(played);
}

void plug_disks(simulated::SimulatedStorage& machine)
{
    for (const char* name = story::disk_names; *name != '\0'; ++name)
        machine.plug({.name = fmt::format("ubd{}", *name),
                      .size = story::disk_size,
                      .serial = fmt::format("LAB-{}", *name),
                      .by_id = fmt::format("ubd-LAB-{}", *name)});
}

/// How long it waited, and whether it had to, is the kernel's luck.
bool comes_out_by_chance(const host::Command& command)
{
    return command.argv.size() > 1 && command.argv[0] == "mdadm" && command.argv[1] == "--wait";
}

std::vector<std::string> seen(host::Host& host)
{
    const auto facts = story::look(host);
    REQUIRE_MESSAGE(facts, (facts ? "" : facts.error().what));
    return *facts;
}

}  // namespace

TEST_CASE("the simulated machine answers as the real kernel did, refusals included")
{
    simulated::SimulatedStorage machine({.busy_after_fail = false});
    plug_disks(machine);
    for (const story::Scene& scene : story::scenes()) {
        CAPTURE(scene.name);
        const auto real = recording(scene.name);
        if (scene.after_power_cut) machine.host().power_cut(std::chrono::seconds(10));
        for (const host::Command& command : scene.commands) {
            CAPTURE(command.to_text());
            const auto wanted = real->run(command), found = machine.host().run(command);
            REQUIRE_MESSAGE(wanted, (wanted ? "" : wanted.error().what));
            REQUIRE_MESSAGE(found, (found ? "" : found.error().what));
            CHECK(found->err == wanted->err);
            if (comes_out_by_chance(command)) continue;
            CHECK(found->exit_code == wanted->exit_code);
            if (command.argv.at(1) != "--json") CHECK(found->out == wanted->out);
        }
        const std::vector<std::string> wanted = seen(*real), found = seen(machine.host());
        CHECK(real->unused() == std::vector<std::string>{});
        for (size_t i = 0; i < std::max(wanted.size(), found.size()); ++i)
            CHECK((i < found.size() ? found[i] : "nothing") == (i < wanted.size() ? wanted[i] : "nothing"));
    }
}
