#include "storage/parse/zpool_status.h"

#include "storage/parse/lines.h"

#include <algorithm>
#include <array>

namespace belay::storage::parse {
namespace {

constexpr std::string_view zpool_command = "zpool status";
constexpr size_t deepest_vdev = 16;

bool is_state(std::string_view word)
{
    static constexpr std::array<std::string_view, 9> states{
        "ONLINE", "DEGRADED", "FAULTED", "OFFLINE", "UNAVAIL", "REMOVED", "AVAIL", "INUSE", "SUSPENDED"};
    return std::ranges::find(states, word) != states.end();
}

bool is_count(std::string_view word)
{
    if (word == "-") return true;
    if (!word.empty() && std::string_view("KMGTPEB").find(word.back()) != std::string_view::npos)
        word.remove_suffix(1);
    return decimal(word).has_value();
}

/// A line of the table as it stands; `under` is the indent of its name.
struct Row {
    ZpoolVdev vdev;
    size_t indent = 0;
};

/// "mirror-0  ONLINE  0  0  0  (resilvering)". Nothing where no state is in it. A name may hold blanks.
/// Errors: corrupt, where the counts are missing.
Result<std::optional<Row>> row_of(const Line& line, const std::vector<std::string>& columns)
{
    std::string_view rest = line.text;
    std::string_view state = take_word(rest);
    size_t name_end = line.text.size() - rest.size();
    for (state = take_word(rest); !state.empty() && !is_state(state); state = take_word(rest))
        name_end = line.text.size() - rest.size();
    if (state.empty()) return std::optional<Row>();
    Row row;
    row.indent = indent_of(line.text);
    row.vdev.name = trimmed(line.text.substr(0, name_end));
    row.vdev.state = state;
    const bool spare = state == "AVAIL" || state == "INUSE";
    for (const std::string& column : columns) {
        std::string_view after = rest;
        const std::string_view word = take_word(after);
        if (spare && !is_count(word)) break;
        if (!is_count(word))
            return foreign(zpool_command, line.number,
                           fmt::format("the counts of {} are missing", row.vdev.name));
        const ZpoolNumber number = zpool_number(word);
        if (column == "READ") row.vdev.read = number;
        if (column == "WRITE") row.vdev.write = number;
        if (column == "CKSUM") row.vdev.cksum = number;
        if (column == "SLOW") row.vdev.slow = number;
        rest = after;
    }
    row.vdev.note = trimmed(rest);
    return row;
}

/// The rows from `next` on that stand further right than `indent`, each with what stands under it.
Result<std::vector<ZpoolVdev>> children_of(const std::vector<Row>& rows, size_t& next, size_t indent,
                                           size_t depth)
{
    if (depth > deepest_vdev)
        return foreign(zpool_command, 0, fmt::format("vdevs are nested more than {} deep", deepest_vdev));
    std::vector<ZpoolVdev> children;
    while (next < rows.size() && rows[next].indent > indent) {
        ZpoolVdev vdev = rows[next].vdev;
        const size_t own = rows[next++].indent;
        vdev.children = TRY(children_of(rows, next, own, depth + 1));
        vdev.type = zpool_vdev_type(vdev.name, vdev.children.empty());
        children.push_back(std::move(vdev));
    }
    return children;
}

/// One pool, line by line.
class PoolReader {
  public:
    explicit PoolReader(std::string_view name) { pool_.name = name; }
    Result<void> read(const Line& line);
    Result<ZpoolPool> finish();

  private:
    bool begin_paragraph(const Line& line);
    void end_paragraph();
    Result<void> read_table(const Line& line);

