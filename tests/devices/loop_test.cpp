// Every call of the terminal fails once, in each way there is; belayd is killed at each, and at each record
// of its journal. Each run ends with both members on one release, and nothing pending.

#include "upgraded.h"

#include <cstdlib>
#include <memory>

using namespace belay;
using namespace belay::devices;

namespace {

/// Sanitized, a run takes ten times as long: of each kind some then, others of the next.
size_t stride()
{
#if defined(BELAY_SANITIZE_ADDRESS) || defined(BELAY_SANITIZE_THREAD)
    if (std::getenv("BELAY_WHOLE") == nullptr) return 9;
#endif
    return 1;
}

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

/// The same, belayd killed before or behind one record of its journal; the number of records.
size_t run_killed_at_record(World& world, const operation::Id& id, size_t at, bool is_written)
{
    using Fault = store::MemoryStore::Fault;
    const auto writes = std::make_shared<size_t>(0);
    world.store.set_fault_hook([writes, at, is_written](const store::Transaction&) {
        if (++*writes != at) return Fault::none;
        return is_written ? Fault::lost_after : Fault::lost_before;
    });
    const auto asked = world.engine->request(id, Verb::add, anna);
    if (!asked) world.start();
    if (!asked && world.state(id) == State::planned) world.ask(id, Verb::add);
    world.serve(id, 24h);
    return *writes;
}

void ends_well(World& world, const operation::Id& id)
{
    const State state = world.state(id);
    CAPTURE(world.reason(id));
    CHECK((state == State::committed || state == State::aborted));
    world.device.advance(3h);  // whatever the device does by itself shows itself
    world.is_whole_on(state == State::committed ? new_release : old_release);
}

/// Added with the image as it is to be, or aborted without a byte of it; also an hour later.
void is_fetched_or_gone(World& world, const operation::Id& id)
{
    const State state = world.state(id);
    CAPTURE(world.reason(id));
    CHECK((state == State::added || state == State::aborted));
    world.device.advance(1h);
    const auto& files = world.device.state().active()->files;
    const auto found = files.find("cat9k_iosxe.16.09.03.SPA.bin");
    CHECK((found != files.end()) == (state == State::added));
    if (found != files.end()) CHECK(found->second.md5 == image().digest);
    if (state == State::aborted) world.is_whole_on(old_release);
}

}  // namespace

TEST_CASE("each call of the terminal fails once")
{
    using Kind = TerminalFault::Kind;
    for (const Kind kind : {Kind::refuse, Kind::lost, Kind::lost_later, Kind::dead}) {
        const size_t first = stride() == 1 ? 1 : 1 + static_cast<size_t>(kind);
        for (size_t at = first; at <= 1000; at += stride()) {
            CAPTURE(at);
            CAPTURE(static_cast<int>(kind));
            World world;
            const operation::Id id = world.keep({.wanted = true, .soak = 1min});
            world.device.fault = {.kind = kind, .at = world.device.calls + at};
            const size_t before = world.device.calls;
            const size_t took = run(world, id) - before;
            ends_well(world, id);
            if (took < at) break;
        }
    }
}

/// Of the device's copying alone: all behind it is the other test's.
TEST_CASE("each call of the terminal fails once while the device fetches the image")
{
    using Kind = TerminalFault::Kind;
    for (const bool goes_on : {false, true}) {
        for (const Kind kind : {Kind::refuse, Kind::lost, Kind::lost_midway, Kind::lost_later, Kind::dead}) {
            const size_t first = stride() == 1 ? 1 : 1 + static_cast<size_t>(kind);
            for (size_t at = first; at <= 1000; at += stride()) {
                CAPTURE(at);
                CAPTURE(static_cast<int>(kind));
                CAPTURE(goes_on);
                World world;
                if (goes_on) world.device.injure("copy-goes-on");
                const operation::Id id = world.keep({}, fetched_image());
                world.device.fault = {.kind = kind, .at = world.device.calls + at};
                const size_t before = world.device.calls;
                const size_t took = run(world, id) - before;
                is_fetched_or_gone(world, id);
                if (took < at) break;
            }
        }
    }
}

TEST_CASE("belayd is killed at each record of its journal while the device fetches the image")
{
    for (const bool goes_on : {false, true}) {
        for (const bool is_written : {false, true}) {
            for (size_t at = 1; at <= 1000; ++at) {
                CAPTURE(at);
                CAPTURE(is_written);
                CAPTURE(goes_on);
                World world;
                if (goes_on) world.device.injure("copy-goes-on");
                const operation::Id id = world.keep({}, fetched_image());
                const size_t writes = run_killed_at_record(world, id, at, is_written);
                is_fetched_or_gone(world, id);
                if (writes < at) break;
            }
        }
    }
}

TEST_CASE("belayd is killed at each record of its journal, and the device goes on by itself")
{
    for (const bool is_written : {false, true}) {
        for (size_t at = 1; at <= 1000; ++at) {
            CAPTURE(at);
            CAPTURE(is_written);
            World world;
            const operation::Id id = world.keep({.wanted = true, .soak = 1min});
            const size_t writes = run_killed_at_record(world, id, at, is_written);
            ends_well(world, id);
            if (writes < at) break;
        }
    }
}

/// belayd is killed at a line of a call, while the device has an accident that ends `as` that.
void killed_beside(const std::vector<std::string_view>& accidents, size_t at, size_t line, State as,
                   size_t& took)
{
    CAPTURE(at);
    CAPTURE(line);
    CAPTURE(accidents.back());
    World world;
    const operation::Id id = world.keep({.wanted = true, .soak = 1min});
    for (const std::string_view accident : accidents) world.device.injure(accident);
    world.device.fault = {.kind = TerminalFault::Kind::dead, .at = world.device.calls + at, .line = line};
    const size_t before = world.device.calls;
    took = run(world, id) - before;
    CHECK_MESSAGE(world.state(id) == as, world.reason(id));
    if (as == State::held) {
        CHECK(world.reason(id).find("has not reached switch 2") != std::string::npos);
    } else {
        world.device.advance(3h);
        world.is_whole_on(old_release);
    }
    CHECK_FALSE(world.device.state().service_internal);
}

TEST_CASE("every accident of the device together with a belayd that is killed at any call")
{
    for (const std::string_view accident : {"add-fails-on-standby", "member-left-behind", "image-damaged"}) {
        size_t took = 200;
        for (size_t at = 1; at <= took; at += 10) killed_beside({accident}, at, 0, State::aborted, took);
    }
}

TEST_CASE("what was typed to clear the state is not forgotten by the belayd that comes next")
{
    for (const size_t line : {0U, 1U, 3U}) {
        size_t took = 200;
        for (size_t at = 1; at <= took; at += stride() == 1 ? 1 : 4)
            killed_beside({"add-fails-on-standby"}, at, line, State::aborted, took);
    }
}

TEST_CASE("a clear that reaches one member only is not forgotten by the belayd that comes next")
{
    size_t took = 200;
    for (size_t at = 1; at <= took; at += stride() == 1 ? 1 : 4)
        killed_beside({"add-fails-on-standby", "clear-reaches-one"}, at, 0, State::held, took);
}
