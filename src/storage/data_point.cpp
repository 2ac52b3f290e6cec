#include "storage/data_point.h"

#include "base/digest.h"
#include "base/json.h"
#include "storage/mounts.h"
#include "storage/probe.h"

namespace belay::storage::data_point {
namespace {

using host::Command;
using host::Effect;
using host::Host;
using operation::Inspection;
using DataJson = operation::Json;
using DataWords = std::vector<std::string>;

constexpr Milliseconds as_long_as_it_takes = std::chrono::hours(24 * 7);

struct Paths {
    explicit Paths(const DataJson& arguments) : device(arguments.at("device")), folder(arguments.at("folder"))
    {
    }
    std::string repository() const { return folder + "/data"; }
    std::string password() const { return folder + "/password"; }
    std::string record() const { return folder + "/data.json"; }
    std::string tree() const { return folder + "/tree"; }
    std::string since() const { return folder + "/since.json"; }

    std::string device, folder;
};

Command command_of(DataWords argv, Effect effect = Effect::changes)
{
    return {.argv = std::move(argv), .effect = effect, .limit = as_long_as_it_takes};
}

Command backup_command(const Paths& paths, DataWords words, Effect effect = Effect::changes)
{
    DataWords argv = {"belay", "backup"};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.insert(argv.end(),
                {"--repo", paths.repository(), "--password-file", paths.password(), "--no-cache"});
    return command_of(std::move(argv), effect);
}

Command fingerprint_command(const std::string& of)
{
    return command_of({"belay", "backup", "fingerprint", of, "--json"}, Effect::reads);
}

Command mount_command(const Paths& paths)
{
    return command_of({"mount", "-o", "ro,noload", paths.device, paths.tree()});
}

Command make_tree_command(const Paths& paths)
{
    return command_of({"mkdir", "--parents", paths.tree()});
}

Command unmount_tree_command(const Paths& paths)
{
    return command_of({"umount", paths.tree()});
}

Command remove_repository_command(const Paths& paths)
{
    return command_of({"rm", "--recursive", "--force", "--one-file-system", paths.repository()});
}

Command make_folder_command(const Paths& paths)
{
    return command_of({"mkdir", "--parents", "--mode=700", paths.folder});
}

Command save_command(const Paths& paths)
{
    return backup_command(paths, {"save-device", paths.device, "--snapshot", "never", "--json"});
}

Command save_since_command(const Paths& paths)
{
    return backup_command(
        paths, {"save-device", paths.device, "--snapshot", "never", "--tag", "before-restore", "--json"});
}

Command restore_command(const Paths& paths, const std::string& snapshot)
{
    return backup_command(
        paths, {"restore-device", snapshot, "--target", paths.device, "--compare", "--verify", "--yes"});
}

/// The last line that is JSON and has this field.
Result<DataJson> answer_with(const host::Outcome& outcome, const char* field)
{
    std::string_view rest = outcome.out;
    std::optional<DataJson> found;
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        const Result<DataJson> line = parse_json(rest.substr(0, end));
        if (line && line->is_object() && line->contains(field)) found = *line;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (found) return *found;
    return fail(ErrorKind::corrupt, fmt::format("belay backup tells no {}", field));
}

Result<std::string> sha256_at(Host& host, const std::string& of)
{
    const host::Outcome outcome = TRY(host::run_checked(host, fingerprint_command(of)));
    return TRY(answer_with(outcome, "sha256")).at("sha256").get<std::string>();
}

Command header_command(const std::string& device)
{
    return {.argv = {"dumpe2fs", "-h", device}};
}

Result<uint64_t> mount_count_in(const std::string& header, const std::string& device)
{
    const size_t at = header.find("\nMount count:");
    if (at == std::string::npos)
        return fail(ErrorKind::corrupt, fmt::format("dumpe2fs tells no mount count of {}", device));
    return std::strtoull(header.c_str() + at + 13, nullptr, 10);
}

Result<uint64_t> mount_count(Host& host, const std::string& device)
{
    const host::Outcome outcome = TRY(host::run_checked(host, header_command(device)));
    return mount_count_in(outcome.out, device);
}

/// Nothing where nothing was saved, or not to the end.
Result<std::optional<DataJson>> read_record(Host& host, const Paths& paths)
{
    const Result<std::string> text = host.read(paths.record());
    if (!text && text.error().kind == ErrorKind::not_found) return std::optional<DataJson>();
    if (!text) return std::unexpected(text.error());
    return std::optional<DataJson>(TRY(parse_json(*text)));
}

Result<DataJson> record_of(Host& host, const Paths& paths)
{
    const std::optional<DataJson> record = TRY(read_record(host, paths));
    if (record) return *record;
    return fail(ErrorKind::refused, fmt::format("nothing was saved of {}", paths.device));
}

/// By a mount that changes nothing on the device.
Result<std::string> sha256_of_tree(Host& host, const Paths& paths)
{
    TRY(host::run_checked(host, make_tree_command(paths)));
    TRY(host::run_checked(host, mount_command(paths)));
    Result<std::string> found = sha256_at(host, paths.tree());
    const Result<host::Outcome> unmounted = host::run_checked(host, unmount_tree_command(paths));
    if (found && !unmounted) return std::unexpected(unmounted.error());
    return found;
}

class Keep final : public operation::Action {
  public:
    /// All data are read back: what is restored from them must be there before anything is destroyed.
    Result<Inspection> inspect(Host& host, const DataJson& arguments) const override
    {
        using Found = Inspection::Found;
        const Paths paths(arguments);
        const std::optional<DataJson> record = TRY(read_record(host, paths));
        if (!record) return Inspection{Found::absent, "nothing was saved"};
        const host::Outcome checked =
            TRY(host.run(backup_command(paths, {"check", "--read-data"}, Effect::reads)));
        if (checked.exit_code != 0)
            return Inspection{Found::partial, "its repository is not whole: " + checked.err.substr(0, 200)};
        return Inspection{Found::done, fmt::format("snapshot {} in {}, {} in use, read back",
                                                   record->at("snapshot").get<std::string>().substr(0, 8),
                                                   paths.repository(),
                                                   to_text(Bytes{record->at("bytes_used").get<uint64_t>()}))};
    }

