#include "procedures/procedures.h"

#include "base/invariant.h"
#include "procedures/array_grow.h"
#include "procedures/array_life.h"
#include "procedures/array_monitor.h"
#include "procedures/array_settings.h"
#include "procedures/disk_bus.h"
#include "procedures/disk_replace.h"
#include "procedures/mirror_add_disk.h"
#include "procedures/partition_copy.h"
#include "procedures/storage_views.h"
#include "storage/boot_code.h"
#include "storage/bus.h"
#include "storage/disk.h"
#include "storage/efi_entries.h"
#include "storage/esp.h"
#include "storage/fingerprint.h"
#include "storage/fstab.h"
#include "storage/growable.h"
#include "storage/grub_devices.h"
#include "storage/locate.h"
#include "storage/md.h"
#include "storage/md_alone.h"
#include "storage/md_assembly.h"
#include "storage/md_conf.h"
#include "storage/md_gate.h"
#include "storage/md_settings.h"
#include "storage/md_size.h"
#include "storage/partition.h"
#include "storage/partition_copy.h"
#include "storage/placed_file.h"
#include "storage/uses.h"

namespace belay::procedures {

const std::vector<Procedure>& all()
{
    static const std::vector<Procedure> library = {
        array_bitmap(), array_create(), array_grow(),   array_stop(),  array_sync_pause(), array_sync_speed(),
        bus_scan(),     disk_locate(),  disk_replace(), disk_unplug(), mirror_add_disk(),  partition_copy()};
    return library;
}

void fill(operation::Catalogue& catalogue)
{
    storage::bus::fill(catalogue);
    storage::disk::fill(catalogue);
    storage::locate::fill(catalogue);
    storage::md::fill(catalogue);
    storage::md::fill_settings(catalogue);
    storage::md::fill_size(catalogue);
    storage::growable::fill(catalogue);
    storage::md::fill_assembly(catalogue);
    storage::md::fill_conf(catalogue);
    storage::md::fill_gate(catalogue);
    storage::partition::fill(catalogue);
    storage::partition::fill_copy(catalogue);
    storage::fill_uses(catalogue);
    storage::md::fill_alone(catalogue);
    storage::fstab::fill(catalogue);
    storage::efi::fill(catalogue);
    storage::esp::fill(catalogue);
    storage::boot_code::fill(catalogue);
    storage::grub_devices::fill(catalogue);
    storage::fill_placed_file(catalogue);
    storage::fill_fingerprint(catalogue);
}

const std::vector<GateKind>& gate_kinds()
{
    static const std::vector<GateKind> kinds = {array_gate()};
    return kinds;
}

const Watched& watched()
{
    static const Watched arrays = watched_arrays();
    return arrays;
}

const std::vector<View>& views()
{
    static const std::vector<View> library = storage_views();
    return library;
}

const View& view_named(std::string_view method)
{
    const auto found = std::ranges::find(views(), method, &View::method);
    INVARIANT(found != views().end());
    return *found;
}

}  // namespace belay::procedures
