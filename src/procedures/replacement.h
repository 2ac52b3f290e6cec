#pragma once
// One disk in the place of another, whatever arrays they carry: what disk.replace does once and array.grow
// does for each member.

#include "operation/plan_builder.h"
#include "storage/boot_disk.h"
#include "storage/listing.h"
#include "storage/md.h"
#include "storage/model.h"

namespace belay::procedures {

/// One array that gets a member on the joining disk.
struct Move {
    enum class Way {
        leg,    ///< a mirror: one more leg, and all serve until commit
        place,  ///< any other level: md copies to the joining member, then it serves instead
        gap,    ///< the leaving member has failed or is gone: the joining one takes its place
    } way = Way::leg;
    storage::Array array;
    storage::md::Place leaving;  ///< empty: it is gone
    std::string joining;         ///< stable path of the member that comes
    std::string suffix;          ///< keeps step names apart where there are several: "", "-md1"
    uint64_t legs_before = 0;    ///< raid-devices when the member joins
    uint64_t legs_left = 0;      ///< raid-devices when the leaving member is let go

    uint64_t legs_joined() const { return way == Way::leg ? legs_before + 1 : legs_before; }
    std::string on_array() const { return "/dev/" + array.name; }
};

struct Replacement {
    std::optional<storage::Disk> leaving;  ///< nothing: it is gone
    storage::Disk joining;
    std::optional<storage::PartitionTable> table;  ///< for the joining disk; nothing: it is used without one
    std::vector<Move> moves;
    std::optional<storage::BootDisk> boot;  ///< what the disk whose table is copied has of the host's start
    uint64_t sector = 512;                  ///< logical sectors that the joining disk must have, in bytes
    Bytes room;                             ///< that the joining disk must have
    std::string suffix;  ///< keeps step names apart where several disks are replaced: "", "-2"

    /// The leaving disk has failed in none of its arrays.
    bool leaving_serves() const;
};

/// How a person names the disks. `leaving` empty: it is gone; then `like` is a disk of the same arrays, whose
/// table is copied, or empty, where the machine has only one such shape.
struct ReplacementAsk {
    std::string leaving, joining, like;
};

/// Errors: not_found, usage, refused (something on the disk cannot be carried over), those of the host.
Result<Replacement> find_replacement(host::Host& machine, const storage::Inventory& host,
                                     const ReplacementAsk& ask);

void append_checks(operation::PlanBuilder& plan, const Replacement& replacement);
/// The add phase: the table.
void append_table(operation::PlanBuilder& plan, const Replacement& replacement);
/// The activate phase: the members, and the wait until they are in sync.
void append_members(operation::PlanBuilder& plan, const Replacement& replacement);
/// All phases: the host starts from the joining disk as it does from the one that it stands in for. To be
/// called behind the others. Errors: those of append_boot_steps.
Result<void> append_boot(operation::PlanBuilder& plan, host::Host& machine, const Replacement& replacement);
/// The commit phase: the leaving members go.
void append_letting_go(operation::PlanBuilder& plan, const Replacement& replacement);
/// Locks, gates, what stands after activate, what is compared after an abort and what it leaves. Where an
/// array takes part in several replacements, the last one says how many members it has in the end.
void append_frame(operation::PlanBuilder& plan, const std::vector<Replacement>& replacements);

}  // namespace belay::procedures
