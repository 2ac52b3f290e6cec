#include "procedures/procedures.h"

#include "base/invariant.h"
#include "procedures/array_settings.h"
#include "procedures/disk_replace.h"
#include "procedures/mirror_add_disk.h"
#include "procedures/storage_views.h"
#include "storage/boot_code.h"
#include "storage/disk.h"
#include "storage/efi_entries.h"
#include "storage/esp.h"
#include "storage/fingerprint.h"
#include "storage/fstab.h"
#include "storage/md.h"
#include "storage/md_alone.h"
#include "storage/md_settings.h"
#include "storage/partition.h"
#include "storage/placed_file.h"

namespace belay::procedures {

const std::vector<Procedure>& all()
{
    static const std::vector<Procedure> library = {array_bitmap(), array_sync_pause(), array_sync_speed(),
                                                   disk_replace(), mirror_add_disk()};
    return library;
}

void fill(operation::Catalogue& catalogue)
{
    storage::disk::fill(catalogue);
    storage::md::fill(catalogue);
    storage::md::fill_settings(catalogue);
    storage::md::fill_alone(catalogue);
    storage::partition::fill(catalogue);
    storage::fstab::fill(catalogue);
    storage::efi::fill(catalogue);
    storage::esp::fill(catalogue);
    storage::boot_code::fill(catalogue);
    storage::fill_placed_file(catalogue);
    storage::fill_fingerprint(catalogue);
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
