#pragma once
// How disks come and go on a running machine: taken out by the kernel, found by a scan of their bus. Source:
// the kernel's Documentation/ABI (sysfs-bus-pci), scsi_mid_low_api; the hand-book's hot-unplug page.

#include "operation/act.h"
#include "storage/model.h"

namespace belay::storage::bus {

/// The files of sysfs by which a disk goes and comes.
struct Way {
    std::string take_out;  ///< "/sys/block/sda/device/delete": "1" into it
    std::string scan;      ///< "/sys/class/scsi_host/host2/scan"
    std::string place;     ///< what is written there: "0 0 0" (channel, target, LUN), "1"
};

/// Errors: refused, where the kernel knows no way (a virtual disk, a disk of many paths).
Result<Way> way_of(host::Host& host, const Disk& disk);

/// Takes the disk from the running kernel; it stays in its bay. Back: its bus is scanned at its place.
operation::Act take_out(const Disk& disk, const Way& way);

/// What can be scanned: "host0", "host1"..., and "pci" where there is such a bus.
Result<std::vector<std::string>> scannable(host::Host& host);

/// Scans these buses; says which disks are new beside those of `host`. Nothing is taken back by abort: a scan
/// only makes the kernel look.
operation::Act scan(const std::vector<std::string>& buses, const Inventory& host);
/// The bus is there.
operation::Question is_there(const std::string& bus);

/// Which port of which controller each disk is at, as {"ports": [{"device", "by_id", "serial", "model",
/// "ata", "address", "controller"}]}; ATA ports without a disk have no device. Fields that do not apply are
/// empty.
Result<nlohmann::json> ports_of(host::Host& host, const Inventory& inventory);

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::bus
