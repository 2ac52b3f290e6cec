// Whatever a device may print: it is refused with a sentence that leads on, or it becomes JSON that can be
// written and read again; and never more comes out of a text than went in. The first line of an input is the
// command that the rest answers; one that there is not stands for another.

#include "base/invariant.h"
#include "upgrade/iosxe/show/kinds.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

/// How many values there are in it.
size_t values_in(const belay::Json& json)
{
    if (!json.is_structured()) return 1;
    size_t count = 1;
    for (const belay::Json& value : json) count += values_in(value);
    return count;
}

const belay::printed::Kind& kind_for(std::string_view command)
{
    using namespace belay::upgrade::iosxe::show;
    const std::string name = fmt::format("iosxe:{}", command);
    if (const belay::printed::Kind* kind = kind_named(name)) return *kind;
    const size_t letter = command.empty() ? 0 : static_cast<unsigned char>(command.front());
    return kinds()[letter % kinds().size()];
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const size_t end = std::min(input.find('\n'), size);
    const std::string_view text = input.substr(std::min(end + 1, size));
    const auto json = printed::parse_as(kind_for(input.substr(0, end)), text);
    if (!json) {
        INVARIANT(json.error().kind == ErrorKind::corrupt || json.error().kind == ErrorKind::not_found);
        INVARIANT(!json.error().what.empty() && !json.error().next.empty());
        return 0;
    }
    INVARIANT(json->is_object());
    INVARIANT(values_in(*json) <= 10 * size);
    INVARIANT(parse_json(json_text(*json)));
    return 0;
}
