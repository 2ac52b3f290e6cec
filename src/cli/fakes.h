#pragma once
// A daemon and a console for tests.

#include "cli/console.h"
#include "site/client.h"

namespace belay::cli::fakes {

/// Answers each method as it was told to, and remembers what it was asked.
class FakeClient : public site::Client {
  public:
    std::map<std::string, Result<Json>, std::less<>> answers;
    std::vector<Json> views = {};  ///< what stream() brings
    Result<void> stream_ends = {};
    std::vector<std::pair<std::string, Json>> asked = {};

    Result<Json> call(std::string_view method, const Json& parameters) override
    {
        asked.emplace_back(method, parameters);
        const auto found = answers.find(method);
        if (found == answers.end())
            return fail(ErrorKind::unavailable, fmt::format("no answer to {}", method));
        return found->second;
    }

    Result<void> stream(std::string_view method, const Json& parameters,
                        const std::function<bool(const Json&)>& each) override
    {
        asked.emplace_back(method, parameters);
        for (const Json& view : views) {
            if (!each(view)) return {};
        }
        return stream_ends;
    }

    void interrupt() override {}

    /// The parameters of the last question of this name; null if it was not asked.
    Json last(std::string_view method) const
    {
        Json found;
        for (const auto& [name, parameters] : asked) {
            if (name == method) found = parameters;
        }
        return found;
    }
};

/// A pipe that is kept, with somebody behind it who may be asked.
class TextConsole : public Console {
  public:
    std::string said = {}, complained = {};
    bool asks = false;
    std::optional<std::string> typed = {};
    std::string input = {};  ///< what standard input brings

    void out(std::string_view text) override { said += text; }
    void err(std::string_view text) override { complained += text; }
    bool failed() const override { return false; }
    std::optional<std::string> ask(std::string_view question) override
    {
        out(question);
        return typed;
    }
    std::optional<std::string> ask_secret(std::string_view question) override { return ask(question); }
    Result<std::string> read_all(size_t, std::string_view) override { return input; }
    bool can_ask() const override { return asks; }
    bool is_live() const override { return false; }
    Size size() const override { return {}; }
    Style style() const override { return {.clock = utc_time}; }
};

}  // namespace belay::cli::fakes
