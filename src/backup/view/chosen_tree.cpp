#include "backup/view/chosen_tree.h"

namespace belay::backup {

Result<ChosenTree> choose_tree(const Repository& repository, std::span<const Snapshot> all,
                               std::string_view said, const SnapshotFilter& filter)
{
    const size_t colon = said.find(':');
    ChosenTree chosen;
    chosen.snapshot = TRY(choose_snapshot(all, said.substr(0, colon), filter));
    chosen.tree = chosen.snapshot.tree;
    if (colon == std::string_view::npos) return chosen;
    const std::string folder = clean_path(said.substr(colon + 1));
    const Node found = TRY(find_entry(repository, chosen.tree, folder));
    if (found.type != NodeType::dir || !found.subtree)
        return fail(ErrorKind::usage, fmt::format("{} is no folder in the snapshot", folder),
                    "name the folder that it lies in");
    chosen.tree = *found.subtree;
    if (folder != "/") chosen.folder = folder;
    return chosen;
}

}  // namespace belay::backup
