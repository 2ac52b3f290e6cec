#include "framework/solution/moves.h"

#include "framework/configuration/testing/sample.h"

#include <random>

namespace belay::framework::solution {
namespace {

using configuration::site_of;

/// licence <- config <- message <- snmp, config <- proxy; web stands alone; report needs message.
const std::string stack = R"(
[host.h1]
address = "10.0.0.1"
[host.h2]
address = "10.0.0.2"
[application.licence]
host = "h1"
command = ["x"]
[application.config]
host = "h1"
command = ["x"]
prerequisites = [{ kind = "application", application = "licence" }]
[application.message]
host = "h2"
command = ["x"]
prerequisites = [{ kind = "application", application = "config" }]
[application.proxy]
host = "h2"
command = ["x"]
prerequisites = [{ kind = "application", application = "config" }]
[application.snmp]
host = "h2"
command = ["x"]
prerequisites = [{ kind = "application", application = "message" }]
[application.report]
host = "h1"
command = ["x"]
prerequisites = [{ kind = "application", application = "message" }]
[solution.centre]
applications = [{ application = "config" }, { application = "message" }, { application = "proxy" },
                { application = "snmp", mandatory = false }]
)";

std::vector<std::string> lines_of(const Moves& moves)
{
    std::vector<std::string> lines;
    for (const Move& move : moves.moves)
        lines.push_back(fmt::format("{} {} {}{}", move.step, name_of(move.what), move.name,
                                    move.why.empty() ? "" : ": " + move.why));
    return lines;
}

using Lines = std::vector<std::string>;

struct Site {
    Configuration configuration = site_of(stack);
    Phases phases;
    std::vector<std::pair<Id, bool>> centre = must(applications_of(configuration, "centre"));

    Id id(const std::string& name) const { return configuration.find("application", name)->id; }
    void all_are(Phase phase)
    {
        for (const auto* object : configuration.of_type("application")) phases[object->id] = phase;
    }
};

constexpr const char* pair_of_configs = R"(
[application.config-2]
host = "h2"
command = ["x"]
[pair.configs]
primary = "config"
backup = "config-2"
redundancy = "cold"
)";

TEST_CASE("solution: of a pair both are started at once, and who stands by is stopped first")
{
    const Configuration configuration = site_of(stack + pair_of_configs);
    const auto centre = must(applications_of(configuration, "centre"));
    Phases phases;
    CHECK(lines_of(moves_to_start(configuration, centre, phases)) ==
          Lines{"1 start licence: needed by config", "2 start config",
                "2 start config-2: stands by for config", "3 start message", "3 start proxy",
                "4 start snmp"});
    for (const auto* object : configuration.of_type("application")) phases[object->id] = Phase::started;
    phases[configuration.find("application", "report")->id] = Phase::stopped;
    CHECK(lines_of(moves_to_stop(configuration, centre, phases, false)) ==
          Lines{"1 stop snmp", "2 stop message", "2 stop proxy", "3 stop config-2: stands by for config",
                "4 stop config"});
    phases[configuration.find("application", "report")->id] = Phase::started;
    CHECK(lines_of(moves_to_stop(configuration, centre, phases, false)) ==
          Lines{"0 stays config: needed by message", "0 stays message: needed by report",
                "0 stays config-2: stands by for config", "1 stop snmp", "2 stop proxy"});
}

TEST_CASE("solution: a move lets the other of each pair serve, where there is one that can")
{
    const Configuration configuration = site_of(stack + pair_of_configs);
    const std::vector<std::pair<Id, bool>> two = {{configuration.find("application", "config")->id, true},
                                                  {configuration.find("application", "proxy")->id, false}};
    const Id config = two[0].first, backup = configuration.find("application", "config-2")->id;
    CHECK(lines_of(moves_to_other(configuration, two, {})) ==
          Lines{"0 stays config: neither of its pair serves", "0 stays proxy: is of no pair"});
    CHECK(lines_of(moves_to_other(configuration, two, {{config, {config, true}}})) ==
          Lines{"1 move config: config-2 on h2 would serve", "0 stays proxy: is of no pair"});
    CHECK(lines_of(moves_to_other(configuration, two, {{config, {backup, false}}})).front() ==
          "0 stays config-2: config on h1 is not ready to serve");
}

TEST_CASE("solution: a start brings what is needed first, and leaves alone what runs")
{
    Site site;
    CHECK(lines_of(moves_to_start(site.configuration, site.centre, site.phases)) ==
          Lines{"1 start licence: needed by config", "2 start config", "3 start message", "3 start proxy",
                "4 start snmp"});
    site.phases[site.id("licence")] = Phase::started;
    site.phases[site.id("proxy")] = Phase::failed;
    CHECK(lines_of(moves_to_start(site.configuration, site.centre, site.phases)) ==
          Lines{"0 is so licence: needed by config", "1 start config", "2 start message", "2 start proxy",
                "3 start snmp"});
}

