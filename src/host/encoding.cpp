#include "host/encoding.h"

#include "base/base64.h"
#include "base/utf8.h"

namespace belay::host {

nlohmann::json encode_bytes(std::string_view bytes)
{
    if (is_utf8(bytes)) return bytes;
    return {{"base64", to_base64(bytes)}};
}

Result<std::string> decode_bytes(const nlohmann::json& json)
{
    if (json.is_string()) return json.get<std::string>();
    if (json.is_object() && json.size() == 1 && json.contains("base64") && json["base64"].is_string())
        return from_base64(json["base64"].get<std::string>());
    return fail(ErrorKind::corrupt, "not a text");
}

}  // namespace belay::host
