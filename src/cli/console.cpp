#include "cli/console.h"

#include "cli/environment.h"
#include "cli/signals.h"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace belay::cli {
namespace {

bool write_all(int descriptor, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) {
            pollfd ready{descriptor, POLLOUT, 0};
            ::poll(&ready, 1, -1);
            continue;
        }
        if (written <= 0) return false;
        text.remove_prefix(static_cast<size_t>(written));
    }
    return true;
}

}  // namespace

bool is_utf8_locale(std::string_view lc_all, std::string_view lc_ctype, std::string_view lang)
{
    const std::string_view locale = !lc_all.empty() ? lc_all : !lc_ctype.empty() ? lc_ctype : lang;
    for (const std::string_view name : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
        if (locale.find(name) != std::string_view::npos) return true;
    }
    return false;
}

ProcessConsole::ProcessConsole()
{
    const bool dumb = environment("TERM") == "dumb" || environment("TERM").empty();
    is_terminal_ = isatty(STDOUT_FILENO) == 1;
    is_live_ = is_terminal_ && !dumb;
    colour_ = is_live_ && environment("NO_COLOR").empty();
    can_ask_ = isatty(STDIN_FILENO) == 1 && is_terminal_;
    unicode_ = is_utf8_locale(environment("LC_ALL"), environment("LC_CTYPE"), environment("LANG"));
}

void ProcessConsole::out(std::string_view text)
{
    if (!write_all(STDOUT_FILENO, text)) failed_ = true;
}

void ProcessConsole::err(std::string_view text)
{
    if (!write_all(STDERR_FILENO, text)) failed_ = true;
}

std::optional<std::string> ProcessConsole::ask(std::string_view question)
{
    CaughtSignals signals({SIGINT});
    out(question);
    std::string line;
    for (;;) {
        pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {signals.descriptor(), POLLIN, 0}};
        if (::poll(ready, 2, -1) < 0 && errno != EINTR) return std::nullopt;
        if ((ready[1].revents & POLLIN) != 0 && signals.take()) return std::nullopt;
        if (ready[0].revents == 0) continue;
        char c = 0;
        if (::read(STDIN_FILENO, &c, 1) != 1) return std::nullopt;
        if (c == '\n') return line;
        line += c;
    }
}

std::optional<std::string> ProcessConsole::ask_secret(std::string_view question)
{
    termios shown{};
    if (::tcgetattr(STDIN_FILENO, &shown) != 0) return std::nullopt;
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    std::optional<std::string> answer = ask(question);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    out("\n");
    return answer;
}

Result<std::string> ProcessConsole::read_all(size_t limit, std::string_view hint)
{
    if (isatty(STDIN_FILENO) == 1) err(hint);
    std::string text;
    std::string piece(size_t{1} << 16, '\0');
    for (;;) {
        const ssize_t count = ::read(STDIN_FILENO, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error("read standard input", errno));
        if (count == 0) return text;
        text.append(piece, 0, static_cast<size_t>(count));
        if (text.size() > limit)
            return fail(ErrorKind::corrupt, fmt::format("standard input is longer than {} MiB", limit >> 20));
    }
}

Size ProcessConsole::size() const
{
    winsize window{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return {};
    return {window.ws_col, window.ws_row == 0 ? 24u : window.ws_row};
}

Style ProcessConsole::style() const
{
    return {.colour = colour_, .unicode = unicode_, .width = is_terminal_ ? size().columns : 0};
}

}  // namespace belay::cli
