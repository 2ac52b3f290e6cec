#include "storage/shrink.h"

#include "base/json.h"
#include "storage/growable.h"
#include "storage/mounts.h"
#include "storage/parse/lines.h"
#include "storage/parse/lvm.h"
#include "storage/probe.h"

namespace belay::storage::shrink {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Verdict;
using ShrinkJson = operation::Json;
using Found = Inspection::Found;

constexpr Milliseconds long_shrink = std::chrono::hours(24 * 7);

Command tool(std::vector<std::string> argv)
{
    return {.argv = std::move(argv), .effect = Effect::changes, .limit = long_shrink};
}

Command check_command(const std::string& device)
{
    return tool({"e2fsck", "-f", "-p", device});
}

Command resize_command(const std::string& device, Bytes size)
{
    return tool({"resize2fs", device, fmt::format("{}K", size.count / 1024)});
}

Result<void> run_check(Host& host, const std::string& device)
{
    const Command command = check_command(device);
    const host::Outcome outcome = TRY(host.run(command));
    if (outcome.exit_code <= 1) return {};  // 1: it mended something
    return std::unexpected(Error{.what = command.to_text() + " failed",
                                 .argv = command.argv,
                                 .exit_code = outcome.exit_code,
                                 .output = (outcome.err + outcome.out).substr(0, 4096)});
}

Result<Bytes> ext_size(Host& host, const std::string& device)
{
    return growable::size_of(host, {device, "ext4", ""});
}

/// The file that tells that resize2fs may have begun: the filesystem itself does not.
std::string begun_in(const ShrinkJson& arguments)
{
    return arguments.at("folder").get<std::string>() + "/resize-begun";
}

Result<uint64_t> number_after(std::string_view text, std::string_view label)
{
    for (const parse::Line& line : TRY(parse::lines_of(text, "dumpe2fs -h"))) {
        if (!line.text.starts_with(label)) continue;
        const auto value = parse::whole_number(parse::trimmed(line.text.substr(label.size())));
        if (value) return *value;
    }
    return fail(ErrorKind::corrupt, fmt::format("dumpe2fs tells no \"{}\"", label));
}

class Check final : public operation::Action {
  public:
    Result<Inspection> inspect(Host&, const ShrinkJson&) const override
    {
        return Inspection{Found::unseen, "checked"};
    }
    Result<void> apply(Host& host, const ShrinkJson& arguments) const override
    {
        const std::string device = arguments.at("device");
        TRY(data_point::unmount_everywhere(host, device));
        return run_check(host, device);
    }
    Result<std::string> remains(Host&, const ShrinkJson&, const ShrinkJson&) const override { return ""; }
    Result<void> revert(Host&, const ShrinkJson&, const ShrinkJson&) const override { return {}; }
};

class Shrink final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const ShrinkJson& arguments) const override
    {
        const Bytes size = TRY(ext_size(host, arguments.at("device")));
        const bool done = size.count == arguments.at("size").get<uint64_t>();
        return Inspection{done ? Found::done : Found::absent, to_text(size)};
    }
    Result<void> apply(Host& host, const ShrinkJson& arguments) const override
    {
        const std::string device = arguments.at("device");
        TRY(data_point::unchanged_since(host, arguments));
        TRY(host.replace(begun_in(arguments), "resize2fs was begun\n"));
        TRY(run_check(host, device));  // resize2fs wants it, and it says what a cut has left
        TRY(host::run_checked(host, resize_command(device, Bytes{arguments.at("size").get<uint64_t>()})));
        return {};
    }
    /// A resize that was begun may have moved blocks long before the size changes.
    Result<std::string> remains(Host& host, const ShrinkJson& arguments, const ShrinkJson&) const override
    {
        const Result<std::string> begun = host.read(begun_in(arguments));
        if (!begun && begun.error().kind == ErrorKind::not_found) return std::string();
        if (!begun) return std::unexpected(begun.error());
        return "what resize2fs has moved on " + arguments.at("device").get<std::string>();
    }
    Result<void> revert(Host&, const ShrinkJson& arguments, const ShrinkJson&) const override
    {
        return fail(ErrorKind::refused, fmt::format("{} goes back by a restore alone",
                                                    arguments.at("device").get<std::string>()));
    }
    Result<void> make_durable(Host& host, const ShrinkJson& arguments) const override
    {
        TRY(host::run_checked(
            host, {.argv = {"blockdev", "--flushbufs", arguments.at("device").get<std::string>()}}));
        return {};
    }
};

