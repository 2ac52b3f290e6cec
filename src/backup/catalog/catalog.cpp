#include "backup/catalog/catalog.h"

#include "backup/catalog/schema.h"
#include "backup/catalog/statements.h"
#include "base/json.h"
#include "host/descriptor.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::backup::catalog {

using store::SqliteConnection;
using store::SqliteStatement;

Result<std::unique_ptr<Catalog::Statements>> Catalog::Statements::prepare(const SqliteConnection& connection)
{
    auto made = std::make_unique<Statements>();
    const std::pair<SqliteStatement Statements::*, const char*> all[] = {
        {&Statements::begin, "BEGIN IMMEDIATE"},
        {&Statements::commit, "COMMIT"},
        {&Statements::repository_number, "SELECT number, one_client FROM repository WHERE id = ?"},
        {&Statements::put_repository,
         "INSERT INTO repository (id, location, one_client) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE "
         "SET location = ?2, one_client = ?3"},
        {&Statements::remove_repository, "DELETE FROM repository WHERE number = ?"},
        {&Statements::find_client,
         "SELECT number FROM client WHERE identity = ? AND repository = ? AND host = ?"},
        {&Statements::put_client, "INSERT INTO client (identity, repository, host) VALUES (?, ?, ?)"},
        {&Statements::drop_idle_clients,
         "DELETE FROM client WHERE number NOT IN (SELECT client FROM snapshot)"},
        {&Statements::find_snapshot, "SELECT number, tree FROM snapshot WHERE repository = ? AND id = ?"},
        {&Statements::put_snapshot,
         "INSERT INTO snapshot (repository, id, tree, client, seconds, nanoseconds, zone, host, user, lists) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {&Statements::remove_snapshot, "DELETE FROM snapshot WHERE number = ?"},
        {&Statements::find_tree, "SELECT number, entries IS NULL FROM tree WHERE id = ?"},
        {&Statements::name_tree, "INSERT INTO tree (id) VALUES (?)"},
        {&Statements::fill_tree, "UPDATE tree SET entries = ?2 WHERE number = ?1"},
        {&Statements::tree_entries, "SELECT entries, entries IS NULL FROM tree WHERE number = ?"},
        {&Statements::remove_tree, "DELETE FROM tree WHERE number = ?"},
        {&Statements::put_within, "INSERT OR IGNORE INTO within (name, tree) VALUES (?, ?)"},
        {&Statements::remove_within, "DELETE FROM within WHERE name = ? AND tree = ?"},
        {&Statements::put_above, "INSERT OR IGNORE INTO above (subtree, tree, name) VALUES (?, ?, ?)"},
        {&Statements::remove_above, "DELETE FROM above WHERE subtree = ? AND tree = ?"},
        {&Statements::has_snapshot, "SELECT 1 FROM snapshot WHERE tree = ? LIMIT 1"},
        {&Statements::has_above, "SELECT 1 FROM above WHERE subtree = ? LIMIT 1"},
        {&Statements::trees_above, "SELECT tree FROM above WHERE subtree = ?"},
        {&Statements::put_loose, "INSERT OR IGNORE INTO loose (tree) VALUES (?)"},
        {&Statements::next_loose, "SELECT tree FROM loose WHERE tree > ? ORDER BY tree LIMIT 1"},
        {&Statements::remove_loose, "DELETE FROM loose WHERE tree = ?"},
    };
    for (const auto& [member, sql] : all) (*made).*member = TRY(connection.prepare(sql));
    return made;
}

namespace {

/// Nobody else may read it: names of files are nobody's business.
Result<void> make_file(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("make {}", path), errno));
    return {};
}

constexpr const char* making = R"(
    PRAGMA page_size = 16384;
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA cache_size = -131072;
)";

SnapshotEntry snapshot_of(const SqliteStatement::Run& row)
{
    SnapshotEntry entry{.repository = id_of_bytes(row.bytes(0)),
                        .id = id_of_bytes(row.bytes(1)),
                        .tree = id_of_bytes(row.bytes(2)),
                        .seconds = row.integer(3),
                        .nanoseconds = static_cast<uint32_t>(row.integer(4)),
                        .zone_seconds = static_cast<int32_t>(row.integer(5)),
                        .host = std::string(row.bytes(6)),
                        .user = std::string(row.bytes(7))};
    const Result<Json> lists = parse_json(row.bytes(8));
    const auto read = [&](const char* name, std::vector<std::string>& list) {
        if (!lists || !lists->is_object() || !lists->contains(name)) return;
        for (const Json& one : lists->at(name))
            if (one.is_string()) list.push_back(one.get<std::string>());
    };
    read("paths", entry.paths);
    read("tags", entry.tags);
    return entry;
}

