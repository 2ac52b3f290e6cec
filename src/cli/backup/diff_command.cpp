#include "backup/view/chosen_tree.h"
#include "backup/view/difference.h"
#include "cli/backup/command.h"
#include "cli/backup/node_text.h"

namespace belay::cli {
namespace {

using backup::DifferenceCounts;
using backup::Snapshot;

Json side_json(const DifferenceCounts::Side& side)
{
    return {{"files", side.files},           {"dirs", side.folders},          {"others", side.others},
            {"data_blobs", side.data_blobs}, {"tree_blobs", side.tree_blobs}, {"bytes", side.bytes}};
}

class DiffCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        options.flag("--metadata", metadata_, "changes of owner, mode and times, too");
        options.words("snapshots", said_, "the older and the newer one; ID:/FOLDER compares a folder");
    }

    Result<int> run(BackupContext& context) override
    {
        if (said_.size() != 2)
            return fail(ErrorKind::usage, "two snapshots are compared, no more and no less",
                        "belay backup diff ID ID");
        const backup::Repository* repository = TRY(context.open_with_index());
        const std::vector<Snapshot> all = TRY(context.snapshots());
        const backup::ChosenTree from = TRY(choose_tree(*repository, all, said_.front(), {}));
        const backup::ChosenTree to = TRY(choose_tree(*repository, all, said_.back(), {}));
        context.note(fmt::format("from {}\nto   {}\n\n", snapshot_text(context.style(), from.snapshot),
                                 snapshot_text(context.style(), to.snapshot)));
        const auto tell = [&](const backup::Difference& one) {
            if (context.options().json)
                context.json({{"message_type", "change"}, {"path", one.path}, {"modifier", one.modifier}});
            context.out(fmt::format("{:<5}{}\n", one.modifier, path_text(context.style(), one.path)));
        };
        const DifferenceCounts counts =
            TRY(compare_trees(*repository, from.tree, to.tree, {.metadata = metadata_}, tell,
                              [&](const std::string&, const Error& error) { context.problem(error); }));
        if (context.options().json)
            context.json({{"message_type", "statistics"},
                          {"source_snapshot", said_.front()},
                          {"target_snapshot", said_.back()},
                          {"changed_files", counts.changed_files},
                          {"added", side_json(counts.added)},
                          {"removed", side_json(counts.removed)}});
        context.out(text(counts));
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    static std::string text(const DifferenceCounts& counts)
    {
        const DifferenceCounts::Side& added = counts.added;
        const DifferenceCounts::Side& removed = counts.removed;
        const auto row = [](std::string_view what, uint64_t is_new, uint64_t gone) {
            return fmt::format("{:<11}{:>9} new, {:>9} removed", what, is_new, gone);
        };
        return fmt::format("\n{}, {:>9} changed\n{}\n{}\n{}\n{}\n  added:   {}\n  removed: {}\n",
                           row("Files:", added.files, removed.files), counts.changed_files,
                           row("Folders:", added.folders, removed.folders),
                           row("Others:", added.others, removed.others),
                           row("Data blobs:", added.data_blobs, removed.data_blobs),
                           row("Tree blobs:", added.tree_blobs, removed.tree_blobs),
                           to_text(Bytes{added.bytes}), to_text(Bytes{removed.bytes}));
    }

    bool metadata_ = false;
    std::vector<std::string> said_;
};

}  // namespace

std::unique_ptr<BackupCommand> make_diff_command()
{
    return std::make_unique<DiffCommand>();
}

}  // namespace belay::cli
