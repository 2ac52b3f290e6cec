#include "storage/bus.h"

#include "base/json.h"
#include "storage/probe.h"

#include <algorithm>

namespace belay::storage::bus {
namespace {

using BusJson = operation::Json;
using operation::Finding;
using operation::Inspection;
using operation::Verdict;

constexpr const char* scsi_hosts = "/sys/class/scsi_host";
constexpr const char* pci_rescan = "/sys/bus/pci/rescan";
constexpr const char* everything = "- - -";  // each channel, target and LUN

bool all_digits(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string> parts_of(const std::string& path, char between)
{
    std::vector<std::string> parts(1);
    for (const char c : path) {
        if (c != between)
            parts.back() += c;
        else if (!parts.back().empty())
            parts.emplace_back();
    }
    return parts;
}

/// "2:0:0:0" as its four numbers: host, channel, target, LUN.
std::optional<std::vector<std::string>> scsi_address(const std::string& name)
{
    std::vector<std::string> numbers = parts_of(name, ':');
    if (numbers.size() != 4 || !std::ranges::all_of(numbers, all_digits)) return std::nullopt;
    return numbers;
}

/// "0000:01:00.0".
bool is_pci_address(std::string_view name)
{
    return name.size() == 12 && name[4] == ':' && name[7] == ':' && name[10] == '.';
}

std::string folder_of_block(const std::string& device)
{
    return fmt::format("/sys/block/{}/device", device);
}

std::unexpected<Error> no_way(const Disk& disk)
{
    return fail(
        ErrorKind::refused,
        fmt::format("the kernel knows no way to take out {}: it is no SCSI, ATA or NVMe disk with one path",
                    shown(disk)),
        fmt::format("ls -l /sys/block/{}/device", disk.name));
}

Result<void> settle_bus(host::Host& host)
{
    TRY(host.run({.argv = {"udevadm", "settle", "--timeout=30"}}));
    return {};
}

std::string echo_into(std::string_view text, const std::string& file)
{
    return fmt::format("echo {} > {}", text, file);
}

Result<Way> way_of_device(host::Host& host, const std::string& device)
{
    const std::string folder = TRY(host.resolve(folder_of_block(device)));
    const std::vector<std::string> parts = parts_of(folder, '/');
    if (const auto address = scsi_address(parts.back()))
        return Way{folder_of_block(device) + "/delete",
                   fmt::format("{}/host{}/scan", scsi_hosts, (*address)[0]),
                   fmt::format("{} {} {}", (*address)[1], (*address)[2], (*address)[3])};
    // .../0000:01:00.0/nvme/nvme0
    const bool is_nvme = parts.size() > 3 && parts[parts.size() - 2] == "nvme";
    if (is_nvme && is_pci_address(parts[parts.size() - 3]))
        return Way{folder_of_block(device) + "/device/remove", pci_rescan, "1"};
    return fail(ErrorKind::refused, fmt::format("/dev/{} is at no bus that can be scanned", device));
}

/// {disk, scan, place}
class TakeOut final : public operation::Action {
  public:
    Result<Inspection> inspect(host::Host& host, const BusJson& arguments) const override
    {
        const std::optional<std::string> device = TRY(device_if_there(host, disk_in(arguments)));
        if (!device) return Inspection{Inspection::Found::done, "it is out"};
        return Inspection{Inspection::Found::absent, "/dev/" + *device};
    }

    Result<void> apply(host::Host& host, const BusJson& arguments) const override
    {
        const std::string device = TRY(device_at(host, disk_in(arguments)));
        const Way way = TRY(way_of_device(host, device));
        TRY(host.write(way.take_out, "1"));
        return settle_bus(host);
    }

    Result<std::string> remains(host::Host& host, const BusJson& arguments, const BusJson&) const override
    {
        if (TRY(device_if_there(host, disk_in(arguments)))) return std::string();
        return fmt::format("{} out", disk_in(arguments));
    }

    Result<void> revert(host::Host& host, const BusJson& arguments, const BusJson&) const override
    {
        TRY(host.write(arguments.at("scan").get<std::string>(), arguments.at("place").get<std::string>()));
        return settle_bus(host);
    }

  private:
    static std::string disk_in(const BusJson& arguments) { return arguments.at("disk"); }
};

/// What one disk is known by from one look to the next.
std::string key_of(const Disk& disk)
{
    return disk.by_id.empty() ? disk.name : disk.by_id;
}

std::string file_of_bus(const std::string& bus)
{
    return bus == "pci" ? pci_rescan : fmt::format("{}/{}/scan", scsi_hosts, bus);
}

/// {buses, known}
class Scan final : public operation::Action {
  public:
    Result<Inspection> inspect(host::Host& host, const BusJson& arguments) const override
    {
        const Inventory inventory = TRY(read_inventory(host));
        const std::set<std::string> known = arguments.at("known");
        std::vector<std::string> fresh;
        for (const Disk& disk : inventory.disks) {
            if (!known.contains(key_of(disk)))
                fresh.push_back(fmt::format("{}, {}", shown(disk), to_text(disk.size)));
        }
        // That there is something new says nothing of the buses that were not looked at yet.
        return Inspection{
            Inspection::Found::unseen,
            fresh.empty() ? "no new disk" : fmt::format("{} new: {}", fresh.size(), fmt::join(fresh, "; "))};
    }

    Result<void> apply(host::Host& host, const BusJson& arguments) const override
    {
        for (const std::string bus : arguments.at("buses"))
            TRY(host.write(file_of_bus(bus), bus == "pci" ? "1" : everything));
        return settle_bus(host);
    }

    Result<std::string> remains(host::Host&, const BusJson&, const BusJson&) const override
    {
        return std::string();
    }
    Result<void> revert(host::Host&, const BusJson&, const BusJson&) const override { return {}; }
};

Result<Finding> ask_bus_is_there(host::Host& host, const BusJson& arguments)
{
    const std::string file = arguments.at("file");
    const std::optional<std::string> found = TRY(device_if_there(host, file));
    return Finding{found ? Verdict::pass : Verdict::fail, found ? file : "nothing", file,
                   "belay storage ports"};
}

/// What the path of a device in sysfs says of where it is.
BusJson place_of(const std::string& path)
{
    BusJson place = {{"ata", ""}, {"address", ""}, {"controller", ""}};
    for (const std::string& part : parts_of(path, '/')) {
        if (part.starts_with("ata") && all_digits(std::string_view(part).substr(3))) place["ata"] = part;
        if (scsi_address(part)) place["address"] = part;
        if (is_pci_address(part)) place["controller"] = part;
    }
    return place;
}

/// Names in a folder of sysfs; none where there is no such folder.
Result<std::vector<std::string>> names_in(host::Host& host, const std::string& folder)
{
    Result<std::vector<std::string>> names = host.list(folder);
    if (!names && names.error().kind == ErrorKind::not_found) return std::vector<std::string>();
    return names;
}

}  // namespace

Result<Way> way_of(host::Host& host, const Disk& disk)
{
    Result<Way> way = way_of_device(host, disk.name);
    if (!way && (way.error().kind == ErrorKind::refused || way.error().kind == ErrorKind::not_found))
        return no_way(disk);
    return way;
}

operation::Act take_out(const Disk& disk, const Way& way)
{
    return {"bus.take_out",
            {{"disk", disk.by_id}, {"scan", way.scan}, {"place", way.place}},
            {echo_into("1", way.take_out)},
            {echo_into(way.place, way.scan)}};
}

Result<std::vector<std::string>> scannable(host::Host& host)
{
    std::vector<std::string> buses = TRY(names_in(host, scsi_hosts));
    if (TRY(device_if_there(host, pci_rescan))) buses.emplace_back("pci");
    return buses;
}

operation::Act scan(const std::vector<std::string>& buses, const Inventory& host)
{
    std::vector<std::string> known, commands;
    for (const Disk& disk : host.disks) known.push_back(key_of(disk));
    for (const std::string& bus : buses)
        commands.push_back(echo_into(bus == "pci" ? "1" : everything, file_of_bus(bus)));
    return {"bus.scan", {{"buses", buses}, {"known", known}}, commands};
}

operation::Question is_there(const std::string& bus)
{
    return {"bus.is_there", {{"file", file_of_bus(bus)}}};
}

Result<nlohmann::json> ports_of(host::Host& host, const Inventory& inventory)
{
    BusJson ports = BusJson::array();
    std::set<std::string> taken;
    for (const Disk& disk : inventory.disks) {
        const Result<std::string> path = host.resolve("/sys/block/" + disk.name);
        if (!path && path.error().kind != ErrorKind::not_found) return std::unexpected(path.error());
        BusJson port = place_of(path.value_or(""));
        taken.insert(port["ata"].get<std::string>());
        port.update({{"device", "/dev/" + disk.name},
                     {"by_id", disk.by_id},
                     {"serial", disk.serial},
                     {"model", disk.model}});
        ports.push_back(std::move(port));
    }
    for (const std::string& ata : TRY(names_in(host, "/sys/class/ata_port"))) {
        if (taken.contains(ata)) continue;
        BusJson port = place_of(host.resolve("/sys/class/ata_port/" + ata).value_or(""));
        port.update({{"ata", ata}, {"device", ""}, {"by_id", ""}, {"serial", ""}, {"model", ""}});
        ports.push_back(std::move(port));
    }
    return BusJson{{"ports", std::move(ports)}};
}

void fill(operation::Catalogue& catalogue)
{
    catalogue.add("bus.take_out", std::make_unique<TakeOut>());
    catalogue.add("bus.scan", std::make_unique<Scan>());
    catalogue.add_condition("bus.is_there", ask_bus_is_there);
}

}  // namespace belay::storage::bus
