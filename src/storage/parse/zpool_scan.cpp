#include "storage/parse/lines.h"
#include "storage/parse/zpool_status.h"

#include <algorithm>

namespace belay::storage::parse {
namespace {

/// What stands between two texts; empty where either is missing. An empty `to` means the end.
std::string_view between(std::string_view text, std::string_view from, std::string_view to)
{
    const size_t start = text.find(from);
    if (start == std::string_view::npos) return {};
    const std::string_view rest = text.substr(start + from.size());
    if (to.empty()) return trimmed(rest);
    const size_t end = rest.find(to);
    return end == std::string_view::npos ? std::string_view() : trimmed(rest.substr(0, end));
}

/// "11:16:03" and "1 days 11:16:03". "2h5m" is rounded, and nothing comes out.
std::optional<uint64_t> seconds_of(std::string_view text)
{
    uint64_t days = 0;
    if (const size_t at = text.find(" day"); at != std::string_view::npos) {
        const auto number = whole_number(text.substr(0, at));
        if (!number || *number > 1'000'000) return std::nullopt;
        days = *number;
        text = text.substr(std::min(text.find(' ', at + 1), text.size()));
    }
    text = trimmed(text);
    uint64_t seconds = 0;
    for (int part = 0; part < 3; ++part) {
        const size_t colon = part == 2 ? text.size() : text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        const auto number = whole_number(text.substr(0, colon));
        if (!number || *number > 1'000'000) return std::nullopt;
        seconds = seconds * 60 + *number;
        text.remove_prefix(std::min(colon + 1, text.size()));
    }
    return days * 86400 + seconds;
}

/// "1.23T / 2T scanned at 100M/s", "9.2G scanned out of 1.3T at 1M/s", "500G issued at 50M/s", "2T total",
/// "0B repaired", "24.4% done", "01:23:45 to go"
void read_amount(ZpoolScan& scan, std::string_view piece)
{
    const std::vector<std::string_view> words = words_of(piece);
    if (piece.ends_with("% done")) scan.percent = decimal(words.front().substr(0, words.front().size() - 1));
    if (piece.ends_with(" to go")) scan.left = piece.substr(0, piece.size() - 6);
    for (size_t i = 1; i < words.size(); ++i) {
        const bool of_total = i >= 3 && words[i - 2] == "/";
        const ZpoolNumber amount = zpool_number(of_total ? words[i - 3] : words[i - 1]);
        if (words[i] == "scanned") scan.scanned = amount;
        if (words[i] == "issued") scan.issued = amount;
        if (words[i] == "repaired" || words[i] == "resilvered") scan.processed = amount;
        if (words[i] == "total") scan.total = amount;
        const bool said = words[i] == "scanned" || words[i] == "issued";
        if (said && of_total) scan.total = zpool_number(words[i - 1]);
        if (said && i + 3 < words.size() && words[i + 1] == "out") scan.total = zpool_number(words[i + 3]);
    }
}

void read_amounts(ZpoolScan& scan, std::string_view text)
{
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::string_view piece = trimmed(text.substr(0, comma));
        if (!piece.empty()) read_amount(scan, piece);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
}

/// "scrub repaired 0B in 11:16:03 with 0 errors on Sun ...", "resilvered (mirror-0) 1.2M in 00:00:05 with
/// ...", "scrub completed after 0h0m with 0 errors on Tue ..."
void read_finished(ZpoolScan& scan, std::string_view line)
{
    scan.state = line.find(" stopped after ") == std::string_view::npos ? "finished" : "canceled";
    scan.duration = between(line, " in ", " with ");
    if (scan.duration.empty()) scan.duration = between(line, " after ", " with ");
    const size_t in = line.find(" in ");
    if (in != std::string_view::npos) {
        const std::vector<std::string_view> words = words_of(line.substr(0, in));
        if (words.size() > 1) scan.processed = zpool_number(words.back());
    }
    scan.errors = whole_number(between(line, " with ", " errors"));
    scan.ended = between(line, " errors on ", "");
}

void read_function(ZpoolScan& scan, std::string_view line)
{
    const std::string_view first = take_word(line);
    if (first == "scrub")
        scan.function = "scrub";
    else if (first == "resilver" || first == "resilvered")
        scan.function = "resilver";
    else if (first == "error")
        scan.function = "error scrub";
    const std::string_view second = take_word(line);
    if (second.size() > 2 && second.starts_with('(') && second.ends_with(')'))
        scan.vdev = second.substr(1, second.size() - 2);
}

}  // namespace

ZpoolNumber zpool_number(std::string_view text)
{
    ZpoolNumber number{.text = std::string(text), .exact = whole_number(text)};
    if (!number.exact && text.ends_with('B')) number.exact = whole_number(text.substr(0, text.size() - 1));
    return number;
}

ZpoolScan parse_zpool_scan(const std::vector<std::string>& lines)
{
    ZpoolScan scan;
    for (const std::string& line : lines) scan.text += (scan.text.empty() ? "" : " ") + line;
    const std::string_view first = lines.empty() ? std::string_view() : std::string_view(lines.front());
    if (first == "none requested") {
        scan.state = "none";
        return scan;
    }
    read_function(scan, first);
    if (first.find(" in progress") != std::string_view::npos) {
        scan.state = "in progress";
        scan.since = between(first, " since ", "");
        scan.duration = between(first, " in progress for ", ",");
        if (!scan.duration.empty()) read_amounts(scan, first);
    } else if (first.find(" paused since ") != std::string_view::npos) {
        scan.state = "paused";
    } else if (first.find(" canceled on ") != std::string_view::npos) {
        scan.state = "canceled";
        scan.ended = between(first, " canceled on ", "");
    } else if (first.find(" with ") != std::string_view::npos) {
        read_finished(scan, first);
    }
    for (size_t i = 1; i < lines.size(); ++i) {
        if (lines[i].starts_with("scrub started on ") || lines[i].starts_with("error scrub started on "))
            scan.since = between(lines[i], " started on ", "");
        else
            read_amounts(scan, lines[i]);
    }
    scan.duration_s = seconds_of(scan.duration);
    scan.left_s = seconds_of(scan.left);
    return scan;
}

}  // namespace belay::storage::parse
