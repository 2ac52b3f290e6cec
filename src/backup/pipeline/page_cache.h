#pragma once
// The kernel's page cache, as one who writes much meets it.

#include <cstdint>
#include <optional>
#include <string_view>

namespace belay::backup {

/// Bytes that may be written on this machine before whoever writes more has to wait for the disk: the cache
/// takes them at the speed of memory. Beyond that it wins nothing, costs a copy into memory that is to be had
/// first, and pushes out what others read. Nothing: the kernel does not say.
/// Source: balance_dirty_pages() of Linux, which lets run freely up to the middle between its two thresholds.
std::optional<uint64_t> room_in_page_cache();

/// The same by the text of /proc/vmstat.
std::optional<uint64_t> room_in_page_cache(std::string_view vmstat, uint64_t page_size);

}  // namespace belay::backup
