#pragma once
// For tests: clients that go on until they are told to end, and then say what came of it.

#include "base/json.h"
#include "daemon/testing/run.h"

namespace belay::testing {

class Load {
  public:
    /// Waits until it says that all its clients have begun.
    explicit Load(const std::vector<std::string>& words)
    {
        pid_ = daemon::testing::spawn(
            words, {daemon::testing::plain_path},
            {{STDIN_FILENO, input_.reading.number()}, {STDOUT_FILENO, output_.writing.number()}});
        input_.reading.close();
        output_.writing.close();
        std::string line;
        for (char c = 0; read(output_.reading.number(), &c, 1) == 1 && c != '\n';) line += c;
        REQUIRE(line == "begun");
    }
    ~Load()
    {
        if (pid_ == 0) return;
        kill(pid_, SIGKILL);
        daemon::testing::code_of(pid_);
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    Json end()
    {
        input_.writing.close();
        std::string said;
        std::array<char, 4096> room{};
        for (ssize_t count = 0; (count = read(output_.reading.number(), room.data(), room.size())) > 0;)
            said.append(room.data(), static_cast<size_t>(count));
        CHECK(daemon::testing::code_of(std::exchange(pid_, 0)) == 0);
        const auto json = parse_json(said);
        REQUIRE_MESSAGE(json.has_value(), said);
        return *json;
    }

  private:
    daemon::testing::OpenPipe input_ = daemon::testing::open_pipe(), output_ = daemon::testing::open_pipe();
    pid_t pid_ = 0;
};

}  // namespace belay::testing
