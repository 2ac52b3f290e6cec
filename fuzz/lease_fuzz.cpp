// Whatever another host of a pair may send: it is no message, or it is the same when it is written anew, and
// no row of messages lets two serve at one seat, or keeps a lease longer than it was asked for.

#include "base/invariant.h"
#include "framework/redundancy/seat.h"

#include <cstddef>
#include <cstdint>

namespace {

using namespace belay;
using namespace belay::framework::redundancy;
using namespace std::chrono_literals;

class Hands final : public SeatHands {
  public:
    void send(HostId, const Message& message) override { INVARIANT(to_bytes(message).size() <= 400); }
    void gained(ApplicationId application, uint64_t, Microseconds until) override
    {
        INVARIANT(held == 0);
        held = application;
        ends = until;
    }
    void extended(ApplicationId application, Microseconds until) override
    {
        INVARIANT(held == application && until > ends);
        ends = until;
    }
    void step_down(ApplicationId) override {}
    void lost(ApplicationId application) override
    {
        INVARIANT(held == application);
        held = 0;
    }
    void voted(const Vote&) override {}
    uint64_t wall() override { return 1'764'000'000'000'000; }

    ApplicationId held = 0;
    Microseconds ends{0};
};

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Hands hands;
    const Terms terms{.pair = 1,
                      .epoch = 1,
                      .self = 1,
                      .members = {1, 2, 3},
                      .lease = 150ms,
                      .preferred = 1,
                      .other = 2,
                      .own = {1}};
    Seat seat(hands, terms, {});
    Microseconds now = 10s;
    seat.set_fitness(1, Fitness::ready, now);
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        now += 1ms;
        if (const auto message = message_from(line)) {
            INVARIANT(message_from(to_bytes(*message)) == *message);
            seat.received(now.count() % 2000 == 0 ? 2 : 3, *message, now);
        }
        seat.time(now);
        INVARIANT(hands.held == 0 || hands.ends <= now + 150ms);
    }
    return 0;
}
