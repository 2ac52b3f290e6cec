#include "site/metrics/figures.h"

#include <doctest/doctest.h>
#include <prometheus/text_serializer.h>

namespace belay::site::metrics {
namespace {

std::string text_of(const Told& told)
{
    return prometheus::TextSerializer().Serialize(figures_of(told));
}

/// Whether it is one of the lines.
bool has(const std::string& text, const std::string& line)
{
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

Json load_of(double busy)
{
    return {{"processor",
             {{"count", 4},
              {"user", busy},
              {"system", 5.0},
              {"load_average", {0.5, 1.5, 2.5}},
              {"pressure", {{"some", {2.0, 0, 0}}, {"full", {0, 0, 0}}}}}},
            {"memory", {{"total", 1024}, {"available", 512}, {"swap", 0}, {"swap_free", 0}}},
            {"disk_pressure", nullptr},
            {"disks", {{{"name", "sda"}, {"busy", 50.0}, {"read", 10}, {"written", 20}}}},
            {"filesystems",
             {{{"at", "/"},
               {"type", "ext4"},
               {"device", "/dev/sda1"},
               {"size", 4096},
               {"free", 1024},
               {"inodes", 100},
               {"inodes_free", 90}}}}};
}

Json status()
{
    return {
        {"host", "alpha.example.org"},
        {"version", "0.1.0"},
        {"started_ms", 1'764'233'912'500},
        {"maintenance", false},
        {"configuration", {{"version", 12}}},
        {"place", {{"role", "alone"}}},
        {"load", load_of(25)},
        {"operations",
         {{"unfinished", Json::array({{{"id", "7"},
                                       {"procedure", "disk.replace"},
                                       {"state", "activated"},
                                       {"timer", {{"left_ms", 90'500}}}},
                                      {{"id", "8"}, {"procedure", "pair.upgrade"}, {"state", "held"}}})}}},
        {"applications", Json::array({{{"name", "shop \"one\""},
                                       {"host", "alpha"},
                                       {"phase", "started"},
                                       {"since_ms", 2000},
                                       {"restarts", 3}}})},
        {"solutions", Json::array({{{"name", "web"}, {"stands", "degraded"}}})}};
}

Json with_controller(Json told)
{
    const Json host = {{"name", "web1"},
                       {"role", "agent"},
                       {"presence", {{"state", "attached"}, {"clock_ahead_ms", -250}}},
                       {"load", load_of(75)}};
    const Json lost = {{"name", "web2"},
                       {"role", "agent"},
                       {"presence", {{"state", "gone"}, {"clock_ahead_ms", 0}}},
                       {"load", nullptr}};
    told["place"] = {{"role", "controller"},
                     {"controller", {{"leads", true}, {"hosts", Json::array({host, lost})}}},
                     {"link", nullptr}};
    return told;
}

TEST_CASE("a daemon that does not answer has one figure")
{
    CHECK(text_of({}) == "# HELP belay_up Whether belayd answers.\n# TYPE belay_up gauge\nbelay_up 0\n");
}

TEST_CASE("a machine alone: its load, its operations, its applications")
{
    const std::string text = text_of({.status = status()});
    for (const char* line :
         {"belay_up 1", "belay_build_info{version=\"0.1.0\"} 1", "belay_start_timestamp_seconds 1764233912.5",
          "belay_configuration_version 12", "belay_maintenance 0",
          "belay_host_processor_ratio{host=\"alpha.example.org\",mode=\"user\"} 0.25",
          "belay_host_load_average{host=\"alpha.example.org\",over=\"5m\"} 1.5",
          "belay_host_memory_available_bytes{host=\"alpha.example.org\"} 512",
          "belay_host_disk_busy_ratio{host=\"alpha.example.org\",disk=\"sda\"} 0.5",
          "belay_operations{state=\"activated\"} 1", "belay_operations{state=\"held\"} 1",
          "belay_operations{state=\"adding\"} 0",
          "belay_operation_abort_seconds{operation=\"7\",procedure=\"disk.replace\"} 90.5",
          "belay_application_phase{application=\"shop \\\"one\\\"\",host=\"alpha\",phase=\"started\"} 1",
          "belay_application_phase{application=\"shop \\\"one\\\"\",host=\"alpha\",phase=\"failed\"} 0",
          "belay_application_restarts_total{application=\"shop \\\"one\\\"\",host=\"alpha\"} 3",
          "# TYPE belay_application_restarts_total counter",
          "belay_solution_state{solution=\"web\",state=\"degraded\"} 1"}) {
        INFO(text);
        CHECK_MESSAGE(has(text, line), line);
    }
    const std::string waiting =
        R"(belay_host_pressure_ratio{host="alpha.example.org",resource="processor",waiting="some"} 0.02)";
    CHECK(has(text, waiting));
    const std::string root = R"({host="alpha.example.org",mountpoint="/",device="/dev/sda1",fstype="ext4"})";
    CHECK(has(text, "belay_host_filesystem_free_bytes" + root + " 1024"));
    CHECK(text.find("belay_alarms") == std::string::npos);
    CHECK(text.find("belay_link") == std::string::npos);
}

TEST_CASE("a controller has the load of the hosts that it has heard of")
{
    const std::string text = text_of({.status = with_controller(status())});
    INFO(text);
    CHECK(has(text, "belay_host_presence{host=\"web1\",role=\"agent\",presence=\"attached\"} 1"));
    CHECK(has(text, "belay_host_presence{host=\"web2\",role=\"agent\",presence=\"gone\"} 1"));
    CHECK(has(text, "belay_host_presence{host=\"web2\",role=\"agent\",presence=\"attached\"} 0"));
    CHECK(has(text, "belay_host_clock_ahead_seconds{host=\"web1\"} -0.25"));
    CHECK(text.find("belay_host_clock_ahead_seconds{host=\"web2\"}") == std::string::npos);
    CHECK(has(text, "belay_host_processor_ratio{host=\"web1\",mode=\"user\"} 0.75"));
    CHECK(has(text, "belay_host_processor_ratio{host=\"alpha.example.org\",mode=\"user\"} 0.25"));
    CHECK(has(text, "belay_controller_leads 1"));
}

TEST_CASE("a host that has heard of itself is told once")
{
    Json told = with_controller(status());
    told["place"]["link"] = {{"name", "web1"}, {"attached", true}, {"certificate_ends_ms", 5000}};
    const std::string text = text_of({.status = told});
    CHECK(has(text, "belay_host_processor_ratio{host=\"web1\",mode=\"user\"} 0.25"));
    CHECK(!has(text, "belay_host_processor_ratio{host=\"web1\",mode=\"user\"} 0.75"));
    CHECK(has(text, "belay_certificate_end_timestamp_seconds 5"));
}

TEST_CASE("pairs, alarms, storage and messages")
{
    const Told told = {
        .status = status(),
        .alarms = {{"conditions",
                    {{{"name", "host-disk"}, {"severity", "minor"}},
                     {{"name", "own"}, {"severity", "critical"}}}},
                   {"alarms",
                    {{{"alarm", "own"}, {"severity", "critical"}, {"state", "raised"}},
                     {{"alarm", "own"}, {"severity", "critical"}, {"state", "raised"}},
                     {{"alarm", "removed"}, {"severity", "major"}, {"state", "acknowledged"}}}}},
        .pairs = {{"pairs", Json::array({{{"name", "web"},
                                          {"serves", "web-a"},
                                          {"problem", ""},
                                          {"applications", {{{"name", "web-a"}}, {{"name", "web-b"}}}}}})}},
        .health = {{"findings", Json::array({{{"severity", "warning"}}})}},
        .messages = {{"kept", 1000},
                     {"dropped", {{"trace", 5}}},
                     {"waiting_bytes", 0},
                     {"problem", "the disk is full"},
                     {"store", {{"messages", 900}, {"bytes", 4096}}}}};
    const std::string text = text_of(told);
    INFO(text);
    for (const char* line :
         {"belay_alarms{alarm=\"host-disk\",severity=\"minor\",state=\"raised\"} 0",
          "belay_alarms{alarm=\"own\",severity=\"critical\",state=\"raised\"} 2",
          "belay_alarms{alarm=\"removed\",severity=\"major\",state=\"acknowledged\"} 1",
          "belay_pair_serves{pair=\"web\",application=\"web-a\"} 1",
          "belay_pair_serves{pair=\"web\",application=\"web-b\"} 0", "belay_pair_problem{pair=\"web\"} 0",
          "belay_storage_findings{severity=\"warning\"} 1", "belay_storage_findings{severity=\"critical\"} 0",
          "belay_messages_kept_total 1000", "belay_messages_dropped_total{level=\"trace\"} 5",
          "belay_messages_store_usable 0"})
        CHECK_MESSAGE(has(text, line), line);
}

TEST_CASE("one filesystem mounted over another is told once")
{
    Json told = status();
    told["load"]["filesystems"].push_back(told["load"]["filesystems"].at(0));
    const std::string text = text_of({.status = told});
    const std::string line = "belay_host_filesystem_size_bytes{";
    CHECK(text.find(line) == text.rfind(line));
}

TEST_CASE("fields of other kinds leave out their figures alone")
{
    Json told = status();
    for (const char* field : {"load", "operations", "applications", "solutions", "place", "configuration"}) {
        for (const Json& other : {Json(7), Json("text"), Json(nullptr), Json::array({1, "x", nullptr})}) {
            Json changed = told;
            changed[field] = other;
            const std::string text = text_of({.status = changed,
                                              .alarms = other,
                                              .pairs = {{"pairs", other}},
                                              .health = {{"findings", other}},
                                              .messages = other});
            CHECK(has(text, "belay_maintenance 0"));
        }
    }
}

}  // namespace
}  // namespace belay::site::metrics
