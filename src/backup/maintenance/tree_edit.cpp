#include "backup/maintenance/tree_edit.h"

#include "backup/maintenance/tree_walk.h"
#include "backup/repository/tree_repeats.h"

namespace belay::backup {
namespace {

class Editing {
  public:
    Editing(const Repository& repository, BlobWriter& writer, const TreeEdit& edit)
        : repository_(repository), writer_(writer), edit_(edit)
    {
    }

    Result<Id> tree(const Id& id, const std::string& path)
    {
        if (path.size() > longest_path)
            return fail(
                ErrorKind::corrupt,
                fmt::format("folders are nested deeper than any path can be: {}...", path.substr(0, 80)));
        const Result<std::string> text = repository_.load_blob(BlobType::tree, id);
        const Result<std::vector<Node>> nodes = text ? read_tree(*text) : std::unexpected(text.error());
        if (!nodes) {
            const bool tree_is_lost =
                nodes.error().kind == ErrorKind::corrupt || nodes.error().kind == ErrorKind::not_found;
            if (tree_is_lost && edit_.empties_unreadable && edit_.empties_unreadable(path, nodes.error()))
                return save({});
            return fail(nodes.error().kind,
                        fmt::format("the tree {} of {}/ cannot be read: {}", id.short_hex(), path,
                                    nodes.error().what),
                        nodes.error().next);
        }
        if (!repeats_.may_enter(id, nodes->size())) return std::unexpected(TreeRepeats::error_at(path + "/"));
        std::vector<Node> fresh;
        for (const Node& node : *nodes) {
            std::optional<Node> edited = edit_.edit(path + "/" + node.name, node);
            if (!edited) continue;
            if (edited->subtree) {
                const Id subtree = TRY(tree(*edited->subtree, path + "/" + node.name));
                edited->subtree = subtree;
            }
            fresh.push_back(*std::move(edited));
        }
        if (fresh == *nodes) return id;
        if (tree_text(*nodes) != *text)
            return fail(
                ErrorKind::refused,
                fmt::format("the tree {} of {}/ holds something that would be lost when it is written anew",
                            id.short_hex(), path),
                "change it with the newer program that has made it");
        return save(fresh);
    }

  private:
    Result<Id> save(const std::vector<Node>& nodes)
    {
        const std::string text = tree_text(nodes);
        const Id id = Id::of(text);
        TRY(writer_.put(BlobType::tree, id, text));
        return id;
    }

    const Repository& repository_;
    BlobWriter& writer_;
    const TreeEdit& edit_;
    TreeRepeats repeats_;
};

}  // namespace

Result<Id> edit_tree(const Repository& repository, BlobWriter& writer, const Id& root, const TreeEdit& edit)
{
    return Editing(repository, writer, edit).tree(root, "");
}

}  // namespace belay::backup
