#include "framework/messages/store/segment_file.h"

#include "host/descriptor.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

namespace belay::framework::messages {
namespace {

using store::SqliteConnection;

constexpr int64_t segment_application = 0x426c4d73;
constexpr int64_t segment_version = 1;

Result<void> check_format(const SqliteConnection& connection, const std::string& path)
{
    if (TRY(connection.query_integer("PRAGMA application_id")) != segment_application)
        return fail(ErrorKind::corrupt, fmt::format("{} is no segment of messages", path), segment_advice);
    const int64_t version = TRY(connection.query_integer("PRAGMA user_version"));
    if (version == segment_version) return {};
    return fail(ErrorKind::version,
                fmt::format("{} was written by another Belay (format {}; this one reads format {})", path,
                            version, segment_version),
                "install that Belay again, or a newer one; the messages are as they were");
}

Result<void> fill_segment(const std::string& path, uint64_t first, const Positions& positions)
{
    TRY(make_empty_file(path));
    const auto connection = TRY(SqliteConnection::open(path, SqliteConnection::Mode::write, segment_advice));
    TRY(connection->execute("BEGIN IMMEDIATE"));
    TRY(connection->execute(segment_tables));
    TRY(connection->execute(indexes_of_open));
    auto put = TRY(connection->prepare("INSERT INTO segment (first, last, begun) VALUES (?, NULL, 0)"));
    TRY(put.execute(static_cast<int64_t>(first)));
    auto put_position = TRY(connection->prepare("INSERT INTO position (source, at) VALUES (?, ?)"));
    for (const auto& [source, at] : positions)
        TRY(put_position.execute(std::string_view(source), std::string_view(at)));
    TRY(connection->execute("COMMIT"));
    return connection->execute("PRAGMA journal_mode = WAL");
}

}  // namespace

const char* const segment_tables = R"(
    PRAGMA application_id = 0x426c4d73;
    PRAGMA user_version = 1;
    CREATE TABLE segment (first INTEGER NOT NULL, last INTEGER, begun INTEGER NOT NULL);
    CREATE TABLE message (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        level INTEGER NOT NULL,
        event INTEGER NOT NULL,
        host INTEGER NOT NULL,
        application INTEGER NOT NULL,
        interaction TEXT NOT NULL,
        attributes TEXT NOT NULL,
        text TEXT NOT NULL
    );
    CREATE TABLE name (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE kept (level INTEGER PRIMARY KEY, messages INTEGER NOT NULL, stored INTEGER NOT NULL);
    CREATE TABLE span (span INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, newest INTEGER NOT NULL);
    CREATE TABLE position (source TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE trigram (hash INTEGER PRIMARY KEY, groups BLOB NOT NULL);
)";

const char* const indexes_of_open = R"(
    CREATE INDEX message_event ON message (event);
    CREATE INDEX message_application ON message (application);
    CREATE INDEX message_interaction ON message (interaction) WHERE interaction <> '';
)";

const char* const further_indexes_of_sealed = R"(
    CREATE INDEX message_host ON message (host);
    CREATE INDEX message_level ON message (level);
)";

std::string segment_name(uint64_t first, std::string_view ending)
{
    return fmt::format("{:020}.{}", first, ending);
}

uint64_t SegmentSummary::messages() const
{
    uint64_t sum = 0;
    for (const LevelSummary& level : by_level) sum += level.messages;
    return sum;
}

Result<void> make_empty_file(const std::string& path)
{
    remove_segment(path);
    const host::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.number() >= 0) return {};
    return std::unexpected(system_error(fmt::format("make {}", path), errno));
}

Result<void> sync_folder(const std::string& path)
{
    const host::Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.number() >= 0 && ::fsync(folder.number()) == 0) return {};
    return std::unexpected(system_error(fmt::format("sync {}", path), errno));
}

void remove_segment(const std::string& path)
{
    for (const char* const beside : {"-wal", "-shm", "-journal", ""}) ::unlink((path + beside).c_str());
}

Result<void> make_segment(const std::string& path, uint64_t first, const Positions& positions)
{
    const std::string beside = path + ".new";
    Result<void> done = fill_segment(beside, first, positions);
    // One that could be made, but not be opened, has left its log.
    if (done) remove_segment(path);
    if (done && ::rename(beside.c_str(), path.c_str()) != 0)
        done = std::unexpected(system_error(fmt::format("rename {}", beside), errno));
    if (!done) {
        remove_segment(beside);
        return done;
    }
    return sync_folder(path.substr(0, path.rfind('/')));
}

Result<std::unique_ptr<SqliteConnection>> read_segment(const std::string& path, SegmentState state)
{
    auto connection =
        TRY(SqliteConnection::open(path,
                                   state == SegmentState::sealed ? SqliteConnection::Mode::immutable
                                                                 : SqliteConnection::Mode::shared_read,
                                   segment_advice));
    TRY(check_format(*connection, path));
    return connection;
}

Result<SegmentSummary> summary_of(const SqliteConnection& connection)
{
    SegmentSummary summary;
    auto segment =
        TRY(connection.prepare("SELECT first, ifnull(last, ifnull((SELECT max(number) FROM message), first - "
                               "1)), begun FROM segment"));
    {
        auto row = segment.run();
        const bool is_there = TRY(row.row());
        const int64_t first = is_there ? row.integer(0) : 0, last = is_there ? row.integer(1) : 0;
        if (first < 1 || last < first - 1 || last - first >= static_cast<int64_t>(segment_numbers))
            return fail(ErrorKind::corrupt, "a segment of messages does not say what is in it",
                        segment_advice);
        summary.first = static_cast<uint64_t>(first);
        summary.next = static_cast<uint64_t>(last) + 1;
        summary.begun = Milliseconds(row.integer(2));
    }
    auto kept = TRY(connection.prepare("SELECT level, messages, stored FROM kept"));
    for (auto row = kept.run(); TRY(row.row());) {
        const int64_t level = row.integer(0), messages = row.integer(1);
        if (level < 0 || level >= static_cast<int64_t>(levels) || messages < 0 ||
            messages > static_cast<int64_t>(segment_numbers))
            return fail(ErrorKind::corrupt, "a segment of messages counts what cannot be", segment_advice);
        summary.by_level.at(static_cast<size_t>(level)) = {.messages = static_cast<uint64_t>(messages),
                                                           .stored = Milliseconds(row.integer(2))};
    }
    auto span = TRY(connection.prepare("SELECT min(oldest), max(newest), count(*) FROM span"));
    auto row = span.run();
    if (TRY(row.row()) && row.integer(2) > 0) {
        summary.oldest = Milliseconds(row.integer(0));
        summary.newest = Milliseconds(row.integer(1));
    }
    return summary;
}

Result<Positions> positions_of(const SqliteConnection& connection)
{
    Positions positions;
    auto all = TRY(connection.prepare("SELECT source, at FROM position"));
    for (auto row = all.run(); TRY(row.row());)
        positions.emplace(std::string(row.bytes(0)), std::string(row.bytes(1)));
    return positions;
}

int64_t event_number(EventId id)
{
    return int64_t{id.component} * 100'000 + id.number;
}

Result<EventId> event_of(int64_t number)
{
    if (number < 0 || number >= 100LL * 100'000)
        return fail(ErrorKind::corrupt, "a message has an id that cannot be", segment_advice);
    return EventId{.component = static_cast<uint8_t>(number / 100'000),
                   .number = static_cast<uint32_t>(number % 100'000)};
}

}  // namespace belay::framework::messages
