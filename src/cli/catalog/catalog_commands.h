#pragma once
// belay catalog: which machines were saved where, and where their files are; and belay restore, which needs
// no more than that to be said.

#include "backup/cataloging/catalog_folder.h"
#include "cli/backup/command.h"

namespace belay::cli {

int run_catalog(const std::vector<std::string>& words, Console& console, const Network& network);
/// `words` are those after "restore".
int run_restore(const std::vector<std::string>& words, Console& console);

/// Every command of both, as "catalog search", with its options.
std::vector<CommandWords> catalog_command_words();

std::unique_ptr<BackupCommand> make_catalog_add_command();
std::unique_ptr<BackupCommand> make_catalog_remove_command();
std::unique_ptr<BackupCommand> make_catalog_list_command();
std::unique_ptr<BackupCommand> make_catalog_refresh_command();
std::unique_ptr<BackupCommand> make_catalog_follow_command();
std::unique_ptr<BackupCommand> make_catalog_rebuild_command();
std::unique_ptr<BackupCommand> make_catalog_clients_command();
std::unique_ptr<BackupCommand> make_catalog_snapshots_command();
std::unique_ptr<BackupCommand> make_catalog_search_command();
std::unique_ptr<BackupCommand> make_catalog_export_command();
std::unique_ptr<BackupCommand> make_catalog_import_command();
std::unique_ptr<BackupCommand> make_catalog_check_command();
std::unique_ptr<BackupCommand> make_restore_path_command();

/// The folder that is meant: by --catalog, by BELAY_CATALOG, or the usual one.
backup::CatalogFolder catalog_folder(const BackupContext& context);
/// The right to write there; for a moment, or --retry-lock, it is waited for. Sets the exit code where
/// somebody has it.
Result<host::Descriptor> lock_catalog(BackupContext& context, const backup::CatalogFolder& folder);
/// How a repository of the catalog is opened.
CommonOptions options_of_repository(const BackupContext& context, const backup::CatalogFolder& folder,
                                    const backup::Registration& registration);
/// The one that `said` means: by its location, or the beginning of its id. Errors: not_found; usage, where it
/// may be several.
Result<backup::Registration> registration_called(const std::vector<backup::Registration>& all,
                                                 const std::string& said);
/// Clients by what was said: a name or a key. Errors: not_found.
Result<std::vector<backup::catalog::Client>> clients_called(const backup::catalog::Catalog& catalog,
                                                            const std::string& said);
/// "web1", and what tells it from others: "web1 (9f86d081884c7d65)".
std::string client_text(const Style& style, const backup::catalog::Client& client);
std::string seconds_text(const Style& style, int64_t seconds);
std::string short_of(const backup::Id& id);
Json snapshot_json(const backup::catalog::SnapshotEntry& snapshot);

}  // namespace belay::cli
