// What a stranger may give as an invitation, a certificate or an identity: anything. Nothing of it may do
// harm.

#include "base/invariant.h"
#include "site/identity/identity.h"
#include "site/remote/invitation.h"

#include <cstdint>

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto invitation = belay::site::read_invitation(text)) {
        // What was read can be written and read again.
        INVARIANT(belay::site::read_invitation(*belay::site::to_word(*invitation)));
    }
    if (const auto certificate = belay::site::read_certificate(text)) {
        INVARIANT(belay::site::identity_of(to_uri(certificate->identity)));
    }
    static_cast<void>(belay::site::identity_of(text).has_value());
    return 0;
}
