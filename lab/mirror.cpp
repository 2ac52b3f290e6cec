#include "mirror.h"

#include "own_folder.h"

#include <algorithm>

namespace belay::lab {
namespace {

constexpr const char* passphrase_file = "/run/passphrase";

}  // namespace

Result<Mirror> Mirror::build(const Folder& folder, MirrorOptions options)
{
    if (options.programs.empty()) options.programs = own_folder();
    Mirror mirror(folder, std::move(options));
    TRY(mirror.start_host());
    TRY(mirror.make_mirror());
    TRY(mirror.mount());
    return mirror;
}

std::vector<std::string> Mirror::members() const
{
    const std::vector<std::string> all = {leaving, staying, "LAB-e", "LAB-f"};
    return {all.begin(), all.begin() + std::min(options_.members, 4U)};
}

std::string Mirror::filesystem() const
{
    if (options_.content == "lvm") return "/dev/lab/data";
    return options_.content == "luks" ? "/dev/mapper/secret" : array();
}

Result<void> Mirror::start_host(const std::vector<std::string>& without)
{
    Options options{.name = "mirror",
                    .memory = {256 << 20},
                    .disks = {{"a", options_.disk, leaving},
                              {"b", options_.disk, staying},
                              {"c", options_.joining, joining},
                              {"d", options_.joining, spare},
                              {"state", {64 << 20}, "LAB-state"}},
                    .modules = {"raid1"}};
    if (options_.members > 2) options.disks.push_back({"e", options_.disk, "LAB-e"});
    if (options_.members > 3) options.disks.push_back({"f", options_.disk, "LAB-f"});
    if (options_.content == "lvm") options.modules.emplace_back("dm-mod");
    if (options_.content == "luks")
        options.modules.insert(options.modules.end(),
                               {"dm-crypt", "algif_skcipher", "algif_hash", "xts", "sha256_generic"});
    std::erase_if(options.disks,
                  [&](const Disk& one) { return std::ranges::find(without, one.serial) != without.end(); });
    if (options_.level != "1") options.modules.insert(options.modules.end(), {"raid456", "raid10"});
    host_ = TRY(Host::boot(*folder_, std::move(options)));
    return {};
}

Result<void> Mirror::make_mirror()
{
    const std::string table =
        "label: gpt\n\nstart=2048, type=A19D880F-05FC-4D3B-A006-743F0F84911E, name=\"data\"\n";
    std::vector<std::string> create = {"mdadm",
                                       "--create",
                                       "/dev/md0",
                                       "--run",
                                       "--level=" + options_.level,
                                       fmt::format("--raid-devices={}", options_.members),
                                       "--bitmap=internal",
                                       "--homehost=any",
                                       "--name=data"};
    if (options_.used.count > 0) create.push_back(fmt::format("--size={}", options_.used.count / 1024));
    for (const std::string& serial : members()) {
        create.push_back(disk(serial) + "-part1");
        const host::Outcome outcome = TRY(host_->run({"sfdisk", "--quiet", disk(serial)}, table));
        if (outcome.exit_code != 0) return fail(ErrorKind::failed, "sfdisk: " + outcome.err);
    }
    TRY(run({"udevadm", "settle"}));
    TRY(run(create));
    TRY(run({"mdadm", "--wait-clean", "/dev/md0"}));
    static_cast<void>(
        TRY(host_->run({"mdadm", "--wait", "/dev/md0"})));  // 1 where there was nothing to wait for
    TRY(run({"udevadm", "settle"}));
    const std::string detail = TRY(run({"mdadm", "--detail", "--export", "/dev/md0"}));
    const size_t at = detail.find("MD_UUID=");
    if (at == std::string::npos) return fail(ErrorKind::failed, "mdadm does not tell the UUID of /dev/md0");
    uuid_ = detail.substr(at + 8, detail.find('\n', at) - at - 8);
    TRY(run({"mke2fs", "-q", "-t", "ext4", disk("LAB-state")}));
    return make_content();
}

Result<void> Mirror::make_content()
{
    if (options_.content == "lvm") {
        TRY(run({"lvm", "vgcreate", "lab", array()}));
        TRY(run({"lvm", "lvcreate", "--name", "data", "--extents", "50%FREE", "lab"}));
    }
    if (options_.content == "luks") {
        TRY(write_passphrase());
        TRY(run({"cryptsetup", "luksFormat", "--batch-mode", "--pbkdf=pbkdf2",
                 "--pbkdf-force-iterations=1000", "--key-file", passphrase_file, array()}));
        TRY(open_luks());
    }
    // mkfs.xfs makes one of less than 300 MiB only where it is told that nobody shall rely on it.
    if (options_.content == "xfs")
        TRY(run({"mkfs.xfs", "-q", "--unsupported", "-L", "data", filesystem()}));
    else
        TRY(run({"mke2fs", "-q", "-t", "ext4", "-L", "data", filesystem()}));
    return {};
}

Result<void> Mirror::write_passphrase()
{
    const host::Outcome written = TRY(host_->run({"tee", passphrase_file}, "of the lab"));
    if (written.exit_code != 0) return fail(ErrorKind::failed, "tee: " + written.err);
    return {};
}

Result<void> Mirror::open_luks()
{
    TRY(write_passphrase());
    TRY(run({"cryptsetup", "open", "--key-file", passphrase_file, array(), "secret"}));
    TRY(run({"udevadm", "settle"}));
    return {};
}

Result<void> Mirror::mount()
{
    TRY(run({"mkdir", "-p", data, "/var/lib/belay"}));
    // A boot closes it.
    if (options_.content == "luks" && TRY(host_->run({"test", "-e", filesystem()})).exit_code != 0)
        TRY(open_luks());
    // systemd would, when udev has seen the array.
    if (options_.content == "lvm") TRY(run({"lvm", "vgchange", "--activate", "y", "lab"}));
    TRY(run({"mount", filesystem(), data}));
    TRY(run({"mount", disk("LAB-state"), "/var/lib/belay"}));
    return {};
}

Result<void> Mirror::boot(const std::vector<std::string>& without)
{
    host_.reset();
    TRY(start_host(without));
    if (!without.empty()) {
        // It says nothing of use: 2 as well where every array runs already.
        static_cast<void>(TRY(host_->run({"mdadm", "--incremental", "--run", "--scan"})));
        TRY(run({"udevadm", "settle"}));
    }
    return mount();
}

Result<std::string> Mirror::run(std::vector<std::string> argv, Milliseconds limit)
{
    const std::string command = host::Command{.argv = argv}.to_text();
    const host::Outcome outcome = TRY(host_->run(std::move(argv), {}, limit));
    if (outcome.exit_code != 0)
        return fail(ErrorKind::failed, fmt::format("{} ended with exit code {}: {}{}", command,
                                                   outcome.exit_code, outcome.out, outcome.err));
    return outcome.out;
}

Result<host::Outcome> Mirror::belay(std::vector<std::string> arguments, Milliseconds limit)
{
    arguments.insert(arguments.begin(), program("belay"));
    return host_->run(std::move(arguments), {}, limit);
}

}  // namespace belay::lab
