// What a person sees of `belay status` and `belay host show` on a terminal, held to the letter: a machine
// alone, a controller with hosts in every presence, one that stands by, and members; and a page that is
// followed. The screens are in src/cli/screens.

#include "cli/screens.h"

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

void status_shows(const std::string& scene, unsigned short columns, const Json& status, bool colourful)
{
    shows({"status"}, fmt::format("status-{}-{}", scene, columns),
          {.columns = columns, .environment = {{"TZ", "UTC"}}, .answers = {{"Status", status}}}, colourful);
}

Json load_view(double busy, uint64_t available_gib, double disk)
{
    const uint64_t gib = uint64_t{1} << 30;
    return {{"at_ms", started + 60 * minute},
            {"over_ms", 250},
            {"processor",
             {{"count", 4},
              {"busy", busy},
              {"user", busy / 2},
              {"system", busy / 4},
              {"iowait", 0.4},
              {"steal", busy / 4},
              {"each", {busy, busy, busy, busy}},
              {"load_average", {0.31, 1.4, 12.52}},
              {"pressure", {{"some", {1.6, 0, 4.07}}, {"full", {0, 0, 0}}}}}},
            {"memory",
             {{"total", 16 * gib},
              {"available", available_gib * gib},
              {"swap", 2 * gib},
              {"swap_free", gib / 2},
              {"pressure", {{"some", {0, 0, 0}}, {"full", {0, 0, 0}}}}}},
            {"disks",
             {{{"name", "sda"},
               {"reads", 12},
               {"writes", 340},
               {"read", 98304},
               {"written", 7 << 20},
               {"busy", 96.2}},
              {{"name", "nvme0n1"}, {"reads", 0}, {"writes", 0}, {"read", 0}, {"written", 0}, {"busy", 0}}}},
            {"disk_pressure", nullptr},
            {"filesystems",
             {{{"at", "/"},
               {"type", "ext4"},
               {"device", "/dev/sda2"},
               {"size", 40 * gib},
               {"free", 30 * gib},
               {"used", 25.0},
               {"inodes", 2'000'000},
               {"inodes_free", 1'900'000}},
              {{"at", "/srv/database"},
               {"type", "xfs"},
               {"device", "/dev/mapper/vg0-database"},
               {"size", 400 * gib},
               {"free", 12 * gib},
               {"used", disk},
               {"inodes", 0},
               {"inodes_free", 0}}}},
            {"not_asked", {"/home (nfs4)"}},
            {"processes", nullptr}};
}

Json application_view(const std::string& name, const std::string& host, const std::string& phase,
                      const std::string& reason = "")
{
    const bool runs = phase == "started" || phase == "starting";
    return {{"id", 1},
            {"name", name},
            {"host", host},
            {"wanted", "running"},
            {"phase", phase},
            {"role", "none"},
            {"since_ms", started + 40 * minute},
            {"reason", reason},
            {"told", ""},
            {"restarts", phase == "failed" ? 6 : 0},
            {"pid", runs ? 4711 : 0},
            {"last", nullptr},
            {"awaits_restart", false},
            {"not_in_force", Json::array()}};
}

Json whole_view()
{
    Json controller = controller_view();
    const std::vector<Json> loads = {load_view(12.4, 11, 61), load_view(97, 1, 96.5), load_view(0.3, 15, 9)};
    for (size_t i = 0; i < loads.size(); ++i) controller["hosts"][i]["load"] = loads[i];
    controller["hosts"][2]["maintenance"] = true;
    controller["hosts"][2]["presence"]["version"] = "0.0.9";
    Json status = status_of({{"role", "controller"},
                             {"site", "0123456789abcdef"},
                             {"controller", controller},
                             {"link", nullptr}});
    status["load"] = load_view(3.5, 9, 44);
    Json away = application_view("archive", "db1", "started", "as last known: its host is away");
    away["host_away"] = {{"since_ms", started + 30 * minute}, {"lost", false}, {"was_heard", true}};
    status["applications"] = {
        application_view("database", "web1", "started"),
        application_view("shop", "web1", "failed", "ended with code 3, 6 times in 10 s"),
        application_view("cache", "web2", "stopped", "its host is in maintenance"),
        application_view("page", "web1", "waiting", "for the application shop"), away};
    status["solutions"] = {{{"name", "web"},
                            {"description", "the shop"},
                            {"stands", "impaired"},
                            {"applications", status["applications"]}}};
    status["operations"]["unfinished"] = {{{"id", "7"},
                                           {"title", "Replace sda by sdc in md0"},
                                           {"state", "activating"},
                                           {"progress", {{"done", 52}, {"total", 100}, {"unit", "bytes"}}}},
                                          {{"id", "8"},
                                           {"title", "Put the host web2 into maintenance"},
                                           {"state", "held"},
                                           {"reason", "no room"}}};
    return status;
}

