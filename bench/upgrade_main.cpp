// belay-bench-upgrade: what is lost while a server is upgraded, by Belay and by others.

#include "upgrade_rounds.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace belay::bench {
namespace {

struct UpgradeOptions {
    std::string folder, server;
    UpgradeSizes sizes;
};

constexpr int exit_of_interrupted = 130;

/// As belay-bench-failover: all that it has started ends with the first process of its namespace.
void end_upgrades_on_signals()
{
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        std::signal(signal, [](int) { _exit(exit_of_interrupted); });
}

/// Whether all marks were reached.
Result<bool> measure_and_print(const UpgradeOptions& options)
{
    const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const UpgradeTables tables =
        TRY(measure_upgrades(options.folder, programs, options.server, options.sizes));
    fmt::print("{}\n{}\n{}\n", to_text(tables.marks), aligned(tables.ways), aligned(tables.phases));
    return std::ranges::none_of(tables.marks, [](const Row& row) { return row.reached == false; });
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    constexpr int exit_failed = 1;
    constexpr int exit_usage = 2;
    belay::bench::UpgradeOptions options;
    CLI::App app(
        "Measures upgrades of a server under load and prints tables in Markdown; for root, as the first "
        "process of\n"
        "a namespace. bench/upgrade installs and builds everything and runs it.");
    app.footer(
        "Exit codes: 0 all marks were reached, 1 one was not, or it could not be measured, 2 wrong "
        "arguments.");
    app.add_option("--folder", options.folder, "Folder in memory; what is written into it stays")->required();
    app.add_option("--server", options.server, "The file of the server: examples/web-pair/server")
        ->required();
    app.add_option("--rounds", options.sizes.rounds, "Upgrades by each way")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_flag("--marks", options.sizes.marks_only, "Belay alone");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    belay::bench::end_upgrades_on_signals();
    const auto reached = belay::bench::measure_and_print(options);
    if (reached) return *reached ? 0 : exit_failed;
    fmt::print(stderr, "belay-bench-upgrade: {}\n", reached.error().what);
    if (!reached.error().next.empty()) fmt::print(stderr, "  {}\n", reached.error().next);
    return exit_failed;
}
