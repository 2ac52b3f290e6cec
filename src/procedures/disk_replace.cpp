#include "procedures/disk_replace.h"

#include "procedures/replacement.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using namespace belay::storage;
using operation::PlanBuilder;

Result<operation::Plan> make_replacement(host::Host& machine,
                                         const std::map<std::string, std::string>& arguments)
{
    const Inventory host = TRY(read_inventory(machine));
    const auto said = [&](const char* name) {
        const auto found = arguments.find(name);
        return found == arguments.end() ? std::string() : found->second;
    };
    if (said("joining").empty())
        return fail(ErrorKind::usage, "disk.replace wants --joining", "belay procedures disk.replace");
    const Replacement replacement =
        TRY(find_replacement(machine, host, {said("leaving"), said("joining"), said("like")}));
    const std::string leaving = replacement.leaving ? shown(*replacement.leaving) : "the disk that is gone";
    PlanBuilder plan("disk.replace", fmt::format("Replace {} by {}", leaving, shown(replacement.joining)),
                     {{"joining", replacement.joining.by_id}});
    if (replacement.leaving) plan.plan().asked["leaving"] = replacement.leaving->by_id;
    append_checks(plan, replacement);
    append_table(plan, replacement);
    append_members(plan, replacement);
    append_letting_go(plan, replacement);
    append_frame(plan, {replacement});
    TRY(append_boot(plan, machine, replacement));
    return plan.build();
}

}  // namespace

Procedure disk_replace()
{
    return {
        .name = "disk.replace",
        .summary = "replace one disk of an array while it is in use",
        .description =
            "Copies the partition table of the leaving disk to the joining one with new ids, and joins it to "
            "every array that the leaving disk carries: to a mirror as one more leg; in an array of another "
            "level md copies the member to it while both serve; where the member has failed or the disk is "
            "gone, it takes the free place. Where the disk starts the host, the joining one does as well: an "
            "EFI "
            "system partition made, filled and kept in step, its line in /etc/fstab, an entry of the "
            "firmware, "
            "GRUB for BIOS. A disk that has failed may be pulled at any time; where a boot has made a member "
            "of it again, the replacement is refused or goes back. The leaving disk is let go only in "
            "commit. Abort gives every "
            "member "
            "its place back, takes the joining disk out again and puts its first and last 64 KiB back.",
        .source = "mdadm(8), md(4), sfdisk(8)",
        .arguments = {{"leaving",
                       "the disk that goes: serial, WWN, by-id name or device; not given: it is gone",
                       "LAB0001", false},
                      {"joining", "the blank disk that comes in its place", "LAB0003", true},
                      {"like", "where the disk is gone: one of the same arrays, whose table is copied",
                       "LAB0002", false}},
        .make = make_replacement};
}

}  // namespace belay::procedures
