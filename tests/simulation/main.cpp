// belay-simulation: many seeded lives of the engine, each held against its promises.

#include "run.h"

#include <CLI/CLI.hpp>
#include <atomic>
#include <mutex>
#include <thread>

namespace {

using namespace belay::simulation;

const std::map<std::string, Defect> defects = {{"none", Defect::none},
                                               {"drops-restores", Defect::drops_restores},
                                               {"drops-intents", Defect::drops_intents},
                                               {"forgets-locks", Defect::forgets_locks},
                                               {"boot-clock-jumps", Defect::boot_clock_jumps},
                                               {"remains-asks-for-goal", Defect::remains_asks_for_goal},
                                               {"acknowledges-too-early", Defect::acknowledges_too_early}};

void show(uint64_t seed, const Report& report)
{
    for (const std::string& line : report.story) fmt::print("{}\n", line);
    fmt::print("seed {} breaks promise {}\n  {}\nreplay: {}\n", seed, report.violation->promise,
               report.violation->what, replay_command(seed));
}

/// Runs seeds first..first+count-1 on all processors. The lowest seed that failed, if one did.
std::optional<uint64_t> run_all(uint64_t first, uint64_t count, Defect defect, Statistics& statistics)
{
    std::atomic<uint64_t> next = first;
    std::atomic<bool> stop = false;
    std::mutex mutex;
    std::optional<uint64_t> failed;
    const auto work = [&] {
        Statistics mine;
        while (!stop) {
            const uint64_t seed = next++;
            if (seed >= first + count) break;
            const Report report = run({.seed = seed, .defect = defect});
            mine.add(report.statistics);
            if (!report.violation) continue;
            stop = true;
            const std::scoped_lock guard(mutex);
            failed = failed ? std::min(*failed, seed) : seed;
        }
        const std::scoped_lock guard(mutex);
        statistics.add(mine);
    };
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
        threads.emplace_back(work);
    threads.clear();
    return failed;
}

}  // namespace

int main(int argc, char** argv)
{
    CLI::App app("Seeded simulation of Belay's engine; exit code 1 when a promise is broken");
    uint64_t runs = 1000;
    uint64_t first = 1;
    std::optional<uint64_t> seed;
    bool explain = false;
    Defect defect = Defect::none;
    app.add_option("--runs", runs, "how many seeds");
    app.add_option("--first", first, "the first seed");
    app.add_option("--seed", seed, "run this one seed");
    app.add_flag("--explain", explain, "tell the story of the one seed");
    app.add_option("--defect", defect, "put a mistake in")->transform(CLI::CheckedTransformer(defects));
    CLI11_PARSE(app, argc, argv);

    if (seed) {
        const Report report = run({.seed = *seed, .defect = defect, .explain = explain});
        if (report.violation) {
            show(*seed, report);
            return 1;
        }
        for (const std::string& line : report.story) fmt::print("{}\n", line);
        fmt::print("seed {} keeps all promises\n", *seed);
        return 0;
    }
    const auto begun = std::chrono::steady_clock::now();
    Statistics statistics;
    const std::optional<uint64_t> failed = run_all(first, runs, defect, statistics);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    fmt::print("{}{:.1f} s, {:.0f} runs per second\n", statistics.text(), took.count(),
               static_cast<double>(statistics.runs) / took.count());
    const std::vector<std::string> missing = statistics.missing();
    if (!failed && runs >= 10'000 && !missing.empty()) {
        fmt::print("these runs prove less than they should, they never met: {}\n", fmt::join(missing, ", "));
        return 1;
    }
    if (!failed) return 0;
    show(*failed, run({.seed = *failed, .defect = defect, .explain = true}));
    return 1;
}
