#pragma once
// What the tests ask of a machine that has started.

#include "base/testing/must.h"
#include "site.h"

namespace belay::boot {

inline std::string must_shell(Site& site, const std::string& line)
{
    const Result<std::string> said = site.shell(line);
    REQUIRE_MESSAGE(said.has_value(), said.error().what);
    return *said;
}

inline void must_do(const Result<void>& done)
{
    REQUIRE_MESSAGE(done.has_value(), done.error().what, "\n", done.error().output);
}

/// Belay's words come to a good end.
inline void must_belay(Site& site, std::vector<std::string> words)
{
    const host::Outcome done = must(site.belay(std::move(words)));
    REQUIRE_MESSAGE(done.exit_code == 0, done.out, done.err);
}

/// The serial numbers of the disks that the root's mirror has as legs in sync.
inline std::string legs(Site& site)
{
    return must_shell(site,
                      "for d in /sys/block/md0/md/dev-*; do ! grep -q in_sync $d/state || "
                      "lsblk -n -d -o SERIAL /dev/$(lsblk -n -d -o PKNAME /dev/${d##*/dev-}); done | sort | "
                      "tr '\\n' ' '");
}

}  // namespace belay::boot
