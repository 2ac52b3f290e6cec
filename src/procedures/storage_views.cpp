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
    return storage::graph_of(TRY(storage::read_survey(host, storage::Depth::tree)));
}

Result<Json> ports(host::Host& host, const Flags&)
{
    const storage::Inventory inventory = TRY(storage::read_inventory(host));
    return storage::bus::ports_of(host, inventory);
}

Result<Json> health(host::Host& host, const Flags&)
{
    return storage::health_report(TRY(storage::read_survey(host, storage::Depth::health)));
}

Result<Json> record(host::Host& host, const Flags& flags)
{
    host::Recorder recorder(host);
    const storage::Survey survey = TRY(storage::read_survey(recorder, storage::Depth::health));
    if (flags.contains("mask")) TRY(recorder.mask(storage::identities(survey)));
    const std::string recording = TRY(recorder.text());
    return Json{{"recording", recording}};
}

}  // namespace

std::vector<View> storage_views()
{
    return {{"StorageShow", {}, "", show},
            {"StorageHealth", {}, "", health},
            {"StorageRecord", {"mask"}, "recording", record},
            {"StoragePorts", {}, "", ports}};
}

}  // namespace belay::procedures
