// examples/contact-centre on one machine, as its README says: in the order of its prerequisites, and back.

#include "examples/contact-centre/trace.h"
#include "machine.h"
#include "own_network.h"

namespace belay {
namespace {

using daemon::testing::Ran;
using stand_in::as_traced;
using stand_in::Happened;
using stand_in::happened_in;
using stand_in::when;
using testing::replace_all;

constexpr const char* site_file = TEST_EXAMPLES "/contact-centre/site.toml";

class ContactCentre : public testing::Machine {
  public:
    ContactCentre()
    {
        std::filesystem::create_directory(path("licences"));
        for (const char* file : {"license.dat", "snmp.dat"})
            std::ofstream(path("licences/") + file) << "valid";
        std::string site = testing::on_one_machine(site_file);
        replace_all(site, "\"belay-stand-in\"",
                    fmt::format(R"("{}", "--trace", "{}")", TEST_STAND_IN, path("trace")));
        replace_all(site, "/etc/contact-centre", path("licences"));
        if (geteuid() != 0) replace_all(site, "user = \"nobody\"\n", "");
        std::ofstream(path("trace")) << "";
        REQUIRE(chmod(path("trace").c_str(), 0666) == 0);
        configure(site);
    }

    std::vector<Happened> happened() const { return happened_in(testing::text_of(path("trace"))); }

    /// Each that is needed, with who needs it.
    std::vector<std::pair<std::string, std::string>> needs()
    {
        constexpr std::string_view kind = "application ";
        std::vector<std::pair<std::string, std::string>> all;
        for (const auto& [name, application] : applications()) {
            for (const std::string need : application.at("needs")) {
                if (need.starts_with(kind))
                    all.emplace_back(as_traced(need.substr(kind.size())), as_traced(name));
            }
        }
        return all;
    }

    void await_all(std::string_view phase)
    {
        for (const auto& [name, application] : applications()) await_phase(name, phase);
    }
};

/// When one may come who needs it: it is ready; of a pair one of the two serves, and knows it.
std::optional<int64_t> when_there(const std::vector<Happened>& all, const std::string& needed, int64_t after)
{
    const auto first = when(all, needed, "role primary", after);
    const auto other = when(all, needed + "-backup", "role primary", after);
    if (first && other) return std::min(*first, *other);
    if (first || other) return first ? first : other;
    return when(all, needed, "ready", after);
}

void check_order_of_start(const std::vector<Happened>& all, const auto& needs, int64_t after)
{
    for (const auto& [needed, by] : needs) {
        CAPTURE(needed);
        CAPTURE(by);
        const auto ready = when_there(all, needed, after), started = when(all, by, "started", after);
        REQUIRE(ready);
        REQUIRE(started);
        CHECK(*ready < *started);
    }
}

TEST_CASE(
    "two that serve at once are seen: one that was told too early, and one that was frozen and wakes up")
{
    const auto overlaps = [](const std::string& trace) {
        return overlaps_of(stand_in::reigns_of(happened_in(trace), {"a", "b"})).size();
    };
    const std::string begins = "1 7 a role primary\n2 7 a acts\n3 7 a acts\n";
    CHECK(overlaps(begins + "4 8 b role primary\n5 8 b acts\n6 8 b acts\n") == 0);
    CHECK(overlaps(begins + "4 8 b role primary\n5 8 b acts\n6 7 a acts\n") == 1);
    CHECK(overlaps(begins + "2 8 b role primary\n3 8 b acts\n") == 1);
    // Its turn again, and in its turn.
    CHECK(overlaps(begins + "5 8 b role primary\n6 8 b acts\n7 7 a role primary\n8 7 a acts\n") == 0);
    CHECK(overlaps(begins + "5 8 b role primary\n6 8 b acts\n7 7 a role backup\n8 7 a acts\n") == 1);
    // A lease that was lost and another that was given to the same one; and one that acts under an old one.
    const std::string leased = "1 7 a role primary\n2 7 a acts 3\n5 8 b acts 4\n";
    CHECK(overlaps(leased + "6 8 b acts 4\n7 7 a acts 5\n") == 0);
    CHECK(overlaps(leased + "6 7 a acts 3\n") == 1);
    // Another of the same name, and one that is none of them.
    CHECK(overlaps(begins + "5 9 a acts\n6 7 a acts\n") == 1);
    CHECK(overlaps(begins + "2 8 c acts\n3 8 c acts\n") == 0);
}

TEST_CASE("the contact centre is a site without an error")
{
    testing::Machine machine;
    const Ran checked = machine.belay({"config", "check", site_file});
    CHECK(checked.code == 0);
    CHECK(checked.out.ends_with("19 objects, 0 errors, 0 warnings\n"));
}

TEST_CASE("the contact centre starts in its order on one machine, and stops in reverse")
{
    testing::have_own_network();
    ContactCentre centre;
    const Ran begun = centre.belay({"solution", "start", "telephony"});
    CHECK_MESSAGE(begun.code == 0, begun.said);
    CHECK(centre.application("stat server")["phase"] == "started");
    centre.await_all("started");
    const auto needs = centre.needs();
    CHECK(needs.size() >= 18);
    check_order_of_start(centre.happened(), needs, 0);
    for (const Happened& one : centre.happened()) CHECK_FALSE(one.what.starts_with("missed"));

    INFO("SNMP is licensed anew");
    const std::map<std::string, Json> before = centre.applications();
    std::ofstream(centre.path("licences/snmp.dat")) << "valid for longer";
    centre.await("solution control server", [&](const Json& now) {
        return now["phase"] == "started" && now["pid"] != before.at("solution control server")["pid"];
    });
    for (const auto& [name, application] : centre.applications()) {
        CAPTURE(name);
        CHECK((application["pid"] == before.at(name)["pid"]) == (name != "solution control server"));
    }

    INFO("what telephony needs is not stopped under it");
    const Ran plan = centre.belay({"solution", "plan", "stop", "framework"});
    CHECK(plan.code == 0);
    CHECK_MESSAGE(plan.out.find("stays  license manager") != std::string::npos, plan.out);
    CHECK_MESSAGE(plan.out.find("stays  configuration server ") != std::string::npos, plan.out);

    INFO("all of it stops");
    const int64_t stopping = centre.happened().back().at;
    for (const char* solution : {"telephony", "framework"}) {
        const Ran stopped = centre.belay({"solution", "stop", solution});
        CHECK_MESSAGE(stopped.code == 0, stopped.said);
    }
    centre.await_all("stopped");
    for (const auto& [needed, by] : needs) {
        CAPTURE(needed);
        CAPTURE(by);
        const auto told = when(centre.happened(), needed, "told to stop", stopping);
        const auto ended = when(centre.happened(), by, "ended", stopping);
        REQUIRE(told);
        REQUIRE(ended);
        CHECK(*ended < *told);
    }
    CHECK(when(centre.happened(), "t-server", "drained", stopping));

    INFO("and starts again, by its solutions");
    const int64_t starting = centre.happened().back().at;
    for (const char* solution : {"framework", "telephony"}) {
        const Ran started = centre.belay({"solution", "start", solution});
        CHECK_MESSAGE(started.code == 0, started.said);
    }
    check_order_of_start(centre.happened(), needs, starting);
}

}  // namespace
}  // namespace belay
