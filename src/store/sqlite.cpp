#include "store/sqlite.h"

#include "store/limits.h"
#include "store/sqlite_connection.h"
#include "store/sqlite_schema.h"
#include "store/watchers.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace belay::store {
namespace {

constexpr Revision trim_every = 256;  // revisions: so a commit seldom pays for what is forgotten

struct Statements {
    SqliteStatement begin, commit, roll_back;
    SqliteStatement get, list, revisions, put, remove;
    SqliteStatement bury, trim, buried, changed;
    SqliteStatement grant, end_lease;

    static Result<Statements> prepare(const SqliteConnection& connection);
};

Result<Statements> Statements::prepare(const SqliteConnection& connection)
{
    Statements made;
    made.begin = TRY(connection.prepare("BEGIN IMMEDIATE"));
    made.commit = TRY(connection.prepare("COMMIT"));
    made.roll_back = TRY(connection.prepare("ROLLBACK"));
    made.get =
        TRY(connection.prepare("SELECT key, created, modified, lease, value FROM entry WHERE key = ?"));
    made.list = TRY(connection.prepare(
        "SELECT key, created, modified, lease, value FROM entry WHERE key >= ? ORDER BY key"));
    made.revisions = TRY(connection.prepare("SELECT created, modified FROM entry WHERE key = ?"));
    made.put = TRY(connection.prepare(
        "INSERT INTO entry (key, created, modified, lease, value) VALUES (?1, ?2, ?2, ?3, ?4) ON "
        "CONFLICT (key) "
        "DO UPDATE SET modified = excluded.modified, lease = excluded.lease, value = excluded.value"));
    made.remove = TRY(connection.prepare("DELETE FROM entry WHERE key = ?"));
    made.bury = TRY(connection.prepare("INSERT INTO tombstone (revision, key) VALUES (?, ?)"));
    made.trim = TRY(connection.prepare("DELETE FROM tombstone WHERE revision <= ?"));
    made.buried =
        TRY(connection.prepare("SELECT revision, key FROM tombstone WHERE revision > ? ORDER BY revision"));
    made.changed = TRY(connection.prepare("SELECT key, modified FROM entry WHERE key >= ? ORDER BY key"));
    made.grant = TRY(connection.prepare("INSERT INTO lease (time_to_live, boot) VALUES (?, ?)"));
    made.end_lease = TRY(connection.prepare("DELETE FROM lease WHERE id = ?"));
    return made;
}

Entry entry_of(const SqliteStatement::Run& row)
{
    return {.key = std::string(row.bytes(0)),
            .value = std::string(row.bytes(4)),
            .created = row.integer(1),
            .modified = row.integer(2),
            .lease = row.integer(3)};
}

class SqliteStore : public Store {
  public:
    SqliteStore(std::unique_ptr<SqliteConnection> connection, Statements statements, BootClock clock);
    /// Finds the revision and the leases in the tables, and ends the leases of an earlier boot.
    Result<void> load();

    Result<std::optional<Entry>> get(std::string_view key) override;
    Result<std::vector<Entry>> list(std::string_view prefix, std::string_view after, size_t limit) override;
    Result<Revision> revision() override;
    Result<Commit> commit(const Transaction& transaction) override;
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Revision since) override;
    Result<LeaseId> grant(std::chrono::milliseconds time_to_live) override;
    Result<void> keep_alive(LeaseId lease) override;
    Result<void> revoke(LeaseId lease) override;
    Result<void> expire() override;
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override;

  private:
    /// Keys that the open transaction has changed, with the lease that each is under now.
    using Touched = std::vector<std::pair<std::string_view, LeaseId>>;

    /// Does `body` alone in the store, unless an earlier failure has made it useless.
    template <typename Body>
    auto alone(Body body) -> decltype(body());
    template <typename Body>
    auto watch_for_failure(Body body) -> decltype(body());
    /// Does `body` in a transaction of the database: all of it, or nothing.
    template <typename Body>
    auto in_transaction(Body body) -> decltype(body());

    Result<std::optional<Entry>> find(std::string_view key);
    Result<bool> holds(const Compare& compare);
    Result<Commit> apply(const Transaction& transaction, Touched& touched);
    Result<void> put(const Write& write, Touched& touched);
    Result<void> remove(std::string_view key, Touched& touched);
    Result<void> trim_tombstones();
    /// What is durable now becomes the state in memory, and known to the watches.
    Result<void> publish(const Touched& touched);
    Result<void> end_leases(const std::vector<LeaseId>& ids);
    Result<Changed> changed_since(std::string_view prefix, Revision since);

    std::mutex mutex_;
    const std::unique_ptr<SqliteConnection> connection_;
    Statements sql_;
    const BootClock clock_;
    Leases leases_;
    Revision revision_ = 0;
    Revision trimmed_at_ = 0;
    std::optional<Error> failure_;
    Watchers watchers_;
};

