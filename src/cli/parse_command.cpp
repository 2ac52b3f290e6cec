#include "cli/parse_command.h"

#include "base/invariant.h"
#include "base/printed/lines.h"
#include "cli/parse_kinds.h"

namespace belay::cli {

Result<std::string> parse_input(const Invocation& asked, Console& console)
{
    const printed::Kind* kind = parse_kind_named(asked.target);
    INVARIANT(kind != nullptr);
    const std::string hint =
        fmt::format("type or paste what `{}` prints, and end with Ctrl-D\n", kind->example);
    const std::string text = TRY(console.read_all(printed::largest_text, hint));
    const Json json = TRY(printed::parse_as(*kind, text));
    if (asked.json) return json_text(json) + '\n';
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace belay::cli