#define SNAPSHOT_COLUMNS "r.id, s.id, t.id, s.seconds, s.nanoseconds, s.zone, s.host, s.user, s.lists"
#define SNAPSHOT_TABLES \
    " FROM snapshot s JOIN repository r ON r.number = s.repository JOIN tree t ON t.number = s.tree "

}  // namespace

Catalog::Catalog(std::unique_ptr<SqliteConnection> connection, std::string path, Use use)
    : connection_(std::move(connection)), path_(std::move(path)), use_(use)
{
}

Catalog::~Catalog()
{
    // Statements go before their connection.
    names_.reset();
    statements_.reset();
}

Result<std::unique_ptr<Catalog>> Catalog::open(const std::string& path, Use use)
{
    using Mode = SqliteConnection::Mode;
    if (use == Use::make) TRY(make_file(path));
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT)
        return fail(ErrorKind::not_found, fmt::format("there is no catalog in {}", path),
                    "belay catalog add LOCATION");
    std::unique_ptr<SqliteConnection> connection = TRY(
        SqliteConnection::open(path, use == Use::read ? Mode::shared_read : Mode::shared, rebuild_advice));
    std::unique_ptr<Catalog> catalog(new Catalog(std::move(connection), path, use));
    if (use == Use::make) {
        TRY(catalog->connection_->execute(making));
        TRY(make_tables(*catalog->connection_));
    }
    TRY(catalog->prepare());
    return catalog;
}

Result<void> Catalog::prepare()
{
    TRY(check_tables(*connection_, path_));
    statements_ = TRY(Statements::prepare(*connection_));
    names_ = TRY(Names::open(*connection_));
    return {};
}

Result<std::vector<RepositoryEntry>> Catalog::repositories() const
{
    SqliteStatement statement =
        TRY(connection_->prepare("SELECT id, location, one_client FROM repository ORDER BY id"));
    std::vector<RepositoryEntry> all;
    auto run = statement.run();
    while (TRY(run.row()))
        all.push_back({id_of_bytes(run.bytes(0)), std::string(run.bytes(1)), run.integer(2) != 0});
    return all;
}

Result<std::vector<Client>> Catalog::clients() const
{
    std::vector<Client> all;
    {
        SqliteStatement statement =
            TRY(connection_->prepare("SELECT c.number, c.identity, c.host, r.id, r.id IS NULL FROM client c "
                                     "LEFT JOIN repository r ON r.number = c.repository ORDER BY c.number"));
        auto run = statement.run();
        while (TRY(run.row())) {
            Client client{.number = run.integer(0), .identity = std::string(run.bytes(1))};
            client.host = std::string(run.bytes(2));
            if (run.integer(4) == 0) client.repository = id_of_bytes(run.bytes(3));
            all.push_back(std::move(client));
        }
    }
    const auto find = [&](int64_t number) {
        const auto found = std::ranges::lower_bound(all, number, {}, &Client::number);
        return found != all.end() && found->number == number ? &*found : nullptr;
    };
    {
        SqliteStatement statement = TRY(connection_->prepare(
            "SELECT client, host, min(seconds), max(seconds), count(*) FROM snapshot GROUP BY client, host"));
        auto run = statement.run();
        while (TRY(run.row())) {
            Client* const client = find(run.integer(0));
            if (client == nullptr) continue;
            client->names.push_back({std::string(run.bytes(1)), run.integer(2), run.integer(3)});
            client->snapshots += static_cast<uint64_t>(run.integer(4));
        }
    }
    SqliteStatement newest = TRY(
        connection_->prepare("SELECT " SNAPSHOT_COLUMNS SNAPSHOT_TABLES
                             "WHERE s.client = ? ORDER BY s.seconds DESC, s.nanoseconds DESC, s.id LIMIT 1"));
    for (Client& client : all) {
        std::ranges::stable_sort(client.names, [](const ClientName& a, const ClientName& b) {
            return std::tie(b.until, b.from, a.host) < std::tie(a.until, a.from, b.host);
        });
        auto run = newest.run(client.number);
        if (!TRY(run.row())) continue;
        client.newest = snapshot_of(run);
        // Of names in the same second the order is that of the snapshots.
        const auto last = std::ranges::find(client.names, client.newest->host, &ClientName::host);
        if (last != client.names.end()) std::rotate(client.names.begin(), last, last + 1);
    }
    std::ranges::stable_sort(all, [](const Client& a, const Client& b) {
        const std::string one = a.shown_name(), other = b.shown_name();
        return one != other ? one < other : a.key() < b.key();
    });
    return all;
}

