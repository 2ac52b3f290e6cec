#include "backup/view/chosen_tree.h"
#include "cli/backup/command.h"
#include "cli/backup/node_text.h"

#include <algorithm>

namespace belay::cli {
namespace {

using backup::Next;
using backup::Snapshot;
using backup::VisitedNode;

class LsCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.flag("-l,--long", long_, "with permissions, owner, size and time");
        options.flag("--recursive", recursive_, "what is below the folders that are named, too");
        options.word("snapshot", said_, "the beginning of its id, or latest; ID:/FOLDER for a folder of it");
        options.words("folders", folders_, "these alone, and what is directly in them");
    }

    Result<int> run(BackupContext& context) override
    {
        if (said_.empty()) return fail(ErrorKind::usage, "no snapshot is named", "belay backup ls latest");
        for (std::string& folder : folders_) {
            if (!folder.starts_with('/'))
                return fail(ErrorKind::usage,
                            fmt::format("{} is no path in a snapshot: those begin with /", folder));
            folder = backup::clean_path(folder);
        }
        const backup::Repository* repository = TRY(context.open_with_index());
        const std::vector<Snapshot> all = TRY(context.snapshots());
        const backup::ChosenTree chosen = TRY(choose_tree(*repository, all, said_, TRY(filter_.filter())));
        const Snapshot& snapshot = chosen.snapshot;
        if (context.options().json) {
            Json json = snapshot.to_json();
            json["struct_type"] = "snapshot";
            json["message_type"] = "snapshot";
            context.json(json);
        }
        context.note(snapshot_text(context.style(), snapshot) + ":\n");
        TRY(walk_tree(
            *repository, chosen.tree, chosen.folder,
            [&](const VisitedNode& visited) -> Result<Next> {
                const bool inside = is_wanted(visited.path);
                if (inside) show(context, visited);
                return may_lead_on(visited.path) || (inside && recursive_) ? Next::enter : Next::skip;
            },
            [&](const std::string&, const Error& error) { context.problem(error); }));
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    bool is_wanted(const std::string& path) const
    {
        return folders_.empty() || std::ranges::any_of(folders_, [&](const auto& folder) {
                   return backup::lies_in(path, folder);
               });
    }

    bool may_lead_on(const std::string& path) const
    {
        return folders_.empty() || std::ranges::any_of(folders_, [&](const auto& folder) {
                   return backup::lies_in(folder, path);
               });
    }

    void show(BackupContext& context, const VisitedNode& visited) const
    {
        const std::string path = path_text(context.style(), visited.path);
        if (context.options().json)
            context.json(ls_json(visited.path, visited.node));
        else
            context.out(long_ ? long_line(context.style(), path, visited.node) : path + '\n');
    }

    FilterOptions filter_;
    bool long_ = false, recursive_ = false;
    std::string said_;
    std::vector<std::string> folders_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_ls_command()
{
    return std::make_unique<LsCommand>();
}

}  // namespace belay::cli