SqliteStore::SqliteStore(std::unique_ptr<SqliteConnection> connection, Statements statements, BootClock clock)
    : connection_(std::move(connection)),
      sql_(std::move(statements)),
      clock_(std::move(clock)),
      watchers_(mutex_, [this](std::string_view key) { return watch_for_failure([&] { return find(key); }); })
{
}

Result<void> SqliteStore::load()
{
    revision_ =
        TRY(connection_->query_integer("SELECT max(ifnull((SELECT max(modified) FROM entry), 0), "
                                       "ifnull((SELECT max(revision) FROM tombstone), 0))"));
    std::vector<LeaseId> of_earlier_boots;
    SqliteStatement leases = TRY(connection_->prepare("SELECT id, time_to_live, boot FROM lease"));
    for (auto row = leases.run(); TRY(row.row());) {
        leases_.grant(row.integer(0), std::chrono::milliseconds(row.integer(1)), clock_.now());
        if (row.bytes(2) != clock_.boot) of_earlier_boots.push_back(row.integer(0));
    }
    SqliteStatement keys = TRY(connection_->prepare("SELECT key, lease FROM entry WHERE lease <> 0"));
    for (auto row = keys.run(); TRY(row.row());) leases_.attach(row.bytes(0), row.integer(1));
    return end_leases(of_earlier_boots);
}

template <typename Body>
auto SqliteStore::alone(Body body) -> decltype(body())
{
    const std::lock_guard lock(mutex_);
    if (failure_) return std::unexpected(*failure_);
    return watch_for_failure(body);
}

template <typename Body>
auto SqliteStore::watch_for_failure(Body body) -> decltype(body())
{
    auto result = body();
    if (result) return result;
    const Error& error = result.error();
    if (error.kind == ErrorKind::io || error.kind == ErrorKind::corrupt) {
        failure_ = error;
        connection_->leave_wal();
        watchers_.fail_all(error);
    }
    return result;
}

template <typename Body>
auto SqliteStore::in_transaction(Body body) -> decltype(body())
{
    TRY(sql_.begin.execute());
    auto result = body();
    if (result) {
        auto committed = sql_.commit.execute();
        if (committed) return result;
        result = std::unexpected(std::move(committed).error());
    }
    if (connection_->in_transaction()) TRY(sql_.roll_back.execute());
    return result;
}

Result<std::optional<Entry>> SqliteStore::find(std::string_view key)
{
    auto run = sql_.get.run(key);
    if (!TRY(run.row())) return std::nullopt;
    return entry_of(run);
}

Result<std::optional<Entry>> SqliteStore::get(std::string_view key)
{
    return alone([&] { return find(key); });
}

Result<std::vector<Entry>> SqliteStore::list(std::string_view prefix, std::string_view after, size_t limit)
{
    const std::string least =
        after >= prefix && !after.empty() ? std::string(after) + '\0' : std::string(prefix);
    return alone([&]() -> Result<std::vector<Entry>> {
        std::vector<Entry> entries;
        auto run = sql_.list.run(std::string_view(least));
        while (entries.size() < limit && TRY(run.row()) && run.bytes(0).starts_with(prefix)) {
            entries.push_back(entry_of(run));
        }
        return entries;
    });
}

Result<Revision> SqliteStore::revision()
{
    return alone([&]() -> Result<Revision> { return revision_; });
}

Result<Commit> SqliteStore::commit(const Transaction& transaction)
{
    TRY(check_limits(transaction));
    return alone([&]() -> Result<Commit> {
        Touched touched;
        touched.reserve(transaction.then.size());
        Commit commit = TRY(in_transaction([&] { return apply(transaction, touched); }));
        TRY(publish(touched));
        commit.revision = revision_;
        return commit;
    });
}

Result<Commit> SqliteStore::apply(const Transaction& transaction, Touched& touched)
{
    for (const Compare& compare : transaction.when) {
        if (!TRY(holds(compare))) return Commit{.conflict = TRY(find(compare.key))};
    }
    for (const Write& write : transaction.then) {
        if (write.lease != 0) TRY(leases_.check_alive(write.lease, clock_.now()));
    }
    for (const Write& write : transaction.then) {
        TRY(write.value ? put(write, touched) : remove(write.key, touched));
    }
    if (!touched.empty()) TRY(trim_tombstones());
    return Commit{.succeeded = true};
}

Result<bool> SqliteStore::holds(const Compare& compare)
{
    auto run = sql_.revisions.run(std::string_view(compare.key));
    const bool exists = TRY(run.row());
    return compare.revision == (exists ? run.integer(compare.of == Compare::Of::created ? 0 : 1) : 0);
}

