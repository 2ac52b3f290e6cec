#pragma once
// Takes repositories into a catalog, with progress.

#include "cli/catalog/catalog_commands.h"

namespace belay::cli {

/// What cannot be read is told, and the others go on; the exit code. The lock is held. Errors: those of the
/// catalog.
Result<int> refresh_repositories(BackupContext& context, const backup::CatalogFolder& folder,
                                 const std::vector<backup::Registration>& repositories,
                                 backup::catalog::Catalog& catalog);

/// One repository on its way into the catalog: opened first, for that may take a while.
class RepositoryRefresh {
  public:
    /// `options`: by which it is opened.
    RepositoryRefresh(BackupContext& context, const backup::CatalogFolder& folder,
                      const backup::Registration& registration, const CommonOptions& options);

    /// With a shared lock. Errors: as BackupContext::open(); refused, where it is another one than it was.
    Result<void> open();
    /// The catalog's lock is held. What is damaged is told. Errors: corrupt, where a snapshot was left out;
    /// as take_in().
    Result<void> take_into(backup::catalog::Catalog& catalog);

    /// What it is opened by.
    BackupContext& own() { return own_; }

  private:
    BackupContext& context_;
    const backup::CatalogFolder& folder_;
    const backup::Registration& registration_;
    BackupContext own_;
    backup::Repository* repository_ = nullptr;
};

}  // namespace belay::cli
