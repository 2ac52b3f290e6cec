#include "bare_database.h"
#include "host/descriptor.h"
#include "measures.h"
#include "rig.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr size_t journal_rounds = 25;
constexpr size_t steps_in_round = 20;
constexpr Nanoseconds most_processor_time = std::chrono::microseconds(50);

/// One write of 4 KiB into a file that has its room already, and the sync of it.
class BareSync {
  public:
    static Result<BareSync> open(const std::string& path)
    {
        host::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!file) return std::unexpected(system_error("make " + path, errno));
        BareSync bare(std::move(file));
        TRY(bare.once());
        return bare;
    }
    Result<void> once()
    {
        const bool done =
            pwrite(file_.number(), block_.data(), block_.size(), 0) > 0 && fdatasync(file_.number()) == 0;
        if (!done) return std::unexpected(system_error("sync a file", errno));
        return {};
    }

  private:
    explicit BareSync(host::Descriptor file) : file_(std::move(file)) {}
    host::Descriptor file_;
    std::string block_ = std::string(4096, 'x');
};

/// Times for one, of each round.
struct Samples {
    std::vector<Nanoseconds> wall;
    std::vector<Nanoseconds> processor;
};

template <typename Once>
Result<void> take_round(Samples& samples, Once once)
{
    const Stopwatch watch;
    for (size_t i = 0; i < steps_in_round; ++i) TRY(once());
    const Taken taken = watch.taken();
    samples.wall.push_back(taken.wall / steps_in_round);
    samples.processor.push_back(taken.processor / steps_in_round);
    return {};
}

double a_second(Nanoseconds each)
{
    return 1e9 / static_cast<double>(each.count());
}

/// An operation that is being activated, its steps yet to come.
Result<operation::Id> begin(Rig& rig)
{
    operation::Id id = TRY(rig.add(Rig::plan_of(journal_rounds * steps_in_round, "bench.nothing")));
    TRY(rig.request(id, operation::Verb::activate));
    return id;
}

}  // namespace

Result<std::vector<Row>> measure_journal(const ScratchFolder& folder)
{
    const auto rig = TRY(Rig::open(folder.path()));
    const auto bare = TRY(BareDatabase::open(folder / "bare.db"));
    BareSync sync = TRY(BareSync::open(folder / "sync"));
    const auto in_memory = TRY(Rig::in_memory());
    const operation::Id id = TRY(begin(*rig));
    const operation::Id id_in_memory = TRY(begin(*in_memory));

    Samples ours;
    Samples peer;
    Samples syncs;
    Samples engine;
    std::vector<double> ratios;
    for (size_t round = 0; round < journal_rounds; ++round) {
        TRY(take_round(ours, [&] { return rig->step_once(id); }));
        TRY(take_round(peer, [&] { return bare->commit_one(); }));
        TRY(take_round(syncs, [&] { return sync.once(); }));
        TRY(take_round(engine, [&] { return in_memory->step_once(id_in_memory); }));
        ratios.push_back(a_second(ours.wall.back()) / a_second(peer.wall.back()));
    }
    TRY(rig->step_until(id, operation::State::activated));

    const double ratio = median(ratios);
    const Nanoseconds of_engine = median(engine.processor);
    return std::vector<Row>{
        {.name = "fdatasync of 4 KiB on this disk", .ours = "", .peer = to_text(median(syncs.wall))},
        {.name = "journaled steps a second; bare SQLite commits a second",
         .ours = fmt::format("{:.0f}", a_second(median(ours.wall))),
         .peer = fmt::format("{:.0f}", a_second(median(peer.wall))),
         .ratio = fmt::format("{:.2f}", ratio),
         .mark = "at least 0.8",
         .reached = ratio >= 0.8},
        {.name = "processor time of one of them, the kernel's included",
         .ours = to_text(median(ours.processor)),
         .peer = to_text(median(peer.processor)),
         .ratio = fmt::format("{:.2f}", static_cast<double>(median(peer.processor).count()) /
                                            static_cast<double>(median(ours.processor).count()))},
        {.name = "processor time of a step, the journal in memory",
         .ours = to_text(of_engine),
         .mark = "under 50 µs",
         .reached = of_engine < most_processor_time}};
}

}  // namespace belay::bench
