// Whatever a tool may print: it is refused as damaged, with a sentence that leads on, or it becomes JSON that
// can be written and read again; and never more comes out of a text than went in.

#include "base/invariant.h"
#include "storage/parse/kinds.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

/// How many values there are in it.
size_t count_of(const belay::Json& json)
{
    if (!json.is_structured()) return 1;
    size_t count = 1;
    for (const belay::Json& value : json) count += count_of(value);
    return count;
}

/// One program of many names: fuzz_parse_mdstat feeds the parser of mdstat.
std::string_view kind_of_program()
{
    const std::string_view program = program_invocation_short_name;
    return program.substr(program.rfind('_') + 1);
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay;
    const storage::parse::Kind* kind = storage::parse::kind_named(kind_of_program());
    INVARIANT(kind != nullptr);
    const auto json = storage::parse::parse_as(*kind, {reinterpret_cast<const char*>(data), size});
    if (!json) {
        INVARIANT(json.error().kind == ErrorKind::corrupt);
        INVARIANT(!json.error().what.empty() && !json.error().next.empty());
        return 0;
    }
    INVARIANT(json->is_object());
    INVARIANT(count_of(*json) <= 40 * size);
    INVARIANT(parse_json(json_text(*json)));
    return 0;
}
