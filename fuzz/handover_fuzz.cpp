// Whatever a controller may ask a member to take: it is refused, or it is taken, and then the copy is the
// same after it was opened anew; and what was understood is written as it was read.

#include "base/invariant.h"
#include "framework/configuration/copy.h"
#include "store/memory.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::framework::configuration;

CopyOptions options()
{
    return {.now = [] { return host::Moment{.wall = {}, .boot = {}, .boot_id = "1"}; }};
}

/// A copy that has something, so that a step may follow.
void hold_to_promises(const Handover& handover)
{
    store::MemoryStore store({.boot = "1", .now = [] { return std::chrono::milliseconds(0); }});
    const auto copy = Copy::open(store, options()).value();
    const Whole whole = whole_of({}, {1, "0123456789abcdef"}).value();
    INVARIANT(copy->take(handover_from(parameters_of(whole, 0)).value()).value().fitted);
    const Point before = copy->standing().at;
    const Result<Taken> taken = copy->take(handover);
    const Point after = copy->standing().at;
    INVARIANT(taken || after == before);
    const auto again = Copy::open(store, options()).value();
    INVARIANT(again->standing().at == after && again->standing().problem.empty());
    INVARIANT(difference(*again->snapshot().configuration, *copy->snapshot().configuration).empty());
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Result<Json> json = parse_json(text);
    if (!json) return 0;
    if (const Result<Taken> taken = taken_from(*json))
        INVARIANT(taken_from(Json(*taken)).value().at == taken->at);
    const Result<Handover> handover = handover_from(*json);
    if (!handover) return 0;
    if (const Step* step = std::get_if<Step>(&*handover)) {
        const auto written = parameters_of(*step);
        INVARIANT(!written || std::get<Step>(handover_from(*written).value()).to == step->to);
    }
    hold_to_promises(*handover);
    return 0;
}
