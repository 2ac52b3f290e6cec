#include "storage/md_size.h"

#include "storage/probe.h"

namespace belay::storage::md {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Question;
using operation::Verdict;

/// md rounds down to whole chunks, and keeps a little for itself at the end with some superblocks. More than
/// that is room.
uint64_t rounding(Bytes room)
{
    return std::min<uint64_t>(2 << 20, room.count / 64);
}

Command grow_command(const std::string& uuid)
{
    return {.argv = {"mdadm", "--grow", "/dev/disk/by-id/md-uuid-" + uuid, "--size=max"},
            .effect = Effect::changes,
            .limit = std::chrono::minutes(2)};
}

struct Use {
    Bytes used, room, before;
    bool is_full() const { return used.count + rounding(room) > room.count; }
};

Result<Use> use_of(Host& host, const Json& arguments)
{
    const Array array = TRY(read_array(host, arguments.at("array").get<std::string>()));
    Use use;
    use.used = array.member_size;
    use.room = TRY(room_of_members(host, array));
    use.before = Bytes{arguments.at("before").get<uint64_t>()};
    return use;
}

std::string text_of(const Use& use)
{
    return fmt::format("{} of {} used of each member", to_text(use.used), to_text(use.room));
}

class GrowSize final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Use use = TRY(use_of(host, arguments));
        using Found = Inspection::Found;
        if (use.used > use.before && use.is_full()) return Inspection{Found::done, text_of(use)};
        return Inspection{use.used > use.before ? Found::partial : Found::absent, text_of(use)};
    }
    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(run_checked(host, grow_command(arguments.at("array"))));
        return {};
    }
    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        const Use use = TRY(use_of(host, arguments));
        return use.used > use.before ? "a larger array" : "";
    }
    Result<void> revert(Host&, const Json& arguments, const Json&) const override
    {
        return fail(ErrorKind::refused, fmt::format("the array {} was grown and is not made smaller again",
                                                    arguments.at("array").get<std::string>()));
    }
};

Result<Finding> ask_larger(Host& host, const Json& arguments)
{
    const Use use = TRY(use_of(host, arguments));
    return Finding{use.used > use.before ? Verdict::pass : Verdict::fail, text_of(use),
                   fmt::format("more than {} of each member", to_text(use.before)), "belay storage show"};
}

Result<Finding> ask_room(Host& host, const Json& arguments)
{
    const Use use = TRY(use_of(host, arguments));
    return Finding{use.is_full() ? Verdict::fail : Verdict::pass, text_of(use),
                   fmt::format("members with more room than {}", to_text(use.used)),
                   "belay procedures array.grow"};
}

Json arguments_of(const Array& array)
{
    return {{"array", array.uuid}, {"before", array.member_size.count}};
}

}  // namespace

Result<Bytes> room_of_members(Host& host, const Array& array)
{
    std::optional<Bytes> smallest;
    for (const Member& member : array.members) {
        if (!member.in_sync()) continue;
        const uint64_t size = TRY(read_number(host, fmt::format("/sys/class/block/{}/size", member.device)));
        const uint64_t offset =
            TRY(read_number(host, fmt::format("/sys/block/{}/md/dev-{}/offset", array.name, member.device)));
        const Bytes room{(size - std::min(size, offset)) * 512};
        if (!smallest || room < *smallest) smallest = room;
    }
    return smallest.value_or(Bytes{0});
}

operation::Act grow_size(const Array& array)
{
    return {"md.grow_size", arguments_of(array), {grow_command(array.uuid).to_text()}};
}

Question larger_than(const Array& array)
{
    return {"md.larger_than", arguments_of(array)};
}

Question has_room(const Array& array)
{
    return {"md.has_room", arguments_of(array)};
}

void fill_size(operation::Catalogue& catalogue)
{
    catalogue.add("md.grow_size", std::make_unique<GrowSize>());
    catalogue.add_condition("md.larger_than", ask_larger);
    catalogue.add_condition("md.has_room", ask_room);
}

}  // namespace belay::storage::md
