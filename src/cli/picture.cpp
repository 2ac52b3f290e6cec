#include "cli/picture.h"

#include <algorithm>
#include <csignal>
#include <unistd.h>

namespace belay::cli {
namespace {

constexpr std::string_view hide_cursor = "\x1b[?25l";
constexpr std::string_view show_cursor = "\x1b[?25h";

/// An invariant that fails ends the process by SIGABRT; the cursor must come back even then.
void show_cursor_and_die(int)
{
    const ssize_t ignored = ::write(STDOUT_FILENO, show_cursor.data(), show_cursor.size());
    static_cast<void>(ignored);
}

void on_abort(void (*handler)(int))
{
    struct sigaction action{};
    action.sa_handler = handler;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGABRT, &action, nullptr);
}

}  // namespace

Picture::Picture(Console& console) : console_(console)
{
    on_abort(show_cursor_and_die);
    console_.out(hide_cursor);
}

Picture::~Picture()
{
    console_.out(show_cursor);
    on_abort(SIG_DFL);
}

void Picture::draw(const std::vector<std::string>& lines, Size size)
{
    // A terminal that became narrower has broken the old lines anew: so many rows they take now.
    size_t up = 0;
    for (const size_t columns : drawn_)
        up += std::max<size_t>(1, (columns + size.columns - 1) / size.columns);
    std::string text = up == 0 ? "\r" : fmt::format("\r\x1b[{}A", up);
    drawn_.clear();
    for (const std::string& line : lines) {
        text += line + "\x1b[K\r\n";
        drawn_.push_back(columns_of(line));
    }
    console_.out(text + "\x1b[J");
}

void Picture::pause()
{
    console_.out(show_cursor);
    drawn_.clear();
}

void Picture::resume()
{
    console_.out(hide_cursor);
}

}  // namespace belay::cli
