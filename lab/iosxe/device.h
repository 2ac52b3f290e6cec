#pragma once
// The pair as a state machine: what is typed on it and the time that goes by change it, and it says so. No
// socket and no clock: whoever has it tells it the time, and takes what it has to say.
//
//     Device device(first_state({.start = now}));
//     device.begin({.task = Task::add, .file = "cat9k.bin", .line = 1});
//     device.advance(now + 10min);
//     for (const Event& event : device.take_events()) ...

#include "iosxe/state.h"
#include "iosxe/web.h"

#include <vector>

namespace belay::lab::iosxe {

enum class Saying {
    output,    ///< of the command that a line is waiting for
    question,  ///< the command of a line waits for an answer: reply()
    log,       ///< a system message, to every line that hears them
    done,      ///< the command of a line has ended: its prompt comes back
    lost,      ///< every connection ends; `silent` until the address answers again
};

struct Event {
    Saying saying = Saying::output;
    Time at = {};
    int line = 0;  ///< of output and done
    std::string text = {};
    /// Of a message. plain: on lines of its own. glued: without an end, so that what is said next stands
    /// behind it. bare: from below IOS, with another stamp.
    enum class Form { plain, glued, bare } form = Form::plain;
};

/// Threads: one.
class Device {
  public:
    explicit Device(State state) : state_(std::move(state)) {}

    const State& state() const { return state_; }
    /// Does all that is due by then, in order. A time before the latest one changes nothing.
    void advance(Time now);
    /// When something is next due; nothing: not before something is typed.
    std::optional<Time> next() const;
    std::vector<Event> take_events() { return std::exchange(events_, {}); }

    /// Begins what the install engine does. Where it is at something already, the line is told so and is
    /// done. `job` has the task, its file and timer and the line; the rest comes from the state. `now`: as
    /// advance().
    void begin(Job job, Time now);
    /// What the line says to the question that its command asked: "y", "n", "q".
    void reply(int line, std::string text, Time now);
    /// "install auto-abort-timer stop"; the words go to the line, which is done.
    void stop_abort_timer(int line, Time now);

    /// A system message of somebody else.
    void log(std::string text, Time now);
    /// Stops to speak to this line; what it began goes on, unless that waits for its answer.
    void leave(int line);

    /// Both members begin anew; or one, by its number. Errors: not_found, refused.
    Result<void> reload(std::optional<int> member, Time now);
    /// Errors: refused, where the standby is not hot.
    Result<void> switch_over(Time now);

    void configure_service_internal(bool on);
    void configure_manual_boot(bool on);
    void write_configuration() { state_.unsaved = false; }

    /// A file that was carried into the flash of the active member, or has grown there. Errors: no_space.
    Result<void> put_file(const std::string& name, const File& file);
    /// Copies what a web server gave into the flash, piece by piece, or says why not; the line is done then.
    void copy(const std::string& url, const std::string& name, Fetched fetched, int line, Time now);
    /// Errors: not_found.
    Result<void> remove_file(const std::string& name, bool of_standby);

    /// Sets a failure by its name; `member` where it strikes one (0: by itself). Errors: usage.
    Result<void> injure(std::string_view name, int member, Time now);
    Result<void> mend(std::string_view name, Time now);

  private:
    void one_moment(Time now);
    void boot_moment(Member& member, Time now);
    void job_moment(Time now);
    void timer_moment(Time now);
    void copy_moment(Time now);
    void end_copy(const std::string& words, Time now);
    std::optional<Time> copy_due() const;
    void reboot(Member& member, const Boot& boot);
    void take_over(const Boot& boot_of_old_active, std::string reason, Time now);
    std::optional<Time> job_due() const;
    void say(Saying saying, Time at, int line, std::string text, Event::Form form = Event::Form::plain);

    friend class Scene;
    State state_;
    std::vector<Event> events_;
    Time now_ = {};
};

}  // namespace belay::lab::iosxe
