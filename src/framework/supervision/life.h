#pragma once
// The life of one application under supervision: what happens to it, and what is done then. It has no clock,
// no process and no thread of its own: whoever drives it says what has happened and when, and is asked to act
// through Hands. So the same code runs against real processes and in a simulation.
//
//      stopped ──► waiting ──► starting ──► started ◄──► unavailable
//         ▲           ▲           │            │  ▲            │
//         │           └───────────┴────────────┼──┼────────────┘   an end that nobody asked for
//         │                                    ▼  │
//         └──────────── stopping ◄──── suspending ┴─ suspended
//
// and `failed`, from where it comes back when somebody asks for it anew.

#include "framework/supervision/application.h"

#include <deque>

namespace belay::framework::supervision {

enum class Phase {
    stopped,
    waiting,      ///< for a gate, or for the end of the delay before a restart
    starting,     ///< its process is there, and has not shown that it is ready
    started,      ///< it is ready
    unavailable,  ///< its process is there, and does not show that it is well
    suspending,   ///< it finishes what it has, and takes nothing new
    suspended,    ///< it has nothing left to do
    stopping,
    failed,  ///< given up; starts only when somebody asks for it
};
/// The stable name, as "started".
std::string_view name_of(Phase phase);

enum class Want { stopped, running, suspended };
std::string_view name_of(Want want);
/// Errors: usage, for what is none.
Result<Want> want_named(std::string_view name);

/// How a process ended; neither is set where nobody saw it.
struct Ended {
    std::optional<int> code = {};
    std::optional<int> signal = {};

    bool is_clean() const { return code == 0; }
    bool operator==(const Ended&) const = default;
};
/// "exit code 3", "signal 9 (Killed)", "an end that nobody saw".
std::string to_text(const Ended& ended);

/// How it stands, for faces. Times are of the clock that the life is driven by.
struct Standing {
    Phase phase = Phase::stopped;
    Want want = Want::stopped;
    Role role = Role::none;   ///< of a pair: which it is to be
    bool says_roles = false;  ///< its process has said which it is (X_ROLE=), so it is expected to when told
    Role said = Role::none;   ///< that, since it was last told which it is to be
    bool is_drained = false;  ///< it has said that it has nothing left, since drain()
    Milliseconds since{0};    ///< the phase
    std::string reason = {};  ///< of the phase, where there is something to say; one sentence
    std::string told = {};    ///< what it last said of itself (STATUS=)
    uint64_t restarts = 0;    ///< that nobody asked for, since it was last asked to run
    std::optional<Ended> last = {};
};

/// What counts of its past for the time to come.
struct Past {
    std::vector<Milliseconds> failures = {};  ///< those that may still count
    uint32_t in_a_row = 0;                    ///< restarts without a good run between
    uint64_t restarts = 0;
    bool drains = false;  ///< it was told to, and not to serve again
    std::string reason = {};
    std::optional<Milliseconds> ready_at = {};
    std::optional<Ended> last = {};

    bool operator==(const Past&) const = default;
};

enum class Topic { readiness, health };

/// How far a process is that was begun.
enum class Begun {
    runs,        ///< it is its program
    on_its_way,  ///< Life::launched() or Life::not_launched() follows
};

/// What the life of an application can do. Nothing calls back into the life before it returns.
class Hands {
  public:
    virtual ~Hands() = default;
    /// A new process; its end comes as Life::exited(). Errors: why there is none.
    virtual Result<Begun> start(const Application& application) = 0;
    /// To its first process.
    virtual void signal(int number) = 0;
    /// Ends all its processes by force.
    virtual void kill() = 0;
    /// Its first process has ended: ends by force what that has left behind. False: that takes longer, and
    /// Life::cleared() comes when it is done.
    virtual bool clear() = 0;
    virtual void run_stop_command(const Application& application) = 0;
    virtual void tell(const Application& application, Word word) = 0;
    /// Asks at that time; the answer comes as Life::answered(). One question at a time.
    virtual void ask(Topic topic, const Question& question, Milliseconds at) = 0;
    virtual void ask_no_more() = 0;
    /// Life::gates_open() comes when all are; until another call. Empty: they are awaited no more.
    virtual void await(const std::vector<Gate>& gates) = 0;
    /// standing() says something else now.
    virtual void moved() = 0;
};

/// Threads: one.
class Life {
  public:
    /// Where a deadline has passed that time() was not told of yet, it may be told late, never early.
    Life(ApplicationPointer application, Hands& hands);

