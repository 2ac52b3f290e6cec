#include "framework/messages/store/segment_search.h"

#include <algorithm>

namespace belay::framework::messages {
namespace {

using store::SqliteConnection;

/// More of one event, host or application are not counted: an index does not help much then.
constexpr int64_t counted = 20'000;
/// Levels of which there are fewer than one in so many are looked for by the index.
constexpr uint64_t rare_level = 32;
constexpr const char* columns =
    "SELECT number, at, level, event, host, application, interaction, attributes, text FROM message WHERE ";
/// What SQLite has to sort first is small.
constexpr const char* number_column = "SELECT number FROM message WHERE ";
/// Where most texts are not the one that is looked for, the rest of the row is not worth reading.
constexpr const char* text_column = "SELECT number, text FROM message WHERE ";

/// Numbers, both included.
struct Range {
    int64_t low = 0, high = 0;
    bool is_empty() const { return low > high; }
};

/// As a query's limit of bytes counts them.
size_t bytes_of(const Message& message)
{
    size_t bytes = message.text.size();
    for (const auto& [name, value] : message.attributes) bytes += name.size() + value.size();
    return bytes;
}

class SegmentSearch {
  public:
    SegmentSearch(const SqliteConnection& connection, SegmentState state, const SegmentSummary& summary,
                  const Query& query, const TextFinder& text, Room& room, std::vector<StoredMessage>& found)
        : connection_(connection),
          state_(state),
          summary_(summary),
          query_(query),
          text_(text),
          room_(room),
          found_(found)
    {
    }
    Result<bool> run();

  private:
    Result<void> find_range();
    Result<bool> find_names();
    Result<std::optional<int64_t>> name_number(const std::string& name);
    Result<bool> choose_index();
    std::string events() const;
    /// By the index of events several of them come one after the other, and not in the order of numbers.
    bool has_to_sort() const { return index_ == "event" && query_.ids.size() > 1; }
    std::string condition(std::string_view column, std::string_view comparison) const;
    std::string statement(std::optional<size_t> only_level) const;
    Result<bool> take_groups(const std::vector<uint32_t>& groups);
    Result<bool> take_levels();
    Result<bool> take(const Range& range, std::optional<size_t> only_level);
    Result<bool> take(store::SqliteStatement& prepared, const Range& range);
    Result<bool> keep(const store::SqliteStatement::Run& row);
    Result<bool> keep_number(int64_t number);
    Result<std::string> name(int64_t number);

    const SqliteConnection& connection_;
    const SegmentState state_;
    const SegmentSummary& summary_;
    const Query& query_;
    const TextFinder& text_;
    Room& room_;
    std::vector<StoredMessage>& found_;

