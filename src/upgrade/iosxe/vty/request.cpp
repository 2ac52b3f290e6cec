#include "upgrade/iosxe/vty/request.h"

#include "base/json.h"

#include <algorithm>

namespace belay::upgrade::iosxe::vty {
namespace {

constexpr size_t most_lines = 256, most_replies = 16, most_keys = 32;
constexpr size_t longest_reply = 100, longest_question = 200, longest_secret = 1000, longest_key = 64 << 10;
constexpr int64_t longest_wait = 24LL * 3600 * 1000;

bool is_plain(std::string_view text)
{
    return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
}

/// A field that may be missing. Throws Json::exception where it is no text.
std::string text_in(const Json& json, const char* name)
{
    const auto found = json.find(name);
    return found == json.end() ? std::string() : found->get<std::string>();
}

/// Takes a secret out, and wipes where it was.
std::string secret_in(Json& json, const char* name)
{
    const auto found = json.find(name);
    if (found == json.end()) return {};
    std::string secret = found->get<std::string>();
    wipe(found->get_ref<std::string&>());
    return secret;
}

Result<Milliseconds> span_in(const Json& json, const char* name, Milliseconds otherwise)
{
    const auto found = json.find(name);
    if (found == json.end()) return otherwise;
    if (!found->is_number_integer()) return fail(ErrorKind::usage, fmt::format("\"{}\" is no number", name));
    const auto span = found->get<int64_t>();
    if (span > 0 && span <= longest_wait) return Milliseconds{span};
    return fail(ErrorKind::usage, fmt::format("\"{}\" is not between 1 ms and a day", name));
}

Result<Line> read_line(const Json& json)
{
    if (!json.is_object()) return fail(ErrorKind::usage, "a line is a table with \"line\"");
    Line line{.text = text_in(json, "line")};
    TRY(check_line(line.text));
    line.limit = TRY(span_in(json, "limit_ms", line.limit));
    const Json replies = json.value("replies", Json::array());
    if (!replies.is_array() || replies.size() > most_replies)
        return fail(ErrorKind::usage, fmt::format("a line has at most {} replies", most_replies));
    for (const Json& reply : replies) {
        line.replies.push_back({.asked = text_in(reply, "asked"), .say = text_in(reply, "say")});
        const Reply& read = line.replies.back();
        const bool is_question = read.asked.find_first_not_of(' ') != std::string::npos &&
                                 read.asked.size() <= longest_question && is_plain(read.asked);
        if (!is_question || read.say.size() > longest_reply || !is_plain(read.say))
            return fail(ErrorKind::usage,
                        "a reply has how its question ends, and what is said to it, in "
                        "printable ASCII");
    }
    return line;
}

Result<void> read_login(Json& json, Request& request)
{
    request.login.user = text_in(json, "user");
    request.login.password = secret_in(json, "password");
    request.login.private_key = secret_in(json, "private_key");
    request.enable_password = secret_in(json, "enable_password");
    if (request.login.user.empty() || request.login.user.size() > longest_secret ||
        !is_plain(request.login.user))
        return fail(ErrorKind::usage, "\"user\" is no name of an account");
    const bool is_enable =
        request.enable_password.size() <= longest_secret && is_plain(request.enable_password);
    if (!is_enable) return fail(ErrorKind::usage, "\"enable_password\" is not printable ASCII");
    if (request.login.password.size() > longest_secret || request.login.private_key.size() > longest_key ||
        request.login.password.find('\0') != std::string::npos)
        return fail(ErrorKind::usage, "a secret is longer than any");
    return {};
}

Result<void> read_server(const Json& json, Request& request)
{
    request.server.address = text_in(json, "address");
    if (request.server.address.empty() || request.server.address.size() > 255 ||
        !is_plain(request.server.address))
        return fail(ErrorKind::usage, "\"address\" is no address");
    const auto port = json.find("port");
    if (port != json.end()) {
        const int64_t number = port->is_number_integer() ? port->get<int64_t>() : 0;
        if (number < 1 || number > 65535) return fail(ErrorKind::usage, "\"port\" is no port");
        request.server.port = static_cast<uint16_t>(number);
    }
    const Json keys = json.value("host_keys", Json::array());
    if (!keys.is_array() || keys.empty() || keys.size() > most_keys)
        return fail(ErrorKind::usage, fmt::format("\"host_keys\" is no list of 1 to {} keys", most_keys));
    request.server.host_keys = keys.get<std::vector<std::string>>();
    return {};
}

Result<void> read_work(const Json& json, Request& request)
{
    const Json patience = json.value("patience_ms", Json::object());
    if (!patience.is_object()) return fail(ErrorKind::usage, "\"patience_ms\" is no table");
    request.connect = TRY(span_in(patience, "connect", request.connect));
    request.prompt = TRY(span_in(patience, "prompt", request.prompt));
    request.transcript = text_in(json, "transcript");
    if (!request.transcript.empty() && request.transcript.front() != '/')
        return fail(ErrorKind::usage, "\"transcript\" is no absolute path");
    if (const auto carry = json.find("carry"); carry != json.end()) {
        request.file = text_in(*carry, "file");
        request.to = text_in(*carry, "to");
        if (request.file.empty() || request.to.empty() || json.contains("lines"))
            return fail(ErrorKind::usage,
                        "\"carry\" has \"file\" and \"to\", and there are no \"lines\" then");
        return {};
    }
    const Json lines = json.value("lines", Json::array());
    if (!lines.is_array() || lines.empty() || lines.size() > most_lines)
        return fail(ErrorKind::usage, fmt::format("\"lines\" is no list of 1 to {} lines", most_lines));
    for (const Json& line : lines) request.lines.push_back(TRY(read_line(line)));
    return {};
}

}  // namespace

Result<Request> read_request(std::string& text)
{
    Result<Json> json = parse_json(text);
    wipe(text);
    if (!json || !json->is_object()) return fail(ErrorKind::usage, "the request is no JSON object");
    Request request;
    try {
        TRY(read_login(*json, request));
        TRY(read_server(*json, request));
        TRY(read_work(*json, request));
    } catch (const Json::exception&) {
        return fail(ErrorKind::usage, "a field of the request is of another kind");
    }
    return request;
}

}  // namespace belay::upgrade::iosxe::vty
