#include "backup/pipeline/target_tree.h"

#include <algorithm>
#include <filesystem>

namespace belay::backup {
namespace {

/// "a//b/./c/" as {"a", "b", "c"}, and ".." as it leads back, but not beyond the beginning.
std::vector<std::string> parts_of(const std::string& path)
{
    std::vector<std::string> parts;
    for (const auto& part : std::filesystem::path(path).lexically_normal()) {
        const std::string name = part.string();
        if (!name.empty() && name != "/" && name != "." && name != "..") parts.push_back(name);
    }
    return parts;
}

/// The path on this machine, without its last `cut` parts.
std::string path_of(const std::string& path, size_t cut)
{
    std::filesystem::path whole = std::filesystem::path(path).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();
    for (; cut > 0; --cut) whole = whole.parent_path();
    return whole.empty() ? "." : whole.string();
}

void add_whole(const TargetTree::Target& target, std::vector<std::string>& paths)
{
    if (target.is_whole) paths.push_back(target.path);
    for (const auto& [name, below] : target.below) add_whole(below, paths);
}

}  // namespace

std::vector<std::string> TargetTree::whole() const
{
    std::vector<std::string> paths;
    add_whole(root_, paths);
    return paths;
}

Result<TargetTree> TargetTree::of(const std::vector<std::string>& paths)
{
    if (paths.empty()) return fail(ErrorKind::usage, "nothing to save", "name the paths");
    TargetTree tree;
    for (const std::string& path : paths) {
        if (path.empty()) return fail(ErrorKind::usage, "an empty path is none", "name the path, or \".\"");
        std::error_code problem;
        const std::filesystem::path absolute = std::filesystem::absolute(path, problem);
        if (problem)
            return fail(ErrorKind::io, fmt::format("cannot tell where {} is: {}", path, problem.message()));
        std::string name = absolute.lexically_normal().string();
        if (name.size() > 1 && name.ends_with('/')) name.pop_back();
        tree.paths_.push_back(std::move(name));

        const std::vector<std::string> parts = parts_of(path);
        Target* at = &tree.root_;
        for (size_t i = 0; i < parts.size() && !at->is_whole; ++i) {
            const auto [place, is_new] = at->below.try_emplace(parts[i]);
            at = &place->second;
            if (is_new) at->path = path_of(path, parts.size() - 1 - i);
        }
        if (parts.empty()) at->path = path;
        at->is_whole = true;
        at->below.clear();
    }
    std::ranges::sort(tree.paths_);
    const auto rest = std::ranges::unique(tree.paths_);
    tree.paths_.erase(rest.begin(), rest.end());
    return tree;
}

}  // namespace belay::backup
