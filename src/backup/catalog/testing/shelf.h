#pragma once
// For tests: a folder with catalogs in it, and snapshots made of lists of paths.

#include "backup/catalog/portable.h"
#include "backup/catalog/search.h"
#include "base/digest.h"
#include "base/testing/must.h"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <set>
#include <unistd.h>

namespace belay::backup::catalog::testing {

class Shelf {
  public:
    Shelf()
    {
        std::string pattern = std::filesystem::temp_directory_path() / "belay-catalog-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        folder_ = pattern;
    }
    ~Shelf()
    {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Shelf(const Shelf&) = delete;
    Shelf& operator=(const Shelf&) = delete;

    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    /// A new one that others may open.
    std::unique_ptr<Catalog> make(const std::string& name) const
    {
        auto catalog = must(Catalog::open(path(name), Use::make));
        must(catalog->finish());
        return catalog;
    }

  private:
    std::string folder_;
};

inline Id id_of_text(std::string_view text)
{
    return *id_of_hex(sha256(text));
}

/// What a file was in a snapshot, by its path without the first slash.
struct FileState {
    uint64_t content = 0;  ///< 0: a folder
    auto operator<=>(const FileState&) const = default;
};
using Files = std::map<std::string, FileState>;

struct MadeSnapshot {
    SnapshotEntry entry;
    Files files;
};

inline constexpr auto nobody = [](uint64_t, uint64_t) {};

/// Trees of a snapshot by their ids, the root last.
inline std::vector<std::pair<Id, std::vector<TreeEntry>>> trees_of(const Files& files)
{
    std::vector<std::pair<Id, std::vector<TreeEntry>>> trees;
    const std::function<Id(const std::string&)> make = [&](const std::string& folder) {
        std::vector<TreeEntry> entries;
        for (const auto& [path, state] : files) {
            if (!path.starts_with(folder) || path.size() == folder.size()) continue;
            const std::string name = path.substr(folder.size());
            if (name.find('/') != std::string::npos) continue;
            TreeEntry entry{.name = name, .mtime = static_cast<int64_t>(state.content)};
            if (state.content == 0) {
                entry.type = NodeType::dir;
                entry.subtree = make(path + "/");
            } else {
                entry.size = state.content * 10;
                entry.content = state.content;
            }
            entries.push_back(std::move(entry));
        }
        std::ranges::sort(entries, {}, &TreeEntry::name);
        std::string text;
        for (const TreeEntry& entry : entries)
            text += fmt::format("{}\1{}\1{}\2", entry.name, entry.content,
                                entry.subtree ? hex_of(*entry.subtree) : "");
        trees.emplace_back(id_of_text(text), std::move(entries));
        return trees.back().first;
    };
    make("");
    return trees;
}

inline void put(Catalog& catalog, MadeSnapshot& made)
{
    must(catalog.put_repository({.id = made.entry.repository, .location = "/srv/backup"}));
    for (const auto& [id, entries] : trees_of(made.files)) {
        static_cast<void>(must(catalog.put_tree(id, entries)));
        made.entry.tree = id;
    }
    REQUIRE(must(catalog.put_snapshot(made.entry)));
    must(catalog.commit());
}

inline void is_whole(Catalog& catalog)
{
    must(catalog.check([](const std::string& what) { FAIL_CHECK(what); }));
}

}  // namespace belay::backup::catalog::testing
