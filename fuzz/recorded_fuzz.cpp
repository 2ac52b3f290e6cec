// Whatever a recording holds: it is refused, or it is written again as it was understood and then read the
// same.

#include "base/invariant.h"
#include "host/recording.h"

#include <cstddef>
#include <cstdint>

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay::host;
    const auto parsed = parse_recording({reinterpret_cast<const char*>(data), size});
    if (!parsed) return 0;
    std::vector<Contact> contacts;
    for (const RecordedContact& recorded : *parsed) contacts.push_back(recorded.contact);
    const auto text = format_recording(contacts);
    INVARIANT(text);
    const auto again = parse_recording(*text);
    INVARIANT(again && again->size() == contacts.size());
    for (size_t i = 0; i < contacts.size(); ++i)
        INVARIANT((*again)[i].contact.question == contacts[i].question);
    return 0;
}
