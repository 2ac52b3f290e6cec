#include "backup/catalog/portable.h"

#include "backup/catalog/line_file.h"
#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"

#include <algorithm>
#include <charconv>

namespace belay::backup::catalog {
namespace {

constexpr int portable_version = 1;
constexpr uint64_t told_after = 10'000;

Json text_json(std::string_view bytes)
{
    if (is_utf8(bytes)) return std::string(bytes);
    return {{"base64", to_base64(bytes)}};
}

std::string content_text(uint64_t content)
{
    return fmt::format("{:016x}", content);
}

class Exporter {
  public:
    Exporter(Catalog& catalog, LineWriter& writer, const PortableProgress& progress)
        : catalog_(catalog), writer_(writer), progress_(progress)
    {
    }

    Result<void> run()
    {
        TRY(writer_.write(json_text({{"catalog", "belay"}, {"version", portable_version}})));
        for (const RepositoryEntry& repository : TRY(catalog_.repositories()))
            TRY(writer_.write(json_text({{"repository", hex_of(repository.id)},
                                         {"location", text_json(repository.location)},
                                         {"one_client", repository.one_client}})));
        TRY(write_trees());
        return write_snapshots();
    }

  private:
    Result<void> write_trees()
    {
        const auto total = static_cast<uint64_t>(
            TRY(catalog_.connection().query_integer("SELECT count(*) FROM tree WHERE entries IS NOT NULL")));
        auto trees = TRY(catalog_.connection().prepare(
            "SELECT id, entries FROM tree WHERE entries IS NOT NULL ORDER BY id"));
        find_id_ = TRY(catalog_.connection().prepare("SELECT id FROM tree WHERE number = ?"));
        uint64_t done = 0;
        auto run = trees.run();
        while (TRY(run.row())) {
            if (done++ % told_after == 0) progress_(done, total);
            Json entries = Json::array();
            for (const PackedEntry& entry : TRY(unpack_entries(run.bytes(1))))
                entries.push_back(TRY(entry_json(entry)));
            TRY(writer_.write(
                json_text({{"tree", hex_of(id_of_bytes(run.bytes(0)))}, {"entries", std::move(entries)}})));
        }
        return {};
    }

    Result<Json> entry_json(const PackedEntry& entry)
    {
        const std::string name = TRY(catalog_.names().name(entry.name));
        Json json = {{"name", text_json(name)}, {"type", type_text(entry.type)}, {"mtime", entry.mtime}};
        if (entry.size != 0) json["size"] = entry.size;
        if (entry.content != 0) json["content"] = content_text(entry.content);
        if (entry.subtree != 0) {
            auto run = find_id_.run(entry.subtree);
            if (!TRY(run.row()))
                return fail(ErrorKind::corrupt, "the catalog is damaged: a tree in it is missing",
                            "belay catalog rebuild");
            json["subtree"] = hex_of(id_of_bytes(run.bytes(0)));
        }
        return json;
    }

    Result<void> write_snapshots()
    {
        std::vector<SnapshotEntry> all = TRY(catalog_.snapshots());
        std::ranges::sort(all, [](const SnapshotEntry& a, const SnapshotEntry& b) {
            return std::tie(a.repository, a.id) < std::tie(b.repository, b.id);
        });
        for (const SnapshotEntry& one : all)
            TRY(writer_.write(
                json_text({{"snapshot", hex_of(one.id)},
                           {"repository", hex_of(one.repository)},
                           {"tree", hex_of(one.tree)},
                           {"time", Json::array({one.seconds, one.nanoseconds, one.zone_seconds})},
                           {"host", text_json(one.host)},
                           {"user", text_json(one.user)},
                           {"paths", one.paths},
                           {"tags", one.tags}})));
        return {};
    }

    Catalog& catalog_;
    LineWriter& writer_;
    const PortableProgress& progress_;
    store::SqliteStatement find_id_;
};

/// Takes the lines apart. What is missing or of another type makes the line wrong.
class Importer {
  public:
    explicit Importer(Catalog& catalog) : catalog_(catalog) {}

