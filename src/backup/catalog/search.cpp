#include "backup/catalog/search.h"

#include "backup/catalog/tree_reading.h"

#include <algorithm>
#include <map>
#include <set>

namespace belay::backup::catalog {
namespace {

/// A file that was found below a root; its path without the root's.
struct Hit {
    std::string path;
    PackedEntry entry;
};
using Hits = std::vector<Hit>;

class Searcher {
  public:
    Searcher(Catalog& catalog, const SearchRequest& request, PathPattern pattern, RootSnapshots roots,
             TreeReader reader)
        : catalog_(catalog),
          request_(request),
          pattern_(std::move(pattern)),
          roots_(std::move(roots)),
          reader_(std::move(reader))
    {
    }

    Result<Found> run()
    {
        if (roots_.all().empty()) return std::move(found_);
        if (pattern_.is_rooted() && !pattern_.is_deep()) {
            TRY(go_down(pattern_.names()));
        } else {
            TRY(go_up());
        }
        for (auto& [key, versions] : files_)
            found_.files.push_back({key.second, key.first, in_order(std::move(versions))});
        for (FoundFile& file : found_.files)
            for (Version& version : file.versions) TRY(complete(version));
        return std::move(found_);
    }

  private:
    using Key = std::pair<std::string, int64_t>;  ///< path and client
    struct OpenVersion {
        Version version;
        int64_t newest = 0;  ///< number of the snapshot
        std::set<int64_t> repositories = {};
    };

    // From the roots down: what a pattern without "**" says about each folder.

    Result<void> go_down(const std::vector<NamePattern>& names)
    {
        std::unordered_map<int64_t, Hits> by_root;
        for (const RootSnapshot& root : roots_.all()) {
            const auto known = by_root.find(root.tree);
            if (known == by_root.end()) {
                Hits hits = TRY(below(root.tree, names, 0));
                by_root.emplace(root.tree, std::move(hits));
            }
            for (const Hit& hit : by_root.at(root.tree)) note(root, hit);
        }
        return {};
    }

    /// All entries below a tree that match the names from `at` on.
    Result<Hits> below(int64_t tree, const std::vector<NamePattern>& names, size_t at)
    {
        if (at == names.size()) {
            const PackedEntry root{.type = NodeType::dir, .subtree = tree};
            return Hits{{std::string(), root}};
        }
        const std::pair key(tree, at);
        if (const auto known = memo_.find(key); known != memo_.end()) return known->second;
        const std::vector<PackedEntry> fitting = TRY(entries_that_match(tree, names[at]));
        Hits hits;
        for (const PackedEntry& entry : fitting) {
            const std::string path = "/" + TRY(catalog_.names().name(entry.name));
            if (at + 1 == names.size()) {
                hits.push_back({path, entry});
            } else if (entry.subtree != 0) {
                for (const Hit& hit : TRY(below(entry.subtree, names, at + 1)))
                    hits.push_back({path + hit.path, hit.entry});
            }
            if (hits.size() > request_.limit) {
                found_.more = true;
                hits.resize(request_.limit);
                break;
            }
        }
        memo_.emplace(key, hits);
        return hits;
    }

    Result<std::vector<PackedEntry>> entries_that_match(int64_t tree, const NamePattern& pattern)
    {
        std::vector<PackedEntry> fitting;
        if (const std::string* const only = pattern.only_name()) {
            const std::optional<uint32_t> number = TRY(number_of(*only));
            if (!number) return fitting;
            if (const auto entry = TRY(reader_.find(tree, *number))) fitting.push_back(*entry);
            return fitting;
        }
        for (const PackedEntry& entry : *TRY(reader_.entries(tree))) {
            const std::string name = TRY(catalog_.names().name(entry.name));
            if (pattern.matches(name)) fitting.push_back(entry);
        }
        return fitting;
    }

    Result<std::optional<uint32_t>> number_of(const std::string& name)
    {
        if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
        const std::optional<uint32_t> number = TRY(catalog_.names().find(name));
        numbers_.emplace(name, number);
        return number;
    }