    Result<void> apply(Host& host, const DataJson& arguments) const override
    {
        const Paths paths(arguments);
        TRY(host.remove(paths.record()));
        TRY(unmount_everywhere(host, paths.device));
        TRY(host::run_checked(host, remove_repository_command(paths)));
        TRY(host::run_checked(host, make_folder_command(paths)));
        std::string password;
        for (const char c : TRY(host.random(32))) password += fmt::format("{:02x}", static_cast<uint8_t>(c));
        TRY(host.replace(paths.password(), password + "\n"));
        TRY(host::run_checked(host, backup_command(paths, {"init"})));
        const host::Outcome saved = TRY(host::run_checked(host, save_command(paths)));
        const DataJson summary = TRY(answer_with(saved, "snapshot_id"));
        const std::string snapshot = summary.at("snapshot_id");
        const std::string device_sha256 = TRY(sha256_at(host, paths.device));
        const std::string tree_sha256 = TRY(sha256_of_tree(host, paths));
        const uint64_t mounted_so_often = TRY(mount_count(host, paths.device));
        const DataJson record = {{"version", 1},
                                 {"device", paths.device},
                                 {"snapshot", snapshot},
                                 {"bytes_total", summary.at("total_bytes")},
                                 {"bytes_used", summary.at("bytes_used")},
                                 {"device_sha256", device_sha256},
                                 {"tree_sha256", tree_sha256},
                                 {"mount_count", mounted_so_often},
                                 {"put_back", {restore_command(paths, snapshot).to_text()}}};
        return host.replace(paths.record(), record.dump(1) + "\n");
    }

    Result<std::string> remains(Host& host, const DataJson& arguments, const DataJson&) const override
    {
        const Paths paths(arguments);
        if (TRY(read_record(host, paths))) return std::string();
        const Result<std::vector<std::string>> names = host.list(paths.repository());
        if (!names && names.error().kind == ErrorKind::not_found) return std::string();
        if (!names) return std::unexpected(names.error());
        return "a backup that was cut short in " + paths.repository();
    }

