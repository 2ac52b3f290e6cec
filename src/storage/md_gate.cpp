#include "storage/md_gate.h"

#include "storage/probe.h"

#include <charconv>

namespace belay::storage::md {
namespace {

using GateJson = operation::Json;
using operation::Finding;
using operation::Verdict;

uint64_t failed_of(const Array& array)
{
    return static_cast<uint64_t>(std::ranges::count_if(array.members, &Member::faulty));
}

Result<Finding> ask_keeps_members(host::Host& host, const GateJson& arguments)
{
    const std::string uuid = arguments.at("array");
    const uint64_t in_sync = arguments.at("in_sync"), failed = arguments.at("failed"),
                   mismatches = arguments.at("mismatches");
    const Array array = TRY(read_array(host, uuid));
    const uint64_t found = TRY(read_mismatches(host, array.name));
    std::vector<std::string> against;
    if (array.state == "inactive" || array.state == "clear" || array.state == "broken")
        against.push_back(fmt::format("it is {}", array.state));
    if (array.members_in_sync() < in_sync)
        against.push_back(fmt::format("{} members are in sync", array.members_in_sync()));
    if (failed_of(array) > failed) against.push_back(fmt::format("{} members have failed", failed_of(array)));
    if (found > mismatches) against.push_back(fmt::format("its members differ in {} sectors", found));
    return Finding{against.empty() ? Verdict::pass : Verdict::fail,
                   against.empty() ? fmt::format("{} members in sync", array.members_in_sync())
                                   : fmt::format("/dev/{}: {}", array.name, fmt::join(against, ", ")),
                   fmt::format("{} members in sync, none that fails or differs", in_sync),
                   "mdadm --detail /dev/" + array.name};
}

}  // namespace

Result<uint64_t> read_mismatches(host::Host& host, const std::string& name)
{
    const std::string path = fmt::format("/sys/block/{}/md/mismatch_cnt", name);
    const Result<std::string> text = host.read(path);
    if (!text && text.error().kind == ErrorKind::not_found) return uint64_t{0};
    if (!text) return std::unexpected(text.error());
    uint64_t count = 0;
    if (std::from_chars(text->data(), text->data() + text->size(), count).ec != std::errc{})
        return fail(ErrorKind::corrupt, fmt::format("{} holds no number", path));
    return count;
}

operation::Question keeps_members(const Array& array, uint64_t mismatches)
{
    return {"md.keeps_members",
            {{"array", array.uuid},
             {"in_sync", array.members_in_sync()},
             {"failed", failed_of(array)},
             {"mismatches", mismatches}}};
}

void fill_gate(operation::Catalogue& catalogue)
{
    catalogue.add_condition("md.keeps_members", ask_keeps_members);
}

}  // namespace belay::storage::md