class Reduce final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const ShrinkJson& arguments) const override
    {
        const LogicalVolume volume = TRY(read_volume(host, arguments.at("device")));
        const bool done = volume.size.count == arguments.at("size").get<uint64_t>();
        return Inspection{done ? Found::done : Found::absent, to_text(volume.size)};
    }
    Result<void> apply(Host& host, const ShrinkJson& arguments) const override
    {
        const Bytes size{arguments.at("size").get<uint64_t>()};
        const Bytes filesystem = TRY(ext_size(host, arguments.at("device")));
        if (filesystem > size)
            return fail(ErrorKind::refused,
                        fmt::format("the filesystem has {}, more than is to be left", to_text(filesystem)));
        TRY(host::run_checked(host, reduce_command(arguments)));
        return {};
    }
    Result<std::string> remains(Host& host, const ShrinkJson& arguments, const ShrinkJson&) const override
    {
        const LogicalVolume volume = TRY(read_volume(host, arguments.at("device")));
        return volume.size.count < arguments.at("before").get<uint64_t>() ? "a smaller volume" : "";
    }
    Result<void> revert(Host& host, const ShrinkJson& arguments, const ShrinkJson&) const override
    {
        TRY(host::run_checked(host, extend_command(arguments)));
        return {};
    }

    static Command reduce_command(const ShrinkJson& arguments)
    {
        return tool({"lvm", "lvreduce", "--yes", "--force", "--size",
                     fmt::format("{}b", arguments.at("size").get<uint64_t>()),
                     arguments.at("volume").get<std::string>()});
    }
    static Command extend_command(const ShrinkJson& arguments)
    {
        return tool({"lvm", "lvextend", "--yes", "--size",
                     fmt::format("{}b", arguments.at("before").get<uint64_t>()),
                     arguments.at("volume").get<std::string>()});
    }
};

/// A path that lasts says which partition or array it is; a logical volume's name may be another's by now.
Result<Finding> ask_same(Host& host, const ShrinkJson& arguments)
{
    const std::string device = arguments.at("device"), wanted = arguments.at("uuid");
    const Result<std::string> name = device_at(host, device);
    if (!name && name.error().kind != ErrorKind::not_found) return std::unexpected(name.error());
    if (!name) return Finding{Verdict::fail, name.error().what, device, name.error().next};
    if (wanted.empty()) return Finding{Verdict::pass, device + " is there", device};
    const std::string found = TRY(read_volume(host, device)).uuid;
    return Finding{found == wanted ? Verdict::pass : Verdict::fail,
                   fmt::format("{} is {}", device, found.empty() ? "no logical volume" : found), wanted,
                   "lvs -a -o +lv_uuid"};
}

Result<Finding> ask_fits(Host& host, const ShrinkJson& arguments)
{
    const std::string device = arguments.at("device");
    const Bytes size{arguments.at("size").get<uint64_t>()};
    const host::Outcome header = TRY(host::run_checked(host, {.argv = {"dumpe2fs", "-h", device}}));
    const uint64_t block = TRY(number_after(header.out, "Block size:"));
    const host::Outcome outcome = TRY(host::run_checked(host, {.argv = {"resize2fs", "-P", device}}));
    const size_t at = outcome.out.rfind(": ");
    const Bytes least{at == std::string::npos
                          ? UINT64_MAX
                          : std::strtoull(outcome.out.c_str() + at + 2, nullptr, 10) * block};
    const Bytes with_margin{least.count + least.count / 20};
    const bool fits = at != std::string::npos && with_margin <= size;
    return Finding{fits ? Verdict::pass : Verdict::fail,
                   fmt::format("what is on it takes {} at least", to_text(least)),
                   fmt::format("{} at most, a twentieth of it free", to_text(size)),
                   fmt::format("take a larger size: {}, or remove files", to_text(with_margin))};
}

