#pragma once
// Varlink's wire form: JSON objects, each ended by a zero byte. What the messages mean is in
// docs/protocol.md.

#include "base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace belay::site {

constexpr size_t max_message_bytes = 8 << 20;  ///< without the zero byte
constexpr std::string_view interface_name = "org.belay.v1";

/// Cuts a stream of bytes into messages. Holds at most one message and what came with its end, so its owner
/// reads on only where take() has nothing. Threads: one at a time.
class Framer {
  public:
    /// Takes in what was read. Errors: corrupt, where a message is longer than the limit; no more is taken in
    /// then.
    Result<void> feed(std::string_view bytes);
    /// The next whole message, without its zero byte.
    std::optional<std::string> take();
    bool empty() const { return begin_ == bytes_.size(); }

  private:
    std::string bytes_;
    size_t begin_ = 0;    ///< of the first message that was not taken
    size_t scanned_ = 0;  ///< no zero byte stands between begin_ and here
};

struct Request {
    std::string method;  ///< without the interface, as "Show"
    Json parameters = Json::object();
    bool more = false;
};

/// Errors: corrupt (no request), not_found (of another interface).
Result<Request> parse_request(std::string_view message);
/// The parameters of a question that came as a text of their own. Errors: corrupt (no JSON object).
Result<Json> parse_parameters(std::string_view text);
/// The message with its zero byte, as are those below.
std::string request_message(const Request& request);

struct Answer {
    Json parameters = Json::object();
    bool continues = false;
};

/// What the other side answered. Errors: the one that it sent; corrupt, where it is no answer.
Result<Answer> parse_answer(std::string_view message);
std::string answer_message(const Answer& answer);
std::string error_message(const Error& error);
/// In place of an answer of more than max_message_bytes.
Error answer_too_long();

}  // namespace belay::site
