#include "bare_database.h"
#include "measures.h"
#include "program.h"
#include "rig.h"

#include <array>
#include <fstream>

namespace belay::bench {
namespace {

constexpr size_t command_rounds = 21;
constexpr size_t commands = 20;
constexpr Nanoseconds most_extra = std::chrono::milliseconds(1);

template <typename Body>
Result<Taken> time_of(const Body& body)
{
    const Stopwatch watch;
    TRY(body());
    return watch.taken();
}

Result<std::string> write_script(const std::string& path, std::string_view line)
{
    std::ofstream script(path);
    for (size_t i = 0; i < commands; ++i) script << line << '\n';
    script.close();
    if (!script) return fail(ErrorKind::io, "cannot write " + path);
    return path;
}

Result<void> carry_out_plan(Rig& rig, const operation::Id& id)
{
    TRY(rig.request(id, operation::Verb::activate));
    return rig.step_until(id, operation::State::activated);
}

/// What a step takes more than the same command and the same sync without Belay, for each step.
struct Extra {
    std::vector<Nanoseconds> wall;
    std::vector<Nanoseconds> processor;
};

/// One step after the other, each beside its peers: a disk is not twice as fast for long. They change places,
/// so that nobody is always the one who comes after a sync.
Result<Extra> extra_of_steps(Rig& rig, BareDatabase& bare)
{
    const size_t steps = command_rounds * commands;
    const operation::Id id = TRY(rig.add(Rig::plan_of(steps, "bench.true")));
    TRY(rig.request(id, operation::Verb::activate));
    const std::array<std::function<Result<void>()>, 3> acts = {[&] { return rig.step_once(id); },
                                                               [] { return run_to_end({"/bin/true"}); },
                                                               [&] { return bare.commit_one(); }};
    Extra extra;
    for (size_t i = 0; i < steps; ++i) {
        std::array<Taken, acts.size()> taken;
        for (size_t turn = 0; turn < acts.size(); ++turn) {
            const size_t act = (i + turn) % acts.size();
            taken[act] = TRY(time_of(acts[act]));
        }
        extra.wall.push_back(taken[0].wall - taken[1].wall - taken[2].wall);
        extra.processor.push_back(taken[0].processor - taken[1].processor - taken[2].processor);
    }
    TRY(rig.step_until(id, operation::State::activated));
    return extra;
}

/// The median, and where the middle half lies: on a busy machine that is far apart.
std::string with_spread(const std::vector<Nanoseconds>& samples)
{
    const Quartiles middle = quartiles(samples);
    return fmt::format("{} ({} to {})", to_milliseconds(median(samples)), to_milliseconds(middle.lower),
                       to_milliseconds(middle.upper));
}

}  // namespace

Result<std::vector<Row>> measure_commands(const ScratchFolder& folder)
{
    const auto rig = TRY(Rig::open(folder.path()));
    const auto bare = TRY(BareDatabase::open(folder / "bare.db"));
    const std::string plain = TRY(write_script(folder / "plain", "/bin/true"));
    const std::string synced = TRY(write_script(
        folder / "synced", fmt::format("/bin/true; echo done >>{0}; sync -d {0}", folder / "log")));

    std::vector<Nanoseconds> ours;
    std::vector<Nanoseconds> plain_script;
    std::vector<Nanoseconds> synced_script;
    for (size_t round = 0; round < command_rounds; ++round) {
        const operation::Id id = TRY(rig->add(Rig::plan_of(commands, "bench.true")));
        ours.push_back(TRY(time_of([&] { return carry_out_plan(*rig, id); })).wall);
        plain_script.push_back(TRY(time_of([&] { return run_to_end({"/bin/sh", plain}); })).wall);
        synced_script.push_back(TRY(time_of([&] { return run_to_end({"/bin/sh", synced}); })).wall);
        TRY(rig->request(id, operation::Verb::commit));
        TRY(rig->step_until(id, operation::State::committed));
    }
    const Extra extra = TRY(extra_of_steps(*rig, *bare));

    const auto ratio = [&](const std::vector<Nanoseconds>& peer) {
        return fmt::format(
            "{:.2f}", static_cast<double>(median(peer).count()) / static_cast<double>(median(ours).count()));
    };
    return std::vector<Row>{{.name = "a plan of 20 commands; a shell script of them",
                             .ours = to_milliseconds(median(ours)),
                             .peer = to_milliseconds(median(plain_script)),
                             .ratio = ratio(plain_script)},
                            {.name = "the same, each line followed by a sync of its log",
                             .ours = to_milliseconds(median(ours)),
                             .peer = to_milliseconds(median(synced_script)),
                             .ratio = ratio(synced_script)},
                            {.name = "a step's cost beyond its bare command and a bare commit",
                             .ours = with_spread(extra.wall),
                             .mark = "under 1 ms",
                             .reached = median(extra.wall) < most_extra},
                            {.name = "the same in processor time",
                             .ours = with_spread(extra.processor),
                             .mark = "under 1 ms",
                             .reached = median(extra.processor) < most_extra}};
}

}  // namespace belay::bench
