#include "framework/messages/store/sealing.h"

#include "framework/messages/store/trigram_index.h"
#include "host/descriptor.h"

#include <cerrno>
#include <fcntl.h>

namespace belay::framework::messages {
namespace {

using store::SqliteConnection;

/// Nothing of the file counts before all of it is on the disk, so that SQLite need not care on the way.
constexpr const char* careless = R"(
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -65536;
    BEGIN IMMEDIATE;
)";

/// Where one message after the other goes, and what comes to be known of them on the way.
class SealedWriter {
  public:
    static Result<std::unique_ptr<SealedWriter>> make(const std::string& path, const SegmentSummary& source);
    Result<void> put_name(int64_t number, std::string_view name) { return put_name_.execute(number, name); }
    Result<void> put_position(std::string_view source, std::string_view at)
    {
        return put_position_.execute(source, at);
    }
    /// Numbers in ascending order.
    Result<void> put(const store::SqliteStatement::Run& row);
    Result<SegmentSummary> finish();

  private:
    SealedWriter(std::unique_ptr<SqliteConnection> connection, const SegmentSummary& source)
        : connection_(std::move(connection)), summary_(source)
    {
        summary_.by_level = {};
        summary_.oldest = summary_.newest = std::nullopt;
        for (size_t level = 0; level < levels; ++level)
            summary_.by_level.at(level).stored = source.by_level.at(level).stored;
    }
    Result<void> end_span();

    std::unique_ptr<SqliteConnection> connection_;
    store::SqliteStatement put_, put_name_, put_position_, put_span_;
    TrigramIndex trigrams_;
    SegmentSummary summary_;
    uint64_t span_ = 0;
    std::optional<Milliseconds> span_oldest_ = {}, span_newest_ = {};
};

Result<std::unique_ptr<SealedWriter>> SealedWriter::make(const std::string& path,
                                                         const SegmentSummary& source)
{
    TRY(make_empty_file(path));
    auto connection = TRY(SqliteConnection::open(path, SqliteConnection::Mode::write, segment_advice));
    TRY(connection->execute(careless));
    TRY(connection->execute(segment_tables));
    std::unique_ptr<SealedWriter> made(new SealedWriter(std::move(connection), source));
    made->put_ = TRY(
        made->connection_->prepare("INSERT INTO message (number, at, level, event, host, application, "
                                   "interaction, attributes, text) VALUES "
                                   "(?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))"));
    made->put_name_ =
        TRY(made->connection_->prepare("INSERT INTO name (number, name) VALUES (?, CAST(? AS TEXT))"));
    made->put_position_ = TRY(made->connection_->prepare("INSERT INTO position (source, at) VALUES (?, ?)"));
    made->put_span_ =
        TRY(made->connection_->prepare("INSERT INTO span (span, oldest, newest) VALUES (?, ?, ?)"));
    return made;
}

Result<void> SealedWriter::put(const store::SqliteStatement::Run& row)
{
    const int64_t number = row.integer(0), level = row.integer(2);
    const auto first = static_cast<int64_t>(summary_.first);
    if (number < first || number >= static_cast<int64_t>(summary_.next) || level < 0 ||
        level >= static_cast<int64_t>(levels))
        return fail(ErrorKind::corrupt, "a segment of messages holds what cannot be in it", segment_advice);
    TRY(put_.execute(number, row.integer(1), level, row.integer(3), row.integer(4), row.integer(5),
                     row.bytes(6), row.bytes(7), row.bytes(8)));
    trigrams_.add(static_cast<uint32_t>(static_cast<uint64_t>(number - first) / group_messages),
                  row.bytes(8));
    ++summary_.by_level.at(static_cast<size_t>(level)).messages;
    const Milliseconds at(row.integer(1));
    const uint64_t span = static_cast<uint64_t>(number) / span_messages;
    if (span != span_) TRY(end_span());
    span_ = span;
    span_oldest_ = std::min(span_oldest_.value_or(at), at);
    span_newest_ = std::max(span_newest_.value_or(at), at);
    return {};
}

Result<void> SealedWriter::end_span()
{
    if (!span_oldest_) return {};
    summary_.oldest = std::min(summary_.oldest.value_or(*span_oldest_), *span_oldest_);
    summary_.newest = std::max(summary_.newest.value_or(*span_newest_), *span_newest_);
    TRY(put_span_.execute(static_cast<int64_t>(span_), int64_t{span_oldest_->count()},
                          int64_t{span_newest_->count()}));
    span_oldest_ = span_newest_ = std::nullopt;
    return {};
}

Result<SegmentSummary> SealedWriter::finish()
{
    TRY(end_span());
    TRY(trigrams_.write(*connection_));
    auto put_kept = TRY(connection_->prepare("INSERT INTO kept (level, messages, stored) VALUES (?, ?, ?)"));
    for (size_t level = 0; level < levels; ++level) {
        const LevelSummary& kept = summary_.by_level.at(level);
        if (kept.messages > 0)
            TRY(put_kept.execute(static_cast<int64_t>(level), static_cast<int64_t>(kept.messages),
                                 int64_t{kept.stored.count()}));
    }
    auto put_segment = TRY(connection_->prepare("INSERT INTO segment (first, last, begun) VALUES (?, ?, ?)"));
    TRY(put_segment.execute(static_cast<int64_t>(summary_.first), static_cast<int64_t>(summary_.next) - 1,
                            int64_t{summary_.begun.count()}));
    TRY(connection_->execute(indexes_of_open));
    TRY(connection_->execute(further_indexes_of_sealed));
    TRY(connection_->execute("COMMIT"));
    return summary_;
}

Result<SegmentSummary> copy_segment(const std::string& from, SegmentState state, const std::string& to,
                                    const LevelSet& stay)
{
    const auto source = TRY(read_segment(from, state));
    const auto writer = TRY(SealedWriter::make(to, TRY(summary_of(*source))));
    auto names = TRY(source->prepare("SELECT number, name FROM name"));
    for (auto row = names.run(); TRY(row.row());) TRY(writer->put_name(row.integer(0), row.bytes(1)));
    auto positions = TRY(source->prepare("SELECT source, at FROM position"));
    for (auto row = positions.run(); TRY(row.row());) TRY(writer->put_position(row.bytes(0), row.bytes(1)));
    auto all =
        TRY(source->prepare("SELECT number, at, level, event, host, application, interaction, attributes, "
                            "text FROM message ORDER BY "
                            "number"));
    for (auto row = all.run(); TRY(row.row());) {
        const int64_t level = row.integer(2);
        if (level >= 0 && level < static_cast<int64_t>(levels) && !stay.at(static_cast<size_t>(level)))
            continue;
        TRY(writer->put(row));
    }
    return writer->finish();
}

Result<void> sync_file(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() >= 0 && ::fsync(file.number()) == 0) return {};
    return std::unexpected(system_error(fmt::format("sync {}", path), errno));
}

}  // namespace

Result<SegmentSummary> write_sealed(const std::string& from, SegmentState state, const std::string& to,
                                    const LevelSet& stay)
{
    const std::string beside = to + ".new";
    Result<SegmentSummary> written = copy_segment(from, state, beside, stay);
    if (written) {
        Result<void> placed = sync_file(beside);
        if (placed && ::rename(beside.c_str(), to.c_str()) != 0)
            placed = std::unexpected(system_error(fmt::format("rename {}", beside), errno));
        if (!placed) written = std::unexpected(placed.error());
    }
    if (!written) {
        remove_segment(beside);
        return written;
    }
    TRY(sync_folder(to.substr(0, to.rfind('/'))));
    return written;
}

}  // namespace belay::framework::messages
