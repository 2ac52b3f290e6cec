#pragma once
// For tests: the lab's simulated pair in this process, its terminal without a network, and one clock for it,
// the engine and the console: an upgrade with all its reloads takes milliseconds.

#include "host/simulated.h"
#include "iosxe/device.h"
#include "iosxe/image.h"
#include "iosxe/shell.h"
#include "upgrade/iosxe/console.h"
#include "upgrade/iosxe/vty/conversation.h"

#include <algorithm>

namespace belay::devices {

using namespace std::chrono_literals;
using upgrade::iosxe::Answer;
using upgrade::iosxe::Line;

/// What goes wrong with one of the calls of the terminal.
struct TerminalFault {
    enum class Kind {
        none,
        refuse,       ///< nobody can connect
        lost,         ///< a line is typed, and the connection ends before anything comes back
        lost_midway,  ///< the same half a minute later
        lost_later,   ///< as long as the device takes for it, and then nobody hears the end
        dead,         ///< belayd is killed when it has typed that line
    } kind = Kind::none;
    size_t at = 0;            ///< the call, counted from 1
    size_t line = 0;          ///< of that call, counted from 0
    std::string typing = {};  ///< or the first line of all that is this
};

/// The pair, and what time it is.
class SimulatedDevice {
  public:
    explicit SimulatedDevice(host::SimulatedHost& machine, lab::iosxe::Beginning beginning = {})
        : machine_(machine),
          device_(lab::iosxe::first_state(started(std::move(beginning)))),
          began_(device_now())
    {
    }

    lab::iosxe::Device& device() { return device_; }
    const lab::iosxe::State& state() const { return device_.state(); }
    lab::iosxe::Time now() const { return began_ + boot(); }
    void advance(Milliseconds span)
    {
        machine_.advance(span);
        catch_up();
    }
    void catch_up() { device_.advance(now()); }
    void injure(std::string_view name, int member = 0)
    {
        catch_up();
        INVARIANT(device_.injure(name, member, now()));
    }
    /// A file of the host that carry() takes, by its path, or of a web server that the device asks, by its
    /// URL.
    std::map<std::string, std::string> files;
    TerminalFault fault;
    size_t calls = 0;
    bool is_dead = false;
    std::vector<std::string> typed;  ///< every line, but those that prepare a terminal
    lab::iosxe::Manner manner = {.web = [this](const std::string& url) -> lab::iosxe::Fetched {
        const auto found = files.find(url);
        if (found == files.end()) return {.why = "No such file or directory"};
        return {.bytes = found->second};
    }};

    /// What is typed and answered is appended to a file of the host, unless that is empty.
    Result<std::vector<Answer>> type(const std::vector<Line>& lines, const std::string& transcript)
    {
        if (is_dead) return fail(ErrorKind::dead, "belayd is dead");
        const TerminalFault::Kind now_fails = ++calls == fault.at ? fault.kind : TerminalFault::Kind::none;
        advance(1s);  // to log in
        if (now_fails == TerminalFault::Kind::refuse || !is_reached())
            return fail(ErrorKind::unavailable, "nobody can connect to core");
        Connection connection(*this);
        std::vector<Answer> answers;
        for (size_t i = 0; i < lines.size(); ++i) {
            const bool is_now = i == std::min(fault.line, lines.size() - 1);
            const bool is_it = fault.typing == lines[i].text;
            if (is_it) fault.typing.clear();
            answers.push_back(TRY(connection.type(lines[i], is_it    ? fault.kind
                                                            : is_now ? now_fails
                                                                     : TerminalFault::Kind::none)));
            if (!transcript.empty()) keep(transcript, lines[i].text, answers.back().text);
            if (is_dead) return fail(ErrorKind::dead, "belayd was killed");
            if (answers.back().lost) break;
        }
        return answers;
    }
    Result<void> carry(const std::string& file, const std::string& to)
    {
        if (is_dead) return fail(ErrorKind::dead, "belayd is dead");
        ++calls;
        advance(120s);
        if (!is_reached()) return fail(ErrorKind::unavailable, "nobody can connect to core");
        lab::iosxe::File whole = lab::iosxe::file_of(files.at(file), now());
        if (state().fails("image-damaged")) whole.md5 = std::string(32, '0');
        const Result<void> put = device_.put_file(to.substr(to.find(':') + 1), whole);
        if (calls == fault.at && fault.kind == TerminalFault::Kind::dead) is_dead = true;
        if (calls == fault.at && fault.kind != TerminalFault::Kind::none)
            return fail(ErrorKind::unavailable, "the connection is lost");
        return put;
    }