TEST_CASE("solution: maintenance moves what is on its host; what waits through another host waits for nobody")
{
    Site site;
    site.all_are(Phase::started);
    const Moves clear = must(moves_to_clear(site.configuration, "h1", site.phases));
    CHECK(lines_of(clear) == Lines{"1 stop config", "1 stop report", "2 stop licence"});
    CHECK(clear.remarks == Lines{"\"message\" on h2 needs something of it, and goes on without",
                                 "\"proxy\" on h2 needs something of it, and goes on without"});
    site.phases[site.id("report")] = Phase::failed;
    CHECK(lines_of(must(moves_to_clear(site.configuration, "h1", site.phases))) ==
          Lines{"0 is so report", "1 stop config", "2 stop licence"});
    site.all_are(Phase::stopped);
    const std::set<Id> wanted = {site.id("config"), site.id("licence")};
    CHECK(lines_of(must(moves_to_fill(site.configuration, "h1", site.phases, wanted))) ==
          Lines{"1 start licence", "2 start config"});
    CHECK(must(moves_to_fill(site.configuration, "h2", site.phases, wanted)).moves.empty());
    CHECK(moves_to_clear(site.configuration, "h9", site.phases).error().kind == ErrorKind::not_found);
}

TEST_CASE(
    "solution: a stop goes in reverse; what others need that run stays, unless they are to stop as well")
{
    Site site;
    site.all_are(Phase::started);
    CHECK(lines_of(moves_to_stop(site.configuration, site.centre, site.phases, false)) ==
          Lines{"0 stays config: needed by message", "0 stays message: needed by report", "1 stop snmp",
                "2 stop proxy"});
    CHECK(lines_of(moves_to_stop(site.configuration, site.centre, site.phases, true)) ==
          Lines{"1 stop snmp", "1 stop report: needs what is to be stopped", "2 stop message", "2 stop proxy",
                "3 stop config"});
    site.phases[site.id("report")] = Phase::stopped;
    const Moves moves = moves_to_stop(site.configuration, site.centre, site.phases, false);
    CHECK(lines_of(moves) == Lines{"1 stop snmp", "2 stop message", "2 stop proxy", "3 stop config"});
    CHECK(moves.to_move().size() == 4);
}

TEST_CASE("solution: how it stands as a whole")
{
    Site site;
    CHECK(whole_of(site.centre, site.phases) == Whole::stopped);
    site.all_are(Phase::started);
    CHECK(whole_of(site.centre, site.phases) == Whole::started);
    site.phases[site.id("snmp")] = Phase::failed;
    CHECK(whole_of(site.centre, site.phases) == Whole::degraded);
    site.phases[site.id("proxy")] = Phase::waiting;
    CHECK(whole_of(site.centre, site.phases) == Whole::starting);
    site.phases[site.id("config")] = Phase::failed;
    CHECK(whole_of(site.centre, site.phases) == Whole::impaired);
    site.phases[site.id("message")] = Phase::stopping;
    CHECK(whole_of(site.centre, site.phases) == Whole::stopping);
    CHECK(applications_of(site.configuration, "nothing").error().kind == ErrorKind::not_found);
}

TEST_CASE("solution: in random graphs every move comes after those that it has to wait for")
{
    for (unsigned seed = 1; seed <= 500; ++seed) {
        CAPTURE(seed);
        std::minstd_rand random(seed);
        std::string text = "[host.h]\naddress = \"10.0.0.1\"\n";
        const size_t count = 2 + random() % 12;
        for (size_t i = 0; i < count; ++i) {
            std::string needs;
            for (size_t j = 0; j < i; ++j) {
                if (random() % 3 == 0)
                    needs += fmt::format("{{ kind = \"application\", application = \"a{}\" }}, ", j);
            }
            text += fmt::format("[application.a{}]\nhost = \"h\"\ncommand = [\"x\"]\nprerequisites = [{}]\n",
                                i, needs);
        }
        const Configuration site = site_of(text);
        const Needs needs(site);
        Phases phases;
        std::vector<std::pair<Id, bool>> asked;
        for (const auto* object : site.of_type("application")) {
            phases[object->id] = random() % 3 == 0 ? Phase::started : Phase::stopped;
            if (random() % 2 == 0) asked.emplace_back(object->id, true);
        }
        const auto step_of = [](const Moves& moves, Id id) {
            const auto found = std::ranges::find(moves.moves, id, &Move::application);
            return found == moves.moves.end() ? size_t{0} : found->step;
        };
        const Moves start = moves_to_start(site, asked, phases);
        for (const Id id : start.to_move()) {
            for (const Id need : needs.of(id)) {
                CHECK((phases[need] == Phase::started || start.to_move().contains(need)));
                CHECK(step_of(start, need) < step_of(start, id));
            }
        }
        const Moves stop = moves_to_stop(site, asked, phases, false);
        for (const Id id : stop.to_move()) {
            for (const Id other : needs.needed_by(id)) {
                if (phases[other] != Phase::started) continue;
                CHECK(stop.to_move().contains(other));
                CHECK(step_of(stop, other) < step_of(stop, id));
            }
        }
    }
}

}  // namespace
}  // namespace belay::framework::solution
