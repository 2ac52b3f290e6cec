#include "screen.h"

#include <csignal>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace belay::lab {
namespace {

using namespace std::chrono_literals;

/// The terminal that the person sits at; a plain one where there is none.
TerminalSize own_terminal()
{
    winsize size = {};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
    return {.rows = size.ws_row, .columns = size.ws_col};
}

bool at_a_terminal()
{
    return ::isatty(STDOUT_FILENO) != 0;
}

Result<void> ended(const std::string& line, const host::Outcome& outcome, int wanted)
{
    say(outcome.out + outcome.err);
    if (outcome.exit_code == wanted) return {};
    return fail(ErrorKind::failed,
                fmt::format("{} ended with exit code {} and not {}", line, outcome.exit_code, wanted),
                "please report this");
}

}  // namespace

void say(std::string_view text)
{
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

std::string strong(std::string_view text)
{
    // The quickstart has one thread.
    const bool colour =
        at_a_terminal() && std::getenv("NO_COLOR") == nullptr;  // NOLINT(concurrency-mt-unsafe)
    return colour ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
}

Result<Process> Screen::start(Host& host, std::string_view prompt, const std::string& line) const
{
    say(strong(fmt::format("\n{}# {}\n", prompt, line)));
    const std::string command =
        fmt::format("LANG=C.UTF-8 TERM={} exec {}{}", at_a_terminal() ? "xterm" : "dumb", programs_, line);
    const std::vector<std::string> argv = {"sh", "-c", command};
    return at_a_terminal() ? host.start_on_terminal(argv, own_terminal()) : host.start(argv);
}

Result<void> Screen::show(Host& host, std::string_view prompt, const std::string& line) const
{
    Process process = TRY(start(host, prompt, line));
    while (true) {
        const std::string shown = TRY(process.read(120s));
        if (shown.empty()) break;
        say(shown);
    }
    return ended(line, TRY(process.wait(10s)), 0);
}

Result<void> Screen::watch(Host& host, const std::string& line, Milliseconds span) const
{
    Process process = TRY(start(host, "", line));
    const auto end = std::chrono::steady_clock::now() + span;
    bool left = false;
    while (true) {
        const auto now = std::chrono::steady_clock::now();
        const auto rest = std::chrono::duration_cast<Milliseconds>(end - now);
        const Result<std::string> shown =
            process.read(left ? Milliseconds(10s) : std::max(rest, Milliseconds(1)));
        if (shown && shown->empty()) break;
        if (shown) say(*shown);
        if (!shown && shown.error().kind != ErrorKind::timeout) return std::unexpected(shown.error());
        if (left || std::chrono::steady_clock::now() < end) continue;
        TRY(process.signal(SIGINT));
        left = true;
    }
    constexpr int interrupted = 130;
    return ended(line, TRY(process.wait(10s)), interrupted);
}

}  // namespace belay::lab