    Range range_;
    std::optional<int64_t> host_ = {}, application_ = {};
    std::string index_ = {};    ///< the column by whose index is looked for
    int64_t fewest_ = counted;  ///< how many messages that leaves
    std::map<int64_t, std::string> names_ = {};
    std::optional<uint64_t> no_room_for_ = {};  ///< the number of a message for whose bytes there was none
};

Result<bool> SegmentSearch::run()
{
    TRY(find_range());
    if (range_.is_empty() || !TRY(find_names()) || !TRY(choose_index())) return true;
    if (fewest_ < counted || state_ != SegmentState::sealed) return take(range_, std::nullopt);
    if (!query_.text.empty()) {
        const auto count = static_cast<uint32_t>((summary_.next - summary_.first) / group_messages + 1);
        const auto groups = TRY(groups_with(connection_, query_.text, count));
        if (groups) return take_groups(*groups);
    }
    if (query_.level) {
        uint64_t matching = 0;
        for (size_t level = 0; level <= static_cast<size_t>(*query_.level); ++level)
            matching += summary_.by_level.at(level).messages;
        if (matching == 0) return true;
        if (matching < summary_.messages() / rare_level) return take_levels();
    }
    return take(range_, std::nullopt);
}

Result<void> SegmentSearch::find_range()
{
    range_ = {.low = static_cast<int64_t>(summary_.first), .high = static_cast<int64_t>(summary_.next) - 1};
    if (query_.after)
        range_.low =
            std::max(range_.low, static_cast<int64_t>(std::min<uint64_t>(*query_.after, INT64_MAX - 1)) + 1);
    if (!query_.since && !query_.until) return {};
    auto spans = TRY(connection_.prepare(
        "SELECT min(span), max(span), count(*) FROM span WHERE newest >= ? AND oldest < ?"));
    auto row = spans.run(query_.since ? int64_t{query_.since->count()} : INT64_MIN,
                         query_.until ? int64_t{query_.until->count()} : INT64_MAX);
    if (!TRY(row.row()) || row.integer(2) == 0) {
        range_.high = range_.low - 1;
        return {};
    }
    const auto span = static_cast<int64_t>(span_messages);
    if (row.integer(0) < 0 || row.integer(1) > static_cast<int64_t>(summary_.next) / span)
        return fail(ErrorKind::corrupt, "a segment of messages has spans that cannot be", segment_advice);
    range_.low = std::max(range_.low, row.integer(0) * span);
    range_.high = std::min(range_.high, (row.integer(1) + 1) * span - 1);
    return {};
}

/// False: nothing is of that host or that application.
Result<bool> SegmentSearch::find_names()
{
    if (!query_.host.empty()) {
        host_ = TRY(name_number(query_.host));
        if (!host_) return false;
    }
    if (!query_.application.empty()) {
        application_ = TRY(name_number(query_.application));
        if (!application_) return false;
    }
    return true;
}

Result<std::optional<int64_t>> SegmentSearch::name_number(const std::string& name)
{
    auto find = TRY(connection_.prepare("SELECT number FROM name WHERE name = CAST(? AS TEXT)"));
    auto row = find.run(std::string_view(name));
    if (!TRY(row.row())) return std::nullopt;
    return row.integer(0);
}

/// The index that leaves the fewest to be looked at. False: there is nothing to be found.
Result<bool> SegmentSearch::choose_index()
{
    // The interaction has the number 3, as in statement(), and may be of no use here.
    const auto offer = [&](const std::string& column, const std::string& comparison) -> Result<bool> {
        auto count = TRY(connection_.prepare(
            fmt::format(
                "SELECT count(*) FROM (SELECT 1 FROM message WHERE {} {} AND number BETWEEN ?1 AND ?2 "
                "AND (?3 IS NOT NULL) LIMIT {})",
                column, comparison, counted)
                .c_str()));
        auto row = count.run(range_.low, range_.high, std::string_view(query_.interaction));
        if (!TRY(row.row()) || row.integer(0) == 0) return false;
        if (row.integer(0) < fewest_ || index_.empty()) {
            fewest_ = row.integer(0);
            index_ = column;
        }
        return true;
    };
    if (!query_.interaction.empty() && !TRY(offer("interaction", "= CAST(?3 AS TEXT) AND interaction <> ''")))
        return false;
    if (!query_.ids.empty() && !TRY(offer("event", events()))) return false;
    if (application_ && !TRY(offer("application", fmt::format("= {}", *application_)))) return false;
    const bool has_host_index = state_ == SegmentState::sealed;
    return !host_ || !has_host_index || TRY(offer("host", fmt::format("= {}", *host_)));
}

std::string SegmentSearch::events() const
{
    std::vector<int64_t> numbers;
    numbers.reserve(query_.ids.size());
    for (const EventId id : query_.ids) numbers.push_back(event_number(id));
    return numbers.size() == 1 ? fmt::format("= {}", numbers.front())
                               : fmt::format("IN ({})", fmt::join(numbers, ","));
}

/// With a plus before the column SQLite takes no index of it.
std::string SegmentSearch::condition(std::string_view column, std::string_view comparison) const
{
    return fmt::format(" AND {}{} {}", column == index_ ? "" : "+", column, comparison);
}

std::string SegmentSearch::statement(std::optional<size_t> only_level) const
{
    std::string sql = !query_.text.empty() ? text_column : has_to_sort() ? number_column : columns;
    sql += "number BETWEEN ?1 AND ?2";
    if (query_.since) sql += fmt::format(" AND at >= {}", query_.since->count());
    if (query_.until) sql += fmt::format(" AND at < {}", query_.until->count());
    if (!query_.ids.empty()) sql += condition("event", events());
    if (host_) sql += condition("host", fmt::format("= {}", *host_));
    if (application_) sql += condition("application", fmt::format("= {}", *application_));
    if (!query_.interaction.empty()) sql += condition("interaction", "= CAST(?3 AS TEXT)");
    // By this SQLite knows that it may take that index.
    if (index_ == "interaction") sql += " AND interaction <> ''";
    if (only_level) {
        sql += fmt::format(" AND level = {}", *only_level);
    } else if (query_.level) {
        sql += fmt::format(" AND +level <= {}", static_cast<size_t>(*query_.level));
    }
    return sql + (query_.newest ? " ORDER BY number DESC" : " ORDER BY number");
}

/// Descending as they come.
Result<bool> SegmentSearch::take_groups(const std::vector<uint32_t>& groups)
{
    index_.clear();
    auto prepared = TRY(connection_.prepare(statement(std::nullopt).c_str()));
    for (size_t i = 0; i < groups.size(); ++i) {
        const uint32_t group = query_.newest ? groups[i] : groups[groups.size() - 1 - i];
        const auto begin = static_cast<int64_t>(summary_.first + group * group_messages);
        const Range part{.low = std::max(range_.low, begin),
                         .high = std::min(range_.high, begin + static_cast<int64_t>(group_messages) - 1)};
        if (!part.is_empty() && !TRY(take(prepared, part))) return false;
    }
    return true;
}

/// Each level by itself, and then the first of all.
Result<bool> SegmentSearch::take_levels()
{
    index_.clear();
    const Room before = room_;
    std::vector<StoredMessage> all;
    std::swap(all, found_);
    std::vector<StoredMessage> of_levels;
    bool is_all = true;
    // Where a level had no room for its next message, the others must not go beyond.
    const auto goes_before = [&](uint64_t a, uint64_t b) { return query_.newest ? a > b : a < b; };
    std::optional<uint64_t> end;
    for (size_t level = 0; level <= static_cast<size_t>(*query_.level); ++level) {
        room_ = before;
        no_room_for_.reset();
        const Result<bool> done = take(range_, level);
        if (no_room_for_ && (!end || goes_before(*no_room_for_, *end))) end = no_room_for_;
        std::ranges::move(found_, std::back_inserter(of_levels));
        found_.clear();
        if (!done) {
            std::swap(all, found_);
            return done;
        }
        is_all = is_all && *done;
    }
    std::swap(all, found_);
    room_ = before;
    std::ranges::sort(of_levels, goes_before, &StoredMessage::number);
    for (StoredMessage& stored : of_levels) {
        const size_t bytes = bytes_of(stored.message);
        if (room_.messages == 0 || bytes > room_.bytes || (end && !goes_before(stored.number, *end)))
            return false;
        --room_.messages;
        room_.bytes -= bytes;
        found_.push_back(std::move(stored));
    }
    return is_all;
}

Result<bool> SegmentSearch::take(const Range& range, std::optional<size_t> only_level)
{
    auto prepared = TRY(connection_.prepare(statement(only_level).c_str()));
    return take(prepared, range);
}

Result<bool> SegmentSearch::take(store::SqliteStatement& prepared, const Range& range)
{
    // Where nothing has the number 3, SQLite would refuse it.
    auto run = query_.interaction.empty()
                   ? prepared.run(range.low, range.high)
                   : prepared.run(range.low, range.high, std::string_view(query_.interaction));
    while (TRY(run.row())) {
        if (query_.text.empty()) {
            if (!TRY(has_to_sort() ? keep_number(run.integer(0)) : keep(run))) return false;
        } else if (text_.is_in(run.bytes(1))) {
            if (!TRY(keep_number(run.integer(0)))) return false;
        }
        if (room_.messages == 0) return false;
    }
    return true;
}

Result<bool> SegmentSearch::keep_number(int64_t number)
{
    auto find = TRY(connection_.prepare(fmt::format("{}number = ?", columns).c_str()));
    auto row = find.run(number);
    if (!TRY(row.row())) return fail(ErrorKind::corrupt, "a message is not where it was", segment_advice);
    return keep(row);
}

/// False: there is no room for it.
Result<bool> SegmentSearch::keep(const store::SqliteStatement::Run& row)
{
    if (room_.messages == 0) return false;
    const int64_t level = row.integer(2);
    if (level < 0 || level >= static_cast<int64_t>(levels))
        return fail(ErrorKind::corrupt, "a message has a level that cannot be", segment_advice);
    StoredMessage stored{.number = static_cast<uint64_t>(row.integer(0)),
                         .message = {.level = static_cast<Level>(level), .at = Milliseconds(row.integer(1))}};
    stored.message.id = TRY(event_of(row.integer(3)));
    stored.message.host = TRY(name(row.integer(4)));
    stored.message.application = TRY(name(row.integer(5)));
    stored.message.interaction = row.bytes(6);
    stored.message.text = row.bytes(8);
    if (!row.bytes(7).empty())
        stored.message.attributes = TRY((from_json_text<std::map<std::string, std::string>>(row.bytes(7))));
    const size_t bytes = bytes_of(stored.message);
    if (bytes > room_.bytes) {
        no_room_for_ = stored.number;
        return false;
    }
    found_.push_back(std::move(stored));
    --room_.messages;
    room_.bytes -= bytes;
    return true;
}

Result<std::string> SegmentSearch::name(int64_t number)
{
    if (number == 0) return std::string();
    if (const auto known = names_.find(number); known != names_.end()) return known->second;
    auto find = TRY(connection_.prepare("SELECT name FROM name WHERE number = ?"));
    auto row = find.run(number);
    if (!TRY(row.row()))
        return fail(ErrorKind::corrupt, "a message is of a host or an application without a name",
                    segment_advice);
    return names_.emplace(number, std::string(row.bytes(0))).first->second;
}

}  // namespace

Result<bool> search_segment(const SqliteConnection& connection, SegmentState state,
                            const SegmentSummary& summary, const Query& query, const TextFinder& text,
                            Room& room, std::vector<StoredMessage>& found)
{
    return SegmentSearch(connection, state, summary, query, text, room, found).run();
}

}  // namespace belay::framework::messages
