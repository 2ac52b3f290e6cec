#include "statistics.h"

#include <fmt/format.h>

namespace belay::simulation {
namespace {

using Counts = std::map<std::string, uint64_t>;

void add_to(Counts& counts, const Counts& more)
{
    for (const auto& [name, count] : more) counts[name] += count;
}

std::string section(const char* title, const Counts& counts)
{
    std::string text = fmt::format("{}:\n", title);
    for (const auto& [name, count] : counts) text += fmt::format("  {:>12}  {}\n", count, name);
    return text;
}

void collect_missing(const Counts& counts, const std::vector<std::string>& wanted,
                     std::vector<std::string>& missing)
{
    for (const std::string& name : wanted) {
        if (!counts.contains(name)) missing.push_back(name);
    }
}

}  // namespace

std::vector<std::string> Statistics::missing() const
{
    std::vector<std::string> missing;
    collect_missing(
        faults,
        {"refused change", "refused look", "lost answer", "slow", "store full", "gate broken", "power cut",
         "power cut with an empty battery", "wall clock set forward", "wall clock set back"},
        missing);
    collect_missing(end_states, {"planned", "added", "activated", "committed", "aborted", "held"}, missing);
    std::vector<std::string> places = {"between operations: between two events"};
    for (const char* state : {"starting", "planned", "adding", "added", "activating", "activated",
                              "committing", "aborting", "held"}) {
        for (const char* where : {"at a look", "before a commit", "after a commit"})
            places.push_back(fmt::format("{}: {}", state, where));
    }
    for (const char* state : {"adding", "activating", "committing", "aborting", "restoring"}) {
        for (const char* where : {"before a change", "after a change"})
            places.push_back(fmt::format("{}: {}", state, where));
    }
    collect_missing(crashes, places, missing);
    if (restores == 0) missing.emplace_back("a restore");
    return missing;
}

void Statistics::add(const Statistics& other)
{
    runs += other.runs;
    operations += other.operations;
    events += other.events;
    contacts += other.contacts;
    commits += other.commits;
    restores += other.restores;
    add_to(faults, other.faults);
    add_to(crashes, other.crashes);
    add_to(end_states, other.end_states);
    add_to(asked, other.asked);
}

std::string Statistics::text() const
{
    return fmt::format(
               "{} runs, {} operations, {} events, {} contacts with the machine, {} commits, {} "
               "restores\n",
               runs, operations, events, contacts, commits, restores) +
           section("faults", faults) + section("crashes", crashes) + section("asked", asked) +
           section("end states", end_states);
}

}  // namespace belay::simulation
