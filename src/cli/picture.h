#pragma once
// Lines that are redrawn in place on a terminal.

#include "cli/console.h"

namespace belay::cli {

/// The cursor is hidden while it lives, and rests on the line below the picture. Threads: one at a time.
class Picture {
  public:
    explicit Picture(Console& console);
    ~Picture();
    Picture(const Picture&) = delete;
    Picture& operator=(const Picture&) = delete;

    /// Replaces the lines that stand there. None may be wider than `size` or more than its rows less one.
    void draw(const std::vector<std::string>& lines, Size size);

    /// Leaves the lines where they are and gives the cursor back, before the process is stopped; and after.
    void pause();
    void resume();

  private:
    Console& console_;
    std::vector<size_t> drawn_;  ///< the columns of each line that stands there
};

}  // namespace belay::cli
