#pragma once
// What the catalog asks of its database, made ready once.

#include "backup/catalog/catalog.h"

namespace belay::backup::catalog {

struct Catalog::Statements {
    store::SqliteStatement begin, commit;
    store::SqliteStatement repository_number, put_repository, remove_repository;
    store::SqliteStatement find_client, put_client, drop_idle_clients;
    store::SqliteStatement find_snapshot, put_snapshot, remove_snapshot;
    store::SqliteStatement find_tree, name_tree, fill_tree, tree_entries, remove_tree;
    store::SqliteStatement put_within, remove_within, put_above, remove_above;
    store::SqliteStatement has_snapshot, has_above, trees_above;
    store::SqliteStatement put_loose, next_loose, remove_loose;

    static Result<std::unique_ptr<Statements>> prepare(const store::SqliteConnection& connection);
};

}  // namespace belay::backup::catalog
