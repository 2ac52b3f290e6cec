#pragma once
// How far the work on an image has come, on a terminal; and the signals that end it between two pieces of it,
// so that nothing half-done stays.

#include "cli/backup/progress.h"
#include "cli/signals.h"
#include "upgrade/image/image_file.h"

namespace belay::cli {

class ImageProgress {
  public:
    /// `doing` as "packing". Nothing is shown where `is_shown` is not set.
    ImageProgress(Console& console, Style style, std::string doing, bool is_shown);
    ~ImageProgress();
    ImageProgress(const ImageProgress&) = delete;
    ImageProgress& operator=(const ImageProgress&) = delete;

    /// To be handed to what does the work. It lives as long as this.
    upgrade::image::Progress callback();
    /// The signal that ended it.
    std::optional<int> signal() const { return signal_; }

  private:
    Result<void> tell(Bytes done, Bytes total);

    Console& console_;
    Style style_;
    std::string doing_;
    CaughtSignals signals_;
    std::optional<Picture> picture_;
    std::optional<int> signal_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now(), shown_ = begun_;
};

}  // namespace belay::cli
