// belay-bench-backup: how fast Belay backs up, held against restic and borg.

#include "backup_growth.h"
#include "backup_rounds.h"
#include "machine_limits.h"
#include "scratch_folder.h"
#include "table.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/ranges.h>

namespace belay::bench {
namespace {

struct Options {
    std::string folder = ".";
    std::vector<std::string> only = {};
    unsigned rounds = 1;
    bool growth = false;
    BackupPrograms programs = {};
};

/// Errors: no_space. A data set, and of each round its three copies that are restored and three repositories.
Result<void> is_room_for(const std::string& name, const std::string& folder, unsigned rounds)
{
    constexpr uint64_t of_each_round = 5;
    const uint64_t wanted = TRY(expected_size(name)) * (1 + rounds * of_each_round);
    std::error_code problem;
    const uint64_t there = std::filesystem::space(folder, problem).available;
    if (problem) return std::unexpected(system_error("look at " + folder, problem.value()));
    fmt::print(stderr, "{}: needs up to {} MiB in {}, where {} MiB are free\n", name, wanted >> 20, folder,
               there >> 20);
    if (wanted <= there) return {};
    return fail(ErrorKind::no_space, fmt::format("{} has no room for {}", folder, name),
                "bench/backup --folder FOLDER, elsewhere, or --only with another data set");
}

/// Whether all marks were reached.
Result<bool> measure_all(const Options& options)
{
    bool reached = true;
    if (options.growth) {
        fmt::print("## Growth\n\n{}\n",
                   aligned(TRY(measure_growth(options.programs, options.folder, options.only, reached))));
        return reached;
    }
    for (const std::string name : data_set_names) {
        if (!options.only.empty() && std::ranges::find(options.only, name) == options.only.end()) continue;
        const ScratchFolder folder = TRY(ScratchFolder::make(options.folder));
        TRY(is_room_for(name, folder.path(), options.rounds));
        const DataSet data = TRY(make_data_set(name, folder.path()));
        const Compared compared = TRY(compare(data, options.programs, folder.path(), options.rounds));
        const MachineLimits limits = TRY(measure_limits(data, folder.path()));
        const auto took = [&](Work work, Tool tool = Tool::belay) {
            return compared.costs.at(work).at(tool).time.processor;
        };
        fmt::print("## {}: {} files, {} MB\n\n{}\n{}\n{}\n\n", name, data.files, data.bytes / 1'000'000,
                   aligned(to_lines(compared, reached)), aligned(to_lines(limits)),
                   sentences_of(limits, data,
                                {.first = took(Work::first),
                                 .changed = took(Work::changed),
                                 .restore = took(Work::restore),
                                 .restore_by_restic = took(Work::restore, Tool::restic)}));
        static_cast<void>(std::fflush(stdout));
    }
    return reached;
}

/// Throws what CLI11 throws where it does not know a value.
void check_names(const Options& options)
{
    std::vector<std::string> known(data_set_names.begin(), data_set_names.end());
    if (options.growth) known = growth_names();
    for (const std::string& name : options.only)
        if (std::ranges::find(known, name) == known.end())
            throw CLI::ValidationError("--only",
                                       fmt::format("there is no {}, only {}", name, fmt::join(known, ", ")));
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    constexpr int exit_failed = 1;
    constexpr int exit_usage = 2;
    belay::bench::Options options;
    CLI::App app(
        "Measures backups by Belay, restic and borg in turns, and prints tables in Markdown.\n"
        "bench/backup installs and builds everything and runs it.");
    app.footer(
        "Exit codes: 0 all marks were reached, 1 one was not, or it could not be measured, 2 wrong "
        "arguments.");
    app.add_option("--folder", options.folder, "Folder on the disk to measure on; nothing stays in it")
        ->capture_default_str();
    app.add_option("--only", options.only, "Measure this data set alone, or this growth; may be repeated");
    app.add_option("--rounds", options.rounds, "How often; what is shown is the median")
        ->check(CLI::Range(1, 99))
        ->capture_default_str();
    app.add_flag("--growth", options.growth,
                 "How time and memory grow with the number of files and their size");
    app.add_option("--belay", options.programs.belay, "The program belay")->required();
    try {
        app.parse(argc, argv);
        belay::bench::check_names(options);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    const auto reached = belay::bench::measure_all(options);
    if (reached) return *reached ? 0 : exit_failed;
    fmt::print(stderr, "belay-bench-backup: {}\n", reached.error().what);
    if (!reached.error().next.empty()) fmt::print(stderr, "  {}\n", reached.error().next);
    return exit_failed;
}