    const Application& application() const { return *application_; }
    const Standing& standing() const { return standing_; }
    /// What its process was started by; null where there is none.
    const ApplicationPointer& running() const { return running_; }
    bool has_process() const { return running_ != nullptr; }

    // What somebody wants.
    void order(Want want, Milliseconds now);
    void restart(Milliseconds now);
    /// It is told at once, and when it is ready after each start.
    void play(Role role);
    /// It finishes what it has and takes nothing new, for another serves in its place: until it is to be
    /// primary again, or serve(). Its phase stays as it is.
    void drain();
    void serve();
    /// Its process is ended, or is to be, by no fault of its own: ends it by force, and begins it anew.
    void replace(Milliseconds now);
    /// Ends its process by force, as one that has failed.
    void end_now(std::string reason, Milliseconds now);
    /// Another description; it counts from the next start on.
    void describe(ApplicationPointer application, Milliseconds now);

    // What has happened.
    void launched(Milliseconds now);
    /// Its process ends without having been its program: exited() follows.
    void not_launched(const Error& why);
    void exited(const Ended& ended, Milliseconds now);
    void cleared(Milliseconds now);
    void answered(Topic topic, const Result<void>& answer, Milliseconds now);
    void gates_open(Milliseconds now);
    /// One datagram of sd_notify(3): lines of NAME=VALUE.
    void notified(std::string_view text, Milliseconds now);
    /// To be called when next_deadline() has come.
    void time(Milliseconds now);
    std::optional<Milliseconds> next_deadline() const;

    Past past() const;
    /// In place of order() after another supervisor: it was in that phase, with a process that was started by
    /// `running`; null: with none. Where that has ended meanwhile, exited() follows.
    void adopt(ApplicationPointer running, Phase phase, Want want, const Past& past, Milliseconds now,
               Begun begun = Begun::runs);

  private:
    enum class Awaiting { nothing, gates, delay };

    void tell(Word word);
    void tell_role();
    void move(Phase phase, Milliseconds now, std::string reason = {});
    void begin(Milliseconds now);
    void launch(Milliseconds now);
    void ask_whether_ready(Milliseconds now);
    void ready(Milliseconds now);
    void well_again(Milliseconds now);
    void begin_to_end(Milliseconds now);
    void stop(Milliseconds now);
    void end_by_force(std::string reason, Milliseconds now);
    void hung(const std::string& reason, Milliseconds now);
    void finished(Milliseconds now);
    void failed_once(const std::string& reason, Milliseconds now);
    void come_again(const std::string& reason, Milliseconds now);
    void extend(std::string_view microseconds, Milliseconds now);
    void beat(Milliseconds now);
    void notified_of(std::string_view name, std::string_view value, Milliseconds now);
    Milliseconds next_delay(Milliseconds now);

    ApplicationPointer application_, running_;
    Hands& hands_;
    Standing standing_;
    Awaiting awaiting_ = Awaiting::nothing;
    std::optional<Milliseconds> deadline_, heartbeat_;
    std::deque<Milliseconds> failures_;  ///< as of Past
    uint32_t in_a_row_ = 0;
    std::optional<Milliseconds> ready_at_;
    bool is_launched_ = true;  ///< its process is its program
    bool was_asked_to_end_ = false;
    bool drains_ = false;     ///< as drain() has it
    bool is_forced_ = false;  ///< its processes were told to end by force
    std::string forced_for_;  ///< why; empty: it was asked to end
    uint32_t bad_answers_ = 0;
    Milliseconds pause_{0};  ///< between two questions after its readiness
};

}  // namespace belay::framework::supervision
