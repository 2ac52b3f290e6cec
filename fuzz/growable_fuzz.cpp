// Whatever dumpe2fs and xfs_growfs may say: it is refused, or it is a size.

#include "base/invariant.h"
#include "storage/growable.h"

#include <cstddef>
#include <cstdint>

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay::storage;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto ext = growable::parse_dumpe2fs(text)) INVARIANT(ext->blocks > 0 && ext->block_size > 0);
    if (const auto xfs = growable::parse_xfs_geometry(text)) INVARIANT(xfs->count > 0);
    return 0;
}
