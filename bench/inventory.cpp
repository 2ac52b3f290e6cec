// The inventory of a host with many disks, from a recording: what Belay's own work costs, without the tools'.

#include "host/recorded.h"
#include "host/recording.h"
#include "large_host/large_host.h"
#include "measures.h"
#include "samples.h"
#include "storage/disk.h"
#include "storage/health.h"
#include "storage/probe.h"

namespace belay::bench {
namespace {

using large_host::array_count;
using large_host::disk_count;

constexpr size_t inventory_rounds = 21;
constexpr size_t identity_rounds = 101;
constexpr Nanoseconds longest_identity = std::chrono::milliseconds(10);
constexpr Nanoseconds longest = std::chrono::milliseconds(100);
constexpr Nanoseconds longest_with_smart = std::chrono::milliseconds(500);

/// The median of what it takes to look, to draw the graph and to judge.
Result<Nanoseconds> time_views(const std::string& recording, storage::Depth depth)
{
    std::vector<Nanoseconds> taken;
    for (size_t round = 0; round < inventory_rounds; ++round) {
        const auto host = TRY(host::recorded_host(recording));
        const Stopwatch watch;
        const storage::Survey survey = TRY(storage::read_survey(*host, depth));
        const Json graph = storage::graph_of(survey);
        const Json health = storage::health_report(survey);
        taken.push_back(watch.taken().wall);
        const size_t asked = depth == storage::Depth::health ? disk_count : 0;
        if (survey.inventory.disks.size() != disk_count || survey.inventory.arrays.size() != array_count ||
            survey.bus_paths.size() != disk_count || survey.smart.size() != asked ||
            survey.ata_capacities.size() != asked)
            return fail(ErrorKind::failed, "the made-up host was not read whole");
    }
    return median(taken);
}

/// The median of what one disk's identity takes to check, as before each step of a plan.
Result<Nanoseconds> time_identity(const std::string& recording)
{
    const auto host = TRY(host::recorded_host(recording));
    const storage::Inventory inventory = TRY(storage::read_inventory(*host));
    std::vector<Nanoseconds> taken;
    for (const storage::Disk& disk : inventory.disks | std::views::take(identity_rounds)) {
        const operation::Question question = storage::disk::is(disk);
        const Stopwatch watch;
        const operation::Finding finding = TRY(storage::disk::find_identity(*host, question.arguments));
        taken.push_back(watch.taken().wall);
        if (finding.verdict != operation::Verdict::pass)
            return fail(ErrorKind::failed, "a disk of the made-up host was not known again");
    }
    return median(taken);
}

}  // namespace

Result<std::vector<Row>> measure_inventory(const ScratchFolder&)
{
    const std::string text = TRY(host::format_recording(large_host::contacts()));
    const Nanoseconds tree = TRY(time_views(text, storage::Depth::tree));
    const Nanoseconds smart = TRY(time_views(text, storage::Depth::health));
    const Nanoseconds identity = TRY(time_identity(text));
    return std::vector<Row>{
        {.name = fmt::format("inventory, graph and health of {} disks and {} arrays, recorded", disk_count,
                             array_count),
         .ours = to_text(tree),
         .mark = "under 100 ms",
         .reached = tree < longest},
        {.name = fmt::format("the same, with SMART and the capacity of {} disks", disk_count),
         .ours = to_text(smart),
         .mark = "under 500 ms",
         .reached = smart < longest_with_smart},
        {.name = fmt::format("the identity of one disk among {}, recorded", disk_count),
         .ours = to_text(identity),
         .mark = "under 10 ms",
         .reached = identity < longest_identity}};
}

}  // namespace belay::bench
