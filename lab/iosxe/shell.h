#pragma once
// One terminal line of the device (a vty): prompts, echo, paging, passwords and questions, and what each
// command does. Bytes in, bytes out; no socket and no clock.

#include "iosxe/device.h"
#include "iosxe/grammar.h"

#include <functional>

namespace belay::lab::iosxe {

/// How a question of the kind [y/n] is answered: by the key alone, or by a line.
enum class Answers { line, key };

struct Manner {
    std::string enable_password = {};  ///< empty: who logs in is privileged
    Answers answers = Answers::line;
    Web web = {};  ///< what copies from https:// URLs; none: no server answers
};

/// Threads: one.
class Shell {
  public:
    using Heard = std::function<void(const std::string& line)>;

    /// `heard` is told of every line that was typed as a command, in full where it was understood. Passwords
    /// and answers are no such lines. Neither `device` nor `manner` is owned.
    Shell(int line, Device& device, const Manner& manner, Heard heard);

    /// The first prompt. `rows` of the terminal, for paging.
    void open(int rows);
    /// One command in place of a conversation ("ssh device show version"): no echo and no prompt.
    void run_once(const std::string& text, Time now);
    /// What the person (or program) at the other end sends.
    void receive(std::string_view bytes, Time now);
    /// What the device has to say to this line, or to all.
    void hear(const Event& event);
    /// What is due by then; the device's own work is not ours.
    void advance(Time now);
    std::optional<Time> next() const;

    std::string take_output() { return std::exchange(output_, {}); }
    bool closed() const { return closed_; }
    int line() const { return line_; }

  private:
    enum class State { command, password, question, confirmation, paging, busy };

    void key(char byte, Time now);
    void entered(Time now);
    void command(const std::string& text, Time now);
    void run(const Typed& typed, Time now);
    void run_install(const Typed& typed, Time now);
    void misunderstood(const Misunderstood& why, size_t column);
    void say_file(const Typed& typed, Time now);
    void copy(const Typed& typed);
    void fetch(const std::string& url, const std::string& name, Time now);
    void ask_enable();
    void terminal(const Typed& typed);
    void restart(const Typed& typed);

    void print(std::string_view text);
    /// A whole answer: filtered, paged, and then the prompt.
    void answer(std::string text, const Typed& typed);
    void page(size_t lines);
    void prompt();
    std::string prompt_text() const;
    void begin(Job job, Time now);
    void ask(std::string question, State kind, std::function<void(const std::string&, Time)> then);

    int line_;
    Device& device_;
    const Manner& manner_;
    Heard heard_;
    State state_ = State::command;
    Mode mode_ = Mode::privileged;
    std::string input_;    ///< of the line that is being typed
    std::string waiting_;  ///< typed while a command runs
    std::string output_;
    std::string pages_;  ///< what is still to be shown
    std::function<void(const std::string&, Time)> then_;
    std::optional<Time> due_;
    std::string due_text_;
    int rows_ = 24;
    int bad_passwords_ = 0;
    bool monitor_ = true;
    bool after_return_ = false;
    bool once_ = false;
    bool closed_ = false;
};

}  // namespace belay::lab::iosxe
