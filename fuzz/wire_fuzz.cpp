// Whatever comes by the socket, and in whatever pieces: messages are cut the same way, and each is refused or
// is written again as it was understood.

#include "base/invariant.h"
#include "site/wire.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace belay::site;

std::vector<std::string> messages_of(std::string_view bytes, size_t piece)
{
    Framer framer;
    std::vector<std::string> messages;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        if (!framer.feed(bytes.substr(0, piece))) break;
        while (auto message = framer.take()) messages.push_back(std::move(*message));
    }
    return messages;
}

std::string_view without_end(std::string_view message)
{
    INVARIANT(!message.empty() && message.back() == '\0');
    return message.substr(0, message.size() - 1);
}

void check_request(std::string_view message)
{
    const auto request = parse_request(message);
    if (!request) return;
    const std::string written = request_message(*request);
    const auto again = parse_request(without_end(written));
    INVARIANT(again && again->method == request->method && again->more == request->more);
}

void check_answer(std::string_view message)
{
    const auto answer = parse_answer(message);
    const std::string written = answer ? answer_message(*answer) : error_message(answer.error());
    const auto again = parse_answer(without_end(written));
    INVARIANT(again.has_value() == answer.has_value());
    if (answer) INVARIANT(again->continues == answer->continues);
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::vector<std::string> messages = messages_of(bytes, bytes.size());
    INVARIANT(messages == messages_of(bytes, size_t{data[0]} + 1));
    for (const std::string& message : messages) {
        check_request(message);
        check_answer(message);
    }
    return 0;
}
