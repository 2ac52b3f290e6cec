#pragma once
// Belay's side of the devices' lines: looks at them, and does what takes long, each in a thread of its own
// while the device and the engine go on. One piece of work a device at a time.

#include "upgrade/iosxe/device.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace belay::upgrade::iosxe {

/// Threads: any.
class Console {
  public:
    using Clock = std::chrono::steady_clock;
    struct Options {
        /// A terminal of the device with that name. `transcript`: a file that what is typed is appended to;
        /// empty: none. Errors: not_found (no such device is configured), those of unsealing.
        std::function<Result<std::unique_ptr<Terminal>>(const std::string& device,
                                                        const std::string& transcript)>
            terminal;
        /// So long a look is good for questions that are asked together: checks, gates.
        Milliseconds fresh = std::chrono::seconds(3);
        /// Between two looks while a piece of work waits for the device.
        Milliseconds pace = std::chrono::seconds(10);
        /// So long after belayd began, or a line was lost, nobody knows what was typed just before: what the
        /// device begins by that shows itself meanwhile.
        Milliseconds settles = std::chrono::seconds(60);
        /// Work is done before begin() returns: for tests and simulations.
        bool at_once = false;
        /// What is done then in place of waiting.
        std::function<void(Milliseconds)> rest = [](Milliseconds) {};
        /// What time it is, for all of the above.
        std::function<Clock::time_point()> now = Clock::now;
    };
    explicit Console(Options options) : options_(std::move(options)), began_(options_.now()) {}
    /// Whatever is on its way ends where it is; devices go on by themselves.
    ~Console();
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    const Options& options() const { return options_; }

    /// How the device stands now. Errors: as iosxe::look(); not_found.
    Result<DeviceLook> look(const std::string& device);
    /// The last look where it is fresh, a new one else.
    Result<DeviceLook> recent_look(const std::string& device);

    /// What a piece of work says of itself while it goes on.
    struct Way {
        std::string name;  ///< "install add"
        std::string says = {};
        uint64_t said = 0;             ///< how often that has changed
        uint64_t done = 0, total = 0;  ///< bytes; 0: nothing is counted
        bool has_ended = false;
        bool is_lost = false;  ///< what came of the last line nobody heard: the device may go on with it
        Clock::time_point ended_at = {};
        std::optional<Error> problem = {};  ///< it has ended with that
    };
    /// Nothing: none was begun on that device since belayd began.
    std::optional<Way> way_of(const std::string& device) const;
    /// What the last piece of work ended with, where it has that name: told once.
    std::optional<Error> take_problem(const std::string& device, std::string_view name);
    /// One of this name is on its way now.
    bool is_at(const std::string& device, std::string_view name) const;

    class Work;
    /// What is done; it types by the terminal that it is given, which knows the lines that were allowed.
    using Deed = std::function<Result<void>(Work& work)>;
    /// Begins. Errors: busy (another is on its way on this device).
    Result<void> begin(const std::string& device, std::string name, const std::string& transcript,
                       std::set<std::string> lines, Deed deed);
    /// Ends what is on its way on the device, and waits for that.
    void end(const std::string& device);

    /// Something may have been typed on it that does not show itself yet: by an earlier belayd, or on a line
    /// that was lost.
    bool is_unsettled(const std::string& device) const;
    /// Whether something that may pass by itself has been so, at every question, for as long as that.
    bool holds_long(const std::string& device, const std::string& what, bool holds);

    /// What is known of a device that it does not show, by `what` that is; empty: nothing.
    void note(const std::string& device, const std::string& what, std::string sentence);
    std::string noted(const std::string& device, const std::string& what) const;

    /// One piece of work, from within.
    class Work {
      public:
        Work(Console& console, std::string device, Terminal& terminal, const std::stop_token& stop)
            : console_(console), device_(std::move(device)), terminal_(terminal), stop_(stop)
        {
        }
        /// Types one line. Errors: as Terminal::type().
        Result<Answer> type(const Line& line);
        /// The same of several, on one line of the device.
        Result<std::vector<Answer>> type(const std::vector<Line>& lines);
        Result<void> carry(const std::string& file, const std::string& to);
        Result<DeviceLook> look();
        /// Waits until the next look is due. Errors: unavailable (it is to end).
        Result<void> pause();
        Clock::time_point now() const { return console_.options_.now(); }
        void say(std::string text);

      private:
        static bool is_loss(const Error& error);

        Console& console_;
        const std::string device_;
        Terminal& terminal_;
        const std::stop_token stop_;
    };

  private:
    struct Job {
        Way way;
        std::mutex joining;  ///< held while somebody waits for the thread
        std::jthread thread;
    };
    /// Work begins or ends: what is seen meanwhile is old. With the mutex.
    void turn(const std::string& device);
    void change(const std::string& device, const std::function<void(Way&)>& how);
    Result<DeviceLook> look_by(const std::string& device, Terminal& terminal);

    const Options options_;
    const Clock::time_point began_;
    mutable std::mutex mutex_;
    std::condition_variable_any ended_;
    std::map<std::string, std::shared_ptr<Job>> jobs_;
    struct Seen {
        Clock::time_point at;
        DeviceLook look;
    };
    std::map<std::string, Seen> seen_;
    std::map<std::string, uint64_t> turns_;
    std::map<std::pair<std::string, std::string>, Clock::time_point> since_;
    std::map<std::pair<std::string, std::string>, std::string> notes_;
};

}  // namespace belay::upgrade::iosxe
