// belay-bench-supervision: how soon the components of a supervisor run, and run again, and what it costs.

#include "supervision_loop.h"
#include "supervision_rounds.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace belay::bench {
namespace {

struct Options {
    std::string folder = ".";
    SupervisionSizes sizes;
    int64_t idle_seconds = 10;
    std::string loop = {};
    std::vector<std::string> components = {};
};

/// Whether all marks were reached.
Result<bool> measure(const Options& options)
{
    if (!options.loop.empty()) {
        TRY(serve_as_loop(options.loop, options.components));
        return true;
    }
    const ScratchFolder folder = TRY(ScratchFolder::make(options.folder));
    const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const SupervisionTables tables = TRY(measure_supervision(folder, programs, options.sizes));
    fmt::print("{}\n{}\n", to_text(tables.marks), aligned(tables.supervisors));
    return std::ranges::none_of(tables.marks, [](const Row& row) { return row.reached == false; });
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    constexpr int exit_failed = 1;
    constexpr int exit_usage = 2;
    belay::bench::Options options;
    CLI::App app(
        "Measures belay-supervisor beside a bare posix_spawn loop, runit, s6 and supervisord, where they "
        "are\n"
        "installed, and prints tables in Markdown. bench/supervision installs and builds everything and runs "
        "it.");
    app.footer(
        "Exit codes: 0 all marks were reached, 1 one was not, or it could not be measured, 2 wrong "
        "arguments.");
    app.add_option("--folder", options.folder, "Folder on a disk, for programs; nothing stays in it")
        ->capture_default_str();
    app.add_option("--components", options.sizes.components, "How many each of them has")
        ->check(CLI::Range(size_t{1}, belay::bench::most_components))
        ->capture_default_str();
    app.add_option("--rounds", options.sizes.rounds, "In each, all of them take their turn")
        ->check(CLI::Range(1, 100))
        ->capture_default_str();
    app.add_option("--kills", options.sizes.kills, "Of different components, in each round")
        ->check(CLI::Range(1, 4000))
        ->capture_default_str();
    app.add_option("--idle", options.idle_seconds,
                   "For how many seconds they are watched while nothing happens")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    app.add_flag("--marks", options.sizes.marks_only, "Belay and the loop alone");
    // What this program starts itself as.
    app.add_option("--loop", options.loop)->group("");
    app.add_option("arguments", options.components)->group("");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    options.sizes.idle = std::chrono::seconds(options.idle_seconds);
    const auto reached = belay::bench::measure(options);
    if (reached) return *reached ? 0 : exit_failed;
    fmt::print(stderr, "belay-bench-supervision: {}\n", reached.error().what);
    if (!reached.error().next.empty()) fmt::print(stderr, "  {}\n", reached.error().next);
    return exit_failed;
}