    void note(const RootSnapshot& root, const Hit& hit)
    {
        const Key key(hit.path.empty() ? "/" : hit.path, root.client);
        auto file = files_.find(key);
        if (file == files_.end()) {
            if (files_.size() >= request_.limit) {
                found_.more = true;
                return;
            }
            file = files_.emplace(key, std::vector<OpenVersion>()).first;
        }
        if (!request_.all_versions && !file->second.empty() && !is_same(file->second.front(), hit.entry))
            return;
        std::vector<OpenVersion>& versions = file->second;
        auto open =
            std::ranges::find_if(versions, [&](const OpenVersion& one) { return is_same(one, hit.entry); });
        if (open == versions.end()) {
            const PackedEntry& entry = hit.entry;
            versions.push_back({{.type = entry.type,
                                 .size = entry.size,
                                 .mtime = entry.mtime,
                                 .content = content_of(entry),
                                 .newest = {}},
                                root.number});
            open = versions.end() - 1;
        }
        open->version.first = root.seconds;
        ++open->version.snapshots;
        open->repositories.insert(root.repository);
    }
    /// A folder's content is its tree.
    static uint64_t content_of(const PackedEntry& entry)
    {
        return entry.type == NodeType::dir ? static_cast<uint64_t>(entry.subtree) : entry.content;
    }
    static bool is_same(const OpenVersion& one, const PackedEntry& entry)
    {
        return one.version.type == entry.type && one.version.size == entry.size &&
               one.version.content == content_of(entry);
    }

    // From a name up to the roots.

    Result<void> go_up()
    {
        WayUp way = TRY(WayUp::make(catalog_, roots_, request_.limit + 1));
        std::set<Key> keys;
        const auto each = [&](uint32_t number, std::string_view name) -> Result<bool> {
            return take_name(number, name, way, keys);
        };
        const NamePattern* const last = pattern_.last();
        if (last != nullptr && last->only_name() != nullptr) {
            const std::optional<uint32_t> number = TRY(catalog_.names().find(*last->only_name()));
            if (number) TRY(each(*number, *last->only_name()));
        } else {
            const NamePattern any = TRY(NamePattern::make("*", Case::counts));
            TRY(catalog_.names().scan(last == nullptr ? any : *last, each));
        }
        if (way.is_cut()) found_.more = true;
        for (const Key& key : keys) TRY(note_versions(key));
        return {};
    }

    /// False when there are enough.
    Result<bool> take_name(uint32_t number, std::string_view name, WayUp& way, std::set<Key>& keys)
    {
        if (!within_)
            within_.emplace(TRY(
                catalog_.connection().prepare("SELECT tree FROM within WHERE name = ? ORDER BY tree DESC")));
        auto run = within_->run(int64_t{number});
        while (TRY(run.row())) {
            for (const FolderPlace& place : *TRY(way.places(run.integer(0)))) {
                std::string path = place.path + "/" + std::string(name);
                if (!pattern_.matches(path)) continue;
                Key key(std::move(path), place.client);
                if (keys.contains(key)) continue;
                if (keys.size() >= request_.limit) {
                    found_.more = true;
                    return false;
                }
                keys.insert(std::move(key));
            }
        }
        return true;
    }

    /// The versions of one path of a client, or the newest one.
    Result<void> note_versions(const Key& key)
    {
        std::vector<uint32_t> numbers;
        for (const std::string_view name : names_of_path(key.first)) {
            const std::optional<uint32_t> number = TRY(number_of(std::string(name)));
            if (!number) return {};
            numbers.push_back(*number);
        }
        // Below most roots stand the same folders again.
        std::map<std::pair<int64_t, size_t>, std::optional<PackedEntry>> seen;
        for (const uint32_t at : roots_.of_client(key.second)) {
            const RootSnapshot& root = roots_.all()[at];
            const std::optional<PackedEntry> entry = TRY(entry_at(root.tree, numbers, seen));
            const auto file = files_.find(key);
            const bool has_newest = file != files_.end() && !file->second.empty();
            if (!request_.all_versions && has_newest && (!entry || !is_same(file->second.front(), *entry)))
                break;
            if (entry) note(root, {key.first, *entry});
        }
        return {};
    }

