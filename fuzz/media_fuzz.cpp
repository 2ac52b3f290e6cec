// Whatever a client of a media server may ask for: it is refused, or it leads to one place below its space.

#include "base/invariant.h"
#include "site/media/byte_range.h"
#include "site/media/request_path.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    using namespace belay::media;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view path = text.substr(0, text.find('\n'));
    if (const auto request = parse_request_path(path)) {
        INVARIANT(is_name_of_space(request->space));
        INVARIANT(request->folders.size() <= RequestPath::most_folders);
        INVARIANT(std::ranges::all_of(request->folders, is_name_of_space));
        INVARIANT((request->what == RequestPath::What::file) == is_id(request->name));
        for (const std::string& folder : request->folders)
            INVARIANT(folder.find('/') == std::string::npos && folder != ".." && folder != ".");
    }
    constexpr uint64_t file_size = 1'000;
    ByteRange range;
    const std::string_view header = text.substr(std::min(path.size() + 1, text.size()));
    if (find_range(header, file_size, range) == RangeFound::part)
        INVARIANT(range.length > 0 && range.offset < file_size && range.length <= file_size - range.offset);
    return 0;
}
