#include "cli/live_page.h"

#include "cli/picture.h"
#include "cli/signals.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <sstream>
#include <unistd.h>

namespace belay::cli {
namespace {

/// Nothing of a page moves between two answers.
constexpr Milliseconds no_tick = std::chrono::hours(1);

/// At most `columns` of a line, its colours kept.
std::string cut_line(const Style& style, std::string_view line, size_t columns)
{
    if (columns_of(line) <= columns) return std::string(line);
    const std::string_view mark = marks_of(style).ellipsis;
    const size_t room = columns - std::min(columns, columns_of(mark));
    std::string kept;
    size_t taken = 0;
    for (size_t at = 0; at < line.size();) {
        // A colour up to its end, or one character with the bytes that continue it.
        size_t end = line[at] == '\x1b' ? std::min(line.find('m', at), line.size() - 1) + 1 : at + 1;
        while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xc0U) == 0x80U) ++end;
        const std::string_view piece = line.substr(at, end - at);
        if (taken + columns_of(piece) > room) break;
        taken += columns_of(piece);
        kept += piece;
        at = end;
    }
    return kept + (style.colour ? "\x1b[0m" : "") + std::string(mark);
}

size_t length_of(const std::vector<PageSection>& sections)
{
    size_t length = 0;
    for (const PageSection& section : sections)
        length += section.lines.size() + (section.heading.empty() ? 0 : 1) + (length == 0 ? 0 : 1);
    return length;
}

/// One line fewer at a time, where there are most.
void cut_to(const Style& style, std::vector<PageSection>& sections, size_t height)
{
    std::vector<size_t> missing(sections.size(), 0);
    while (length_of(sections) > height) {
        const auto longest = std::ranges::max_element(
            sections, {}, [](const PageSection& section) { return section.lines.size(); });
        size_t& left_out = missing.at(static_cast<size_t>(longest - sections.begin()));
        if (longest->lines.size() < 2) return;
        // The last line says how many there are besides.
        longest->lines.pop_back();
        left_out += left_out == 0 ? 2 : 1;
        longest->lines.back() =
            paint(style, Tone::dim, fmt::format("  {} {} more", marks_of(style).ellipsis, left_out));
    }
}

/// What is on the screen, for two threads: the stream's brings answers, that of the signals may redraw.
class LivePage {
  public:
    LivePage(Console& console, const Style& style, const PageMaker& page)
        : console_(console), style_(style), page_(page), picture_(console)
    {
    }

    void show(const Json& answer)
    {
        const std::lock_guard lock(mutex_);
        answer_ = answer;
        draw(true);
    }
    void redraw()
    {
        const std::lock_guard lock(mutex_);
        draw(true);
    }
    /// The page that stays says nothing of Ctrl-C.
    void end()
    {
        const std::lock_guard lock(mutex_);
        draw(false);
    }
    /// Ctrl-Z: the shell gets its terminal with a cursor, and the page begins anew afterwards.
    void stop_process()
    {
        const std::lock_guard lock(mutex_);
        picture_.pause();
        ::kill(::getpid(), SIGSTOP);
        picture_.resume();
        draw(true);
    }
    /// Somebody insists: out at once, with the cursor shown.
    [[noreturn]] void leave(int signal)
    {
        picture_.pause();
        ::_exit(128 + signal);
    }

  private:
    void draw(bool goes_on)
    {
        if (answer_.is_null()) return;
        const Size size = console_.size();
        // A line for each thing, cut at the edge: what is broken would take the rows of others.
        Style style = style_;
        style.width = 0;
        const size_t height = std::max<size_t>(size.rows, 8) - 3;
        std::vector<std::string> lines = page_lines(style, page_(style, answer_), height);
        if (lines.size() > height) lines.resize(height);
        if (goes_on) lines.push_back(paint(style, Tone::dim, "Ctrl-C ends this view"));
        // The last column stays free: many terminals break the line when it is filled.
        for (std::string& line : lines) line = cut_line(style, line, std::max<size_t>(size.columns, 2) - 1);
        picture_.draw(lines, size);
    }

    std::mutex mutex_;
    Console& console_;
    const Style style_;
    const PageMaker& page_;
    Picture picture_;
    Json answer_;
};

}  // namespace

std::vector<std::string> lines_of(const std::string& text)
{
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::vector<std::string> page_lines(const Style& style, std::vector<PageSection> sections, size_t height)
{
    std::erase_if(sections, [](const PageSection& section) { return section.lines.empty(); });
    if (height > 0) cut_to(style, sections, height);
    std::vector<std::string> lines;
    for (const PageSection& section : sections) {
        if (!lines.empty()) lines.emplace_back();
        if (!section.heading.empty()) lines.push_back(paint(style, Tone::bold, section.heading));
        lines.insert(lines.end(), section.lines.begin(), section.lines.end());
    }
    return lines;
}

std::string page_text(const Style& style, const std::vector<PageSection>& sections)
{
    std::string text;
    for (const std::string& line : page_lines(style, sections, 0)) text += line + '\n';
    return text;
}

Result<int> show_live_page(site::Client& client, Console& console, const Style& style,
                           std::string_view method, const Json& parameters, const PageMaker& page)
{
    LivePage live(console, style, page);
    std::atomic<int> ended_by{0};
    const auto on_signal = [&](int number) {
        if (number == SIGWINCH) return live.redraw();
        if (number == SIGTSTP) return live.stop_process();
        if (ended_by.exchange(number) != 0) live.leave(number);
        client.interrupt();
    };
    Result<void> streamed;
    {
        const Ticker ticker(no_tick, {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}, [] {}, on_signal);
        streamed = client.stream(method, parameters, [&](const Json& answer) {
            live.show(answer);
            return ended_by == 0;
        });
    }
    live.end();
    if (ended_by == 0) TRY(streamed);
    return ended_by.load();
}

}  // namespace belay::cli
