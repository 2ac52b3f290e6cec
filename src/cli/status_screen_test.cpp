// What a person sees of `belay status` on a terminal, held to the letter: a machine alone, a controller with
// hosts in every presence, one that stands by, and members. The screens are in src/cli/screens.

#include "cli/screens.h"

#include <fstream>
#include <sstream>

namespace belay::cli::status_screen_test {
namespace {

using namespace screens;

constexpr int64_t started = 1'764'233'912'000;  // 2025-11-27 08:58:32
constexpr int64_t minute = 60'000;

Json status_of(const Json& place)
{
    return {{"host", "alpha.example.org"},
            {"version", "0.1.0"},
            {"started_ms", started},
            {"operations", {{"open", 2}, {"held", 0}}},
            {"configuration", {{"version", 12}}},
            {"place", place}};
}

Json presence(const std::string& state, const std::string& address, const std::string& why = "",
              int64_t clock_ahead_ms = 0)
{
    const bool was_here = state != "never";
    return {
        {"state", state},     {"since_ms", started + 30 * minute},     {"why", why},
        {"address", address}, {"host_name", was_here ? "itself" : ""}, {"version", was_here ? "0.1.0" : ""},
        {"boot_id", ""},      {"clock_ahead_ms", clock_ahead_ms}};
}

Json host_view(int id, const std::string& name, const std::string& role, const Json& presence)
{
    return {{"id", fmt::format("{}", id)},
            {"name", name},
            {"role", role},
            {"revoked", false},
            {"joined_ms", started},
            {"invited_by", "root"},
            {"certificate_ends_ms", 0},
            {"presence", presence}};
}

Json controller_view()
{
    return {{"address", "10.0.0.1:4880"},
            {"emergency", ""},
            {"leads", true},
            {"leader", nullptr},
            {"hosts",
             {host_view(1, "beta", "controller", presence("attached", "10.0.0.2:40112")),
              host_view(2, "web1", "agent", presence("attached", "10.0.1.1:51234", "", 130'000)),
              host_view(3, "web2", "agent", presence("attached", "[fd00::12]:51234", "", -7'000)),
              host_view(4, "web3", "agent", presence("silent", "10.0.1.3:51236")),
              host_view(5, "db1", "agent", presence("gone", "10.0.1.4:51237", "the connection was lost")),
              host_view(6, "branch-north", "proxy", presence("never", ""))}}};
}

Json link_view(bool attached, const Json& problem)
{
    return {{"name", "web1"},
            {"number", "2"},
            {"attached", attached},
            {"controller", "10.0.0.1:4880"},
            {"controllers", {"10.0.0.1:4880"}},
            {"since_ms", started + 10 * minute},
            {"problem", problem},
            {"certificate_ends_ms", started + 1440 * minute},
            {"configuration",
             {{"version", 11},
              {"newest", attached ? 11 : 12},
              {"heard_ms", started + 9 * minute},
              {"ago_ms", minute},
              {"problem", ""}}}};
}

Json problem_of(const std::string& what, const std::string& next)
{
    return {{"kind", "unavailable"}, {"what", what}, {"next", next}};
}

/// The command shows exactly this screen; nothing is broken over the edge.
void status_shows(const std::string& scene, unsigned short columns, const Json& status, bool colourful)
{
    const std::string name = fmt::format("status-{}-{}", scene, columns);
    INFO(name);
    Terminal terminal({"status"},
                      {.columns = columns, .environment = {{"TZ", "UTC"}}, .answers = {{"Status", status}}});
    CHECK(terminal.end() == 0);
    CHECK_FALSE(terminal.screen().had_broken_rows());
    CHECK(terminal.screen().had_colour() == colourful);
    std::ifstream file(fmt::format("{}/{}.txt", BELAY_SCREENS, name));
    std::stringstream kept;
    kept << file.rdbuf();
    CHECK(terminal.screen().text() == kept.str());
}

TEST_CASE("a machine that runs alone")
{
    status_shows("alone", 80, status_of({{"role", "alone"}}), false);
    Json troubled = status_of({{"role", "alone"}});
    troubled["operations"]["held"] = 1;
    status_shows("alone-held", 80, troubled, true);
}

TEST_CASE("a controller and its hosts, in every presence that there is")
{
    const Json status = status_of({{"role", "controller"},
                                   {"site", "0123456789abcdef"},
                                   {"controller", controller_view()},
                                   {"link", nullptr}});
    status_shows("controller", 80, status, true);
    status_shows("controller", 140, status, true);
    Json first_day = status;
    first_day["place"]["controller"]["hosts"] = Json::array();
    first_day["place"]["controller"]["emergency"] = "127.0.0.1:4881";
    status_shows("controller-emergency", 80, first_day, true);
}

TEST_CASE("a controller that stands by, and one of which nobody leads")
{
    Json place = {{"role", "controller"},
                  {"site", "0123456789abcdef"},
                  {"controller", controller_view()},
                  {"link", link_view(true, nullptr)}};
    place["controller"]["leads"] = false;
    place["controller"]["leader"] = {{"host", "beta.example.org"}, {"addresses", {"10.0.0.2:4880"}}};
    status_shows("stands-by", 80, status_of(place), true);
    place["controller"]["leader"] = nullptr;
    status_shows("nobody-leads", 80, status_of(place), true);
}

TEST_CASE("a member that is attached, one that cannot reach its controller, and one that is not let in")
{
    const auto member = [](const Json& link) {
        return status_of(
            {{"role", "agent"}, {"site", "0123456789abcdef"}, {"controller", nullptr}, {"link", link}});
    };
    status_shows("member", 80, member(link_view(true, nullptr)), true);
    status_shows(
        "member-lost", 80,
        member(link_view(false,
                         problem_of("cannot talk to the controller 10.0.0.1:4880: Connection refused", ""))),
        true);
    status_shows("member-refused", 80,
                 member(link_view(false, problem_of("the certificate of the agent 2 has expired",
                                                    "belay host invite, on a controller"))),
                 true);
}

}  // namespace
}  // namespace belay::cli::status_screen_test
