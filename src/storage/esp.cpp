#include "storage/esp.h"

#include "base/invariant.h"
#include "storage/esp_tree.h"
#include "storage/mounts.h"
#include "storage/probe.h"

namespace belay::storage::esp {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Finding;
using operation::Inspection;
using operation::Json;
using operation::Verdict;
using Found = Inspection::Found;

constexpr Milliseconds slow = std::chrono::minutes(5);

Command changing(std::vector<std::string> argv)
{
    return {.argv = std::move(argv), .effect = Effect::changes, .limit = slow};
}

Command make_command(const std::string& partition, const std::string& volume_id)
{
    return changing({"mkfs.vfat", "-F", "32", "-i", volume_id, partition});
}
Command folder_command(const std::string& folder)
{
    return changing({"mkdir", "--parents", folder});
}
Command remove_folder_command(const std::string& folder)
{
    return changing({"rmdir", "--ignore-fail-on-non-empty", folder});
}
Command mount_command(const std::string& partition, const std::string& target)
{
    return changing({"mount", "--types", "vfat", "--options", std::string(mount_options), partition, target});
}
Command mount_by_fstab_command(const std::string& target)
{
    return changing({"mount", target});
}
Command unmount_command(const std::string& target)
{
    return changing({"umount", target});
}
Command copy_tree_command(const Copy& copy)
{
    return changing({"cp", "--recursive", "--preserve=timestamps", copy.source + "/.", copy.target});
}
Command sync_command(const std::string& target)
{
    return changing({"sync", "--file-system", target});
}

/// What brings the loader to the firmware's own place, where the source has none there.
std::vector<Command> loader_copies(const WantedTree& wanted, const Copy& copy)
{
    std::vector<Command> commands;
    for (const auto& [key, file] : wanted) {
        if (file.path == file.from.path) continue;
        if (commands.empty()) commands.push_back(folder_command(copy.target + "/EFI/BOOT"));
        commands.push_back(
            changing({"cp", "--preserve=timestamps", fmt::format("{}/{}", copy.source, file.from.path),
                      fmt::format("{}/{}", copy.target, file.path)}));
    }
    return commands;
}

Copy copy_in(const Json& arguments)
{
    return {arguments.at("source"), arguments.at("partition"), arguments.at("target")};
}

Json json_of(const Copy& copy)
{
    return {{"source", copy.source}, {"partition", copy.partition}, {"target", copy.target}};
}

Result<bool> is_mounted_on(Host& host, const std::string& partition, const std::string& target)
{
    const std::optional<std::string> mounted = TRY(mounted_on(host, target));
    return mounted && mounted == TRY(device_if_there(host, partition));
}

Result<bool> is_folder(Host& host, const std::string& path)
{
    const Result<std::vector<std::string>> names = host.list(path);
    if (names) return true;
    if (names.error().kind == ErrorKind::not_found) return false;
    return std::unexpected(names.error());
}

/// The differences of a copy that is mounted.
Result<std::vector<std::string>> differences_of(Host& host, const Copy& copy)
{
    const Tree source = TRY(read_tree(host, copy.source));
    return differences(wanted_copy(source), TRY(read_tree(host, copy.target)));
}

class Make final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Content content = TRY(read_content(host, arguments.at("partition").get<std::string>()));
        if (content.type.empty()) return Inspection{Found::absent, "nothing"};
        const std::string id = arguments.at("volume_id");
        const bool ours = content.type == "vfat" && content.uuid == shown(id);
        return Inspection{ours ? Found::done : Found::partial,
                          fmt::format("{} {}", content.type, content.uuid)};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        TRY(run_checked(host, make_command(arguments.at("partition"), arguments.at("volume_id"))));
        // udev reads what is new on it, and makes its links.
        TRY(host.run({.argv = {"udevadm", "settle", "--timeout=30"}}));
        return {};
    }

    Result<std::string> remains(Host&, const Json&, const Json&) const override { return std::string(); }
    Result<void> revert(Host&, const Json&, const Json&) const override { return {}; }

  private:
    /// "1a2b3c4d" as blkid tells it.
    static std::string shown(const std::string& id)
    {
        std::string text = id.substr(0, 4) + "-" + id.substr(4);
        for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        return text;
    }
};

