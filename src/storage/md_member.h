#pragma once
// What the actions on members of an array share: what they are told, where the member stands now, and mdadm's
// commands. Source: mdadm(8), md(4).

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::md {

/// What every action on a member is told.
struct Leg {
    std::string array, member;
    uint64_t legs = 0, legs_before = 0;
    Bytes disk_size;  ///< of a member that is a whole disk, whose edges are put back

    explicit Leg(const operation::Json& arguments);
};

/// The array now, and the device behind a member's path; nothing where the disk is gone.
struct Standing {
    Array array;
    std::optional<std::string> device;
    /// Null where the array does not have it.
    const Member* member() const { return device ? array.member(*device) : nullptr; }
};

/// Errors of both: those of the host.
Result<Standing> standing_of(host::Host& host, const std::string& array, const std::string& member);
Result<Standing> standing_of(host::Host& host, const Leg& leg);

host::Command add_command(const std::string& array, const std::string& member);
host::Command legs_command(const std::string& array, uint64_t legs);
host::Command fail_command(const std::string& array, const std::string& member);
host::Command remove_command(const std::string& array, const std::string& member);
host::Command forget_command(const std::string& member);
/// `joining` takes the place of `leaving`, which serves until all is copied.
host::Command replace_command(const std::string& array, const std::string& leaving,
                              const std::string& joining);

std::vector<std::string> texts(const std::vector<host::Command>& commands);

/// The device carries a superblock of that array, and of no other.
Result<bool> carries_superblock(host::Host& host, const std::string& array, const std::string& member);

bool is_copying(const Sync& sync);
std::optional<operation::Progress> progress_of(const Sync& sync);

/// Fails and removes a member, as far as it is there. md lets go of a failed member only when its last
/// requests have come back, so the removal is tried again for a moment by whoever called (the engine).
Result<void> take_out(host::Host& host, const std::string& array, const std::string& path,
                      const Member* member);

/// The superblock of a member that was taken out goes before raid-devices shrinks: where it says another
/// number of legs than those of the others, the next boot may assemble it first and then refuse them.
Result<void> forget(host::Host& host, const std::string& array, const std::string& path,
                    const std::optional<std::string>& device);

/// Of a member that is a whole disk: what its first and last 64 KiB hold, for the journal; else nothing.
Result<operation::Json> remember_edges(host::Host& host, const Leg& leg);
/// They are not as they were. False for a partition.
Result<bool> edges_differ(host::Host& host, const Leg& leg, const operation::Json& remembered);
Result<void> put_edges_back(host::Host& host, const Leg& leg, const operation::Json& remembered);

/// What is behind replace_member().
std::unique_ptr<operation::Action> replace_member_action();

}  // namespace belay::storage::md