Result<std::vector<Client>> Catalog::clients_called(std::string_view said) const
{
    constexpr size_t least_digits = 8;
    std::vector<Client> called;
    for (Client& client : TRY(clients())) {
        const bool by_key =
            client.key() == said || (said.size() >= least_digits && client.identity.starts_with(said));
        if (by_key || std::ranges::find(client.names, said, &ClientName::host) != client.names.end())
            called.push_back(std::move(client));
    }
    // Somebody else's host may be called as a key is.
    const auto exact = std::ranges::find(called, said, &Client::key);
    if (exact != called.end()) called = {Client(*exact)};
    return called;
}

Result<std::vector<SnapshotEntry>> Catalog::snapshots(const std::vector<int64_t>& of_clients) const
{
    SqliteStatement statement =
        TRY(connection_->prepare("SELECT " SNAPSHOT_COLUMNS ", s.client" SNAPSHOT_TABLES
                                 "ORDER BY s.seconds DESC, s.nanoseconds DESC, r.id, s.id"));
    std::vector<SnapshotEntry> all;
    auto run = statement.run();
    constexpr int client_column = 9;
    while (TRY(run.row())) {
        if (of_clients.empty() ||
            std::ranges::find(of_clients, run.integer(client_column)) != of_clients.end())
            all.push_back(snapshot_of(run));
    }
    return all;
}

Result<std::optional<SnapshotEntry>> Catalog::snapshot(const Id& repository, const Id& id) const
{
    SqliteStatement statement =
        TRY(connection_->prepare("SELECT " SNAPSHOT_COLUMNS SNAPSHOT_TABLES "WHERE r.id = ? AND s.id = ?"));
    auto run = statement.run(repository.raw(), id.raw());
    if (!TRY(run.row())) return std::optional<SnapshotEntry>();
    return std::optional(snapshot_of(run));
}

Result<std::vector<Id>> Catalog::snapshot_ids(const Id& repository) const
{
    SqliteStatement statement = TRY(connection_->prepare(
        "SELECT s.id FROM snapshot s JOIN repository r ON r.number = s.repository WHERE r.id = ? ORDER BY "
        "s.id"));
    std::vector<Id> ids;
    auto run = statement.run(repository.raw());
    while (TRY(run.row())) ids.push_back(id_of_bytes(run.bytes(0)));
    return ids;
}

Result<Catalog::Size> Catalog::size() const
{
    const auto count = [&](const char* sql) -> Result<uint64_t> {
        return static_cast<uint64_t>(TRY(connection_->query_integer(sql)));
    };
    Size size;
    size.repositories = TRY(count("SELECT count(*) FROM repository"));
    size.clients = TRY(count("SELECT count(*) FROM client"));
    size.snapshots = TRY(count("SELECT count(*) FROM snapshot"));
    size.trees = TRY(count("SELECT count(*) FROM tree"));
    size.entries = TRY(count("SELECT count(*) FROM within"));
    size.names = names_->count();
    struct stat status = {};
    if (::stat(path_.c_str(), &status) == 0) size.bytes = static_cast<uint64_t>(status.st_size);
    return size;
}

Result<bool> Catalog::is_empty() const
{
    return TRY(connection_->query_integer("SELECT (SELECT count(*) FROM snapshot) + (SELECT count(*) FROM "
                                          "(SELECT 1 FROM tree LIMIT 1))")) == 0;
}

Result<int64_t> Catalog::tree_number(const Id& tree) const
{
    auto run = statements_->find_tree.run(tree.raw());
    return TRY(run.row()) && run.integer(1) == 0 ? run.integer(0) : 0;
}

Result<bool> Catalog::has_tree(const Id& tree) const
{
    return TRY(tree_number(tree)) != 0;
}

}  // namespace belay::backup::catalog
