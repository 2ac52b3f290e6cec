#include "supervision_rounds.h"

#include "samples.h"
#include "supervision_processes.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <thread>

namespace belay::bench {
namespace {

constexpr auto up_limit = std::chrono::minutes(2);
constexpr auto restart_limit = std::chrono::seconds(20);
/// runit and s6 let a component that ran for less than a second wait for one.
constexpr auto settles_within = std::chrono::milliseconds(1500);
constexpr auto between_kills = std::chrono::milliseconds(2);
/// A supervisor that looks once a second would take minutes.
constexpr auto kills_take_most = std::chrono::seconds(12);
constexpr size_t more_ups = 4;
constexpr double up_mark = 1.5;
constexpr auto median_mark = std::chrono::milliseconds(3);
constexpr auto slow_mark = std::chrono::milliseconds(15);
constexpr double memory_mark = 12;

/// What was found of one supervisor.
struct Found {
    std::vector<Nanoseconds> up, restarts;
    std::vector<double> memory;  ///< KiB for each component
    Activity idle;
    std::string problem;
};

Nanoseconds percentile_99(std::vector<Nanoseconds> samples)
{
    std::ranges::sort(samples);
    return samples[samples.size() * 99 / 100];
}

std::set<pid_t> processes_of(const MeasuredSupervisor& supervisor, const Beginnings& beginnings,
                             size_t components)
{
    std::set<pid_t> processes = family_of(supervisor.pid());
    for (size_t i = 0; i < components; ++i) processes.erase(beginnings.pid_of(i));
    return processes;
}

Result<void> measure_up(MeasuredSupervisor& supervisor, Beginnings& beginnings, size_t components,
                        Found& found)
{
    const Nanoseconds ordered = reading(CLOCK_MONOTONIC);
    TRY(supervisor.start());
    const Nanoseconds said = reading(CLOCK_MONOTONIC);
    TRY(beginnings.await(components, up_limit));
    Nanoseconds last{0};
    for (size_t i = 0; i < components; ++i) last = std::max(last, beginnings.at(i));
    found.up.push_back(std::max(said, last) - ordered);
    return {};
}

Result<void> measure_restarts(Beginnings& beginnings, const std::vector<size_t>& victims, Found& found)
{
    const Nanoseconds until = reading(CLOCK_MONOTONIC) + kills_take_most;
    for (const size_t victim : victims) {
        if (reading(CLOCK_MONOTONIC) > until) break;
        const size_t before = beginnings.count();
        const pid_t pid = beginnings.pid_of(victim);
        const Nanoseconds killed = reading(CLOCK_MONOTONIC);
        kill(pid, SIGKILL);
        TRY(beginnings.await(before + 1, restart_limit));
        found.restarts.push_back(beginnings.at(victim) - killed);
        std::this_thread::sleep_for(between_kills);
    }
    return {};
}

Result<void> measure_one(SupervisorKind kind, const Ground& ground, Beginnings& beginnings,
                         const SupervisionSizes& sizes, const std::vector<size_t>& victims, bool idle,
                         Found& found)
{
    beginnings.forget_all();
    const std::unique_ptr<MeasuredSupervisor> supervisor = TRY(prepare(kind, ground));
    TRY(measure_up(*supervisor, beginnings, sizes.components, found));
    std::this_thread::sleep_for(settles_within);
    TRY(measure_restarts(beginnings, victims, found));
    std::this_thread::sleep_for(settles_within);
    const std::set<pid_t> processes = processes_of(*supervisor, beginnings, sizes.components);
    found.memory.push_back(static_cast<double>(memory_kib(processes)) /
                           static_cast<double>(sizes.components));
    if (!idle) return {};
    const Activity before = activity_of(processes);
    std::this_thread::sleep_for(sizes.idle);
    const Activity after = activity_of(processes);
    found.idle = {after.processor - before.processor, after.wake_ups - before.wake_ups};
    return {};
}

/// The two that a mark compares, several times in turns: a start of so many lasts a moment, in which others
/// may want the processors.
Result<void> compare_up(const Ground& ground, Beginnings& beginnings, std::map<SupervisorKind, Found>& all)
{
    for (size_t turn = 0; turn < more_ups; ++turn) {
        for (const SupervisorKind kind : {SupervisorKind::loop, SupervisorKind::belay}) {
            beginnings.forget_all();
            const std::unique_ptr<MeasuredSupervisor> supervisor = TRY(prepare(kind, ground));
            TRY(measure_up(*supervisor, beginnings, ground.components, all[kind]));
        }
    }
    return {};
}

std::string ratio_text(Nanoseconds ours, Nanoseconds peer)
{
    return fmt::format("{:.2f}", seconds(ours) / seconds(peer));
}

std::string kib_text(double kib)
{
    return fmt::format("{:.1f} KiB", kib);
}

std::vector<Row> marks_of(const Found& belay, const Found& loop, const SupervisionSizes& sizes)
{
    const Nanoseconds up = median(belay.up), loop_up = median(loop.up);
    const Nanoseconds middle = median(belay.restarts), loop_middle = median(loop.restarts);
    const Nanoseconds slow = percentile_99(belay.restarts), loop_slow = percentile_99(loop.restarts);
    const double memory = median(belay.memory);
    return {
        {.name = fmt::format("{} components are up", sizes.components),
         .ours = to_text(up),
         .peer = to_text(loop_up),
         .ratio = ratio_text(up, loop_up),
         .mark = "at most 1.5 times the loop",
         .reached = seconds(up) <= up_mark * seconds(loop_up)},
        {.name = "one is killed, until it has begun anew: median",
         .ours = to_text(middle),
         .peer = to_text(loop_middle),
         .ratio = ratio_text(middle, loop_middle),
         .mark = "within 3 ms of the loop",
         .reached = middle <= loop_middle + median_mark},
        {.name = "one is killed, until it has begun anew: 99 of 100",
         .ours = to_text(slow),
         .peer = to_text(loop_slow),
         .ratio = ratio_text(slow, loop_slow),
         .mark = "within 15 ms of the loop",
         .reached = slow <= loop_slow + slow_mark},
        {.name = "memory for each component (PSS)",
         .ours = kib_text(memory),
         .peer = kib_text(median(loop.memory)),
         .ratio = fmt::format("{:.2f}", memory / median(loop.memory)),
         .mark = "at most 12 KiB",
         .reached = memory <= memory_mark},
        {.name = fmt::format("processor time in {} in which nothing happens", belay::to_text(sizes.idle)),
         .ours = to_text(belay.idle.processor),
         .peer = to_text(loop.idle.processor),
         .mark = "none",
         .reached = belay.idle.processor.count() == 0},
    };
}

std::vector<std::string> line_of(SupervisorKind kind, const Found& found, const Found& loop)
{
    const std::string name(name_of(kind));
    if (!found.problem.empty()) return {name, found.problem, "", "", "", "", "", "", "", ""};
    const auto beside_loop = [](Nanoseconds span, Nanoseconds of_loop) { return ratio_text(span, of_loop); };
    return {name,
            to_text(median(found.up)),
            beside_loop(median(found.up), median(loop.up)),
            to_text(median(found.restarts)),
            beside_loop(median(found.restarts), median(loop.restarts)),
            to_text(percentile_99(found.restarts)),
            std::to_string(found.restarts.size()),
            kib_text(median(found.memory)),
            to_text(found.idle.processor),
            std::to_string(found.idle.wake_ups)};
}

}  // namespace

Result<SupervisionTables> measure_supervision(const ScratchFolder& folder, const std::string& programs,
                                              const SupervisionSizes& sizes)
{
    TRY(adopt_orphans());
    Beginnings beginnings = TRY(Beginnings::make());
    const Ground ground{
        .folder = folder, .programs = programs, .beginnings = beginnings, .components = sizes.components};
    std::map<SupervisorKind, Found> all;
    std::vector<size_t> victims(sizes.components);
    std::iota(victims.begin(), victims.end(), size_t{0});
    std::mt19937 random(1);
    for (size_t round = 0; round < sizes.rounds; ++round) {
        std::ranges::shuffle(victims, random);
        std::vector<size_t> to_kill = victims;
        to_kill.resize(std::min(to_kill.size(), sizes.kills));
        TRY(compare_up(ground, beginnings, all));
        for (const SupervisorKind kind : supervisors_here()) {
            const bool has_marks = kind == SupervisorKind::loop || kind == SupervisorKind::belay;
            if (sizes.marks_only && !has_marks) continue;
            Found& found = all[kind];
            if (!found.problem.empty()) continue;
            fmt::print(stderr, "round {} of {}: {}\n", round + 1, sizes.rounds, name_of(kind));
            const Result<void> done =
                measure_one(kind, ground, beginnings, sizes, to_kill, round == 0, found);
            if (!done && has_marks) return std::unexpected(done.error());
            if (!done) found.problem = done.error().what;
        }
    }
    SupervisionTables tables;
    const Found& loop = all.at(SupervisorKind::loop);
    tables.marks = marks_of(all.at(SupervisorKind::belay), loop, sizes);
    tables.supervisors = {{"Supervisor", fmt::format("{} up", sizes.components), "to the loop",
                           "Begun anew, median", "to the loop", "99 of 100", "of", "Memory (PSS) each",
                           fmt::format("Processor, idle {}", belay::to_text(sizes.idle)), "Wake-ups"}};
    for (const auto& [kind, found] : all) tables.supervisors.push_back(line_of(kind, found, loop));
    return tables;
}

}  // namespace belay::bench