    Result<void> take(const std::string& line)
    {
        const Json json = TRY(parse_json(line));
        if (!json.is_object()) return wrong("a line is no JSON object");
        if (!std::exchange(has_begun_, true)) return take_first(json);
        if (json.contains("tree") && json.contains("entries")) return take_tree(json);
        if (json.contains("snapshot")) return take_snapshot(json);
        if (json.contains("repository")) return take_repository(json);
        return wrong("a line says nothing that is known");
    }
    bool has_begun() const { return has_begun_; }

  private:
    static std::unexpected<Error> wrong(std::string_view why)
    {
        return fail(ErrorKind::corrupt, fmt::format("the exported catalog is damaged: {}", why),
                    "export it once more, or belay catalog rebuild");
    }
    Result<void> take_first(const Json& json)
    {
        if (!json.contains("catalog") || json.at("catalog") != "belay" || !json.contains("version") ||
            !json.at("version").is_number_integer())
            return fail(ErrorKind::corrupt, "this is no exported catalog", "belay catalog export FILE");
        if (json.at("version") != portable_version)
            return fail(ErrorKind::version,
                        fmt::format("the exported catalog is of format {}; this Belay reads format {}",
                                    json_text(json.at("version")), portable_version),
                        "import it with a newer Belay, or belay catalog rebuild");
        return {};
    }

    static const Json* field(const Json& json, const char* name)
    {
        const auto found = json.find(name);
        return found == json.end() ? nullptr : &*found;
    }
    static Result<std::string> text(const Json& json, const char* name)
    {
        const Json* const found = field(json, name);
        if (found != nullptr && found->is_string()) return found->get<std::string>();
        if (found != nullptr && found->is_object() && found->contains("base64") &&
            found->at("base64").is_string())
            return from_base64(found->at("base64").get<std::string>());
        return wrong(fmt::format("a line has no {}", name));
    }
    static Result<Id> id(const Json& json, const char* name)
    {
        const std::string hex = TRY(text(json, name));
        const std::optional<Id> found = id_of_hex(hex);
        if (!found) return wrong(fmt::format("{} of a line is no id", name));
        return *found;
    }
    static Result<int64_t> integer(const Json& json)
    {
        if (!json.is_number_integer()) return wrong("what should be a number is none");
        if (json.is_number_unsigned() && json.get<uint64_t>() > INT64_MAX)
            return wrong("a number is too large");
        return json.get<int64_t>();
    }
    static Result<std::vector<std::string>> list(const Json& json, const char* name)
    {
        const Json* const found = field(json, name);
        std::vector<std::string> all;
        if (found == nullptr || !found->is_array()) return wrong(fmt::format("a line has no {}", name));
        for (const Json& one : *found) {
            if (!one.is_string()) return wrong(fmt::format("{} of a line are no texts", name));
            all.push_back(one.get<std::string>());
        }
        return all;
    }

