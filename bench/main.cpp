// belay-bench: how fast Belay is, held against what a person would use without it.

#include "measures.h"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace belay::bench {
namespace {

struct Options {
    std::string folder = ".";
    std::string only = {};
    Programs programs = {};
};

Result<void> measure(const Options& options)
{
    const std::pair<std::string_view, std::function<Result<std::vector<Row>>(const ScratchFolder&)>>
        measures[] = {{"journal", measure_journal},
                      {"commands", measure_commands},
                      {"inventory", measure_inventory},
                      {"daemon", [&](const ScratchFolder& folder) {
                           return measure_daemon(folder, options.programs);
                       }}};
    std::vector<Row> rows;
    for (const auto& [name, rows_of] : measures) {
        if (!options.only.empty() && options.only != name) continue;
        const ScratchFolder folder = TRY(ScratchFolder::make(options.folder));
        std::ranges::move(TRY(rows_of(folder)), std::back_inserter(rows));
    }
    fmt::print("{}", to_text(rows));
    return {};
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    constexpr int exit_failed = 1;
    constexpr int exit_usage = 2;
    belay::bench::Options options;
    CLI::App app(
        "Measures Belay against its peers and prints a table in Markdown.\n"
        "bench/run builds everything and runs it; takes about half a minute.");
    app.footer("Exit codes: 0 measured, whatever came out, 1 it could not be measured, 2 wrong arguments.");
    app.add_option("--folder", options.folder, "Folder on the disk to measure on; nothing stays in it")
        ->capture_default_str();
    app.add_option("--only", options.only, "Measure this alone")
        ->check(CLI::IsMember({"journal", "commands", "inventory", "daemon"}));
    app.add_option("--belay", options.programs.belay, "The program belay")->required();
    app.add_option("--belayd", options.programs.belayd, "The program belayd")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    const auto measured = belay::bench::measure(options);
    if (measured) return 0;
    fmt::print(stderr, "belay-bench: {}\n", measured.error().what);
    if (!measured.error().next.empty()) fmt::print(stderr, "  {}\n", measured.error().next);
    return exit_failed;
}
