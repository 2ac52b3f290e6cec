#include "framework/messages/store/growing_segment.h"

#include <sys/stat.h>

namespace belay::framework::messages {

using store::SqliteConnection;
using store::SqliteStatement;

struct GrowingSegment::Statements {
    SqliteStatement begin, commit, roll_back;
    SqliteStatement put_message, put_name, put_kept, put_span, put_position, put_begun, page_count;
};

namespace {

constexpr uint64_t page_bytes = 4096;  // SQLite's own choice for a new file

/// What a power cut or a kill has left is read by SQLite itself; whether that is sound is worth a look then.
bool was_cut_short(const std::string& path)
{
    struct stat log = {};
    return ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size > 0;
}

}  // namespace

GrowingSegment::GrowingSegment(std::unique_ptr<SqliteConnection> connection,
                               std::unique_ptr<Statements> statements)
    : connection_(std::move(connection)), sql_(std::move(statements))
{
}

GrowingSegment::~GrowingSegment() = default;

Result<std::unique_ptr<GrowingSegment>> GrowingSegment::open(const std::string& path)
{
    const bool is_to_be_checked = was_cut_short(path);
    TRY(read_segment(path, SegmentState::open));
    auto connection = TRY(SqliteConnection::open(path, SqliteConnection::Mode::shared, segment_advice));
    TRY(connection->execute("PRAGMA synchronous = FULL"));
    if (is_to_be_checked) {
        const std::string verdict = TRY(connection->query_text("PRAGMA quick_check(1)"));
        if (verdict != "ok")
            return fail(ErrorKind::corrupt, fmt::format("{} is damaged: {}", path, verdict), segment_advice);
    }
    auto sql = std::make_unique<Statements>();
    sql->begin = TRY(connection->prepare("BEGIN IMMEDIATE"));
    sql->commit = TRY(connection->prepare("COMMIT"));
    sql->roll_back = TRY(connection->prepare("ROLLBACK"));
    sql->put_message =
        TRY(connection->prepare("INSERT INTO message (number, at, level, event, host, application, "
                                "interaction, attributes, text) VALUES "
                                "(?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))"));
    sql->put_name = TRY(connection->prepare("INSERT INTO name (number, name) VALUES (?, CAST(? AS TEXT))"));
    sql->put_kept =
        TRY(connection->prepare("INSERT OR REPLACE INTO kept (level, messages, stored) VALUES (?, ?, ?)"));
    sql->put_span = TRY(connection->prepare(
        "INSERT INTO span (span, oldest, newest) VALUES (?, ?, ?) ON CONFLICT (span) DO UPDATE SET "
        "oldest = min(oldest, excluded.oldest), newest = max(newest, excluded.newest)"));
    sql->put_position =
        TRY(connection->prepare("INSERT OR REPLACE INTO position (source, at) VALUES (?, ?)"));
    sql->put_begun = TRY(connection->prepare("UPDATE segment SET begun = ?"));
    sql->page_count = TRY(connection->prepare("PRAGMA page_count"));
    std::unique_ptr<GrowingSegment> made(new GrowingSegment(std::move(connection), std::move(sql)));
    TRY(made->load());
    return made;
}

Result<void> GrowingSegment::load()
{
    summary_ = TRY(summary_of(*connection_));
    positions_ = TRY(positions_of(*connection_));
    auto names = TRY(connection_->prepare("SELECT number, name FROM name"));
    int64_t greatest = 0;
    for (auto row = names.run(); TRY(row.row());) {
        greatest = std::max(greatest, row.integer(0));
        names_.emplace(std::string(row.bytes(1)), row.integer(0));
    }
    if (greatest != static_cast<int64_t>(names_.size()))
        return fail(ErrorKind::corrupt, "names are missing in a segment of messages", segment_advice);
    return measure();
}

Result<uint64_t> GrowingSegment::append(std::span<const Message> messages,
                                        std::span<const Position> positions, Milliseconds now)
{
    SegmentSummary summary = summary_;
    const size_t names_before = names_.size();
    Result<void> done = sql_->begin.execute();
    if (done) {
        done = write(messages, positions, now, summary);
        if (done) done = sql_->commit.execute();
    }
    if (!done) {
        // Names that it took along have not come to be.
        std::erase_if(names_,
                      [&](const auto& name) { return name.second > static_cast<int64_t>(names_before); });
        if (connection_->in_transaction()) static_cast<void>(sql_->roll_back.execute());
        if (done.error().kind != ErrorKind::no_space) connection_->leave_wal();
        return std::unexpected(std::move(done).error());
    }
    const uint64_t first = summary_.next;
    summary_ = summary;
    for (const Position& position : positions) positions_.insert_or_assign(position.source, position.at);
    TRY(measure());
    if (const Result<void> moved = connection_->checkpoint_if_due(); !moved) {
        connection_->leave_wal();
        return std::unexpected(moved.error());
    }
    return first;
}

Result<void> GrowingSegment::measure()
{
    auto run = sql_->page_count.run();
    if (TRY(run.row())) bytes_ = static_cast<uint64_t>(run.integer(0)) * page_bytes;
    return {};
}

Result<void> GrowingSegment::write(std::span<const Message> messages, std::span<const Position> positions,
                                   Milliseconds now, SegmentSummary& summary)
{
    if (summary.messages() == 0 && summary.next == summary.first) {
        summary.begun = now;
        TRY(sql_->put_begun.execute(int64_t{now.count()}));
    }
    std::array<bool, levels> is_touched = {};
    for (const Message& message : messages) {
        const auto level = static_cast<size_t>(message.level);
        const std::string attributes = message.attributes.empty() ? "" : json_text(Json(message.attributes));
        const int64_t host = TRY(name_number(message.host));
        const int64_t application = TRY(name_number(message.application));
        TRY(sql_->put_message.execute(static_cast<int64_t>(summary.next), int64_t{message.at.count()},
                                      static_cast<int64_t>(level), event_number(message.id), host,
                                      application, std::string_view(message.interaction),
                                      std::string_view(attributes), std::string_view(message.text)));
        ++summary.next;
        is_touched.at(level) = true;
        LevelSummary& kept = summary.by_level.at(level);
        ++kept.messages;
        kept.stored = std::max(kept.stored, now);
        summary.oldest = std::min(summary.oldest.value_or(message.at), message.at);
        summary.newest = std::max(summary.newest.value_or(message.at), message.at);
    }
    for (size_t level = 0; level < levels; ++level) {
        const LevelSummary& kept = summary.by_level.at(level);
        if (is_touched.at(level))
            TRY(sql_->put_kept.execute(static_cast<int64_t>(level), static_cast<int64_t>(kept.messages),
                                       int64_t{kept.stored.count()}));
    }
    TRY(write_spans(messages));
    for (const Position& position : positions)
        TRY(sql_->put_position.execute(std::string_view(position.source), std::string_view(position.at)));
    return {};
}

Result<void> GrowingSegment::write_spans(std::span<const Message> messages)
{
    for (size_t i = 0; i < messages.size();) {
        const uint64_t span = (summary_.next + i) / span_messages;
        Milliseconds oldest = messages[i].at, newest = oldest;
        for (; i < messages.size() && (summary_.next + i) / span_messages == span; ++i) {
            oldest = std::min(oldest, messages[i].at);
            newest = std::max(newest, messages[i].at);
        }
        TRY(sql_->put_span.execute(static_cast<int64_t>(span), int64_t{oldest.count()},
                                   int64_t{newest.count()}));
    }
    return {};
}

Result<int64_t> GrowingSegment::name_number(const std::string& name)
{
    if (name.empty()) return 0;
    const auto found = names_.find(name);
    if (found != names_.end()) return found->second;
    const auto number = static_cast<int64_t>(names_.size()) + 1;
    TRY(sql_->put_name.execute(number, std::string_view(name)));
    names_.emplace(name, number);
    return number;
}

}  // namespace belay::framework::messages
