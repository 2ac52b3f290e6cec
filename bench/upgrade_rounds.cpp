#include "upgrade_rounds.h"

#include "host/real_time.h"
#include "supervisor/testing/callers.h"
#include "upgrade_ways.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <sched.h>
#include <thread>

namespace belay::bench {
namespace {

using supervisor::Callers;

/// Between two upgrades, so that each begins with all callers served.
constexpr auto between_upgrades = std::chrono::milliseconds(500);
/// Callers that are late themselves would see gaps that are none.
constexpr int callers_priority = 20;
constexpr auto whole_mark = std::chrono::seconds(10);
/// Of a three-step In-Service Software Upgrade, most of it reloads.
constexpr auto published_whole = std::chrono::minutes(19);
constexpr std::string_view keepalived_name = "keepalived, the address is moved between";
constexpr std::string_view overlap_name = "SO_REUSEPORT, the old one finishes";

struct MeasuredWay {
    std::string name;
    std::function<Result<std::unique_ptr<UpgradeWay>>(const UpgradeGround&)> begin;
};

/// Belay first.
std::vector<MeasuredWay> all_ways(bool marks_only)
{
    std::vector<MeasuredWay> all = {
        {"Belay, a pair on two hosts",
         [](const UpgradeGround& ground) { return begin_belay_upgrades(ground, PairPlace::two_hosts); }},
        {"Belay, a pair on one host",
         [](const UpgradeGround& ground) { return begin_belay_upgrades(ground, PairPlace::one_host); }}};
    if (marks_only) return all;
    all.push_back({"stop, then start",
                   [](const UpgradeGround& ground) { return begin_restarts(ground, Ending::at_once); }});
    all.push_back({"stop when what is open is answered, then start",
                   [](const UpgradeGround& ground) { return begin_restarts(ground, Ending::finishes); }});
    all.push_back({"SO_REUSEPORT, then the old one ends",
                   [](const UpgradeGround& ground) { return begin_overlaps(ground, Ending::at_once); }});
    all.push_back({std::string(overlap_name),
                   [](const UpgradeGround& ground) { return begin_overlaps(ground, Ending::finishes); }});
    all.push_back({std::string(keepalived_name), begin_keepalived_upgrades});
    return all;
}

struct FoundWay {
    std::string name;
    Callers::Counted counted;
    UpgradeTimes times;
};

Result<FoundWay> measure_way(const MeasuredWay& measured, const UpgradeGround& ground, int rounds)
{
    FoundWay found{.name = measured.name, .counted = {}, .times = {}};
    fmt::print(stderr, "{}\n", measured.name);
    const std::unique_ptr<UpgradeWay> way = TRY(measured.begin(ground));
    Callers callers({.address = way->address(), .port = upgraded_port, .in_thread = [&] {
                         setns(way->network().namespace_of(0), CLONE_NEWNET);
                         host::run_before_others(callers_priority);
                     }});
    for (int round = 0; round < rounds; ++round) {
        std::this_thread::sleep_for(between_upgrades);
        TRY(way->upgrade(found.times));
    }
    std::this_thread::sleep_for(between_upgrades);
    found.counted = callers.stop();
    if (found.counted.failed > 0)
        fmt::print(stderr, "  {} lost, the first: {}\n", found.counted.failed, found.counted.first_problem);
    return found;
}

// --- what it comes to ---

Nanoseconds slowest(const std::vector<Nanoseconds>& samples)
{
    return *std::ranges::max_element(samples);
}

std::string in_seconds(Nanoseconds span)
{
    return fmt::format("{:.2f} s", seconds(span));
}

std::vector<Row> marks_of_upgrades(const std::vector<FoundWay>& all)
{
    const auto found = [&](std::string_view name) {
        const auto at = std::ranges::find(all, name, &FoundWay::name);
        return at == all.end() ? nullptr : &*at;
    };
    const FoundWay& two = all.at(0);
    const FoundWay& one = all.at(1);
    const auto lost_row = [](std::string name, const FoundWay& ours, const FoundWay* peer) {
        return Row{.name = std::move(name),
                   .ours = std::to_string(ours.counted.failed),
                   .peer = peer == nullptr ? "" : std::to_string(peer->counted.failed),
                   .mark = "0",
                   .reached = ours.counted.failed == 0 && ours.counted.answers > 0};
    };
    const Nanoseconds whole = slowest(two.times.at("whole"));
    const FoundWay* const keepalived = found(keepalived_name);
    return {
        lost_row("lost requests, a pair on two hosts; peer: keepalived", two, keepalived),
        lost_row("lost requests, a pair on one host; peer: SO_REUSEPORT, the old one finishes", one,
                 found(overlap_name)),
        {.name = "longest gap between two answers, on two hosts; peer: keepalived",
         .ours = to_milliseconds(two.counted.longest_gap),
         .peer = keepalived == nullptr ? "" : to_milliseconds(keepalived->counted.longest_gap)},
        {.name = "add, activate and commit, on two hosts: worst; peer: ISSU on Catalyst 9000, as published",
         .ours = in_seconds(whole),
         .peer = "19 min",
         .ratio = fmt::format("{:.0f}x", seconds(published_whole) / seconds(whole)),
         .mark = "under 10 s",
         .reached = whole < whole_mark}};
}

std::vector<std::string> line_of_way(const FoundWay& found)
{
    const std::vector<Nanoseconds>& whole = found.times.at("whole");
    const size_t requests = found.counted.answers + found.counted.failed;
    return {
        found.name,
        std::to_string(whole.size()),
        std::to_string(requests),
        std::to_string(found.counted.failed),
        fmt::format("{:.1f}", static_cast<double>(found.counted.failed) / static_cast<double>(whole.size())),
        to_milliseconds(found.counted.longest_gap),
        fmt::format("{} ms", found.counted.longest.count()),
        in_seconds(median(whole)),
        in_seconds(slowest(whole))};
}

std::vector<std::vector<std::string>> table_of_phases(const std::vector<FoundWay>& all)
{
    std::vector<std::vector<std::string>> lines = {
        {"Phase", "Two hosts: median", "worst", "One host: median", "worst"}};
    for (const auto& [phase, title] : {std::pair{"add", "add: the image comes to both"},
                                       {"activate", "activate: standby, switch-over, the other"},
                                       {"commit", "commit"},
                                       {"whole", "all three"},
                                       {"abort", "abort after activate: both back"}}) {
        std::vector<std::string> line = {title};
        for (const size_t place : {size_t{0}, size_t{1}}) {
            const std::vector<Nanoseconds>& samples = all.at(place).times.at(phase);
            line.push_back(in_seconds(median(samples)));
            line.push_back(in_seconds(slowest(samples)));
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace

Result<UpgradeTables> measure_upgrades(const std::string& folder, const std::string& programs,
                                       const std::string& server, const UpgradeSizes& sizes)
{
    std::vector<FoundWay> all;
    for (const MeasuredWay& measured : all_ways(sizes.marks_only)) {
        const UpgradeGround ground{
            .folder = fmt::format("{}/way-{}", folder, all.size()), .programs = programs, .server = server};
        std::filesystem::create_directories(ground.folder);
        all.push_back(TRY(measure_way(measured, ground, sizes.rounds)));
    }
    UpgradeTables tables;
    tables.marks = marks_of_upgrades(all);
    tables.ways = {{"Way", "Upgrades", "Requests", "Lost", "Lost an upgrade", "Longest gap", "Longest wait",
                    "An upgrade: median", "worst"}};
    for (const FoundWay& one : all) tables.ways.push_back(line_of_way(one));
    tables.phases = table_of_phases(all);
    return tables;
}

}  // namespace belay::bench
