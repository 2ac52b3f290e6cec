#include "base/json.h"

namespace belay {

Result<Json> parse_json(std::string_view text)
{
    constexpr int deepest = 64;
    const auto not_too_deep = [](int depth, Json::parse_event_t, Json&) {
        if (depth > deepest) throw Json::other_error::create(501, "nested more than 64 deep", nullptr);
        return true;
    };
    try {
        return Json::parse(text, not_too_deep);
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("not JSON: {}", problem.what()));
    }
}

std::string json_text(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace belay
