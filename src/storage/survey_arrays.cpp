// Arrays that do not run: of these the kernel says nothing, or next to nothing; their members' superblocks
// do.

#include "storage/parse/mdadm_examine.h"
#include "storage/survey_parts.h"

#include <algorithm>

namespace belay::storage {
namespace {

/// A host that has lost all of its arrays is still looked at within seconds.
constexpr size_t most_examined = 256;

/// What the superblock of one member adds. Errors: corrupt.
Result<void> add_superblock(WaitingArray& array, std::string_view text, std::set<uint64_t>& slots)
{
    const parse::MdadmExamines examined = TRY(parse::parse_mdadm_examine(text));
    if (examined.devices.empty()) return fail(ErrorKind::corrupt, "mdadm found no superblock on it");
    const parse::MdadmExamine& superblock = examined.devices.front();
    array.level = superblock.level;
    array.wanted = superblock.raid_devices;
    if (superblock.role == "active" && superblock.slot) slots.insert(*superblock.slot);
    array.active = slots.size();
    return {};
}

/// False where there is no mdadm: the members of other arrays need not be tried.
bool examine(host::Host& host, Survey& survey, WaitingArray& array)
{
    std::set<uint64_t> slots;
    for (const std::string& member : array.members) {
        const host::Command command{.argv = {"mdadm", "--examine", "/dev/" + member}};
        const Result<host::Outcome> outcome = host.run(command);
        if (!outcome && outcome.error().kind == ErrorKind::not_found) {
            note_missing(survey, "the superblocks of arrays that do not run", outcome.error(), "mdadm");
            return false;
        }
        const Result<void> read =
            outcome ? add_superblock(array, outcome->out, slots) : std::unexpected(outcome.error());
        if (!read) note_not_looked(survey, fmt::format("the superblock on {}", member), read.error().what);
    }
    return true;
}

}  // namespace

std::vector<WaitingArray> waiting_arrays(const Inventory& inventory)
{
    std::vector<WaitingArray> waiting;
    for_each_content(inventory, [&](const std::string& device, const Content& content) {
        if (content.type != "linux_raid_member" || content.uuid.empty()) return;
        if (std::ranges::find(inventory.arrays, content.uuid, &Array::uuid) != inventory.arrays.end()) return;
        const std::vector<std::string> uppers = inventory.on(device);
        const auto upper =
            std::ranges::find_if(uppers, [](const std::string& name) { return name.starts_with("md"); });
        // Under another device, such as a path of multipath: that one is looked at.
        if (upper == uppers.end() && !uppers.empty()) return;
        auto array = std::ranges::find(waiting, content.uuid, &WaitingArray::uuid);
        if (array == waiting.end()) array = waiting.insert(array, {.uuid = content.uuid});
        // The label is "host:name".
        array->name = content.label.substr(content.label.find(':') + 1);
        if (upper != uppers.end()) array->assembled = *upper;
        array->members.push_back(device);
    });
    return waiting;
}

void look_at_waiting_arrays(host::Host& host, Survey& survey)
{
    survey.waiting = waiting_arrays(survey.inventory);
    size_t members = 0;
    for (WaitingArray& array : survey.waiting) {
        members += array.members.size();
        if (members > most_examined)
            note_not_looked(survey, fmt::format("the superblocks of the array {}", array.uuid),
                            fmt::format("there are more than {} superblocks", most_examined),
                            "mdadm --examine --scan");
        else if (!examine(host, survey, array))
            return;
    }
}

}  // namespace belay::storage
