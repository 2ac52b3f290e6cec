#pragma once
// How far a long command has come: a picture on a terminal, lines of JSON, or nothing.

#include "cli/backup/context.h"
#include "cli/picture.h"

namespace belay::cli {

/// What is known of it at one moment.
struct Progress {
    std::string doing;  ///< "saving"
    std::string_view unit = "files";
    uint64_t files_done = 0, files_total = 0;
    uint64_t bytes_done = 0, bytes_total = 0;
    bool totals_are_known = true;
    uint64_t problems = 0;
    std::string current = {};  ///< the path that was seen last

    /// 0..1; nothing where it cannot be told.
    std::optional<double> fraction() const;
    /// Nothing where it cannot be told. `passed`: since it began.
    std::optional<Milliseconds> left(Milliseconds passed) const;
};

/// A line or two for a terminal of that width: how far, how fast; and what is being done.
std::vector<std::string> progress_lines(const Style& style, const Progress& progress, Milliseconds passed);
/// restic's message "status".
Json progress_json(const Progress& progress, Milliseconds passed);

/// Shows progress while it lives. Threads: one makes and ends it; `ask` is called by another.
class ProgressView {
  public:
    ProgressView(BackupContext& context, std::function<Progress()> ask);
    ~ProgressView();
    ProgressView(const ProgressView&) = delete;
    ProgressView& operator=(const ProgressView&) = delete;

    /// Whether anybody sees it: else nothing need be counted for it.
    static bool is_seen(const BackupContext& context);

    Milliseconds passed() const;

  private:
    void show();

    BackupContext& context_;
    std::function<Progress()> ask_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now(), shown_ = begun_;
    Milliseconds interval_;
    std::optional<Picture> picture_;
};

}  // namespace belay::cli
