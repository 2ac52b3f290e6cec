// Whatever a device may send on its line: it is understood within its limits, the same however it is cut into
// pieces, and no secret comes through.

#include "base/invariant.h"
#include "upgrade/iosxe/vty/conversation.h"
#include "upgrade/iosxe/vty/request.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using upgrade::iosxe::vty::Conversation;

constexpr const char* secret = "s3cret-word";

struct Heard {
    std::string answer, unfinished;
    std::vector<std::string> shown;
    bool at_prompt = false;
    bool asks = false;

    bool operator==(const Heard&) const = default;
};

/// One line on a device that sends these bytes, in pieces of that size.
Heard heard_in_pieces(std::string_view bytes, size_t piece)
{
    Conversation talk({secret});
    talk.hear("C9500#");
    static_cast<void>(talk.type("show x", {{.asked = "[y/n]", .say = "y"}}));
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        talk.hear(bytes.substr(0, piece));
        for (const char c : talk.take_replies()) INVARIANT(c == ' ' || c == 'y' || c == '\n');
    }
    Heard heard{.answer = talk.take_answer(),
                .unfinished = talk.unfinished(),
                .shown = talk.take_shown(),
                .at_prompt = talk.at_prompt(),
                .asks = talk.open_question().has_value()};
    INVARIANT(heard.answer.find(secret) == std::string::npos);
    INVARIANT(heard.unfinished.find(secret) == std::string::npos);
    for (const std::string& line : heard.shown) {
        INVARIANT(line.find(secret) == std::string::npos);
        for (const char c : line) INVARIANT(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
    }
    return heard;
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Heard whole = heard_in_pieces(bytes, std::max<size_t>(size, 1));
    // A question may be answered where it is cut, and then stands in the answer all the same.
    const Heard single = heard_in_pieces(bytes, 1);
    INVARIANT(whole.answer == single.answer);
    INVARIANT(whole.shown == single.shown);
    INVARIANT(whole.at_prompt == single.at_prompt);
    std::string request(bytes);
    const auto read = upgrade::iosxe::vty::read_request(request);
    INVARIANT(request.empty());
    if (read) INVARIANT(!read->lines.empty() || !read->file.empty());
    return 0;
}
