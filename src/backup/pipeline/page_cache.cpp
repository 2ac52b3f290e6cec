#include "backup/pipeline/page_cache.h"

#include "host/files.h"

#include <charconv>
#include <unistd.h>

namespace belay::backup {
namespace {

constexpr Bytes largest_vmstat = {64 << 10};

/// Of a line "nr_dirty_threshold 1000".
std::optional<uint64_t> pages(std::string_view vmstat, std::string_view name)
{
    for (size_t at = vmstat.find(name); at != std::string_view::npos; at = vmstat.find(name, at + 1)) {
        const std::string_view rest = vmstat.substr(at + name.size());
        const bool is_whole_name = (at == 0 || vmstat[at - 1] == '\n') && rest.starts_with(' ');
        uint64_t count = 0;
        if (is_whole_name &&
            std::from_chars(rest.data() + 1, rest.data() + rest.size(), count).ec == std::errc())
            return count;
    }
    return std::nullopt;
}

}  // namespace

std::optional<uint64_t> room_in_page_cache(std::string_view vmstat, uint64_t page_size)
{
    const auto threshold = pages(vmstat, "nr_dirty_threshold"),
               background = pages(vmstat, "nr_dirty_background_threshold");
    if (!threshold || !background) return std::nullopt;
    return (*threshold / 2 + *background / 2) * page_size;
}

std::optional<uint64_t> room_in_page_cache()
{
    const Result<std::string> vmstat = host::files::read("/proc/vmstat", largest_vmstat);
    if (!vmstat) return std::nullopt;
    return room_in_page_cache(*vmstat, static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
}

}  // namespace belay::backup
