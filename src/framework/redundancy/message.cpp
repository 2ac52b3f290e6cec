#include "framework/redundancy/message.h"

namespace belay::framework::redundancy {
namespace {

constexpr int last_kind = static_cast<int>(Message::Kind::status);
constexpr int last_fitness = static_cast<int>(Fitness::ready);
constexpr int64_t longest_microseconds = 366LL * 24 * 3600 * 1'000'000 * 100;

}  // namespace

std::string to_bytes(const Message& message)
{
    return json_text(Json::array(
        {static_cast<int>(message.kind), message.pair, message.epoch, message.candidate, message.token,
         message.sent.count(), message.lease.count(), message.given, message.highest,
         message.remaining.count(), message.holder, message.about, static_cast<int>(message.fitness)}));
}

Result<Message> message_from(std::string_view bytes)
{
    const auto bad = [] { return fail(ErrorKind::corrupt, "this is no message about a lease"); };
    const Result<Json> json = parse_json(bytes);
    constexpr size_t fields = 13;
    constexpr size_t given_field = 7;
    if (!json || !json->is_array() || json->size() != fields) return bad();
    for (size_t i = 0; i < fields; ++i) {
        const Json& field = (*json)[i];
        const bool fits = i == given_field ? field.is_boolean() : field.is_number_unsigned();
        if (!fits) return bad();
    }
    const auto number = [&](size_t field) { return (*json)[field].get<uint64_t>(); };
    const auto span = [&](size_t field) {
        return Microseconds(static_cast<int64_t>(std::min<uint64_t>(number(field), longest_microseconds)));
    };
    if (number(0) > last_kind || number(12) > last_fitness) return bad();
    return Message{.kind = static_cast<Message::Kind>(number(0)),
                   .pair = static_cast<PairId>(number(1)),
                   .epoch = number(2),
                   .candidate = static_cast<ApplicationId>(number(3)),
                   .token = number(4),
                   .sent = span(5),
                   .lease = span(6),
                   .given = (*json)[given_field].get<bool>(),
                   .highest = number(8),
                   .remaining = span(9),
                   .holder = static_cast<ApplicationId>(number(10)),
                   .about = static_cast<ApplicationId>(number(11)),
                   .fitness = static_cast<Fitness>(number(12))};
}

}  // namespace belay::framework::redundancy
