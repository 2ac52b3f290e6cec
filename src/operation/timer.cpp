#include "operation/timer.h"

namespace belay::operation {
namespace {

Timer written(Milliseconds length, Milliseconds left, const host::Moment& now)
{
    return Timer{.length = length,
                 .boot_deadline = now.boot + left,
                 .wall_deadline = now.wall + left,
                 .left_when_written = left,
                 .boot_id = now.boot_id,
                 .machine = now.machine};
}

}  // namespace

Timer start_timer(Milliseconds length, const host::Moment& now)
{
    return written(length, length, now);
}

Milliseconds left_of(const Timer& timer, const host::Moment& now)
{
    if (timer.stopped) return timer.left_when_written;
    if (timer.boot_id == now.boot_id) return timer.boot_deadline - now.boot;
    const bool taken_over = !timer.machine.empty() && !now.machine.empty() && timer.machine != now.machine;
    if (taken_over) return std::min(timer.wall_deadline - now.wall, timer.left_when_written);
    // Whatever the wall clock says, this boot came after the timer was written, and has lasted so long.
    return std::min(timer.wall_deadline - now.wall, timer.left_when_written - now.boot);
}

Timer rebased(const Timer& timer, const host::Moment& now)
{
    if (timer.stopped) return timer;
    return written(timer.length, left_of(timer, now), now);
}

bool needs_rebase(const Timer& timer, const host::Moment& now)
{
    if (timer.stopped) return false;
    if (timer.boot_id != now.boot_id) return true;
    const Milliseconds moved = (timer.wall_deadline - now.wall) - (timer.boot_deadline - now.boot);
    return moved > std::chrono::seconds(1) || moved < std::chrono::seconds(-1);
}

Timer stopped(const Timer& timer, const host::Moment& now)
{
    Timer changed = rebased(timer, now);
    changed.stopped = true;
    return changed;
}

Timer restarted(const Timer& timer, const host::Moment& now)
{
    return start_timer(timer.length, now);
}

Timer extended(const Timer& timer, Milliseconds by, const host::Moment& now)
{
    Timer changed = written(timer.length + by, left_of(timer, now) + by, now);
    changed.stopped = timer.stopped;
    return changed;
}

Timer at_least(const Timer& timer, Milliseconds left, const host::Moment& now)
{
    if (!timer.stopped) left = std::max(left, left_of(timer, now));
    return written(std::max(timer.length, left), left, now);
}

void to_json(nlohmann::json& json, const Timer& timer)
{
    json = {{"length_ms", timer.length.count()},
            {"boot_deadline_ms", timer.boot_deadline.count()},
            {"wall_deadline_ms", timer.wall_deadline.count()},
            {"left_when_written_ms", timer.left_when_written.count()},
            {"boot_id", timer.boot_id},
            {"machine", timer.machine},
            {"stopped", timer.stopped}};
}

void from_json(const nlohmann::json& json, Timer& timer)
{
    const auto span = [&](const char* key) { return Milliseconds{json.at(key).get<int64_t>()}; };
    timer = Timer{.length = span("length_ms"),
                  .boot_deadline = span("boot_deadline_ms"),
                  .wall_deadline = span("wall_deadline_ms"),
                  .left_when_written = span("left_when_written_ms"),
                  .boot_id = json.at("boot_id"),
                  .machine = json.value("machine", ""),
                  .stopped = json.at("stopped")};
}

}  // namespace belay::operation
