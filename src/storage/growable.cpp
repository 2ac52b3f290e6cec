#include "storage/growable.h"

#include "base/json.h"
#include "storage/mounts.h"
#include "storage/parse/lines.h"
#include "storage/parse/lvm.h"
#include "storage/probe.h"

namespace belay::storage::growable {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Question;
using operation::Verdict;

constexpr Milliseconds long_work = std::chrono::hours(6);

bool is_ext(const std::string& type)
{
    return type == "ext2" || type == "ext3" || type == "ext4";
}

Command ext_header(const std::string& device)
{
    return {.argv = {"dumpe2fs", "-h", device}};
}

/// The mount by which it is grown: one that may be written. It may be another than when the plan was made.
Result<Mount> mount_of(Host& host, const std::string& device)
{
    const std::string name = TRY(device_at(host, device));
    Mount found;
    for (Mount& mount : TRY(read_mounts(host)))
        if (mount.device == name && (found.path.empty() || found.is_read_only())) found = std::move(mount);
    return found;
}

/// As it stands now.
Result<Tenant> tenant_in(Host& host, const Json& arguments)
{
    Tenant tenant{arguments.at("device"), arguments.at("type"), ""};
    if (tenant.type != "LVM2_member") tenant.mount = TRY(mount_of(host, tenant.device)).path;
    return tenant;
}

Json arguments_of(const Tenant& tenant)
{
    return {{"device", tenant.device}, {"type", tenant.type}};
}

Result<Bytes> device_size(Host& host, const std::string& device)
{
    const std::string path = fmt::format("/sys/class/block/{}/size", TRY(device_at(host, device)));
    return bytes_of(Sectors{TRY(read_number(host, path))});
}

/// A physical volume.
struct Volume {
    Bytes size;
    Bytes start;        ///< what LVM keeps in front of the first extent
    Bytes extent;       ///< 0: it is in no group
    std::string group;  ///< empty: none
    bool exported = false;
    uint64_t missing = 0;  ///< disks of its group
};

Result<Volume> read_volume(Host& host, const std::string& device)
{
    const host::Outcome outcome = TRY(run_checked(
        host, {.argv = {"lvm", "pvs", "--reportformat", "json", "--units", "b", "--nosuffix", "--options",
                        "pv_name,pv_size,pe_start,pv_exported,vg_name,vg_extent_size,vg_missing_pv_count",
                        device}}));
    const parse::Lvm lvm = TRY(parse::parse_lvm(outcome.out));
    if (lvm.physical.size() != 1 || !lvm.physical.front().size)
        return fail(ErrorKind::corrupt, fmt::format("lvm tells no size of {}", device), "lvm pvs");
    const parse::LvmPhysical& found = lvm.physical.front();
    const auto number = [&](const char* field) -> uint64_t {
        const auto at = found.fields.find(field);
        return at != found.fields.end() && at->second.is_number_unsigned() ? at->second.get<uint64_t>() : 0;
    };
    return Volume{.size = {*found.size},
                  .start = {number("pe_start")},
                  .extent = {number("vg_extent_size")},
                  .group = found.group,
                  .exported = found.fields.contains("pv_exported"),
                  .missing = number("vg_missing_pv_count")};
}

/// What it may leave unused of the device: a last group or extent that is not whole, what LVM keeps in front.
Result<Bytes> remainder(Host& host, const Tenant& tenant, Bytes device)
{
    const Bytes little{std::min<uint64_t>(4 << 20, device.count / 64)};
    if (tenant.type != "LVM2_member") return little;
    const Volume volume = TRY(read_volume(host, tenant.device));
    return Bytes{little.count + volume.start.count + volume.extent.count};
}

struct Fill {
    Bytes size, device, remainder, before;
    bool is_full() const { return size.count + remainder.count > device.count; }
    bool has_grown() const { return size > before || before.count + remainder.count > device.count; }
    std::string text() const { return fmt::format("{} of {}", to_text(size), to_text(device)); }
};

Result<Fill> fill_of(Host& host, const Json& arguments)
{
    const Tenant tenant = TRY(tenant_in(host, arguments));
    Fill fill;
    fill.size = TRY(size_of(host, tenant));
    fill.device = TRY(device_size(host, tenant.device));
    fill.remainder = TRY(remainder(host, tenant, fill.device));
    fill.before = Bytes{arguments.at("before").get<uint64_t>()};
    return fill;
}

std::vector<Command> commands(const Tenant& tenant)
{
    const auto command = [](std::vector<std::string> argv) {
        return Command{.argv = std::move(argv), .effect = Effect::changes, .limit = long_work};
    };
    if (tenant.type == "LVM2_member") return {command({"lvm", "pvresize", tenant.device})};
    if (tenant.type == "xfs") return {command({"xfs_growfs", tenant.mount})};
    if (!tenant.mount.empty()) return {command({"resize2fs", tenant.device})};
    return {command({"e2fsck", "-f", "-p", tenant.device}), command({"resize2fs", tenant.device})};
}

class Grow final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Fill fill = TRY(fill_of(host, arguments));
        using Found = Inspection::Found;
        if (fill.is_full() && fill.has_grown()) return Inspection{Found::done, fill.text()};
        return Inspection{fill.size > fill.before ? Found::partial : Found::absent, fill.text()};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Tenant tenant = TRY(tenant_in(host, arguments));
        for (const Command& command : commands(tenant)) {
            const host::Outcome outcome = TRY(host.run(command));
            const int most = command.argv.front() == "e2fsck" ? 1 : 0;  // 1: it mended something
            if (outcome.exit_code > most)
                return std::unexpected(Error{.what = command.to_text() + " failed",
                                             .argv = command.argv,
                                             .exit_code = outcome.exit_code,
                                             .output = (outcome.err + outcome.out).substr(0, 4096)});
        }
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json&) const override
    {
        const Fill fill = TRY(fill_of(host, arguments));
        return fill.size > fill.before ? "a larger " + arguments.at("type").get<std::string>() : "";
    }

    Result<void> revert(Host&, const Json& arguments, const Json&) const override
    {
        return fail(ErrorKind::refused,
                    fmt::format("what stands on {} was grown and is not made smaller again",
                                arguments.at("device").get<std::string>()));
    }
};

