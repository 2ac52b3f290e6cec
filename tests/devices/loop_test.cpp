// Every call of the terminal fails once, in each way there is; belayd is killed at each, and at each record
// of its journal. Each run ends with both members on one release, and nothing pending.

#include "upgraded.h"

using namespace belay;
using namespace belay::devices;

namespace {

/// An upgrade as a one-shot. Ends committed, aborted or held; the number of calls that it took.
size_t run(World& world, const operation::Id& id)
{
    const auto asked = world.engine->request(id, Verb::add, anna);
    if (!asked && world.device.is_dead) world.start();
    world.serve(id, 24h);
    if (world.state(id) == State::planned) world.ask(id, Verb::add);
    world.serve(id, 24h);
    return world.device.calls;
}

void ends_well(World& world, const operation::Id& id)
{
    const State state = world.state(id);
    CAPTURE(world.reason(id));
    CHECK((state == State::committed || state == State::aborted));
    world.device.advance(3h);  // whatever the device does by itself shows itself
    world.is_whole_on(state == State::committed ? new_release : old_release);
}

}  // namespace

TEST_CASE("each call of the terminal fails once")
{
    using Kind = TerminalFault::Kind;
    for (const Kind kind : {Kind::refuse, Kind::lost, Kind::lost_later, Kind::dead}) {
        size_t calls = 1000;
        for (size_t at = 1; at <= calls; ++at) {
            CAPTURE(at);
            CAPTURE(static_cast<int>(kind));
            World world;
            const operation::Id id = world.keep({.wanted = true, .soak = 10min});
            world.device.fault = {.kind = kind, .at = world.device.calls + at};
            const size_t before = world.device.calls;
            const size_t took = run(world, id) - before;
            ends_well(world, id);
            if (took < at) break;
            calls = 1000;
        }
    }
}
