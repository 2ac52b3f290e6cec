// Whatever a device may print: it is refused with a sentence that leads on, or it becomes JSON that can be
// written and read again; and never more comes out of a text than went in.

#include "base/invariant.h"
#include "upgrade/iosxe/show/kinds.h"

#include <algorithm>
#include <cerrno>
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

/// One program of many names: fuzz_iosxe_show-version feeds the reader of `show version`.
const belay::printed::Kind& kind_of_program()
{
    const std::string_view program = program_invocation_short_name;
    const auto is_named = [named = program.substr(program.rfind('_') + 1)](const belay::printed::Kind& kind) {
        std::string name(kind.name.substr(kind.name.find(':') + 1));
        std::ranges::replace(name, ' ', '-');
        return name == named;
    };
    const auto kinds = belay::upgrade::iosxe::show::kinds();
    const auto found = std::ranges::find_if(kinds, is_named);
    INVARIANT(found != kinds.end());
    return *found;
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    static const printed::Kind& kind = kind_of_program();
    const auto json = printed::parse_as(kind, input);
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
