#include "messages_sample.h"

#include <array>
#include <fmt/format.h>

namespace belay::bench {
namespace {

using framework::messages::Level;
using framework::messages::Message;

constexpr std::array sample_words = {"call",     "queue",   "agent",   "route",   "session",
                                     "transfer", "timeout", "retry",   "server",  "client",
                                     "resume",   "order",   "invoice", "payment", "skill",
                                     "group",    "license", "gateway", "license", "customer"};

/// One alarm in ten thousand; most are what a component does.
Level level_of(uint64_t number)
{
    if (number % 10'000 == 0) return Level::alarm;
    if (number % 10 == 0) return Level::standard;
    return number % 10 < 4 ? Level::interaction : Level::trace;
}

}  // namespace

std::string_view SampleMessages::word()
{
    return sample_words.at(roll() % sample_words.size());
}

std::string SampleMessages::text()
{
    switch (roll() % 4) {
        case 0:
            return fmt::format("connection {} from 10.{}.{}.{}:{} was accepted in {} us", roll() % 10'000'000,
                               roll() % 256, roll() % 256, roll() % 256, roll() % 65536, roll() % 5000);
        case 1:
            return fmt::format("{} {:016x} was given to {} {} after {} ms", word(), roll(), word(),
                               roll() % 500, roll() % 9000);
        case 2:
            return fmt::format("{} {} {}: {} of {} are in use", word(), word(), word(), roll() % 100, 100);
        default:
            return fmt::format("{} {} {} {} {} {}", word(), word(), word(), word(), word(), word());
    }
}

Message SampleMessages::next()
{
    now_ += Milliseconds(roll() % static_cast<uint64_t>(2 * apart_.count() + 1));
    ++count_;
    const auto application = static_cast<uint32_t>(roll() % applications);
    Message message{.id = {.component = static_cast<uint8_t>(20 + application),
                           .number = static_cast<uint32_t>(roll() % 5)},
                    .level = level_of(count_),
                    .at = now_,
                    .host = fmt::format("host{:02}", roll() % hosts),
                    .application = fmt::format("application{:02}", application),
                    .interaction = {},
                    .text = text(),
                    .attributes = {}};
    if (count_ % 1'000'000 == 500'000) message.id = rare;
    if (message.level == Level::interaction) message.interaction = fmt::format("{:08x}", count_ / 40);
    return message;
}

}  // namespace belay::bench
