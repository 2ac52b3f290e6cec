#pragma once
// A catalog of many files, made through the interface by which repositories are taken in.

#include "backup/catalog/catalog.h"

namespace belay::bench {

struct CatalogHistory {
    uint64_t files = 5'000'000;  ///< entries of folders, of all clients together
    unsigned clients = 20;
    unsigned snapshots = 30;  ///< of each client; each changes a file in one of 500 folders
};

/// Fills a new catalog; how many entries it has then. Errors: those of the catalog.
Result<uint64_t> fill_catalog(backup::catalog::Catalog& catalog, const CatalogHistory& history);

}  // namespace belay::bench
