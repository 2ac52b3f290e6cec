#include "procedures/procedures.h"

#include "base/invariant.h"
#include "procedures/array_grow.h"
#include "procedures/array_settings.h"
#include "procedures/disk_replace.h"
#include "procedures/storage_views.h"
#include "storage/disk.h"
#include "storage/fingerprint.h"
#include "storage/growable.h"
#include "storage/md.h"
#include "storage/md_settings.h"
#include "storage/md_size.h"
#include "storage/partition.h"

namespace belay::procedures {

const std::vector<Procedure>& all()
{
    static const std::vector<Procedure> library = {array_bitmap(), array_grow(), array_sync_pause(),
                                                   array_sync_speed(), disk_replace()};
    return library;
}

void fill(operation::Catalogue& catalogue)
{
    storage::disk::fill(catalogue);
    storage::md::fill(catalogue);
    storage::md::fill_settings(catalogue);
    storage::md::fill_size(catalogue);
    storage::growable::fill(catalogue);
    storage::partition::fill(catalogue);
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
