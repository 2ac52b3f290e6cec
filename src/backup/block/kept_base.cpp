#include "backup/block/kept_base.h"

#include <algorithm>
#include <charconv>

namespace belay::backup {
namespace {

constexpr std::string_view base_tag = "belay.block-base";
/// "belay.base=NAME/UUID/REPOSITORY/SNAPSHOT/USED/BLOCKS"
constexpr std::string_view mark_tag = "belay.base=";

host::Command changing(std::vector<std::string> argv)
{
    return {.argv = std::move(argv), .effect = host::Effect::changes, .limit = std::chrono::minutes(5)};
}

/// Nothing where it is none of ours.
std::optional<KeptBase::Mark> mark_in(const std::vector<std::string>& tags)
{
    const auto tag =
        std::ranges::find_if(tags, [](const std::string& one) { return one.starts_with(mark_tag); });
    if (tag == tags.end()) return std::nullopt;
    std::vector<std::string> fields(1);
    for (const char c : tag->substr(mark_tag.size())) {
        if (c == '/')
            fields.emplace_back();
        else
            fields.back() += c;
    }
    if (fields.size() != 6) return std::nullopt;
    KeptBase::Mark mark;
    mark.name = fields[0];
    mark.uuid = fields[1];
    const Result<Id> repository = Id::from_hex(fields[2]), snapshot = Id::from_hex(fields[3]),
                     used = Id::from_hex(fields[4]);
    const char* begin = fields[5].data();
    const auto [end, wrong] = std::from_chars(begin, begin + fields[5].size(), mark.blocks);
    if (!repository || !snapshot || !used || wrong != std::errc() || end != begin + fields[5].size())
        return std::nullopt;
    mark.repository = *repository;
    mark.snapshot = *snapshot;
    mark.used = *used;
    return mark;
}

}  // namespace

std::vector<std::string> KeptBase::Mark::tags() const
{
    return {std::string(base_tag), fmt::format("{}{}/{}/{}/{}/{}/{}", mark_tag, name, uuid, repository.hex(),
                                               snapshot.hex(), used.hex(), blocks)};
}

Result<std::vector<KeptBase>> kept_bases(host::Host& host, const std::string& full_name)
{
    std::vector<KeptBase> bases;
    for (LogicalVolume& volume : TRY(volumes_with_tag(host, std::string(base_tag)))) {
        std::optional<KeptBase::Mark> mark = mark_in(volume.tags);
        if (mark && volume.group + "/" + mark->name == full_name)
            bases.push_back({std::move(volume), *std::move(mark)});
    }
    return bases;
}

Result<void> drop_base(host::Host& host, const KeptBase& base)
{
    // By its UUID and tag: nothing else can be removed by a name that was given anew.
    TRY(host::run_checked(host, changing({"lvm", "lvremove", "--yes", "--select",
                                          fmt::format("lv_uuid={} && lv_tags={}", base.volume.uuid, base_tag),
                                          base.volume.full_name()})));
    return {};
}

Id used_digest(const Extents& used)
{
    return Id::of({reinterpret_cast<const char*>(used.data()), used.size() * sizeof(Extent)});
}

Result<std::unique_ptr<ActiveBase>> ActiveBase::activate(host::Host& host, const LogicalVolume& base)
{
    TRY(host::run_checked(
        host, changing({"lvm", "lvchange", "--activate", "y", "--ignoreactivationskip", base.full_name()})));
    return std::unique_ptr<ActiveBase>(new ActiveBase(host, base.full_name()));
}

ActiveBase::~ActiveBase()
{
    static_cast<void>(host_.run(changing({"lvm", "lvchange", "--activate", "n", name_})));
}

}  // namespace belay::backup
