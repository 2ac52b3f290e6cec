#include "procedures/procedures.h"

#include "base/invariant.h"
#include "procedures/array_grow.h"
#include "procedures/array_life.h"
#include "procedures/array_monitor.h"
#include "procedures/array_settings.h"
#include "procedures/disk_bus.h"
#include "procedures/disk_replace.h"
#include "procedures/filesystem_shrink.h"
#include "procedures/mirror_add_disk.h"
#include "procedures/partition_copy.h"
#include "procedures/restore_points.h"
#include "procedures/storage_views.h"
#include "storage/boot_code.h"
#include "storage/bus.h"
#include "storage/data_point.h"
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
#include "storage/mounting.h"
#include "storage/partition.h"
#include "storage/partition_copy.h"
#include "storage/placed_file.h"
#include "storage/restore_point.h"
#include "storage/shrink.h"
#include "storage/uses.h"

namespace belay::procedures {

const std::vector<Procedure>& all()
{
    // Those without a restore point write nothing to a block device.
    static const std::vector<Procedure> library = {with_restore_point(array_bitmap()),
                                                   with_restore_point(array_create()),
                                                   with_restore_point(array_grow()),
                                                   with_restore_point(array_stop()),
                                                   array_sync_pause(),
                                                   array_sync_speed(),
                                                   bus_scan(),
                                                   disk_locate(),
                                                   with_restore_point(disk_replace()),
                                                   with_restore_point(filesystem_shrink()),
                                                   disk_unplug(),
                                                   with_restore_point(mirror_add_disk()),
                                                   with_restore_point(partition_copy())};
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
    storage::restore_point::fill_restore_point(catalogue);
    storage::data_point::fill_data_point(catalogue);
    storage::mounting::fill_mounting(catalogue);
    storage::shrink::fill_shrink(catalogue);
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
