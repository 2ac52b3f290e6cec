#include "procedures/storage_views.h"

#include "host/recorded.h"
#include "storage/bus.h"
#include "storage/health.h"
#include "storage/probe.h"

namespace belay::procedures {
namespace {

using Flags = std::set<std::string>;

Result<Json> show(host::Host& host, const Flags&)
{
    return storage::graph_of(TRY(storage::read_inventory(host)));
}

Result<Json> ports(host::Host& host, const Flags&)
{
    const storage::Inventory inventory = TRY(storage::read_inventory(host));
    return storage::bus::ports_of(host, inventory);
}

Result<Json> health(host::Host& host, const Flags&)
{
    return storage::health_report(TRY(storage::read_inventory(host)));
}

/// Shorter ones cannot be told from other text.
constexpr size_t shortest_masked = 4;

std::vector<std::string> serials_of(const storage::Inventory& inventory)
{
    std::vector<std::string> serials;
    for (const storage::Disk& disk : inventory.disks) {
        for (const std::string& secret : {disk.serial, disk.wwn}) {
            if (secret.size() >= shortest_masked) serials.push_back(secret);
        }
    }
    return serials;
}

Result<Json> record(host::Host& host, const Flags& flags)
{
    host::Recorder recorder(host);
    const storage::Inventory inventory = TRY(storage::read_inventory(recorder));
    if (flags.contains("mask")) TRY(recorder.mask(serials_of(inventory)));
    const std::string recording = TRY(recorder.text());
    return Json{{"recording", recording}};
}

}  // namespace

std::vector<View> storage_views()
{
    return {{"StorageShow", {}, show},
            {"StorageHealth", {}, health},
            {"StorageRecord", {"mask"}, record},
            {"StoragePorts", {}, ports}};
}

}  // namespace belay::procedures
