#include "backup/catalog/schema.h"
#include "backup/catalog/statements.h"

#include <algorithm>
#include <unordered_map>

namespace belay::backup::catalog {

/// What stands twice in the catalog says the same; nothing that is named is missing; no folder lies in
/// itself.
Result<void> Catalog::check(const std::function<void(const std::string&)>& problem)
{
    if (connection_->in_transaction()) TRY(flush());
    const std::string verdict = TRY(connection_->query_text("PRAGMA integrity_check(1)"));
    if (verdict != "ok")
        return fail(ErrorKind::corrupt, fmt::format("{}: {}", path_, verdict), rebuild_advice);
    TRY(check_snapshots(problem));
    return check_trees(problem);
}

Result<void> Catalog::check_snapshots(const std::function<void(const std::string&)>& problem)
{
    const auto none = [&](const char* sql, const char* what) -> Result<void> {
        const int64_t count = TRY(connection_->query_integer(sql));
        if (count != 0) problem(fmt::format("{} {}", count, what));
        return {};
    };
    TRY(none("SELECT count(*) FROM snapshot WHERE repository NOT IN (SELECT number FROM repository)",
             "snapshots are of no repository"));
    TRY(none("SELECT count(*) FROM snapshot WHERE client NOT IN (SELECT number FROM client)",
             "snapshots are of no client"));
    TRY(
        none("SELECT count(*) FROM snapshot s WHERE NOT EXISTS (SELECT 1 FROM tree t WHERE t.number = s.tree "
             "AND t.entries IS NOT NULL)",
             "snapshots have no tree"));
    TRY(none(
        "SELECT count(*) FROM above a WHERE NOT EXISTS (SELECT 1 FROM tree t WHERE t.number = a.subtree)",
        "folders have no tree"));
    incomplete_.reset();
    auto roots = TRY(connection_->prepare("SELECT DISTINCT tree FROM snapshot"));
    uint64_t incomplete = 0;
    auto run = roots.run();
    while (TRY(run.row()))
        if (!TRY(is_complete(run.integer(0)))) ++incomplete;
    if (incomplete != 0) problem(fmt::format("{} snapshots have trees that are missing", incomplete));
    return {};
}

Result<void> Catalog::check_trees(const std::function<void(const std::string&)>& problem)
{
    // How many parents of each tree have not been passed: what is left at the end lies in itself.
    std::unordered_map<int64_t, uint32_t> open;
    uint64_t wrong_within = 0, entries = 0, folders = 0;
    {
        auto trees = TRY(connection_->prepare("SELECT number, entries FROM tree WHERE entries IS NOT NULL"));
        auto within = TRY(connection_->prepare("SELECT 1 FROM within WHERE name = ? AND tree = ?"));
        auto above =
            TRY(connection_->prepare("SELECT 1 FROM above WHERE subtree = ? AND tree = ? AND name = ?"));
        auto run = trees.run();
        while (TRY(run.row())) {
            const int64_t tree = run.integer(0);
            for (const PackedEntry& entry : TRY(unpack_entries(run.bytes(1)))) {
                ++entries;
                auto is_there = within.run(int64_t{entry.name}, tree);
                bool right = TRY(is_there.row()) && entry.name < names_->count();
                if (entry.subtree != 0) {
                    ++folders;
                    ++open[entry.subtree];
                    auto stands = above.run(entry.subtree, tree, int64_t{entry.name});
                    right = TRY(stands.row()) && right;
                }
                if (!right) ++wrong_within;
            }
        }
    }
    if (wrong_within != 0) problem(fmt::format("{} entries cannot be found by their names", wrong_within));
    if (static_cast<uint64_t>(TRY(connection_->query_integer("SELECT count(*) FROM within"))) != entries ||
        static_cast<uint64_t>(TRY(connection_->query_integer("SELECT count(*) FROM above"))) != folders)
        problem("there are names of entries that are not there");
    auto roots = TRY(connection_->prepare("SELECT number FROM tree"));
    std::vector<int64_t> ready;
    uint64_t trees = 0, passed = 0;
    {
        auto run = roots.run();
        while (TRY(run.row())) {
            ++trees;
            if (!open.contains(run.integer(0))) ready.push_back(run.integer(0));
        }
    }
    while (!ready.empty()) {
        const int64_t tree = ready.back();
        ready.pop_back();
        ++passed;
        auto run = statements_->tree_entries.run(tree);
        if (!TRY(run.row()) || run.integer(1) != 0) continue;
        for (const PackedEntry& entry : TRY(unpack_entries(run.bytes(0)))) {
            if (entry.subtree == 0) continue;
            const auto found = open.find(entry.subtree);
            if (found != open.end() && --found->second == 0) ready.push_back(entry.subtree);
        }
    }
    if (passed != trees) problem(fmt::format("{} folders lie in themselves", trees - passed));
    return {};
}

}  // namespace belay::backup::catalog
