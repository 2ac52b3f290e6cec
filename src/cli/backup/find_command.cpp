#include "backup/filter/pattern.h"
#include "cli/backup/command.h"
#include "cli/backup/node_text.h"
#include "cli/backup/times.h"

#include <algorithm>
#include <unordered_set>

namespace belay::cli {
namespace {

using backup::BlobType;
using backup::Id;
using backup::Next;
using backup::Node;
using backup::NodeType;
using backup::Snapshot;
using backup::Timestamp;
using backup::VisitedNode;

/// An id, or how it begins.
bool begins_with_any(const Id& id, const std::vector<std::string>& beginnings)
{
    const std::string hex = id.hex();
    return std::ranges::any_of(beginnings, [&](const std::string& one) { return hex.starts_with(one); });
}

class FindCommand final : public BackupCommand {
  public:
    void declare(OptionTable& options) override
    {
        filter_.declare(options);
        options.values("-s,--snapshot", said_, "ID", "look in this snapshot alone; may be repeated");
        options.value("-O,--oldest", oldest_, "TIME", "modified at this time or later");
        options.value("-N,--newest", newest_, "TIME", "modified at this time or before");
        options.flag("-i,--ignore-case", ignore_case_, "upper and lower case are the same");
        options.flag("-l,--long", long_, "with permissions, owner, size and time");
        options.flag("--blob", blob_, "look for the files that have these blobs");
        options.flag("--tree", tree_, "look for the folders with these trees");
        options.flag("--pack", pack_, "look for what lies in these packs");
        options.flag("--show-pack-id", show_pack_, "say which packs they lie in, too");
        options.words("patterns", patterns_, "names, as '*.conf' or '/etc/**/hosts', or ids");
    }

    Result<int> run(BackupContext& context) override
    {
        if (patterns_.empty())
            return fail(ErrorKind::usage, "nothing is named to look for", "belay backup find '*.conf'");
        if (blob_ + tree_ + pack_ > 1)
            return fail(ErrorKind::usage,
                        "only one of --blob, --tree and --pack can be looked for at a time");
        if (!oldest_.empty()) from_ = TRY(read_time("--oldest", oldest_));
        if (!newest_.empty()) until_ = TRY(read_time("--newest", newest_));
        const backup::Repository* repository = TRY(context.open_with_index());
        std::vector<Snapshot> snapshots =
            TRY(choose_snapshots(TRY(context.snapshots()), said_, TRY(filter_.filter())));
        std::ranges::reverse(snapshots);  // the newest first
        TRY(blob_ || tree_ || pack_ ? find_objects(context, *repository, snapshots)
                                    : find_names(context, *repository, snapshots));
        return context.problems() == 0 ? 0 : static_cast<int>(BackupExit::failed);
    }

  private:
    Result<void> find_names(BackupContext& context, const backup::Repository& repository,
                            const std::vector<Snapshot>& snapshots)
    {
        backup::PatternList wanted;
        for (const std::string& pattern : patterns_) TRY(wanted.add(pattern, ignore_case_));
        Json all = Json::array();
        for (const Snapshot& snapshot : snapshots) {
            Json matches = Json::array();
            uint64_t hits = 0;
            TRY(walk(context, repository, snapshot, [&](const VisitedNode& visited) {
                const auto verdict = wanted.judge(visited.path);
                if (verdict.matches && is_of_time(visited.node)) {
                    if (hits++ == 0)
                        context.note(fmt::format("in {}\n", snapshot_text(context.style(), snapshot)));
                    const std::string path = path_text(context.style(), visited.path);
                    context.out(long_ ? long_line(context.style(), path, visited.node) : path + '\n');
                    if (context.options().json) matches.push_back(found_json(visited.path, visited.node));
                }
                return verdict.may_match_below || verdict.matches ? Next::enter : Next::skip;
            }));
            if (hits == 0) continue;
            context.note("\n");
            all.push_back({{"matches", std::move(matches)}, {"hits", hits}, {"snapshot", snapshot.id.hex()}});
        }
        if (context.options().json) context.json(all);
        return {};
    }

