// What a controller may send to a host about its part in a site operation: the first byte says to which
// method.

#include "base/invariant.h"
#include "base/json.h"
#include "operation/toy_world.h"
#include "site/rollout/part_methods.h"
#include "site/rollout/part_view.h"
#include "site/rollout/roster.h"

using namespace belay;

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    static operation::ToyWorld world;
    static const std::vector<site::Method> methods =
        site::part_methods(*world.engine, [](const operation::Id& id) { world.serve(id); });
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (const auto key = site::part_key_in(text)) INVARIANT(text_of(*key) == text);
    const Result<Json> parameters = parse_json(text);
    if (!parameters || !parameters->is_object()) return 0;
    const Result<site::Reply> reply = methods[data[0] % methods.size()].answer(
        {.parameters = *parameters, .caller = {.user = "anna", .right = site::Right::operate}});
    if (!reply) INVARIANT(!reply.error().what.empty());
    if (reply && !reply->parameters.contains("parts"))
        INVARIANT(from_json_value<site::PartView>(reply->parameters).has_value());
    return 0;
}