Result<void> SqliteStore::put(const Write& write, Touched& touched)
{
    TRY(sql_.put.execute(std::string_view(write.key), revision_ + 1, write.lease,
                         std::string_view(*write.value)));
    touched.emplace_back(write.key, write.lease);
    return {};
}

Result<void> SqliteStore::remove(std::string_view key, Touched& touched)
{
    TRY(sql_.remove.execute(key));
    if (!connection_->changed_something()) return {};
    TRY(sql_.bury.execute(revision_ + 1, key));
    touched.emplace_back(key, 0);
    return {};
}

Result<void> SqliteStore::trim_tombstones()
{
    if (revision_ < trimmed_at_ + trim_every) return {};
    TRY(sql_.trim.execute(revision_ - remembered_revisions));
    trimmed_at_ = revision_;
    return {};
}

Result<void> SqliteStore::publish(const Touched& touched)
{
    if (touched.empty()) return {};
    ++revision_;
    for (const auto& [key, lease] : touched) {
        leases_.attach(key, lease);
        watchers_.changed(key, revision_);
    }
    // The commit is safe whatever becomes of this; a failure is for the calls that follow.
    (void)watch_for_failure([&] { return connection_->checkpoint_if_due(); });
    return {};
}

Result<std::unique_ptr<Watch>> SqliteStore::watch(std::string_view prefix, Revision since)
{
    return alone([&]() -> Result<std::unique_ptr<Watch>> {
        TRY(check_since(since, revision_));
        return watchers_.add(prefix, since == revision_ ? Changed{} : TRY(changed_since(prefix, since)));
    });
}

Result<Changed> SqliteStore::changed_since(std::string_view prefix, Revision since)
{
    Changed changed;
    for (auto row = sql_.buried.run(since); TRY(row.row());) {
        if (row.bytes(1).starts_with(prefix)) changed[std::string(row.bytes(1))] = row.integer(0);
    }
    for (auto row = sql_.changed.run(prefix); TRY(row.row()) && row.bytes(0).starts_with(prefix);) {
        if (row.integer(1) > since) changed[std::string(row.bytes(0))] = row.integer(1);
    }
    return changed;
}

Result<LeaseId> SqliteStore::grant(std::chrono::milliseconds time_to_live)
{
    TRY(check_time_to_live(time_to_live));
    return alone([&]() -> Result<LeaseId> {
        TRY(sql_.grant.execute(time_to_live.count(), std::string_view(clock_.boot)));
        const LeaseId id = connection_->last_inserted();
        leases_.grant(id, time_to_live, clock_.now());
        return id;
    });
}

Result<void> SqliteStore::keep_alive(LeaseId lease)
{
    return alone([&] { return leases_.keep_alive(lease, clock_.now()); });
}

Result<void> SqliteStore::revoke(LeaseId lease)
{
    return alone([&]() -> Result<void> {
        if (!leases_.known(lease)) return {};
        return end_leases({lease});
    });
}

Result<void> SqliteStore::expire()
{
    return alone([&] { return end_leases(leases_.run_out(clock_.now())); });
}

Result<void> SqliteStore::end_leases(const std::vector<LeaseId>& ids)
{
    if (ids.empty()) return {};
    std::vector<std::string> keys;
    for (const LeaseId id : ids) {
        for (std::string& key : leases_.keys_of(id)) keys.push_back(std::move(key));
    }
    Touched touched;
    TRY(in_transaction([&]() -> Result<void> {
        for (const LeaseId id : ids) TRY(sql_.end_lease.execute(id));
        for (const std::string& key : keys) TRY(remove(key, touched));
        return {};
    }));
    for (const LeaseId id : ids) leases_.end(id);
    return publish(touched);
}

Result<std::optional<std::chrono::milliseconds>> SqliteStore::next_expiry()
{
    return alone([&]() -> Result<std::optional<std::chrono::milliseconds>> {
        return leases_.next_expiry(clock_.now());
    });
}

/// Makes an empty file for SQLite to fill: SQLite's own would be readable by everybody.
Result<void> make_file(const std::string& path)
{
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) {
        close(file);
        return {};
    }
    if (errno == EEXIST) return {};
    Error error = system_error(fmt::format("make the database {}", path), errno);
    if (errno == EROFS) error.kind = ErrorKind::permission;
    return std::unexpected(std::move(error));
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const std::string& path, BootClock clock)
{
    TRY(make_file(path));
    TRY(inspect_database(path));
    auto connection = TRY(SqliteConnection::open(path, SqliteConnection::Mode::write));
    TRY(connection->execute("PRAGMA journal_mode = WAL"));
    TRY(make_tables(*connection));
    Statements statements = TRY(Statements::prepare(*connection));
    auto store =
        std::make_unique<SqliteStore>(std::move(connection), std::move(statements), std::move(clock));
    TRY(store->load());
    return store;
}

}  // namespace belay::store
