#include "cli/image_progress.h"

namespace belay::cli {
namespace {

constexpr Milliseconds between_pictures{200};

}  // namespace

ImageProgress::ImageProgress(Console& console, Style style, std::string doing, bool is_shown)
    : console_(console), style_(style), doing_(std::move(doing)), signals_({SIGINT, SIGTERM, SIGHUP})
{
    if (is_shown && console.is_live()) picture_.emplace(console);
}

ImageProgress::~ImageProgress()
{
    if (picture_) picture_->draw({}, console_.size());
}

upgrade::image::Progress ImageProgress::callback()
{
    return [this](Bytes done, Bytes total) { return tell(done, total); };
}

Result<void> ImageProgress::tell(Bytes done, Bytes total)
{
    if (!signal_) signal_ = signals_.take();
    if (signal_) return fail(ErrorKind::failed, "it was interrupted; nothing of it is left");
    const auto now = std::chrono::steady_clock::now();
    if (!picture_ || now - shown_ < between_pictures) return {};
    shown_ = now;
    const Progress progress{.doing = doing_, .bytes_done = done.count, .bytes_total = total.count};
    const Size size = console_.size();
    style_.width = size.columns;
    picture_->draw(progress_lines(style_, progress, std::chrono::duration_cast<Milliseconds>(now - begun_)),
                   size);
    return {};
}

}  // namespace belay::cli
