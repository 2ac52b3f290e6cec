#include "backup/catalog/root_snapshots.h"

#include <algorithm>

namespace belay::backup::catalog {

Result<RootSnapshots> RootSnapshots::load(const Catalog& catalog, const SearchRequest& request)
{
    std::vector<int64_t> wanted_repositories;
    {
        store::SqliteStatement numbers =
            TRY(catalog.connection().prepare("SELECT number, id FROM repository"));
        auto run = numbers.run();
        while (TRY(run.row())) {
            if (std::ranges::find(request.repositories, id_of_bytes(run.bytes(1))) !=
                request.repositories.end())
                wanted_repositories.push_back(run.integer(0));
        }
    }
    const auto is_wanted = [&](const RootSnapshot& one) {
        const auto is_in = [](const std::vector<int64_t>& list, int64_t number) {
            return std::ranges::find(list, number) != list.end();
        };
        return (request.clients.empty() || is_in(request.clients, one.client)) &&
               (request.repositories.empty() || is_in(wanted_repositories, one.repository)) &&
               (!request.oldest || one.seconds >= *request.oldest) &&
               (!request.newest || one.seconds <= *request.newest);
    };
    RootSnapshots roots;
    store::SqliteStatement statement = TRY(catalog.connection().prepare(
        "SELECT number, tree, client, repository, seconds FROM snapshot INDEXED BY snapshot_root"));
    auto run = statement.run();
    while (TRY(run.row())) {
        const RootSnapshot one{run.integer(0), run.integer(1), run.integer(2), run.integer(3),
                               run.integer(4)};
        if (is_wanted(one)) roots.all_.push_back(one);
    }
    std::ranges::sort(roots.all_, [](const RootSnapshot& a, const RootSnapshot& b) {
        return std::tie(b.seconds, b.number) < std::tie(a.seconds, a.number);
    });
    for (uint32_t i = 0; i < roots.all_.size(); ++i) {
        const RootSnapshot& one = roots.all_[i];
        roots.by_client_[one.client].push_back(i);
        std::vector<int64_t>& clients = roots.clients_by_tree_[one.tree];
        if (std::ranges::find(clients, one.client) == clients.end()) clients.push_back(one.client);
    }
    return roots;
}

const std::vector<uint32_t>& RootSnapshots::of_client(int64_t client) const
{
    static const std::vector<uint32_t> none;
    const auto found = by_client_.find(client);
    return found == by_client_.end() ? none : found->second;
}

const std::vector<int64_t>* RootSnapshots::clients_of(int64_t tree) const
{
    const auto found = clients_by_tree_.find(tree);
    return found == clients_by_tree_.end() ? nullptr : &found->second;
}

}  // namespace belay::backup::catalog
