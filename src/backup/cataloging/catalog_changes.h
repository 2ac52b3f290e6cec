#pragma once
// Tells that somebody has changed a catalog: whoever does holds its lock, and gives it back.

#include "backup/cataloging/catalog_folder.h"

namespace belay::backup {

/// Threads: one at a time.
class CatalogChanges {
  public:
    /// Of a catalog whose folder is there. Errors: those of the system.
    static Result<CatalogChanges> of(const CatalogFolder& folder);

    /// Can be read when the lock was given back, by this process too.
    int descriptor() const { return descriptor_.number(); }
    /// Whether it was since the last call. A folder that was removed is made anew. Errors: those of the
    /// system.
    Result<bool> take();

  private:
    CatalogChanges(CatalogFolder folder, host::Descriptor descriptor)
        : folder_(std::move(folder)), descriptor_(std::move(descriptor))
    {
    }
    Result<void> watch();

    CatalogFolder folder_;
    host::Descriptor descriptor_;
};

}  // namespace belay::backup