class Fill final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Copy copy = copy_in(arguments);
        if (!TRY(is_mounted_on(host, copy.partition, copy.target)))
            return Inspection{Found::absent, "not mounted"};
        const std::vector<std::string> differ = TRY(differences_of(host, copy));
        if (differ.empty()) return Inspection{Found::done, "alike"};
        return Inspection{Found::partial, differ.front()};
    }

    Result<Json> remember(Host& host, const Json& arguments) const override
    {
        const bool there = TRY(is_folder(host, arguments.at("target")));
        return Json{{"folder", there}};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Copy copy = copy_in(arguments);
        TRY(mount_copy(host, copy));
        const WantedTree wanted = wanted_copy(TRY(read_tree(host, copy.source)));
        TRY(run_checked(host, copy_tree_command(copy)));
        for (const Command& command : loader_copies(wanted, copy)) TRY(run_checked(host, command));
        TRY(run_checked(host, sync_command(copy.target)));
        // What inspect() reads then is what the disk holds, not what memory does.
        TRY(run_checked(host, unmount_command(copy.target)));
        TRY(run_checked(host, mount_command(copy.partition, copy.target)));
        return {};
    }

    Result<std::string> remains(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string target = arguments.at("target");
        if (TRY(is_ours(host, arguments))) return fmt::format("the copy mounted on {}", target);
        if (remembered.value("folder", true)) return std::string();
        const Result<std::vector<std::string>> names = host.list(target);
        if (!names && names.error().kind != ErrorKind::not_found) return std::unexpected(names.error());
        // A folder that somebody has put something into is theirs.
        return names && names->empty() ? fmt::format("the folder {}", target) : std::string();
    }

    Result<void> revert(Host& host, const Json& arguments, const Json& remembered) const override
    {
        const std::string target = arguments.at("target");
        if (TRY(is_ours(host, arguments))) TRY(run_checked(host, unmount_command(target)));
        if (!remembered.value("folder", true) && TRY(is_folder(host, target)))
            TRY(run_checked(host, remove_folder_command(target)));
        return {};
    }

  private:
    /// Mounted on the target, from our partition, or from one that has gone with its disk.
    static Result<bool> is_ours(Host& host, const Json& arguments)
    {
        const std::optional<std::string> mounted =
            TRY(mounted_on(host, arguments.at("target").get<std::string>()));
        if (!mounted) return false;
        const auto device = TRY(device_if_there(host, arguments.at("partition").get<std::string>()));
        return !device || device == mounted;
    }

    static Result<void> mount_copy(Host& host, const Copy& copy)
    {
        const std::optional<std::string> mounted = TRY(mounted_on(host, copy.target));
        const std::string device = TRY(device_at(host, copy.partition));
        if (mounted == device) return {};
        if (mounted)
            return fail(ErrorKind::refused, fmt::format("/dev/{} is mounted on {}", *mounted, copy.target),
                        "umount " + copy.target);
        TRY(run_checked(host, folder_command(copy.target)));
        TRY(run_checked(host, mount_command(copy.partition, copy.target)));
        return {};
    }
};

class TakePlace final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const Json& arguments) const override
    {
        const Copy copy = copy_in(arguments);
        const bool there = TRY(is_mounted_on(host, copy.partition, arguments.at("place")));
        const bool beside = TRY(mounted_on(host, copy.target)).has_value();
        if (there && !beside) return Inspection{Found::done, "in its place"};
        return Inspection{there ? Found::partial : Found::absent,
                          beside ? "mounted beside it" : "not mounted"};
    }

    Result<void> apply(Host& host, const Json& arguments) const override
    {
        const Copy copy = copy_in(arguments);
        const std::string place = arguments.at("place");
        if (TRY(mounted_on(host, copy.target))) TRY(run_checked(host, unmount_command(copy.target)));
        if (TRY(is_folder(host, copy.target))) TRY(run_checked(host, remove_folder_command(copy.target)));
        if (TRY(is_mounted_on(host, copy.partition, place))) return {};
        if (TRY(mounted_on(host, place))) TRY(run_checked(host, unmount_command(place)));
        TRY(run_checked(host, mount_by_fstab_command(place)));
        return {};
    }

    Result<std::string> remains(Host&, const Json&, const Json&) const override { return std::string(); }

    Result<void> revert(Host&, const Json& arguments, const Json&) const override
    {
        return fail(ErrorKind::refused, fmt::format("what was mounted on {} does not come back there",
                                                    arguments.at("place").get<std::string>()));
    }
};

