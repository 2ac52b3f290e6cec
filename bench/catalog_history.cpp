#include "catalog_history.h"

#include "backup/repository/id.h"

#include <algorithm>
#include <array>
#include <random>

namespace belay::bench {
namespace {

using namespace backup::catalog;
using backup::Id;
using backup::NodeType;

constexpr std::array history_words = {"report", "mail",   "backup", "index", "photo", "letter",
                                      "config", "module", "test",   "cache", "user",  "server",
                                      "client", "image",  "notes",  "draft"};
constexpr std::array endings = {".txt", ".conf", ".jpg", ".cpp", ".h", ".log", ".pdf", ".html", ".py", ""};
/// A folder has so many files, and so many folders, down to so many levels.
constexpr unsigned files_of_folder = 12, folders_of_folder = 5;
constexpr unsigned changed_of = 500;

class ClientMaker {
  public:
    ClientMaker(Catalog& catalog, const CatalogHistory& history, unsigned number)
        : catalog_(catalog), history_(history), number_(number), random_(number)
    {
    }

    Result<uint64_t> run(const Id& repository)
    {
        const uint64_t wanted = history_.files / history_.clients;
        folders_.emplace_back();
        uint64_t made = 0;
        for (size_t at = 0; made < wanted; ++at) {
            for (unsigned i = 0; i < files_of_folder && made < wanted; ++i, ++made) add_file(at);
            for (unsigned i = 0; i < folders_of_folder && made < wanted; ++i, ++made) add_folder(at);
        }
        std::vector<size_t> all(folders_.size());
        for (size_t i = 0; i < all.size(); ++i) all[i] = all.size() - 1 - i;
        for (unsigned snapshot = 0; snapshot < history_.snapshots; ++snapshot) {
            if (snapshot > 0) all = change();
            TRY(store(all));
            SnapshotEntry entry;
            entry.repository = repository;
            entry.tree = folders_.front().id;
            entry.id = Id::of(fmt::format("snapshot {} of {}", snapshot, number_));
            entry.seconds = 1'700'000'000 + int64_t{snapshot} * 86'400;
            entry.host = fmt::format("host{:02}", number_);
            entry.paths = {"/"};
            entry.tags = {std::string(identity_tag) + Id::of(entry.host).hex().substr(0, 32)};
            if (!TRY(catalog_.put_snapshot(entry)))
                return fail(ErrorKind::corrupt, "a snapshot that was made lacks a tree");
            TRY(catalog_.commit_if_due());
        }
        return stored_;
    }

  private:
    struct Folder {
        size_t above = 0;
        std::vector<TreeEntry> entries;
        std::vector<std::pair<size_t, std::string>> below;
        Id id;
    };

    void add_file(size_t at)
    {
        // A third of the names is found once or twice, as on a real machine.
        const uint64_t chance = random_() % 3;
        const char* const word = history_words[random_() % history_words.size()];
        const char* const ending = endings[random_() % endings.size()];
        std::string name = chance == 0   ? fmt::format("{}-{:x}{}", word, random_() % 40'000'000, ending)
                           : chance == 1 ? fmt::format("{}{}{}", word, random_() % 20'000, ending)
                                         : fmt::format("{}{}{}", word, random_() % 40, ending);
        const auto is_there = [&](const TreeEntry& one) { return one.name == name; };
        if (std::ranges::any_of(folders_[at].entries, is_there)) name += fmt::format("~{}", random_());
        folders_[at].entries.push_back(
            {.name = std::move(name),
             .size = random_() % 1'000'000,
             .mtime = static_cast<int64_t>(1'600'000'000 + random_() % 100'000'000),
             .content = random_() | 1});
    }
    void add_folder(size_t at)
    {
        const size_t place = folders_.size();
        folders_.emplace_back().above = at;
        folders_[at].below.emplace_back(
            place, fmt::format("{}.{}", history_words[random_() % history_words.size()], place));
    }

    /// A file in some folders; those and all above them, the lowest first.
    std::vector<size_t> change()
    {
        std::vector<bool> touched(folders_.size(), false);
        const size_t count = std::max<size_t>(1, folders_.size() / changed_of);
        for (size_t i = 0; i < count; ++i) {
            const size_t at = random_() % folders_.size();
            if (folders_[at].entries.empty()) continue;
            folders_[at].entries[random_() % folders_[at].entries.size()].content = random_() | 1;
            for (size_t up = at; !touched[up]; up = folders_[up].above) touched[up] = true;
        }
        std::vector<size_t> all;
        for (size_t i = touched.size(); i-- > 0;)
            if (touched[i]) all.push_back(i);
        return all;
    }

    Result<void> store(const std::vector<size_t>& places)
    {
        for (const size_t at : places) {
            Folder& folder = folders_[at];
            std::vector<TreeEntry> entries = folder.entries;
            for (const auto& [below, name] : folder.below)
                entries.push_back({.name = name, .type = NodeType::dir, .subtree = folders_[below].id});
            std::ranges::sort(entries, {}, &TreeEntry::name);
            std::string text = fmt::format("{} {} {}", number_, at, ++made_);
            folder.id = Id::of(text);
            stored_ += entries.size();
            TRY(catalog_.put_tree(folder.id, entries));
            TRY(catalog_.commit_if_due());
        }
        return {};
    }

    Catalog& catalog_;
    const CatalogHistory& history_;
    unsigned number_;
    std::mt19937_64 random_;
    std::vector<Folder> folders_;
    uint64_t stored_ = 0, made_ = 0;
};

}  // namespace

Result<uint64_t> fill_catalog(Catalog& catalog, const CatalogHistory& history)
{
    const Id repository = Id::of("repository");
    TRY(catalog.put_repository({.id = repository, .location = "/srv/backup"}));
    uint64_t entries = 0;
    for (unsigned i = 0; i < history.clients; ++i)
        entries += TRY(ClientMaker(catalog, history, i).run(repository));
    TRY(catalog.commit());
    return entries;
}

}  // namespace belay::bench