    Result<void> revert(Host& host, const DataJson& arguments, const DataJson&) const override
    {
        const Paths paths(arguments);
        TRY(unmount_everywhere(host, paths.device));
        TRY(host::run_checked(host, remove_repository_command(paths)));
        return {};
    }
};

/// A boot may have mounted it by itself, and somebody may have written to it since it was saved: that is lost
/// by a restore, and so it is saved too. Each state once: what a restore that was cut short has left is
/// nothing to keep, and a boot after that save may have mounted it again, which its superblock tells. Where
/// there is none there is no more to be lost; whoever cannot be asked has not said so.
Result<void> save_what_came_since(Host& host, const Paths& paths, const DataJson& record)
{
    const host::Outcome header = TRY(host.run(header_command(paths.device)));
    constexpr int ended_by_signal = 128;
    if (header.exit_code >= ended_by_signal)
        return fail(ErrorKind::failed,
                    fmt::format("dumpe2fs was ended, and did not tell of {}", paths.device));
    if (header.exit_code != 0) return {};
    if (TRY(mount_count_in(header.out, paths.device)) == record.at("mount_count").get<uint64_t>()) return {};
    const Result<std::string> before = host.read(paths.since());
    if (!before && before.error().kind != ErrorKind::not_found) return std::unexpected(before.error());
    const std::string state = sha256(header.out);
    if (before && before->contains(state)) return {};
    const host::Outcome saved = TRY(host::run_checked(host, save_since_command(paths)));
    const DataJson summary = TRY(answer_with(saved, "snapshot_id"));
    const DataJson note = {{"snapshot", summary.at("snapshot_id")}, {"header_sha256", state}};
    return host.replace(paths.since(), note.dump(1) + "\n");
}

class PutBack final : public operation::Action {
  public:
    Result<Inspection> inspect(Host& host, const DataJson& arguments) const override
    {
        using Found = Inspection::Found;
        const Paths paths(arguments);
        const DataJson record = TRY(record_of(host, paths));
        const std::string name = TRY(device_at(host, paths.device));
        for (const Mount& mount : TRY(read_mounts(host)))
            if (mount.device == name) return Inspection{Found::partial, "it is mounted on " + mount.path};
        const uint64_t size =
            bytes_of(Sectors{TRY(read_number(host, fmt::format("/sys/class/block/{}/size", name)))}).count;
        if (size != record.at("bytes_total").get<uint64_t>())
            return Inspection{Found::partial, fmt::format("{} has {}", paths.device, to_text(Bytes{size}))};
        const bool same = TRY(sha256_at(host, paths.device)) == record.at("device_sha256").get<std::string>();
        return Inspection{same ? Found::done : Found::partial, same ? "as it was saved" : "other contents"};
    }

    Result<void> apply(Host& host, const DataJson& arguments) const override
    {
        const Paths paths(arguments);
        const DataJson record = TRY(record_of(host, paths));
        TRY(unmount_everywhere(host, paths.device));
        TRY(save_what_came_since(host, paths, record));
        TRY(host::run_checked(host, restore_command(paths, record.at("snapshot").get<std::string>())));
        return {};
    }

    Result<std::string> remains(Host&, const DataJson&, const DataJson&) const override { return ""; }
    Result<void> revert(Host&, const DataJson&, const DataJson&) const override { return {}; }
};

/// Nothing shows afterwards whether it was the same: what the comparison says has to do.
class CompareTree final : public operation::Action {
  public:
    Result<Inspection> inspect(Host&, const DataJson&) const override
    {
        return Inspection{Inspection::Found::unseen, "compared"};
    }

    Result<void> apply(Host& host, const DataJson& arguments) const override
    {
        const Paths paths(arguments);
        const DataJson record = TRY(record_of(host, paths));
        TRY(unmount_everywhere(host, paths.device));
        if (TRY(sha256_of_tree(host, paths)) == record.at("tree_sha256").get<std::string>()) return {};
        return fail(ErrorKind::failed,
                    fmt::format("the files on {} are not those that were saved", paths.device));
    }