Result<Finding> ask_is_mounted(Host& host, const Json& arguments)
{
    const std::string partition = arguments.at("partition"), target = arguments.at("target");
    const std::optional<std::string> mounted = TRY(mounted_on(host, target));
    const bool right = TRY(is_mounted_on(host, partition, target));
    return Finding{
        right ? Verdict::pass : Verdict::fail,
        mounted ? fmt::format("/dev/{} on {}", *mounted, target) : fmt::format("nothing on {}", target),
        fmt::format("{} mounted on {}", partition, target), "mount " + target};
}

Result<Finding> ask_is_copy(Host& host, const Json& arguments)
{
    const Copy copy = copy_in(arguments);
    const std::string wanted =
        fmt::format("on {} what is on {}, and a boot loader", copy.target, copy.source);
    if (!TRY(is_mounted_on(host, copy.partition, copy.target)))
        return Finding{Verdict::fail, "not mounted", wanted, "mount " + copy.target};
    const std::vector<std::string> differ = TRY(differences_of(host, copy));
    const bool starts = starts_by_itself(TRY(read_tree(host, copy.target)));
    if (differ.empty() && starts) return Finding{Verdict::pass, "alike", wanted};
    return Finding{Verdict::fail, differ.empty() ? "no boot loader in EFI/BOOT" : differ.front(), wanted,
                   "belay storage esp-sync"};
}

}  // namespace

bool is_esp(std::string_view type)
{
    return type == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" || type == "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" ||
           type == "0xef" || type == "ef";
}

std::string volume_id_of(std::string_view random)
{
    INVARIANT(random.size() == 4);
    std::string id;
    for (const char byte : random) id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return id;
}

Result<std::vector<std::string>> loader_commands(Host& host, const Copy& copy)
{
    std::vector<std::string> texts;
    const WantedTree wanted = wanted_copy(TRY(read_tree(host, copy.source)));
    for (const Command& command : loader_copies(wanted, copy)) texts.push_back(command.to_text());
    return texts;
}

operation::Act make(const std::string& partition, const std::string& volume_id)
{
    return {"esp.make",
            {{"partition", partition}, {"volume_id", volume_id}},
            {make_command(partition, volume_id).to_text()},
            {"# goes with the partition table"}};
}

operation::Act fill(const Copy& copy, const std::vector<std::string>& loader)
{
    const std::string mount = mount_command(copy.partition, copy.target).to_text();
    std::vector<std::string> commands = {folder_command(copy.target).to_text(), mount,
                                         copy_tree_command(copy).to_text()};
    commands.insert(commands.end(), loader.begin(), loader.end());
    for (const std::string& text :
         {sync_command(copy.target).to_text(), unmount_command(copy.target).to_text(), mount})
        commands.push_back(text);
    return {"esp.fill",
            json_of(copy),
            commands,
            {unmount_command(copy.target).to_text(), remove_folder_command(copy.target).to_text()}};
}

operation::Act take_place(const Copy& copy, const std::string& place)
{
    operation::Act act{"esp.take_place",
                       json_of(copy),
                       {unmount_command(copy.target).to_text(), remove_folder_command(copy.target).to_text(),
                        unmount_command(place).to_text(), mount_by_fstab_command(place).to_text()}};
    act.arguments["place"] = place;
    return act;
}

operation::Question is_copy(const Copy& copy)
{
    return {"esp.is_copy", json_of(copy)};
}

operation::Question is_mounted(const std::string& partition, const std::string& target)
{
    return {"esp.is_mounted", {{"partition", partition}, {"target", target}}};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("esp.make", std::make_unique<Make>());
    catalogue.add("esp.fill", std::make_unique<Fill>());
    catalogue.add("esp.take_place", std::make_unique<TakePlace>());
    catalogue.add_condition("esp.is_copy", ask_is_copy);
    catalogue.add_condition("esp.is_mounted", ask_is_mounted);
}

}  // namespace belay::storage::esp