    Result<std::optional<PackedEntry>> entry_at(
        int64_t root, const std::vector<uint32_t>& numbers,
        std::map<std::pair<int64_t, size_t>, std::optional<PackedEntry>>& seen)
    {
        std::optional<PackedEntry> entry;
        std::vector<std::pair<int64_t, size_t>> way;
        int64_t tree = root;
        for (size_t i = 0; i < numbers.size(); ++i) {
            if (const auto known = seen.find({tree, i}); known != seen.end()) {
                entry = known->second;
                break;
            }
            way.emplace_back(tree, i);
            entry = TRY(reader_.find(tree, numbers[i]));
            if (!entry || (i + 1 < numbers.size() && entry->subtree == 0)) {
                entry.reset();
                break;
            }
            tree = entry->subtree;
        }
        for (const auto& step : way) seen.emplace(step, entry);
        return entry;
    }

    // What is said of what was found.

    std::vector<Version> in_order(std::vector<OpenVersion> open)
    {
        std::vector<Version> versions;
        for (OpenVersion& one : open) {
            newest_numbers_.push_back(one.newest);
            for (const int64_t number : one.repositories)
                one.version.repositories.push_back(repository(number));
            std::ranges::sort(one.version.repositories);
            versions.push_back(std::move(one.version));
        }
        return versions;
    }

    Id repository(int64_t number)
    {
        const auto known = repositories_.find(number);
        if (known != repositories_.end()) return known->second;
        Id id;
        if (auto statement = catalog_.connection().prepare("SELECT id FROM repository WHERE number = ?")) {
            auto run = statement->run(number);
            if (const Result<bool> row = run.row(); row && *row) id = id_of_bytes(run.bytes(0));
        }
        repositories_.emplace(number, id);
        return id;
    }

    /// Asked for in the order in which in_order() was.
    Result<void> complete(Version& version)
    {
        if (!ids_)
            ids_.emplace(
                TRY(catalog_.connection().prepare("SELECT r.id, s.id FROM snapshot s JOIN repository r "
                                                  "ON r.number = s.repository WHERE s.number = ?")));
        const int64_t number = newest_numbers_[completed_++];
        if (const auto known = snapshots_.find(number); known != snapshots_.end()) {
            version.newest = known->second;
            return {};
        }
        Id place, id;
        {
            auto run = ids_->run(number);
            if (!TRY(run.row())) return {};
            place = id_of_bytes(run.bytes(0));
            id = id_of_bytes(run.bytes(1));
        }
        if (const auto entry = TRY(catalog_.snapshot(place, id))) version.newest = *entry;
        snapshots_.emplace(number, version.newest);
        return {};
    }

    Catalog& catalog_;
    const SearchRequest& request_;
    const PathPattern pattern_;
    const RootSnapshots roots_;
    TreeReader reader_;
    Found found_;
    std::map<Key, std::vector<OpenVersion>> files_;
    std::map<std::pair<int64_t, size_t>, Hits> memo_;
    std::unordered_map<std::string, std::optional<uint32_t>> numbers_;
    std::optional<store::SqliteStatement> within_, ids_;
    std::unordered_map<int64_t, Id> repositories_;
    std::unordered_map<int64_t, SnapshotEntry> snapshots_;
    std::vector<int64_t> newest_numbers_;
    size_t completed_ = 0;
};

}  // namespace

Result<Found> search(Catalog& catalog, const SearchRequest& request)
{
    PathPattern pattern = TRY(PathPattern::make(request.what, request.letters));
    // One state of the catalog throughout, whatever is written meanwhile.
    const bool begins = !catalog.connection().in_transaction();
    if (begins) TRY(catalog.connection().execute("BEGIN"));
    const auto look = [&]() -> Result<Found> {
        if (begins) TRY(catalog.names().refresh());
        RootSnapshots roots = TRY(RootSnapshots::load(catalog, request));
        TreeReader reader = TRY(TreeReader::make(catalog));
        return Searcher(catalog, request, std::move(pattern), std::move(roots), std::move(reader)).run();
    };
    Result<Found> found = look();
    if (begins) TRY(catalog.connection().execute("COMMIT"));
    return found;
}

}  // namespace belay::backup::catalog