Result<operation::Fingerprint> make_fingerprint(Host& host, const ShrinkJson& arguments)
{
    const std::string device = arguments.at("device");
    operation::Fingerprint lines;
    const std::string name = TRY(device_at(host, device));
    const uint64_t sectors = TRY(read_number(host, fmt::format("/sys/class/block/{}/size", name)));
    lines["device " + device] = fmt::format("{} bytes", bytes_of(Sectors{sectors}).count);
    const Content content = TRY(read_content(host, device));
    lines["filesystem on " + device] = fmt::format("{} {} {}, {} bytes", content.type, content.uuid,
                                                   content.label, TRY(ext_size(host, device)).count);
    for (const Mount& mount : TRY(read_mounts(host)))
        if (mount.device == name) lines[fmt::format("{} on {}", device, mount.path)] = mount.options;
    return lines;
}

}  // namespace

Result<LogicalVolume> read_volume(Host& host, const std::string& device)
{
    const Result<host::Outcome> asked =
        host.run({.argv = {"lvm", "lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "--options",
                           "lv_name,lv_uuid,lv_size,vg_name,vg_extent_size,segtype", device}});
    if (!asked && asked.error().kind == ErrorKind::not_found) return LogicalVolume{};
    const host::Outcome outcome = TRY(Result<host::Outcome>(asked));
    if (outcome.exit_code != 0) return LogicalVolume{};
    const parse::Lvm lvm = TRY(parse::parse_lvm(outcome.out));
    if (lvm.logical.size() != 1 || !lvm.logical.front().size) return LogicalVolume{};
    const parse::LvmLogical& found = lvm.logical.front();
    const auto extent = found.fields.find("vg_extent_size"), kind = found.fields.find("segtype");
    LogicalVolume volume;
    volume.name = found.group + "/" + found.name;
    volume.group = found.group;
    volume.uuid = found.uuid;
    volume.size = Bytes{*found.size};
    if (extent != found.fields.end() && extent->second.is_number_unsigned())
        volume.extent = Bytes{extent->second.get<uint64_t>()};
    if (kind != found.fields.end() && kind->second.is_string()) volume.kind = kind->second;
    return volume;
}

Result<Filesystem> read_filesystem(Host& host, const std::string& device, const Content& content)
{
    const host::Outcome outcome = TRY(host::run_checked(host, {.argv = {"dumpe2fs", "-h", device}}));
    const uint64_t block = TRY(number_after(outcome.out, "Block size:"));
    const uint64_t blocks = TRY(number_after(outcome.out, "Block count:"));
    const uint64_t free = TRY(number_after(outcome.out, "Free blocks:"));
    return Filesystem{.type = content.type,
                      .uuid = content.uuid,
                      .size = Bytes{blocks * block},
                      .used = Bytes{(blocks - std::min(free, blocks)) * block},
                      .block = Bytes{block}};
}

operation::Act check(const std::string& device)
{
    return {"ext.check", {{"device", device}}, {check_command(device).to_text()}};
}

operation::Act shrink(const data_point::Source& source, Bytes before, Bytes size)
{
    return {"ext.shrink",
            {{"device", source.device},
             {"folder", source.folder},
             {"before", before.count},
             {"size", size.count}},
            {fmt::format("# that it was begun: {}/resize-begun", source.folder),
             check_command(source.device).to_text(), resize_command(source.device, size).to_text()},
            data_point::put_back(source).commands};
}

operation::Act reduce(const LogicalVolume& volume, const std::string& device, Bytes size)
{
    const ShrinkJson arguments = {
        {"device", device}, {"volume", volume.name}, {"before", volume.size.count}, {"size", size.count}};
    return {"lvm.reduce",
            arguments,
            {Reduce::reduce_command(arguments).to_text()},
            {Reduce::extend_command(arguments).to_text()}};
}

operation::Question is_same(const std::string& device, const LogicalVolume& volume)
{
    return {"shrink.is-same", {{"device", device}, {"uuid", volume.uuid}}};
}

operation::Question fits(const std::string& device, Bytes size)
{
    return {"shrink.fits", {{"device", device}, {"size", size.count}}};
}

operation::Question fingerprint(const std::string& device)
{
    return {"filesystem", {{"device", device}}};
}

void fill_shrink(operation::Catalogue& catalogue)
{
    catalogue.add("ext.check", std::make_unique<Check>());
    catalogue.add("ext.shrink", std::make_unique<Shrink>());
    catalogue.add("lvm.reduce", std::make_unique<Reduce>());
    catalogue.add_condition("shrink.is-same", ask_same);
    catalogue.add_condition("shrink.fits", ask_fits);
    catalogue.add_fingerprint("filesystem", make_fingerprint);
}

}  // namespace belay::storage::shrink
