#include "backup/pipeline/page_cache.h"

#include <doctest/doctest.h>

namespace belay::backup {
namespace {

TEST_CASE("the page cache takes as much as the middle between the kernel's two thresholds")
{
    // Lines as they stand in /proc/vmstat of Linux 6.18.
    CHECK(room_in_page_cache("nr_dirty 64\nnr_writeback_temp 0\nnr_dirty_threshold 1089275\n"
                             "nr_dirty_background_threshold 543972\npgpgin 1\n",
                             4096) == uint64_t{544'637 + 271'986} * 4096);
    CHECK(room_in_page_cache().value_or(0) > 0);
}

TEST_CASE("where the kernel does not say how much the page cache takes, nobody guesses")
{
    CHECK_FALSE(room_in_page_cache("", 4096));
    CHECK_FALSE(room_in_page_cache("nr_dirty_threshold 1\n", 4096));
    CHECK_FALSE(room_in_page_cache("nr_dirty_threshold x\nnr_dirty_background_threshold 1\n", 4096));
    CHECK_FALSE(room_in_page_cache("xnr_dirty_threshold 1\nnr_dirty_background_threshold 1\n", 4096));
}

}  // namespace
}  // namespace belay::backup
