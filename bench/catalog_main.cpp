// belay-bench-catalog: how long a search takes in a catalog of millions of files, and what the catalog costs;
// beside it `restic find` on a repository of real files.

#include "backup/cataloging/catalog_folder.h"
#include "catalog_history.h"
#include "measured_run.h"
#include "scratch_folder.h"
#include "table.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>

namespace belay::bench {
namespace {

struct Options {
    std::string folder = ".", belay, data = "/usr/share";
    CatalogHistory history = {};
    unsigned rounds = 5;
};

constexpr double mark_ms = 100;

double milliseconds(Nanoseconds span)
{
    return seconds(span) * 1000;
}

std::string mebibytes(uint64_t bytes)
{
    return fmt::format("{} MiB", bytes >> 20);
}

struct Made {
    uint64_t entries = 0, peak_memory = 0;
    double seconds = 0;
};

/// In a process of its own, so that its peak of memory is known.
Result<Made> make_catalog(const std::string& folder, const CatalogHistory& history)
{
    const std::string result = folder + ".made";
    const auto begun = std::chrono::steady_clock::now();
    const pid_t child = ::fork();
    if (child == 0) {
        const backup::CatalogFolder place(folder);
        auto catalog = place.make_beside();
        if (!catalog) ::_exit(1);
        const auto entries = fill_catalog(**catalog, history);
        if (!entries || !place.put_in_place(*std::move(catalog))) ::_exit(1);
        std::ofstream(result) << *entries;
        ::_exit(std::filesystem::exists(result) ? 0 : 1);
    }
    int status = 0;
    struct rusage usage = {};
    if (child < 0 || ::wait4(child, &status, 0, &usage) != child || status != 0)
        return fail(ErrorKind::failed, "the catalog could not be made");
    Made made{.peak_memory = static_cast<uint64_t>(usage.ru_maxrss) << 10};
    made.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::ifstream(result) >> made.entries;
    return made;
}

struct Asked {
    double median_ms = 0, processor_ms = 0;
    uint64_t peak_memory = 0;
};

/// The whole program, from its start to its end; what it reads lies in the memory for files.
Result<Asked> ask(const Call& call, unsigned rounds)
{
    std::vector<Nanoseconds> times, processor;
    Asked asked;
    for (unsigned i = 0; i <= rounds; ++i) {
        const Cost cost = TRY(measure(call));
        asked.peak_memory = std::max(asked.peak_memory, cost.peak_memory);
        if (i == 0) continue;
        times.push_back(cost.time.wall);
        processor.push_back(cost.time.processor);
    }
    asked.median_ms = milliseconds(median(times));
    asked.processor_ms = milliseconds(median(processor));
    return asked;
}

Result<bool> measure_large(const Options& options, const ScratchFolder& scratch)
{
    const std::string folder = scratch / "catalog";
    const Made made = TRY(make_catalog(folder, options.history));
    const uint64_t size = std::filesystem::file_size(folder + "/catalog.sqlite");
    fmt::print("## A catalog of {} entries\n\n", made.entries);
    fmt::print(
        "{} clients with {} snapshots each. Stored in {:.0f} s, {:.0f} entries a second (without reading "
        "a repository), with {} of memory; the file has {}, {:.0f} bytes an entry.\n\n",
        options.history.clients, options.history.snapshots, made.seconds,
        static_cast<double>(made.entries) / made.seconds, mebibytes(made.peak_memory), mebibytes(size),
        static_cast<double>(size) / static_cast<double>(made.entries));
    const std::vector<std::pair<const char*, std::vector<std::string>>> questions = {
        {"a name that is common", {"report7.conf"}},
        {"a name that is nowhere", {"no-such-name"}},
        {"a path, every version of it", {"/mail.1"}},
        {"a path that is nowhere", {"/mail.1/nowhere/at/all"}},
        {"a pattern: \\*.conf", {"*.conf"}},
        {"a part of a name: \\*port-1f2e\\*", {"*port-1f2e*"}},
        {"a part that is nowhere: \\*zebra\\*", {"*zebra*"}},
        {"two letters that are nowhere: \\*zq\\*", {"*zq*"}},
        {"upper and lower case alike: \\*PORT-1F2E\\*", {"*PORT-1F2E*", "-i"}},
        {"a pattern of paths: /\\*\\*/index1\\*.pdf", {"/**/index1*.pdf"}},
        {"a pattern, of one client", {"*1f2e*", "--client", "host07"}},
        {"a name, of one client in one week",
         {"report7.conf", "--client", "host07", "--oldest", "2023-11-20", "--newest", "2023-11-27"}},
    };
    std::vector<std::vector<std::string>> lines{
        {"Search for", "Time", "Processor", "Memory", "Mark", "Reached"}};
    bool reached = true;
    for (const auto& [what, words] : questions) {
        Call call{.argv = {options.belay, "catalog", "search"}};
        call.argv.insert(call.argv.end(), words.begin(), words.end());
        call.argv.insert(call.argv.end(), {"--catalog", folder});
        const Asked asked = TRY(ask(call, options.rounds));
        const bool is_fast = asked.median_ms < mark_ms;
        reached = reached && is_fast;
        lines.push_back({what, fmt::format("{:.1f} ms", asked.median_ms),
                         fmt::format("{:.1f} ms", asked.processor_ms), mebibytes(asked.peak_memory),
                         fmt::format("{:.0f} ms", mark_ms), reached_text(is_fast)});
    }
    fmt::print("{}\n", aligned(lines));
    return reached;
}

Result<void> measure_beside_restic(const Options& options, const ScratchFolder& scratch)
{
    const std::string repository = scratch / "repository", password = scratch / "password";
    std::ofstream(password) << "correct horse\n";
    const std::string folder = scratch / "small";
    const auto backup = [&](std::vector<std::string> words) {
        Call call{.argv = {options.belay, "backup"}};
        call.argv.insert(call.argv.end(), words.begin(), words.end());
        call.argv.insert(call.argv.end(), {"-r", repository, "--password-file", password, "-q"});
        return call;
    };
    TRY(measure(backup({"init"})));
    constexpr unsigned snapshots = 5;
    for (unsigned i = 0; i < snapshots; ++i)
        TRY(measure(backup({"run", options.data, "--identity", "none", "--tag", std::to_string(i)})));
    const Cost added = TRY(measure({.argv = {options.belay, "catalog", "add", repository, "--password-file",
                                             password, "--catalog", folder}}));
    const auto catalog = TRY(backup::CatalogFolder(folder).open(backup::catalog::Use::read));
    const uint64_t entries = TRY(catalog->size()).entries;
    fmt::print(
        "## Beside restic: {}, {} entries, {} snapshots\n\nTaken in within {:.1f} s, {:.0f} entries a second "
        "(opening the repository included), with {} of memory.\n\n",
        options.data, entries, snapshots, seconds(added.time.wall),
        static_cast<double>(entries) / seconds(added.time.wall), mebibytes(added.peak_memory));
    std::vector<std::vector<std::string>> lines{
        {"Search for", "belay catalog search", "restic find", "Ratio"}};
    for (const std::string& what :
         {std::string("copyright"), std::string("*.conf"), std::string("no-such-name")}) {
        const Asked ours = TRY(
            ask({.argv = {options.belay, "catalog", "search", what, "--catalog", folder}}, options.rounds));
        const Asked theirs =
            TRY(ask({.argv = {"/usr/bin/restic", "find", what, "-r", repository, "--password-file", password,
                              "--cache-dir", scratch / "cache"}},
                    1));
        lines.push_back({what, fmt::format("{:.1f} ms", ours.median_ms),
                         fmt::format("{:.0f} ms", theirs.median_ms),
                         fmt::format("{:.0f}", theirs.median_ms / ours.median_ms)});
    }
    fmt::print("{}\n", aligned(lines));
    return {};
}

Result<bool> measure_all(const Options& options)
{
    const ScratchFolder scratch = TRY(ScratchFolder::make(options.folder));
    const bool reached = TRY(measure_large(options, scratch));
    static_cast<void>(std::fflush(stdout));
    TRY(measure_beside_restic(options, scratch));
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
        "Measures the catalog, and prints tables in Markdown. bench/catalog builds everything and runs it.");
    app.footer(
        "Exit codes: 0 all marks were reached, 1 one was not, or it could not be measured, 2 wrong "
        "arguments.");
    app.add_option("--folder", options.folder, "Folder on the disk to measure on; nothing stays in it");
    app.add_option("--files", options.history.files, "Entries of the large catalog")->capture_default_str();
    app.add_option("--data", options.data, "Real files, to be saved and found by restic too")
        ->capture_default_str();
    app.add_option("--rounds", options.rounds, "How often; what is shown is the median")
        ->check(CLI::Range(1, 99))
        ->capture_default_str();
    app.add_option("--belay", options.belay, "The program belay")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : exit_usage;
    }
    const auto reached = belay::bench::measure_all(options);
    if (reached) return *reached ? 0 : exit_failed;
    fmt::print(stderr, "belay-bench-catalog: {}\n", reached.error().what);
    return exit_failed;
}
