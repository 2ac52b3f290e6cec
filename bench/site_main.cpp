// belay-bench-site: how fast the configuration of a site is written and reaches whom it concerns.

#include "site_configuration.h"
#include "site_members.h"
#include "table.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

namespace belay::bench {
namespace {

struct Options {
    std::string folder = ".";
    std::string only = {};
    size_t rounds = 60;
    std::vector<size_t> members = {10, 100, 1'000, 10'000};
    std::string controller = {};
    std::string agents = {};
    size_t from = 0, count = 0;
};

/// Whether all marks were reached.
Result<bool> measure(const Options& options, const std::string& program)
{
    if (!options.controller.empty()) {
        TRY(serve_as_controller(options.controller));
        return true;
    }
    if (!options.agents.empty()) {
        TRY(serve_as_agents(options.agents, options.from, options.count));
        return true;
    }
    bool reached = true;
    if (options.only != "members") {
        const ScratchFolder folder = TRY(ScratchFolder::make(options.folder));
        const std::vector<Row> rows = TRY(measure_configuration(folder, options.rounds));
        reached = std::ranges::none_of(rows, [](const Row& row) { return row.reached == false; });
        fmt::print("{}\n", to_text(rows));
        static_cast<void>(std::fflush(stdout));
    }
    if (options.only != "configuration") {
        const ScratchFolder folder = TRY(ScratchFolder::make(options.folder));
        fmt::print("{}\n", aligned(TRY(measure_members(folder, program, options.members))));
    }
    return reached;
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    constexpr int exit_failed = 1;
    constexpr int exit_usage = 2;
    belay::bench::Options options;
    CLI::App app(
        "Measures the configuration of a site beside an etcd alone, and one controller with many members,\n"
        "and prints tables in Markdown. bench/site installs and builds everything and runs it.");
    app.footer(
        "Exit codes: 0 all marks were reached, 1 one was not, or it could not be measured, 2 wrong "
        "arguments.");
    app.add_option("--folder", options.folder, "Folder on the disk to measure on; nothing stays in it")
        ->capture_default_str();
    app.add_option("--only", options.only, "Measure this alone")
        ->check(CLI::IsMember({"configuration", "members"}));
    app.add_option("--rounds", options.rounds, "Of ten changes each")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    app.add_option("--members", options.members, "How many members; may be repeated")
        ->check(CLI::Range(1, 25'000));
    // What this program starts itself as.
    app.add_option("--controller", options.controller)->group("");
    app.add_option("--agents", options.agents)->group("");
    app.add_option("--from", options.from)->group("");
    app.add_option("--count", options.count)->group("");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    const auto reached = belay::bench::measure(options, "/proc/self/exe");
    if (reached) return *reached ? 0 : exit_failed;
    fmt::print(stderr, "belay-bench-site: {}\n", reached.error().what);
    if (!reached.error().next.empty()) fmt::print(stderr, "  {}\n", reached.error().next);
    return exit_failed;
}