    Result<std::string> remains(Host&, const DataJson&, const DataJson&) const override { return ""; }
    Result<void> revert(Host&, const DataJson&, const DataJson&) const override { return {}; }
};

Result<operation::Fingerprint> make_proof(Host& host, const DataJson& arguments)
{
    const std::string device = arguments.at("device");
    const std::string contents = TRY(sha256_at(host, device));
    return operation::Fingerprint{{"contents of " + device, contents}};
}

DataJson json_of(const Source& source)
{
    return {{"device", source.device}, {"folder", source.folder}};
}

DataWords texts_of(const std::vector<Command>& commands)
{
    DataWords texts;
    for (const Command& command : commands) texts.push_back(command.to_text());
    return texts;
}

DataWords with_comment(DataWords texts, std::string comment)
{
    texts.push_back(std::move(comment));
    return texts;
}

}  // namespace

Result<void> unmount_everywhere(Host& host, const std::string& device)
{
    const std::string name = TRY(device_at(host, device));
    std::vector<Mount> mounts = TRY(read_mounts(host));
    std::ranges::reverse(mounts);
    for (const Mount& mount : mounts)
        if (mount.device == name) TRY(host::run_checked(host, command_of({"umount", mount.path})));
    return {};
}

Result<void> unchanged_since(Host& host, const DataJson& source)
{
    const Paths paths(source);
    const DataJson record = TRY(record_of(host, paths));
    const std::string name = TRY(device_at(host, paths.device));
    for (const Mount& mount : TRY(read_mounts(host)))
        if (mount.device == name)
            return fail(ErrorKind::refused,
                        fmt::format("{} was mounted on {} after it was saved", paths.device, mount.path));
    if (TRY(mount_count(host, paths.device)) != record.at("mount_count").get<uint64_t>())
        return fail(ErrorKind::refused, fmt::format("{} was mounted after it was saved", paths.device));
    return {};
}

operation::Act keep(const Source& source)
{
    const DataJson arguments = json_of(source);
    const Paths paths(arguments);
    return {"data-point.keep",
            arguments,
            with_comment(
                texts_of({remove_repository_command(paths), make_folder_command(paths),
                          backup_command(paths, {"init"}), save_command(paths),
                          fingerprint_command(paths.device), make_tree_command(paths), mount_command(paths),
                          fingerprint_command(paths.tree()), unmount_tree_command(paths),
                          backup_command(paths, {"check", "--read-data"}, Effect::reads)}),
                fmt::format("# the password: {}; what was saved, and its fingerprints: {}", paths.password(),
                            paths.record())),
            {remove_repository_command(paths).to_text()}};
}

operation::Act put_back(const Source& source)
{
    const DataJson arguments = json_of(source);
    const Paths paths(arguments);
    return {"data-point.put-back",
            arguments,
            {fmt::format("# only where it was mounted since, and noted in {}:", paths.since()),
             save_since_command(paths).to_text(),
             fmt::format("# the SNAPSHOT that {} names, not one of what came since:", paths.record()),
             restore_command(paths, "SNAPSHOT").to_text()}};
}

operation::Question proof(const Source& source)
{
    return {"data-point", {{"device", source.device}}};
}

operation::Act compare_tree(const Source& source)
{
    const DataJson arguments = json_of(source);
    const Paths paths(arguments);
    return {"data-point.compare-tree", arguments,
            texts_of({make_tree_command(paths), mount_command(paths), fingerprint_command(paths.tree()),
                      unmount_tree_command(paths)})};
}

void fill_data_point(operation::Catalogue& catalogue)
{
    catalogue.add("data-point.keep", std::make_unique<Keep>());
    catalogue.add("data-point.put-back", std::make_unique<PutBack>());
    catalogue.add("data-point.compare-tree", std::make_unique<CompareTree>());
    catalogue.add_fingerprint("data-point", make_proof);
}

}  // namespace belay::storage::data_point