    bool is_of_time(const Node& node) const
    {
        return (!from_ || node.mtime >= *from_) && (!until_ || node.mtime <= *until_);
    }

    static Result<void> walk(BackupContext& context, const backup::Repository& repository,
                             const Snapshot& snapshot, const std::function<Next(const VisitedNode&)>& visit)
    {
        const auto problem = [&](const std::string&, const Error& error) { context.problem(error); };
        const Result<void> walked = walk_tree(
            repository, snapshot.tree, "", [&](const VisitedNode& one) -> Result<Next> { return visit(one); },
            problem);
        if (!walked) context.problem(walked.error());
        return {};
    }

    /// The blobs that are looked for: of a type; those of packs are looked up.
    struct Objects {
        std::unordered_set<Id, backup::IdHash> data, trees;
    };

    Objects objects(const backup::Repository& repository) const
    {
        Objects found;
        repository.blobs().for_each([&](const backup::StoredBlob& stored) {
            const bool wanted = begins_with_any(pack_ ? stored.pack : stored.blob.id, patterns_);
            const bool is_tree = stored.blob.type == BlobType::tree;
            if (wanted && (pack_ || (tree_ == is_tree)))
                (is_tree ? found.trees : found.data).insert(stored.blob.id);
        });
        return found;
    }

    Result<void> find_objects(BackupContext& context, const backup::Repository& repository,
                              const std::vector<Snapshot>& snapshots)
    {
        const Objects wanted = objects(repository);
        if (wanted.data.empty() && wanted.trees.empty())
            return fail(ErrorKind::not_found, "the repository has nothing with such an id",
                        "belay backup check");
        Json all = Json::array();
        for (const Snapshot& snapshot : snapshots) {
            const auto tell = [&](const char* type, const Id& id, const std::string& path, const Id& parent) {
                if (context.options().json)
                    all.push_back({{"object_type", type},
                                   {"id", id.hex()},
                                   {"path", path},
                                   {"parent_tree", parent.hex()},
                                   {"snapshot", snapshot.id.hex()},
                                   {"time", snapshot.time.text()}});
                const std::string shown = path.empty() ? "/" : path;
                context.out(fmt::format(
                    "found {} {}\n  in {}\n  as {}\n{}", type, id.hex(),
                    snapshot_text(context.style(), snapshot), path_text(context.style(), shown),
                    pack_lines(repository, std::string_view(type) == "tree" ? BlobType::tree : BlobType::data,
                               id)));
            };
            if (wanted.trees.contains(snapshot.tree)) tell("tree", snapshot.tree, "", Id{});
            TRY(walk(context, repository, snapshot, [&](const VisitedNode& visited) {
                const Node& node = visited.node;
                for (const Id& id : node.content)
                    if (wanted.data.contains(id)) tell("blob", id, visited.path, visited.tree);
                if (node.subtree && wanted.trees.contains(*node.subtree))
                    tell("tree", *node.subtree, visited.path, visited.tree);
                return Next::enter;
            }));
        }
        if (context.options().json) context.json(all);
        return {};
    }

    std::string pack_lines(const backup::Repository& repository, BlobType type, const Id& id) const
    {
        std::string text;
        if (!show_pack_ && !pack_) return text;
        for (const backup::StoredBlob& stored : repository.blobs().find_all(type, id))
            text += fmt::format("  in pack {}\n", stored.pack.hex());
        return text;
    }

    FilterOptions filter_;
    std::vector<std::string> said_, patterns_;
    std::string oldest_, newest_;
    std::optional<Timestamp> from_, until_;
    bool ignore_case_ = false, long_ = false, blob_ = false, tree_ = false, pack_ = false, show_pack_ = false;
};

}  // namespace

std::unique_ptr<BackupCommand> make_find_command()
{
    return std::make_unique<FindCommand>();
}

}  // namespace belay::cli
