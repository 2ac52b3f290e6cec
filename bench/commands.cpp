#include "bare_database.h"
#include "measures.h"
#include "program.h"
#include "rig.h"

#include <fstream>

namespace belay::bench {
namespace {

constexpr size_t rounds = 21;
constexpr size_t commands = 20;
constexpr Nanoseconds most_extra = std::chrono::milliseconds(1);

template <typename Body>
Result<Nanoseconds> time_of(Body body)
{
    const Stopwatch watch;
    TRY(body());
    return watch.taken().wall;
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

/// One step after the other, each beside the same command and the same sync without Belay: a disk is not
/// twice as fast for long.
Result<Nanoseconds> extra_of_a_step(Rig& rig, BareDatabase& bare)
{
    const size_t steps = rounds * commands;
    const operation::Id id = TRY(rig.add(Rig::plan_of(steps, "bench.true")));
    TRY(rig.request(id, operation::Verb::activate));
    std::vector<Nanoseconds> extra;
    for (size_t i = 0; i < steps; ++i) {
        const Nanoseconds step = TRY(time_of([&] { return rig.step_once(id); }));
        const Nanoseconds command = TRY(time_of([&] { return run_to_end({"/bin/true"}); }));
        const Nanoseconds commit = TRY(time_of([&] { return bare.commit_one(); }));
        extra.push_back(step - command - commit);
    }
    TRY(rig.step_until(id, operation::State::activated));
    return median(std::move(extra));
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
    for (size_t round = 0; round < rounds; ++round) {
        const operation::Id id = TRY(rig->add(Rig::plan_of(commands, "bench.true")));
        ours.push_back(TRY(time_of([&] { return carry_out_plan(*rig, id); })));
        plain_script.push_back(TRY(time_of([&] { return run_to_end({"/bin/sh", plain}); })));
        synced_script.push_back(TRY(time_of([&] { return run_to_end({"/bin/sh", synced}); })));
        TRY(rig->request(id, operation::Verb::commit));
        TRY(rig->step_until(id, operation::State::committed));
    }
    const Nanoseconds extra = TRY(extra_of_a_step(*rig, *bare));

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
                             .ours = to_milliseconds(extra),
                             .mark = "under 1 ms",
                             .reached = extra < most_extra}};
}

}  // namespace belay::bench
