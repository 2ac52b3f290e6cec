// Whatever another host of a pair may send about a move: it is no such message, or it is the same when it is
// written anew, and what it names as addresses are addresses and nothing more.

#include "base/invariant.h"
#include "framework/redundancy/moving.h"
#include "host/application/detour.h"

#include <cstddef>
#include <cstdint>

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay;
    const auto moving =
        framework::redundancy::moving_from(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!moving) return 0;
    const std::string text = to_bytes(*moving);
    INVARIANT(text.size() <= 2000 && framework::redundancy::moving_from(text) == *moving);
    for (const std::string& address : moving->addresses) {
        INVARIANT(address.find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos);
        INVARIANT(host::Detour::of(1, address, "eth0").has_value());
    }
    return 0;
}