/// Whether LVM lets its size be changed.
Result<Finding> ask_changeable(Host& host, const std::string& device)
{
    const Volume volume = TRY(read_volume(host, device));
    if (volume.exported)
        return Finding{Verdict::fail, fmt::format("the volume group {} is exported", volume.group),
                       "a volume group that is in use here", "vgimport " + volume.group};
    if (volume.missing > 0)
        return Finding{
            Verdict::fail,
            fmt::format("the volume group {} lacks {} of its physical volumes, and LVM changes nothing in it "
                        "meanwhile",
                        volume.group, volume.missing),
            "a volume group with all its physical volumes",
            fmt::format("attach the disk; or, where it held no volume: vgreduce --removemissing {}",
                        volume.group)};
    return Finding{Verdict::pass, fmt::format("LVM2_member, {}", to_text(volume.size))};
}

Result<Finding> ask_sound(Host& host, const Json& arguments)
{
    const Tenant tenant{arguments.at("device"), arguments.at("type"), ""};
    if (tenant.type == "LVM2_member") return ask_changeable(host, tenant.device);
    const Mount mount = TRY(mount_of(host, tenant.device));
    if (mount.is_read_only())
        return Finding{Verdict::fail, "it is mounted read-only on " + mount.path,
                       "a filesystem that may be written", "mount -o remount,rw " + mount.path};
    if (tenant.type == "xfs") {
        // One with errors is not mounted, or tells no size.
        const Bytes size = TRY(size_of(host, {tenant.device, tenant.type, mount.path}));
        return Finding{Verdict::pass, fmt::format("xfs, {}", to_text(size))};
    }
    const host::Outcome outcome = TRY(run_checked(host, ext_header(tenant.device)));
    const Ext ext = TRY(parse_dumpe2fs(outcome.out));
    // One that is mounted is "not clean" without a journal, which is no error.
    const bool sound = ext.state.find("errors") == std::string::npos;
    return Finding{sound ? Verdict::pass : Verdict::fail, fmt::format("{}, {}", tenant.type, ext.state),
                   "a filesystem without errors",
                   fmt::format("unmount it, then: e2fsck -f {}", tenant.device)};
}

}  // namespace

