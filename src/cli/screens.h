#pragma once
// For tests: the command on a real terminal (a pty) with a fake daemon that the test moves on, so nothing
// waits for time to pass.

#include "cli/fakes.h"
#include "cli/run.h"
#include "cli/samples.h"
#include "cli/terminal.h"
#include "host/descriptor.h"

#include <fstream>
#include <sstream>
#include <sys/eventfd.h>

namespace belay::cli::screens {

using operation::State;

/// In the child: a daemon whose stream waits until the test moves it on, view by view.
class DrivenClient : public fakes::FakeClient {
  public:
    explicit DrivenClient(int moves) : moves_(moves), interrupted_(eventfd(0, EFD_CLOEXEC)) {}

    Result<void> stream(std::string_view, const Json&, const std::function<bool(const Json&)>& each) override
    {
        for (const Json& view : views) {
            if (!each(view)) return {};
            pollfd ready[] = {{moves_, POLLIN, 0}, {interrupted_, POLLIN, 0}};
            while (::poll(ready, 2, -1) < 0 && errno == EINTR) {
            }
            if (ready[1].revents != 0) return {};
            char move = 0;
            if (::read(moves_, &move, 1) != 1) return {};
        }
        return {};
    }
    void interrupt() override
    {
        const uint64_t one = 1;
        static_cast<void>(::write(interrupted_, &one, sizeof one) == sizeof one);
    }

  private:
    int moves_;
    int interrupted_;
};

struct Setting {
    unsigned short columns = 80;
    std::map<std::string, std::string> environment = {};
    std::vector<State> states = {};
    State before = State::added;
    bool one_shot = false;
    std::map<std::string, Json> answers = {};  ///< in place of the sample's
    std::vector<Json> streamed = {};           ///< in place of views of an operation
};

/// By which a test moves a fake daemon in a child on.
struct MovePipe {
    MovePipe()
    {
        int both[2];
        REQUIRE(pipe(both) == 0);
        reads = host::Descriptor(both[0]);
        writes = host::Descriptor(both[1]);
    }
    host::Descriptor reads, writes;
};

/// The command in a child process, with a terminal of its own.
class Terminal : private MovePipe, public ChildOnTerminal {
  public:
    Terminal(const std::vector<std::string>& words, const Setting& setting)
        : ChildOnTerminal(setting.columns, setting.environment, [&] {
              writes.close();
              return be_the_command(words, setting, reads.number());
          })
    {
        reads.close();
    }

    void move_on() const { REQUIRE(::write(writes.number(), "m", 1) == 1); }

  private:
    static int be_the_command(const std::vector<std::string>& words, const Setting& setting, int moves)
    {
        const auto view_of = [&](State state) {
            operation::View view = samples::view_at(state);
            view.operation.one_shot = setting.one_shot;
            return Json(view);
        };
        const Connect connect = [&](const Invocation&) -> Result<std::unique_ptr<site::Client>> {
            auto client = std::make_unique<DrivenClient>(moves);
            for (const State state : setting.states) client->views.push_back(view_of(state));
            if (!setting.streamed.empty()) client->views = setting.streamed;
            client->answers = {{"Procedures", samples::procedures()},
                               {"Plan", samples::planned_answer()},
                               {"Show", view_of(setting.before)},
                               {"StorageShow", samples::storage()},
                               {"Request", view_of(setting.before)}};
            for (const auto& [method, answer] : setting.answers)
                client->answers.insert_or_assign(method, answer);
            return client;
        };
        ProcessConsole console;
        return run(words, console, connect);
    }
};

/// As it stood on a terminal: src/cli/screens.
inline std::string kept_screen(const std::string& name)
{
    std::ifstream file(fmt::format("{}/{}.txt", BELAY_SCREENS, name));
    std::stringstream kept;
    kept << file.rdbuf();
    REQUIRE_MESSAGE(!kept.str().empty(), name);
    return kept.str();
}

/// The command shows exactly this screen; nothing is broken over the edge.
inline void shows(const std::vector<std::string>& words, const std::string& name, const Setting& setting,
                  bool colourful)
{
    INFO(name);
    Terminal terminal(words, setting);
    CHECK(terminal.end() == 0);
    CHECK_FALSE(terminal.screen().had_broken_rows());
    CHECK(terminal.screen().had_colour() == colourful);
    CHECK(terminal.screen().text() == kept_screen(name));
}

}  // namespace belay::cli::screens