TEST_CASE("a machine that runs alone")
{
    status_shows("alone", 80, status_of({{"role", "alone"}}), false);
    Json troubled = status_of({{"role", "alone"}});
    troubled["operations"]["held"] = 1;
    troubled["messages"] = {{"problem", "no space left on device"}};
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

TEST_CASE("a site with its load, applications, solutions and operations")
{
    status_shows("whole", 80, whole_view(), true);
    status_shows("whole", 140, whole_view(), true);
}

TEST_CASE("a status that is followed is redrawn in place, and cut to the rows of the terminal")
{
    Json later = whole_view();
    later["applications"][1]["phase"] = "started";
    later["applications"][1]["reason"] = "";
    for (int i = 0; i < 40; ++i)
        later["applications"].push_back(application_view(fmt::format("worker {}", i), "web1", "started"));
    Terminal terminal({"status", "--follow"},
                      {.environment = {{"TZ", "UTC"}}, .streamed = {whole_view(), later}});
    CHECK(terminal.shows("shop      web1  failed"));
    terminal.move_on();
    CHECK(terminal.until([&] { return terminal.screen().text().find("web1  failed") == std::string::npos; }));
    CHECK_FALSE(terminal.screen().had_broken_rows());
    CHECK(terminal.screen().text() == kept_screen("status-followed-80"));
    kill(terminal.pid(), SIGINT);
    CHECK(terminal.end() == 130);
    CHECK(terminal.screen().text().find("Ctrl-C") == std::string::npos);
}

TEST_CASE("a host with all that it has")
{
    Json host = host_view(2, "web1", "agent", presence("attached", "10.0.1.1:51234"));
    host.update({{"host_name", "web1.example.org"}, {"version", "0.1.0"}, {"maintenance", true}});
    host["load"] = load_view(97, 1, 96.5);
    host["applications"] = {application_view("database", "web1", "started"),
                            application_view("shop", "web1", "failed", "ended with code 3, 6 times in 10 s")};
    const auto process = [](int pid, const char* user, const char* command, double share,
                            uint64_t mebibytes) {
        return Json{{"pid", pid},        {"user", user},          {"command", command},
                    {"state", "S"},      {"started_ms", started}, {"memory", mebibytes << 20},
                    {"processor", share}};
    };
    host["load"]["processes"] = {
        {"all", 143},
        {"of_applications", 12},
        {"of_belay", 3},
        {"others", 128},
        {"by_processor", {process(4242, "anna", "make \x1b[31m", 96, 12)}},
        {"by_memory", {process(812, "www-data", "nginx", 0, 310), process(4242, "anna", "make", 96, 12)}}};
    for (const unsigned short columns : std::initializer_list<unsigned short>{80, 140})
        shows({"host", "show", "web1"}, fmt::format("host-{}", columns),
              {.columns = columns, .environment = {{"TZ", "UTC"}}, .answers = {{"HostShow", host}}}, true);
    host["load"] = nullptr;
    host["problem"] = "the host web1 is not attached";
    host["presence"] = presence("gone", "10.0.1.1:51234", "the connection was lost");
    shows({"host", "show", "web1"}, "host-away-80",
          {.environment = {{"TZ", "UTC"}}, .answers = {{"HostShow", host}}}, true);
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
