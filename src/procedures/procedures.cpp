#include "procedures/procedures.h"

#include "procedures/disk_replace.h"
#include "storage/disk.h"
#include "storage/fingerprint.h"
#include "storage/md.h"
#include "storage/partition.h"
#include "storage/probe.h"

namespace belay::procedures {

const std::vector<Procedure>& all()
{
    static const std::vector<Procedure> library = {disk_replace()};
    return library;
}

void fill(operation::Catalogue& catalogue)
{
    storage::disk::fill(catalogue);
    storage::md::fill(catalogue);
    storage::partition::fill(catalogue);
    storage::fill_fingerprint(catalogue);
}

Result<Json> storage_show(host::Host& host)
{
    return storage::graph_of(TRY(storage::read_inventory(host)));
}

}  // namespace belay::procedures
