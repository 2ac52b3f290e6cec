// The alarms and the ports as a person sees them.

#include "cli/monitor.h"

#include "base/json.h"

#include <doctest/doctest.h>

namespace belay::cli {
namespace {

const Style plain_style{.colour = false, .unicode = true, .width = 80, .clock = utc_time};

TEST_CASE("the arrays that are watched and what happened to them")
{
    const Json answer = {
        {"watching", true},
        {"arrays",
         {{{"name", "md0"},
           {"level", "raid1"},
           {"runs", true},
           {"wanted", 2},
           {"in_sync", 1},
           {"sync", "recovery"}},
          {{"name", "md1"}, {"level", "raid0"}, {"runs", true}, {"wanted", 0}, {"in_sync", 0}, {"sync", ""}},
          {{"name", "md2"}, {"level", ""}, {"runs", false}, {"wanted", 0}, {"in_sync", 0}, {"sync", ""}}}},
        {"alarms",
         {{{"number", 1},
           {"at_ms", 1'700'000'000'000},
           {"event", "member-failed"},
           {"severity", "critical"},
           {"text", "sdb1 has failed in md0"}},
          {{"number", 2},
           {"at_ms", 1'700'000'001'000},
           {"event", "rebuild-started"},
           {"severity", "note"},
           {"text", "a recovery of md0\x1b[31m has begun"}}}}};
    CHECK(alarms_text(plain_style, answer) ==
          "✗ md0  raid1, 1 of 2 members in sync, recovery\n"
          "✓ md1  raid0\n"
          "✗ md2  does not run\n"
          "\n"
          "2023-11-14 22:13:20  critical  member-failed     sdb1 has failed in md0\n"
          "2023-11-14 22:13:21  note      rebuild-started   a recovery of md0?[31m has begun\n");
    CHECK(alarms_text(plain_style, {{"watching", false}}) ==
          "nothing is watched: the kernel's md is not loaded\nno alarm yet\n");
}

TEST_CASE("each disk at its port, and the ports without one")
{
    const Json answer = {
        {"ports",
         {{{"ata", "ata3"},
           {"address", "2:0:0:0"},
           {"controller", "0000:00:17.0"},
           {"device", "/dev/sda"},
           {"model", "WDC"},
           {"serial", "S1"}},
          {{"ata", "ata4"}, {"address", ""}, {"controller", "0000:00:17.0"}, {"device", ""}}}}};
    CHECK(ports_text(plain_style, answer) ==
          "ATA   SCSI     CONTROLLER    DEVICE    DISK\n"
          "ata3  2:0:0:0  0000:00:17.0  /dev/sda  WDC S1\n"
          "ata4  -        0000:00:17.0  -         empty\n");
}

}  // namespace
}  // namespace belay::cli