    Result<void> take_repository(const Json& json)
    {
        const Json* const one_client = field(json, "one_client");
        if (one_client == nullptr || !one_client->is_boolean())
            return wrong("a repository has no one_client");
        RepositoryEntry entry;
        entry.id = TRY(id(json, "repository"));
        entry.location = TRY(text(json, "location"));
        entry.one_client = one_client->get<bool>();
        return catalog_.put_repository(entry);
    }
    Result<void> take_tree(const Json& json)
    {
        const Id tree = TRY(id(json, "tree"));
        if (!json.at("entries").is_array()) return wrong("the entries of a tree are no list");
        std::vector<TreeEntry> entries;
        for (const Json& one : json.at("entries")) {
            TreeEntry entry = TRY(entry_of(one));
            entries.push_back(std::move(entry));
        }
        if (TRY(catalog_.has_tree(tree))) return wrong("a tree stands in it twice");
        TRY(catalog_.put_tree(tree, entries));
        return catalog_.commit_if_due();
    }
    static Result<TreeEntry> entry_of(const Json& json)
    {
        if (!json.is_object()) return wrong("an entry is no JSON object");
        TreeEntry entry;
        entry.name = TRY(text(json, "name"));
        const std::string type_name = TRY(text(json, "type"));
        const std::optional<NodeType> type = type_from_text(type_name);
        if (!type) return wrong("an entry has a type that is none");
        entry.type = *type;
        if (const Json* const mtime = field(json, "mtime")) entry.mtime = TRY(integer(*mtime));
        if (const Json* const size = field(json, "size")) {
            if (!size->is_number_unsigned()) return wrong("the size of an entry is none");
            entry.size = size->get<uint64_t>();
        }
        if (field(json, "content") != nullptr) {
            const std::string digits = TRY(text(json, "content"));
            const char* const end = digits.data() + digits.size();
            const auto [stopped, problem] = std::from_chars(digits.data(), end, entry.content, 16);
            if (problem != std::errc() || stopped != end) return wrong("the content of an entry is none");
        }
        if (field(json, "subtree") != nullptr) entry.subtree = TRY(id(json, "subtree"));
        return entry;
    }
    Result<void> take_snapshot(const Json& json)
    {
        SnapshotEntry entry;
        entry.id = TRY(id(json, "snapshot"));
        entry.repository = TRY(id(json, "repository"));
        entry.tree = TRY(id(json, "tree"));
        const Json* const time = field(json, "time");
        if (time == nullptr || !time->is_array() || time->size() != 3) return wrong("a snapshot has no time");
        entry.seconds = TRY(integer(time->at(0)));
        entry.nanoseconds = static_cast<uint32_t>(TRY(integer(time->at(1))));
        entry.zone_seconds = static_cast<int32_t>(TRY(integer(time->at(2))));
        entry.host = TRY(text(json, "host"));
        entry.user = TRY(text(json, "user"));
        entry.paths = TRY(list(json, "paths"));
        entry.tags = TRY(list(json, "tags"));
        const Result<bool> put = catalog_.put_snapshot(entry);
        if (!put && put.error().kind == ErrorKind::not_found)
            return wrong("a snapshot is of a repository that it does not name");
        if (!TRY(put)) return wrong("a snapshot has trees that are not in it");
        return {};
    }

    Catalog& catalog_;
    bool has_begun_ = false;
};

}  // namespace

Result<void> export_catalog(Catalog& catalog, int file, const PortableProgress& progress)
{
    LineWriter writer(file);
    TRY(catalog.connection().execute("BEGIN"));
    const Result<void> written = Exporter(catalog, writer, progress).run();
    TRY(catalog.connection().execute("COMMIT"));
    TRY(written);
    return writer.finish();
}

Result<std::string> digest_of(Catalog& catalog)
{
    LineWriter writer(-1);
    TRY(Exporter(catalog, writer, [](uint64_t, uint64_t) {}).run());
    TRY(writer.finish());
    return writer.digest();
}

Result<void> import_catalog(Catalog& catalog, int file, const PortableProgress& progress)
{
    LineReader reader(file);
    Importer importer(catalog);
    uint64_t lines = 0;
    while (const std::optional<std::string> line = TRY(reader.next())) {
        TRY(importer.take(*line));
        if (++lines % told_after == 0) progress(reader.bytes_read(), 0);
    }
    if (!importer.has_begun())
        return fail(ErrorKind::corrupt, "this is no exported catalog", "belay catalog export FILE");
    TRY(catalog.sweep());
    std::optional<std::string> wrong;
    TRY(catalog.check([&](const std::string& what) {
        if (!wrong) wrong = what;
    }));
    if (wrong)
        return fail(ErrorKind::corrupt, fmt::format("the exported catalog makes no sense: {}", *wrong));
    return {};
}

}  // namespace belay::backup::catalog
