// belay-bench-failover: how long nobody serves when one of a pair fails, with Belay and with keepalived.

#include "failover_rounds.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace belay::bench {
namespace {

struct FailoverOptions {
    std::string folder;
    FailoverSizes sizes;
    double minutes = 10;
    int64_t rest_seconds = 10;
};

constexpr int exit_interrupted = 130;

/// All that it has started ends with it where it is the first process of its namespace, as bench/failover has
/// it; such a one gets no signal that it does not catch.
void end_on_signals()
{
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        std::signal(signal, [](int) { _exit(exit_interrupted); });
}

/// Whether all marks were reached.
Result<bool> measure_all(const FailoverOptions& options)
{
    const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const FailoverTables tables = TRY(measure_failover(options.folder, programs, options.sizes));
    fmt::print("{}\n{}\n", to_text(tables.marks), aligned(tables.pairs));
    if (!tables.hogs.empty()) fmt::print("{}\n", aligned(tables.hogs));
    return std::ranges::none_of(tables.marks, [](const Row& row) { return row.reached == false; });
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    constexpr int exit_failed = 1;
    constexpr int exit_usage = 2;
    belay::bench::FailoverOptions options;
    CLI::App app(
        "Measures fail-overs of a pair beside keepalived and prints tables in Markdown; for root, as the\n"
        "first process of a namespace. bench/failover installs and builds everything and runs it.");
    app.footer(
        "Exit codes: 0 all marks were reached, 1 one was not, or it could not be measured, 2 wrong "
        "arguments.");
    app.add_option("--folder", options.folder, "Folder in memory; what is written into it stays")->required();
    app.add_option("--rounds", options.sizes.rounds, "Of each case, of Belay")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--peer-rounds", options.sizes.peer_rounds, "Of each case, of each keepalived")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--rest", options.rest_seconds, "For how many seconds they are watched at rest")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    app.add_option("--minutes", options.minutes, "Beside processor hogs; 0: not at all")
        ->check(CLI::Range(0.0, 10'000.0))
        ->capture_default_str();
    app.add_flag("--marks", options.sizes.marks_only, "Belay alone");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    options.sizes.rest = std::chrono::seconds(options.rest_seconds);
    options.sizes.hogs = std::chrono::milliseconds(static_cast<int64_t>(options.minutes * 60'000));
    belay::bench::end_on_signals();
    // The servers that keepalived keeps: they stand by until they are told.
    setenv("BELAY_ROLE", "backup", 1);  // NOLINT(concurrency-mt-unsafe): there is no other thread yet
    const auto reached = belay::bench::measure_all(options);
    if (reached) return *reached ? 0 : exit_failed;
    fmt::print(stderr, "belay-bench-failover: {}\n", reached.error().what);
    if (!reached.error().next.empty()) fmt::print(stderr, "  {}\n", reached.error().next);
    return exit_failed;
}
