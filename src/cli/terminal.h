#pragma once
// For tests: a command on a real terminal (a pty), and what a person sees on it, read by a small terminal
// emulator.

#include "base/units.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <functional>
#include <map>
#include <poll.h>
#include <pty.h>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace belay::cli::screens {

constexpr Milliseconds patience = std::chrono::seconds(20);

/// A screen that keeps what was written to it as a person would see it. It breaks lines that are too long,
/// and breaks them anew when its width changes, as most terminals do.
class Screen {
  public:
    explicit Screen(size_t width) : width_(width) {}

    void write(std::string_view bytes)
    {
        pending_ += bytes;
        while (!pending_.empty() && take_one()) {
        }
    }

    void resize(size_t width) { width_ = width; }

    /// The rows, without spaces at their end and without empty rows at the end.
    std::string text() const
    {
        std::string all;
        for (const std::u32string& line : lines_) {
            for (size_t at = 0; at == 0 || at < line.size(); at += width_)
                all += row_text(line.substr(at, width_)) + '\n';
        }
        while (all.ends_with("\n\n")) all.pop_back();
        return all;
    }
    bool cursor_shown() const { return cursor_shown_; }
    bool had_colour() const { return had_colour_; }
    /// Rows that were too long for the screen.
    bool had_broken_rows() const { return had_broken_rows_; }

  private:
    static std::string row_text(std::u32string_view row)
    {
        std::string text;
        for (const char32_t c : row) {
            if (c < 0x80) {
                text += static_cast<char>(c);
            } else if (c < 0x800) {
                text += static_cast<char>(0xc0 | c >> 6);
                text += static_cast<char>(0x80 | (c & 0x3f));
            } else {
                text += static_cast<char>(0xe0 | c >> 12);
                text += static_cast<char>(0x80 | (c >> 6 & 0x3f));
                text += static_cast<char>(0x80 | (c & 0x3f));
            }
        }
        while (text.ends_with(' ')) text.pop_back();
        return text;
    }

    /// One character or sequence; false while it is not complete.
    bool take_one()
    {
        const auto lead = static_cast<unsigned char>(pending_.front());
        if (lead == 0x1b) return take_sequence();
        const size_t length = lead < 0x80 ? 1 : lead >= 0xe0 ? 3 : 2;
        if (pending_.size() < length) return false;
        char32_t c = lead;
        if (length == 2) c = (lead & 0x1f) << 6 | (pending_[1] & 0x3f);
        if (length == 3) c = (lead & 0x0f) << 12 | (pending_[1] & 0x3f) << 6 | (pending_[2] & 0x3f);
        pending_.erase(0, length);
        if (c == '\r') {
            column_ = column_ / width_ * width_;
        } else if (c == '\n') {
            if (++line_ == lines_.size()) lines_.emplace_back();
            column_ = 0;
        } else if (c >= ' ') {
            std::u32string& line = lines_[line_];
            line.resize(std::max(line.size(), column_ + 1), U' ');
            line[column_++] = c;
            if (column_ > width_) had_broken_rows_ = true;
        }
        return true;
    }

    bool take_sequence()
    {
        const size_t end = pending_.find_first_of("ABCDHJKhlm", 2);
        if (end == std::string::npos) return false;
        const std::string arguments = pending_.substr(2, end - 2);
        const char order = pending_[end];
        pending_.erase(0, end + 1);
        if (order == 'A') up(std::max(1, std::atoi(arguments.c_str())));
        if (order == 'K') lines_[line_].resize(std::min(lines_[line_].size(), column_));
        if (order == 'J')
            lines_.resize(line_ + 1), lines_[line_].resize(std::min(lines_[line_].size(), column_));
        if (order == 'm') had_colour_ = true;
        if (arguments == "?25") cursor_shown_ = order == 'h';
        return true;
    }

    /// Up by rows; a line that is too long has several.
    void up(int rows)
    {
        size_t row = column_ / width_;
        for (; rows > 0; --rows) {
            if (row > 0) {
                --row;
            } else if (line_ > 0) {
                --line_;
                row = lines_[line_].empty() ? 0 : (lines_[line_].size() - 1) / width_;
            }
        }
        column_ = row * width_;
    }

    size_t width_;
    std::vector<std::u32string> lines_{1};
    size_t line_ = 0;
    size_t column_ = 0;
    std::string pending_;
    bool cursor_shown_ = true;
    bool had_colour_ = false;
    bool had_broken_rows_ = false;
};

/// A child process with a terminal of its own.
class ChildOnTerminal {
  public:
    /// `act` is what the child does, with nothing in its environment but TERM, LANG and these variables.
    ChildOnTerminal(unsigned short columns, const std::map<std::string, std::string>& environment,
                    const std::function<int()>& act)
        : screen_(columns)
    {
        winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        child_ = forkpty(&master_, nullptr, nullptr, &size);
        REQUIRE(child_ >= 0);
        if (child_ != 0) return;
        // One thread, freshly forked: nobody else reads the environment.
        clearenv();                    // NOLINT(concurrency-mt-unsafe)
        setenv("TERM", "xterm", 1);    // NOLINT(concurrency-mt-unsafe)
        setenv("LANG", "C.UTF-8", 1);  // NOLINT(concurrency-mt-unsafe)
        for (const auto& [name, value] : environment)
            setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
        _exit(act());
    }
    ~ChildOnTerminal()
    {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
        close(master_);
    }
    ChildOnTerminal(const ChildOnTerminal&) = delete;
    ChildOnTerminal& operator=(const ChildOnTerminal&) = delete;

    /// Reads until the screen shows `text`, and says whether it does.
    bool shows(std::string_view text)
    {
        return until([&] { return screen_.text().find(text) != std::string::npos; });
    }
    bool hides_cursor()
    {
        return until([&] { return !screen_.cursor_shown(); });
    }
    /// Reads until it is so, and says whether it is.
    bool until(const std::function<bool()>& seen)
    {
        const auto limit = std::chrono::steady_clock::now() + patience;
        while (!seen()) {
            const auto left =
                std::chrono::duration_cast<Milliseconds>(limit - std::chrono::steady_clock::now());
            pollfd ready{master_, POLLIN, 0};
            if (left <= Milliseconds(0) || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0)
                return false;
            char buffer[4096];
            const ssize_t count = ::read(master_, buffer, sizeof buffer);
            if (count <= 0) return seen();  // EIO: the child has closed its side
            screen_.write({buffer, static_cast<size_t>(count)});
        }
        return true;
    }
    void type(std::string_view keys) const
    {
        REQUIRE(::write(master_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
    }
    void resize(unsigned short columns)
    {
        screen_.resize(columns);
        winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
        REQUIRE(ioctl(master_, TIOCSWINSZ, &size) == 0);
    }
    pid_t pid() const { return child_; }

    /// The exit code, or 128 + signal, after everything was read.
    int end()
    {
        static_cast<void>(until([] { return false; }));
        int status = 0;
        REQUIRE(waitpid(child_, &status, 0) == child_);
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    const Screen& screen() const { return screen_; }

  private:
    Screen screen_;
    int master_ = -1;
    pid_t child_ = -1;
};

}  // namespace belay::cli::screens
