#include "site.h"

#include "base/json.h"
#include "host/real.h"
#include "qemu/debian.h"

#include <filesystem>
#include <fmt/format.h>

namespace belay::boot {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> disk_names = {"a", "b", "c"};
constexpr const char* programs[] = {"belay", "belayd", "belay-load"};

std::string own_folder()
{
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

Result<Site> Site::make(lab::Firmware firmware)
{
    const lab::Debian debian = TRY(lab::Debian::installed(firmware));
    Site site(TRY(lab::Folder::make()));
    TRY(lab::copy_image(debian.disk, site.file("a.img")));
    const bool uefi = firmware == lab::Firmware::uefi;
    TRY(lab::copy_image(uefi ? debian.variables : lab::factory_variables, site.file("vars.fd")));
    for (const char* blank : {"b.img", "c.img"}) TRY(lab::make_blank(site.file(blank)));
    TRY(site.make_programs());
    return site;
}

/// A disk of its own for the programs, so that what is installed is the same for every build.
Result<void> Site::make_programs()
{
    const std::unique_ptr<host::Host> host = host::real_host();
    const auto run = [&](std::vector<std::string> argv) {
        return host::run_checked(*host, {.argv = std::move(argv), .effect = host::Effect::changes});
    };
    const std::string tree = file("programs"), image = file("programs.img");
    TRY(run({"mkdir", tree}));
    for (const char* program : programs)
        TRY(run({"strip", "--strip-debug", "-o", tree + "/" + program, own_folder() + "/" + program}));
    TRY(run({"truncate", "--size=64M", image}));
    TRY(run({"mkfs.ext4", "-q", "-F", "-d", tree, image}));
    return {};
}

Result<void> Site::boot(const std::vector<std::string>& disks, Firmware firmware)
{
    if (firmware == Firmware::factory) TRY(lab::copy_image(lab::factory_variables, file("vars.fd")));
    lab::VmOptions options;
    if (firmware == Firmware::bios) options.firmware = lab::Firmware::bios;
    options.variables = file("vars.fd");
    options.console = file("console");
    for (const std::string& name : disks) options.disks.push_back({"LAB-" + name, file(name + ".img")});
    options.disks.push_back({"programs", file("programs.img")});
    vm_ = TRY(lab::Vm::boot(options));
    TRY(
        shell("mkdir -p /opt/belay && mount -o ro /dev/disk/by-id/virtio-programs /opt/belay && "
              "ln -sf /opt/belay/* /usr/bin/"));
    return {};
}

Result<void> Site::power_off()
{
    TRY(vm_->power_off());
    vm_.reset();
    return {};
}

Result<void> Site::keep()
{
    for (const std::string& name : disk_names)
        TRY(lab::copy_image(file(name + ".img"), file(name + ".kept")));
    return lab::copy_image(file("vars.fd"), file("vars.kept"));
}

Result<void> Site::put_back()
{
    for (const std::string& name : disk_names)
        TRY(lab::copy_image(file(name + ".kept"), file(name + ".img")));
    return lab::copy_image(file("vars.kept"), file("vars.fd"));
}

Result<host::Outcome> Site::belay(std::vector<std::string> words)
{
    words.insert(words.begin(), "belay");
    return vm_->run(std::move(words), {}, std::chrono::minutes(10));
}

Result<std::string> Site::shell(const std::string& line)
{
    return vm_->run_checked({"sh", "-ec", line});
}

Result<Json> Site::last_operation()
{
    const host::Outcome history = TRY(belay({"history", "--json"}));
    const Json all = TRY(parse_json(history.out));
    const std::string id = all.at("operations").back().at("id");
    const host::Outcome shown = TRY(belay({"show", id, "--json"}));
    return parse_json(shown.out);
}

}  // namespace belay::boot
