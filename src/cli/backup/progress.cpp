#include "cli/backup/progress.h"

#include <algorithm>
#include <charconv>

namespace belay::cli {
namespace {

constexpr size_t widest_bar = 24;

/// How often --json says where it is, and how often a picture is redrawn: RESTIC_PROGRESS_FPS, or our own
/// measure.
Milliseconds interval_of(bool json)
{
    const std::string said = environment("RESTIC_PROGRESS_FPS");
    double per_second = 0;
    const char* begin = said.data();
    const auto [end, problem] = std::from_chars(begin, begin + said.size(), per_second);
    if (problem == std::errc() && end == begin + said.size() && per_second > 0)
        return Milliseconds(static_cast<int64_t>(std::clamp(1000 / per_second, 20.0, 3.6e6)));
    return json ? Milliseconds(1000) : Milliseconds(200);
}

std::string count_text(const Progress& progress)
{
    return progress.totals_are_known
               ? fmt::format("{} of {} {}", progress.files_done, progress.files_total, progress.unit)
               : fmt::format("{} {}", progress.files_done, progress.unit);
}

/// What is done, and where: "24 of 90 files, saving /home/ann".
std::string doing_text(const Progress& progress)
{
    std::string text;
    if (progress.files_done + progress.files_total > 0) text = count_text(progress) + ", ";
    text += progress.doing;
    if (!progress.current.empty()) text += " " + progress.current;
    return text;
}

}  // namespace

std::optional<double> Progress::fraction() const
{
    const bool by_bytes = bytes_total > 0;
    const uint64_t done = by_bytes ? bytes_done : files_done, total = by_bytes ? bytes_total : files_total;
    if (!totals_are_known || total == 0) return std::nullopt;
    return std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

std::optional<Milliseconds> Progress::left(Milliseconds passed) const
{
    const std::optional<double> done = fraction();
    // Of the first moments nothing can be told.
    if (!done || *done < 0.001 || passed < std::chrono::seconds(1)) return std::nullopt;
    return Milliseconds(static_cast<int64_t>(static_cast<double>(passed.count()) * (1 - *done) / *done));
}

std::vector<std::string> progress_lines(const Style& style, const Progress& progress, Milliseconds passed)
{
    const uint64_t speed =
        passed.count() > 0 ? progress.bytes_done * 1000 / static_cast<uint64_t>(passed.count()) : 0;
    std::vector<std::string> parts;
    const std::optional<double> done = progress.fraction();
    if (done) parts.push_back(fmt::format("{:.1f} %", *done * 100));
    if (const auto left = progress.left(passed); left && *left > Milliseconds(0))
        parts.push_back(to_text(std::chrono::ceil<std::chrono::seconds>(*left)) + " left");
    if (progress.bytes_done > 0) {
        parts.push_back(to_text(Bytes{speed}) + "/s");
        const std::string done_text = to_text(Bytes{progress.bytes_done});
        parts.push_back(progress.totals_are_known
                            ? fmt::format("{} of {}", done_text, to_text(Bytes{progress.bytes_total}))
                            : done_text);
    }
    if (progress.problems > 0) parts.push_back(fmt::format("{} problems", progress.problems));
    // A bar that stays empty would say that nothing is done; one that grew and shrank with the words would
    // say it wrongly.
    std::string row = "  ";
    if (done) row += bar(style, static_cast<int>(*done * 100), std::min(widest_bar, style.width / 6)) + "  ";
    std::string words;
    for (const std::string& part : parts) {
        const std::string more = (words.empty() ? "" : ", ") + part;
        if (columns_of(row) + columns_of(words) + columns_of(more) > style.width) break;
        words += more;
    }
    const std::string doing = clean(style, doing_text(progress));
    const std::string below = "  " + fit(style, doing, style.width - std::min<size_t>(style.width, 2));
    if (!done && words.empty()) return {below};
    return {row + words, below};
}

Json progress_json(const Progress& progress, Milliseconds passed)
{
    Json json = {{"message_type", "status"},
                 {"seconds_elapsed", passed.count() / 1000},
                 {"percent_done", progress.fraction().value_or(0)},
                 {"files_done", progress.files_done},
                 {"bytes_done", progress.bytes_done}};
    if (progress.totals_are_known) {
        json["total_files"] = progress.files_total;
        json["total_bytes"] = progress.bytes_total;
    }
    if (const auto left = progress.left(passed)) json["seconds_remaining"] = left->count() / 1000;
    if (progress.problems > 0) json["error_count"] = progress.problems;
    if (!progress.current.empty()) json["current_files"] = Json::array({progress.current});
    return json;
}

bool ProgressView::is_seen(const BackupContext& context)
{
    return !context.options().quiet && (context.options().json || context.console().is_live());
}

ProgressView::ProgressView(BackupContext& context, std::function<Progress()> ask)
    : context_(context), ask_(std::move(ask)), interval_(interval_of(context.options().json))
{
    if (!is_seen(context)) return;
    if (!context.options().json) picture_.emplace(context.console());
    const auto clear = [this] {
        if (picture_) picture_->draw({}, context_.console().size());
    };
    const auto leave = [this, clear] {
        clear();
        if (picture_) picture_->pause();
    };
    context.watch({[this] { show(); }, clear, leave});
}

ProgressView::~ProgressView()
{
    context_.watch({});
    if (picture_) picture_->draw({}, context_.console().size());
}

Milliseconds ProgressView::passed() const
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun_);
}

void ProgressView::show()
{
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < interval_) return;
    shown_ = now;
    const Progress progress = ask_();
    if (!picture_) return context_.json(progress_json(progress, passed()));
    Style style = context_.style();
    const Size size = context_.console().size();
    style.width = size.columns;
    picture_->draw(progress_lines(style, progress, passed()), size);
}

}  // namespace belay::cli
