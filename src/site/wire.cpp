#include "site/wire.h"

namespace belay::site {
namespace {

std::string message_of(const Json& json)
{
    std::string text = json_text(json);
    text.push_back('\0');
    return text;
}

Result<Json> object_of(std::string_view message, std::string_view what)
{
    Json json = TRY(parse_json(message));
    if (!json.is_object()) return fail(ErrorKind::corrupt, fmt::format("{} is not a JSON object", what));
    return json;
}

/// The field of an object, or `fallback`; an error where it is of another type.
template <typename T>
Result<T> field(const Json& json, const char* name, const T& fallback)
{
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) return fallback;
    auto value = from_json_value<T>(*found);
    if (!value)
        return fail(ErrorKind::corrupt, fmt::format("the field {} of a message is of the wrong type", name));
    return value;
}

Result<Json> parameters_of(const Json& json)
{
    Json parameters = TRY(field(json, "parameters", Json::object()));
    if (!parameters.is_object())
        return fail(ErrorKind::corrupt, "the parameters of a message are not a JSON object");
    return parameters;
}

}  // namespace

Result<void> Framer::feed(std::string_view bytes)
{
    if (begin_ > 0) {
        bytes_.erase(0, begin_);
        scanned_ -= begin_;
        begin_ = 0;
    }
    const size_t first_end = bytes.find('\0');
    const size_t length = bytes_.size() + (first_end == std::string_view::npos ? bytes.size() : first_end);
    if (length > max_message_bytes)
        return fail(ErrorKind::corrupt, fmt::format("a message is longer than {} bytes", max_message_bytes));
    bytes_ += bytes;
    return {};
}

std::optional<std::string> Framer::take()
{
    const size_t end = bytes_.find('\0', scanned_);
    if (end == std::string::npos) {
        scanned_ = bytes_.size();
        return std::nullopt;
    }
    std::string message = bytes_.substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (begin_ == bytes_.size()) {
        // A large message does not leave its room to a connection that is quiet from now on.
        bytes_ = {};
        begin_ = scanned_ = 0;
    }
    return message;
}

Result<Json> parse_parameters(std::string_view text)
{
    return object_of(text, "what is asked with");
}

Result<Request> parse_request(std::string_view message)
{
    const Json json = TRY(object_of(message, "the request"));
    const std::string name = TRY(field(json, "method", std::string()));
    if (name.empty()) return fail(ErrorKind::corrupt, "the request names no method");
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos || std::string_view(name).substr(0, dot) != interface_name)
        return fail(ErrorKind::not_found,
                    fmt::format("no method is called {}; they begin with {}.", name, interface_name));
    Request request{.method = name.substr(dot + 1)};
    request.parameters = TRY(parameters_of(json));
    request.more = TRY(field(json, "more", false));
    return request;
}

std::string request_message(const Request& request)
{
    Json json = {{"method", fmt::format("{}.{}", interface_name, request.method)},
                 {"parameters", request.parameters}};
    if (request.more) json["more"] = true;
    return message_of(json);
}

Result<Answer> parse_answer(std::string_view message)
{
    const Json json = TRY(object_of(message, "the answer"));
    Json parameters = TRY(parameters_of(json));
    const std::string name = TRY(field(json, "error", std::string()));
    if (!name.empty()) {
        Error error = TRY(from_json_value<Error>(parameters));
        if (error.what.empty()) error.what = name;
        return std::unexpected(std::move(error));
    }
    const bool continues = TRY(field(json, "continues", false));
    return Answer{std::move(parameters), continues};
}

std::string answer_message(const Answer& answer)
{
    Json json = {{"parameters", answer.parameters}};
    if (answer.continues) json["continues"] = true;
    return message_of(json);
}

std::string error_message(const Error& error)
{
    return message_of(
        {{"error", fmt::format("{}.{}", interface_name, name_of(error.kind))}, {"parameters", error}});
}

Error answer_too_long()
{
    return Error{.what = fmt::format("the answer is longer than {} bytes", max_message_bytes),
                 .next = "ask for less, or with \"more\" where it comes in pieces"};
}

}  // namespace belay::site
