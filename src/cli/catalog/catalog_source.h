#pragma once
// Where the catalog's answers come from: the folder on this machine, or a controller of a site.

#include "backup/catalog/search.h"
#include "cli/backup/context.h"

namespace belay::cli {

/// What is looked for, as it was said.
struct CatalogQuestion {
    std::string what;
    std::vector<std::string> clients = {};       ///< names or keys
    std::vector<std::string> repositories = {};  ///< locations, or beginnings of ids
    std::optional<int64_t> oldest = {}, newest = {};
    bool ignore_case = false, all_versions = false;
    uint64_t limit = 100;
};

/// What was found, and who and what its numbers and ids are.
struct CatalogAnswer {
    backup::catalog::Found found;
    std::vector<backup::catalog::Client> clients;
    std::vector<backup::catalog::RepositoryEntry> repositories;
};

class CatalogSource {
  public:
    CatalogSource() = default;
    virtual ~CatalogSource() = default;
    CatalogSource(const CatalogSource&) = delete;
    CatalogSource& operator=(const CatalogSource&) = delete;

    virtual Result<std::vector<backup::catalog::RepositoryEntry>> repositories() = 0;
    virtual Result<std::vector<backup::catalog::Client>> clients() = 0;
    /// Newest first; of all clients or of these. `omitted` counts the older ones that are not among them.
    struct Snapshots {
        std::vector<backup::catalog::SnapshotEntry> newest;
        uint64_t omitted = 0;
    };
    virtual Result<Snapshots> snapshots(const std::vector<std::string>& of_clients) = 0;
    virtual Result<CatalogAnswer> search(const CatalogQuestion& question) = 0;
};

/// That of a controller of the site, or without a name that of the folder that is meant. Errors: not_found;
/// those of connecting.
Result<std::unique_ptr<CatalogSource>> catalog_source(const BackupContext& context, const std::string& site);
/// --site.
void declare_site(std::string& site, OptionTable& options);

/// The repository that `said` means: by its location, or the beginning of its id. Errors: not_found; usage,
/// where it may be several.
Result<backup::Id> repository_called(const std::vector<backup::catalog::RepositoryEntry>& all,
                                     const std::string& said);

}  // namespace belay::cli