    ZpoolPool pool_;
    std::string key_;                                  ///< the paragraph that is read: "scan"
    std::vector<std::string> paragraph_;               ///< its lines
    std::optional<std::vector<std::string>> columns_;  ///< of the table, behind STATE
    std::string group_;                                ///< "logs"; empty: the root's
    std::map<std::string, std::vector<Row>> rows_;     ///< by group
    size_t base_ = 0;                                  ///< the indent of the root
    bool has_errors_ = false;
};

std::string joined(const std::vector<std::string>& lines)
{
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : " ") + line;
    return text;
}

/// Takes the first line of a paragraph: " scan: none requested". Whether it was one.
bool PoolReader::begin_paragraph(const Line& line)
{
    const std::string_view text = trimmed(line.text);
    const size_t colon = text.find(':');
    const std::string_view key = text.substr(0, colon);
    if (colon == std::string_view::npos || indent_of(line.text) >= 8 || key.empty()) return false;
    if (key.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string_view::npos) return false;
    // What stands in a list of errors may look like anything; only a table of duplicates comes after it.
    if (key_ == "errors" && key != "dedup") return false;
    end_paragraph();
    key_ = key;
    const std::string_view first = trimmed(text.substr(colon + 1));
    if (!first.empty()) paragraph_.emplace_back(first);
    has_errors_ |= key == "errors";
    return true;
}

void PoolReader::end_paragraph()
{
    const std::string text = joined(paragraph_);
    if (key_ == "state")
        pool_.state = text;
    else if (key_ == "id")
        pool_.id = text;
    else if (key_ == "status")
        pool_.status = text;
    else if (key_ == "action")
        pool_.action = text;
    else if (key_ == "see")
        pool_.see = text;
    else if (key_ == "comment")
        pool_.comment = text;
    else if (key_ == "scan" || key_ == "scrub")
        pool_.scans.push_back(parse_zpool_scan(paragraph_));
    else if (key_ == "errors" && !paragraph_.empty()) {
        pool_.errors = paragraph_.front();
        if (pool_.errors.starts_with("Permanent errors"))
            pool_.error_list.assign(paragraph_.begin() + 1, paragraph_.end());
    } else if (!key_.empty() && key_ != "config" && !text.empty())
        pool_.other.emplace(key_, text);
    key_.clear();
    paragraph_.clear();
}

Result<void> PoolReader::read_table(const Line& line)
{
    const std::vector<std::string_view> words = words_of(line.text);
    if (!columns_) {
        if (words.size() < 2 || words[0] != "NAME" || words[1] != "STATE") return {};
        columns_.emplace();
        for (const std::string_view word : words) {
            if (word == "READ" || word == "WRITE" || word == "CKSUM" || word == "SLOW")
                columns_->emplace_back(word);
        }
        return {};
    }
    const size_t indent = indent_of(line.text);
    std::optional<Row> row = TRY(row_of(line, *columns_));
    if (rows_.empty()) {
        if (!row) return foreign(zpool_command, line.number, "the table does not begin with the pool");
        base_ = indent;
    } else if (indent <= base_) {
        static constexpr std::array<std::string_view, 5> groups{"logs", "cache", "spares", "special",
                                                                "dedup"};
        if (row && std::ranges::find(groups, words.front()) == groups.end())
            return foreign(zpool_command, line.number,
                           "a vdev stands beside its pool: the table lost its indentation");
        group_ = words.front();
        rows_[group_];
        return {};
    }
    if (row) rows_[group_].push_back(std::move(*row));
    return {};
}

Result<void> PoolReader::read(const Line& line)
{
    if (line.text.empty() || begin_paragraph(line)) return {};
    if (key_ == "config" && paragraph_.empty()) return read_table(line);
    paragraph_.emplace_back(trimmed(line.text));
    return {};
}

void count_errors(ZpoolPool& pool)
{
    std::string_view rest = pool.errors;
    if (pool.errors == "No known data errors") pool.data_errors = 0;
    if (const auto number = whole_number(take_word(rest)); number && rest.starts_with(" data error"))
        pool.data_errors = number;
    if (pool.errors.starts_with("Permanent errors")) pool.data_errors = pool.error_list.size();
}

Result<ZpoolPool> PoolReader::finish()
{
    const bool undetermined = key_ == "config" && !paragraph_.empty();
    end_paragraph();
    if (pool_.state.empty())
        return cut(zpool_command, fmt::format("the state of the pool {} is missing", pool_.name));
    if (rows_.empty() && !undetermined)
        return cut(zpool_command, fmt::format("the table of the pool {} is missing", pool_.name));
    // A pool that could not be opened has no list of errors.
    const bool opened = pool_.state != "UNAVAIL" && pool_.state != "FAULTED";
    if (!has_errors_ && opened && !undetermined)
        return cut(zpool_command, fmt::format("what the pool {} says of errors is missing", pool_.name));
    for (const auto& [group, rows] : rows_) {
        size_t next = 0;
        if (!group.empty()) {
            pool_.groups[group] = TRY(children_of(rows, next, base_, 0));
            continue;
        }
        pool_.config = rows.front().vdev;
        pool_.config->type = "root";
        pool_.config->children = TRY(children_of(rows, ++next, base_, 0));
    }
    count_errors(pool_);
    return std::move(pool_);
}

}  // namespace

std::string zpool_vdev_type(std::string_view name, bool leaf)
{
    const size_t end = std::min(name.find('-'), name.size());
    const std::string_view number = name.substr(std::min(end + 1, name.size()));
    const std::string_view kind = name.substr(0, std::min(name.find(':'), end));
    const bool numbered = number.empty() || whole_number(number);
    if (leaf) {
        const bool distributed = kind.starts_with("draid") && number.find('-') != std::string_view::npos;
        return distributed ? "distributed spare" : kind == "indirect" && numbered ? "indirect" : "leaf";
    }
    static constexpr std::array<std::string_view, 8> kinds{"mirror", "replacing", "spare",  "raidz",
                                                           "raidz1", "raidz2",    "raidz3", "indirect"};
    if (numbered && std::ranges::find(kinds, kind) != kinds.end()) return std::string(kind);
    return kind.starts_with("draid") ? std::string(kind) : "unknown";
}

Result<ZpoolStatus> parse_zpool_status(std::string_view text)
{
    const std::vector<Line> lines = TRY(lines_of(text, zpool_command));
    ZpoolStatus status;
    std::optional<PoolReader> reader;
    for (const Line& line : lines) {
        const std::string_view said = trimmed(line.text);
        if (said.starts_with("pool: ") && indent_of(line.text) < 8) {
            if (reader) status.pools.push_back(TRY(reader->finish()));
            reader.emplace(trimmed(said.substr(6)));
        } else if (reader) {
            TRY(reader->read(line));
        } else if (said.starts_with("no pools available") || said == "all pools are healthy" ||
                   (said.starts_with("pool '") && said.ends_with("is healthy"))) {
            status.message = said;
        }
    }
    if (reader) status.pools.push_back(TRY(reader->finish()));
    if (status.pools.empty() && status.message.empty())
        return foreign(zpool_command, 1, "it names no pool (\"  pool: ...\")");
    // The end of what a pool says; behind it another one may have begun.
    const bool proven = trimmed(lines.back().text) == "errors: No known data errors";
    if (!text.ends_with('\n') && !proven && status.message.empty())
        return cut(zpool_command, "its last line has no end");
    return status;
}

}  // namespace belay::storage::parse