bool can_grow(const Content& content)
{
    return is_ext(content.type) || content.type == "xfs" || content.type == "LVM2_member";
}

Result<Ext> parse_dumpe2fs(std::string_view text)
{
    Ext ext;
    for (const parse::Line& line : TRY(parse::lines_of(text, "dumpe2fs -h"))) {
        const size_t colon = line.text.find(':');
        if (colon == std::string_view::npos) continue;
        const std::string_view label = line.text.substr(0, colon);
        const std::string_view value = parse::trimmed(line.text.substr(colon + 1));
        if (label == "Block count") ext.blocks = parse::whole_number(value).value_or(0);
        if (label == "Block size") ext.block_size = parse::whole_number(value).value_or(0);
        if (label == "Filesystem state") ext.state = value;
    }
    const bool known = ext.blocks > 0 && parse::times(ext.blocks, ext.block_size).value_or(0) > 0;
    if (!known || ext.state.empty())
        return parse::cut("dumpe2fs -h", "there is no block count, block size or state in it");
    return ext;
}

Result<Bytes> parse_xfs_geometry(std::string_view text)
{
    for (const parse::Line& line : TRY(parse::lines_of(text, "xfs_growfs -n"))) {
        if (!line.text.starts_with("data ")) continue;
        std::optional<uint64_t> block_size, blocks;
        for (std::string_view word : parse::words_of(line.text)) {
            if (word.ends_with(',')) word.remove_suffix(1);
            if (word.starts_with("bsize=")) block_size = parse::whole_number(word.substr(6));
            if (word.starts_with("blocks=")) blocks = parse::whole_number(word.substr(7));
        }
        const auto bytes = parse::times(blocks, block_size.value_or(0));
        if (bytes && *bytes > 0) return Bytes{*bytes};
    }
    return parse::cut("xfs_growfs -n", "there is no size of the data section in it");
}

Result<Bytes> size_of(Host& host, const Tenant& tenant)
{
    if (tenant.type == "LVM2_member") return TRY(read_volume(host, tenant.device)).size;
    if (tenant.type == "xfs") {
        if (tenant.mount.empty())
            return fail(
                ErrorKind::refused,
                fmt::format("the XFS on {} is not mounted, and can only grow where it is", tenant.device),
                fmt::format("mount {} /mnt", tenant.device));
        const host::Outcome outcome = TRY(run_checked(host, {.argv = {"xfs_growfs", "-n", tenant.mount}}));
        return parse_xfs_geometry(outcome.out);
    }
    const host::Outcome outcome = TRY(run_checked(host, ext_header(tenant.device)));
    const Ext ext = TRY(parse_dumpe2fs(outcome.out));
    return Bytes{ext.blocks * ext.block_size};
}

operation::Act grow(const Tenant& tenant, Bytes before)
{
    operation::Act act{.action = "growable.grow", .arguments = arguments_of(tenant), .commands = {}};
    act.arguments["before"] = before.count;
    for (const Command& command : commands(tenant)) act.commands.push_back(command.to_text());
    return act;
}

Question is_sound(const Tenant& tenant)
{
    return {"growable.is_sound", arguments_of(tenant)};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("growable.grow", std::make_unique<Grow>());
    catalogue.add_condition("growable.is_sound", ask_sound);
}

}  // namespace belay::storage::growable