  private:
    void keep(const std::string& transcript, const std::string& line, const std::string& answer)
    {
        machine_.change([&](host::Machine& machine) {
            const std::string before = machine.text(transcript).value_or("");
            machine.put_file(transcript, fmt::format("{}core#{}\n{}\n", before, line, answer));
        });
    }
    static lab::iosxe::Beginning started(lab::iosxe::Beginning beginning)
    {
        if (beginning.start == lab::iosxe::Time{})
            beginning.start = *lab::iosxe::parse_time("2026-02-08 09:20:00");
        return beginning;
    }
    lab::iosxe::Time device_now() const { return *lab::iosxe::parse_time("2026-02-08 09:20:00") - boot(); }
    Milliseconds boot() const { return machine_.now()->boot; }
    bool is_reached() const { return !state().deaf_until && state().active() != nullptr; }

    /// One line of it, with whoever types.
    class Connection {
      public:
        explicit Connection(SimulatedDevice& device)
            : device_(device),
              shell_(++device.latest_line_, device.device_, device.manner, [](const std::string&) {})
        {
            shell_.open(24);
            take();
            for (const char* first : {"terminal length 0", "terminal width 0"}) {
                shell_.receive(talk_.type(first, {}), device_.now());
                take();
            }
        }
        ~Connection() { device_.device_.leave(shell_.line()); }
        Connection(const Connection&) = delete;
        Connection& operator=(const Connection&) = delete;

        Result<Answer> type(const Line& line, TerminalFault::Kind strikes)
        {
            const lab::iosxe::Time limit = device_.now() + line.limit;
            std::vector<upgrade::iosxe::vty::Foreseen> replies;
            for (const auto& reply : line.replies)
                replies.push_back({.asked = reply.asked, .say = reply.say});
            device_.typed.push_back(line.text);
            shell_.receive(talk_.type(line.text, std::move(replies)), device_.now());
            take();
            if (strikes == TerminalFault::Kind::dead) device_.is_dead = true;
            if (strikes == TerminalFault::Kind::lost_midway) device_.advance(30s);
            if (strikes == TerminalFault::Kind::lost || strikes == TerminalFault::Kind::lost_midway ||
                strikes == TerminalFault::Kind::dead)
                return Answer{.lost = true, .why = "connection reset"};
            while (!talk_.at_prompt()) {
                if (is_lost_ || shell_.closed())
                    return Answer{.text = talk_.take_answer(), .lost = true, .why = "reset"};
                if (const auto question = talk_.open_question())
                    return fail(ErrorKind::refused, fmt::format("it asks {}", *question));
                const auto due = next();
                if (!due || *due > limit)
                    return fail(ErrorKind::timeout, fmt::format("\"{}\" takes too long", line.text));
                device_.advance(
                    std::chrono::duration_cast<Milliseconds>(std::max(*due - device_.now(), 1ms)));
                shell_.advance(device_.now());
                take();
            }
            if (strikes == TerminalFault::Kind::lost_later)
                return Answer{.lost = true, .why = "connection reset"};
            return Answer{.text = talk_.take_answer()};
        }

      private:
        std::optional<lab::iosxe::Time> next() const
        {
            const auto one = device_.device_.next(), other = shell_.next();
            if (!one || !other) return one ? one : other;
            return std::min(*one, *other);
        }
        /// What the device says comes to whoever types, and what he answers to the device.
        void take()
        {
            for (int turn = 0; turn < 1000; ++turn) {
                for (const lab::iosxe::Event& event : device_.device_.take_events()) {
                    if (event.saying == lab::iosxe::Saying::lost) is_lost_ = true;
                    if (!is_lost_) shell_.hear(event);
                }
                const std::string output = shell_.take_output();
                talk_.hear(output);
                const std::string replies = talk_.take_replies();
                if (!replies.empty()) shell_.receive(replies, device_.now());
                if (output.empty() && replies.empty()) return;
            }
        }

        SimulatedDevice& device_;
        lab::iosxe::Shell shell_;
        upgrade::iosxe::vty::Conversation talk_{{}};
        bool is_lost_ = false;
    };

    host::SimulatedHost& machine_;
    lab::iosxe::Device device_;
    const lab::iosxe::Time began_;
    int latest_line_ = 0;
};

class SimulatedTerminal final : public upgrade::iosxe::Terminal {
  public:
    SimulatedTerminal(SimulatedDevice& device, std::string transcript)
        : device_(device), transcript_(std::move(transcript))
    {
    }
    Result<std::vector<Answer>> type(const std::vector<Line>& lines, const Said&) override
    {
        for (const Line& line : lines) TRY(upgrade::iosxe::check_line(line.text));
        return device_.type(lines, transcript_);
    }
    Result<void> carry(const std::string& file, const std::string& to, const Carried&) override
    {
        return device_.carry(file, to);
    }

  private:
    SimulatedDevice& device_;
    const std::string transcript_;
};

}  // namespace belay::devices
