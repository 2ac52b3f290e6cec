// belay backup on a simulated machine: a repository is a folder with a file for its configuration, and for
// each snapshot its image and what tells of it, which is written last.

#include "base/digest.h"
#include "simulated_volumes.h"

namespace belay::simulated {
namespace {

host::Outcome failure(std::string text)
{
    return {.exit_code = 1, .out = {}, .err = std::move(text)};
}

std::string option_of(const std::vector<std::string>& argv, std::string_view option)
{
    const auto found = std::ranges::find(argv, option);
    return found == argv.end() || found + 1 == argv.end() ? "" : *(found + 1);
}

std::vector<std::string> names_in(const host::Machine& machine, const std::string& folder)
{
    const std::string below = folder + "/";
    std::vector<std::string> names;
    for (auto at = machine.nodes.lower_bound(below);
         at != machine.nodes.end() && at->first.starts_with(below); ++at)
        names.push_back(at->first.substr(below.size()));
    return names;
}

}  // namespace

std::vector<Saved> saved_in(const host::Machine& machine, const std::string& repository)
{
    std::vector<Saved> all;
    for (const std::string& id : names_in(machine, repository + "/snapshots")) {
        const auto told =
            parse_json(machine.text(fmt::format("{}/snapshots/{}", repository, id)).value_or(""));
        Saved& saved = all.emplace_back();
        saved.id = id;
        saved.image = machine.text(fmt::format("{}/images/{}", repository, id)).value_or("");
        if (!told) continue;
        saved.tag = told->at("tag");
        saved.is_whole = sha256(saved.image) == told->at("sha256").get<std::string>();
    }
    return all;
}

host::Outcome VolumePrograms::backup(Machine& machine, const Arguments& argv) const
{
    const std::string& command = argv.at(2);
    if (command == "fingerprint") return fingerprint(machine, argv.at(3));
    const std::string repository = option_of(argv, "--repo");
    const bool is_there = machine.text(repository + "/config").has_value();
    if (!machine.text(option_of(argv, "--password-file")))
        return failure("there is no " + option_of(argv, "--password-file") + "\n");
    if (command == "init") {
        if (is_there) return failure(repository + " is a repository already\n");
        machine.put_folder(repository);
        if (!storage_.cut_short_) machine.put_file(repository + "/config", "a repository\n");
        return {};
    }
    if (!is_there) return failure("there is no repository in " + repository + "\n");
    if (command == "save-device") return save_device(machine, argv);
    if (command == "restore-device") return restore_device(machine, argv);
    for (const Saved& saved : saved_in(machine, repository))
        if (!saved.is_whole) return failure("a blob of snapshot " + saved.id + " is damaged\n");
    return {};
}

host::Outcome VolumePrograms::save_device(Machine& machine, const Arguments& argv) const
{
    const std::string device = device_at(machine, argv.at(3)), repository = option_of(argv, "--repo");
    if (storage_.size_of(device) == 0) return failure("there is no " + argv.at(3) + "\n");
    if (is_mounted(device)) return failure(argv.at(3) + " is in use: it is mounted, or something holds it\n");
    const Range range = storage_.range(machine, device);
    const std::string image = ext_image(range);
    const std::string id =
        sha256(fmt::format("{}{}", names_in(machine, repository + "/images").size(), image));
    machine.put_file(repository + "/images/" + id,
                     storage_.cut_short_ ? image.substr(0, image.size() / 2) : image);
    if (storage_.cut_short_) return {};
    const Json told = {{"tag", option_of(argv, "--tag")}, {"sha256", sha256(image)}};
    machine.put_file(repository + "/snapshots/" + id, told.dump());
    const auto ext = ext_on(range);
    const uint64_t used = ext ? ext->used().size() * Ext::block : range.size;
    const Json summary = {
        {"message_type", "summary"}, {"total_bytes", range.size}, {"bytes_used", used}, {"snapshot_id", id}};
    return {.out = summary.dump() + "\n", .err = {}};
}

/// The first chunk, where the superblock is, goes first and comes back last.
host::Outcome VolumePrograms::restore_device(Machine& machine, const Arguments& argv) const
{
    const std::string target = option_of(argv, "--target"), device = device_at(machine, target);
    if (is_mounted(device)) return failure(target + " is in use: it is mounted, or something holds it\n");
    for (const Saved& saved : saved_in(machine, option_of(argv, "--repo"))) {
        if (saved.id != argv.at(3)) continue;
        if (!saved.is_whole) return failure("a blob of snapshot " + saved.id + " is damaged\n");
        const Range range = storage_.range(machine, device);
        if (range.size < saved.image.size()) return failure(target + " is too small\n");
        constexpr uint64_t first = Ext::reserved * Ext::block;
        range.write(0, std::string(first, '\0'));
        const uint64_t rest = (saved.image.size() - first) / (storage_.cut_short_ ? 2 : 1);
        range.write(first, std::string_view(saved.image).substr(first, rest));
        if (!storage_.cut_short_) range.write(0, std::string_view(saved.image).substr(0, first));
        return {};
    }
    return failure("there is no snapshot " + argv.at(3) + "\n");
}

/// Of a device what is in use of it; of a folder the files of the filesystem that is mounted there.
host::Outcome VolumePrograms::fingerprint(Machine& machine, const std::string& path) const
{
    std::string text;
    if (path.starts_with("/dev/")) {
        const std::string device = device_at(machine, path);
        if (storage_.size_of(device) == 0) return failure("there is no " + path + "\n");
        text = ext_image(storage_.range(machine, device));
    } else {
        for (const SimulatedStorage::Mounted& mounted : storage_.mounts_) {
            if (mounted.path != path) continue;
            const Range range = storage_.range(machine, mounted.device);
            for (const auto& [name, bytes] : ext_files(range, ext_on(range).value_or(Ext{})))
                text += fmt::format("{} {}\n", name, sha256(bytes));
        }
    }
    return {.out = Json{{"message_type", "fingerprint"}, {"sha256", sha256(text)}}.dump() + "\n", .err = {}};
}

host::Outcome VolumePrograms::remove(Machine& machine, const Arguments& argv) const
{
    std::vector<std::string> names = names_in(machine, argv.back());
    if (storage_.cut_short_) {
        names.resize(names.size() / 2);
        for (const std::string& name : names) machine.erase(argv.back() + "/" + name);
    } else {
        machine.erase(argv.back());
    }
    return {};
}

}  // namespace belay::simulated
