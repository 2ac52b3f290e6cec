#include "storage/md_alone.h"

#include "storage/probe.h"

namespace belay::storage::md {
namespace {

operation::Finding finding_of(const Array& array, uint64_t legs)
{
    using operation::Verdict;
    const Member* member = only_member(array);
    const bool quiet =
        array.sync.action == "idle" || array.sync.action == "check" || array.sync.action.empty();
    return {member != nullptr && array.legs == legs && quiet ? Verdict::pass : Verdict::fail,
            fmt::format("{} has {} members of {}, {} in sync, {}", array.name, array.members.size(),
                        array.legs, array.members_in_sync(), array.sync.action),
            fmt::format("one member of {}, in sync, and nothing else", legs),
            fmt::format("mdadm --detail /dev/{}", array.name)};
}

Result<operation::Finding> ask_stands_alone(host::Host& host, const nlohmann::json& arguments)
{
    const Array array = TRY(read_array(host, arguments.at("array").get<std::string>()));
    return finding_of(array, arguments.at("legs"));
}

}  // namespace

const Member* only_member(const Array& array)
{
    const bool alone = array.level == "raid1" && array.members.size() == 1 && array.legs <= 2;
    return alone && array.members.front().in_sync() ? &array.members.front() : nullptr;
}

operation::Question stands_alone(const Array& array)
{
    return {"md.stands_alone", {{"array", array.uuid}, {"legs", array.legs}}};
}

void fill_alone(operation::Catalogue& catalogue)
{
    catalogue.add_condition("md.stands_alone", ask_stands_alone);
}

}  // namespace belay::storage::md
