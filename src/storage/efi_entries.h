#pragma once
// The firmware's boot entries, by efibootmgr. An entry is known by the partition that it starts from (the
// PARTUUID in its device path): numbers are the firmware's, and it may give them anew.
// Source: efibootmgr(8); the UEFI specification 2.10, 3.1 "Firmware Boot Manager" and 10.3 "Device Path
// Nodes".

#include "operation/act.h"
#include "storage/model.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::efi {

struct Entry {
    std::string number;  ///< four hexadecimal digits
    std::string label;
    std::string partuuid;  ///< in small letters; empty: it does not start from a GPT partition
    std::string loader;    ///< as "\EFI\debian\shimx64.efi"; empty: none is named
};

struct Entries {
    std::vector<Entry> all;
    std::vector<std::string> order;  ///< numbers, BootOrder

    std::vector<Entry> of(std::string_view partuuid) const;
};

/// `efibootmgr --verbose`, versions 17 and 18. Errors: corrupt (it is not that).
Result<Entries> parse_entries(std::string_view text);

/// Nothing where the host was not started by UEFI. Errors: those of the host; failed, corrupt.
Result<std::optional<Entries>> read_entries(host::Host& host);

/// What is to be started from a partition that is there once a table is written.
struct Start {
    std::string disk;        ///< its stable path
    uint64_t partition = 0;  ///< its number
    std::string partuuid;    ///< in small letters
    std::string label;
    std::string loader;
};
/// Adds an entry, behind all others in the order. Back: exactly that entry goes.
operation::Act add_entry(const Start& start, const Entries& now);

/// Removes every entry that starts from a partition. `now`: only to show what that will be. No way back.
operation::Act remove_entries(const std::string& partuuid, const Entries& now);

/// Exactly one entry starts from that partition, and it is in the order.
operation::Question has_entry(const std::string& partuuid);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::efi
