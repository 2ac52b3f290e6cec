#pragma once
// For tests: the device with a clock that the test moves, and all that it has said.

#include "iosxe/device.h"
#include "iosxe/image.h"
#include "iosxe/texts.h"

#include <algorithm>
#include <doctest/doctest.h>

namespace belay::lab::iosxe::testing {

inline Time at(std::string_view text)
{
    const Result<Time> time = parse_time(text);
    REQUIRE(time.has_value());
    return *time;
}

inline File image(std::string_view version, uint64_t size = 812'345'678)
{
    return file_of(fmt::format("belay-lab-iosxe image version={} size={}\n", version, size), {});
}

class Play {
  public:
    explicit Play(Beginning beginning = {}) : device(made(std::move(beginning))) {}
    explicit Play(State state) : device(std::move(state)) {}

    /// Types at that time what the install engine does, on line 1.
    void begin(Job job, Time now)
    {
        until(now);
        job.line = 1;
        device.begin(std::move(job), now);
        take();
    }
    void until(Time now)
    {
        device.advance(now);
        take();
    }
    /// Until the line has its prompt again, or for a day.
    void until_prompt()
    {
        const size_t from = heard.size();
        while (const auto due = device.next()) {
            until(*due);
            if (std::any_of(heard.begin() + static_cast<std::ptrdiff_t>(from), heard.end(),
                            [](const Event& event) {
                                return event.saying == Saying::done || event.saying == Saying::lost;
                            }))
                return;
        }
    }
    /// What happens by itself, until nothing more does (a timer that runs included).
    void until_quiet()
    {
        for (int count = 0; count < 1000 && device.next(); ++count) until(*device.next());
    }
    /// When the latest message with these words came; 1970 where none did.
    Time when(std::string_view words) const
    {
        Time found = {};
        for (const Event& event : heard)
            if (event.text.contains(words)) found = event.at;
        return found;
    }
    bool said(std::string_view words) const { return when(words) != Time{}; }
    std::string output() const
    {
        std::string text;
        for (const Event& event : heard)
            if (event.saying == Saying::output) text += event.text;
        return text;
    }
    const State& state() const { return device.state(); }
    void put(std::string_view name, std::string_view version)
    {
        REQUIRE(device.put_file(std::string(name), image(version)).has_value());
    }
    void injure(std::string_view name, Time now)
    {
        REQUIRE(device.injure(name, 0, now).has_value());
        take();
    }

    Device device;
    std::vector<Event> heard;

  private:
    static State made(Beginning beginning)
    {
        if (beginning.start == Time{}) beginning.start = at("2019-02-08 09:20:00");
        return first_state(beginning);
    }
    void take()
    {
        for (Event& event : device.take_events()) heard.push_back(std::move(event));
    }
};

}  // namespace belay::lab::iosxe::testing
