#include "cli/follow.h"

#include "cli/events.h"
#include "cli/live_text.h"
#include "cli/picture.h"
#include "cli/signals.h"

#include <atomic>
#include <mutex>
#include <unistd.h>

namespace belay::cli {
namespace {

using Clock = std::chrono::steady_clock;

Milliseconds since_start()
{
    return std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch());
}

/// What is shown while following, by two threads: the stream's brings views, the ticker's lets time pass.
class Display {
  public:
    Display(Console& console, const Style& style, const FollowOptions& options)
        : console_(console), style_(style), json_(options.json), log_(style, options.known)
    {
        if (console.is_live() && !options.json) picture_.emplace(console);
    }

    void show(const Json& view)
    {
        const std::lock_guard lock(mutex_);
        view_ = view;
        seen_ = since_start();
        if (picture_) return draw();
        for (const Event& event : log_.take(view, seen_))
            console_.out((json_ ? json_text(event.json) : event.text) + '\n');
    }

    void tick()
    {
        const std::lock_guard lock(mutex_);
        if (picture_) draw();
    }

    /// The picture that stays says nothing of Ctrl-C.
    void end()
    {
        const std::lock_guard lock(mutex_);
        is_over_ = true;
        if (picture_) draw();
    }

    /// Ctrl-Z: the shell gets its terminal with a cursor, and the picture begins anew afterwards.
    void stop_process()
    {
        const std::lock_guard lock(mutex_);
        if (picture_) picture_->pause();
        ::kill(::getpid(), SIGSTOP);
        if (!picture_) return;
        picture_->resume();
        draw();
    }

    /// Somebody insists: out at once, with the cursor shown.
    [[noreturn]] void leave(int signal)
    {
        if (picture_) picture_->pause();
        ::_exit(128 + signal);
    }

    Json view()
    {
        const std::lock_guard lock(mutex_);
        return view_;
    }

  private:
    void draw()
    {
        if (view_.empty()) return;
        const Size size = console_.size();
        Style style = style_;
        // The last column stays free: many terminals break the line when it is filled.
        style.width = std::max<size_t>(size.columns, 2) - 1;
        const size_t height = std::max<size_t>(size.rows, 5) - 2;
        std::vector<std::string> lines = live_lines(style, view_, since_start() - seen_, height);
        if (!is_over_)
            lines.push_back(paint(style, Tone::dim, fit(style, "Ctrl-C leaves it; it goes on", style.width)));
        picture_->draw(lines, size);
    }

    std::mutex mutex_;
    Console& console_;
    Style style_;
    bool json_;
    EventLog log_;
    std::optional<Picture> picture_;
    Json view_ = Json::object();
    Milliseconds seen_{0};
    bool is_over_ = false;
};

}  // namespace

Result<Followed> follow(site::Client& client, Console& console, const Style& style,
                        const std::string& operation, const FollowOptions& options)
{
    Display display(console, style, options);
    std::atomic<int> ended_by{0};
    const auto on_signal = [&](int number) {
        if (number == SIGWINCH) return display.tick();
        if (number == SIGTSTP) return display.stop_process();
        if (ended_by.exchange(number) != 0) display.leave(number);
        client.interrupt();
    };
    Result<void> streamed;
    {
        const Ticker ticker(
            std::chrono::seconds(1), {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH},
            [&] { display.tick(); }, on_signal);
        streamed = client.stream("Watch", {{"operation", operation}, {"settle", options.settle}},
                                 [&](const Json& view) {
                                     display.show(view);
                                     return ended_by == 0;
                                 });
    }
    display.end();
    Followed followed{display.view(), ended_by};
    if (followed.signal != 0) return followed;
    TRY(streamed);
    if (followed.view.empty())
        return fail(ErrorKind::not_found, fmt::format("nothing is known of operation {}", operation),
                    "belay show");
    return followed;
}

}  // namespace belay::cli
