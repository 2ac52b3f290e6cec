#pragma once
// For tests: a terminal line with a person before it, and the device behind it with a clock that the test
// moves.

#include "iosxe/shell.h"
#include "iosxe/testing/play.h"

namespace belay::lab::iosxe::testing {

/// A line of a device, and what is on its screen.
class Screen {
  public:
    explicit Screen(Manner with = {}, Beginning beginning = {}, int rows = 24)
        : manner(std::move(with)),
          device(made(std::move(beginning))),
          shell(1, device, manner, [this](const std::string& text) { heard.push_back(text); })
    {
        shell.open(rows);
        take();
    }

    /// On a device that is there already, and goes on elsewhere: this one is a copy of it.
    Screen(const Device& of, Time when)
        : now(when),
          device(of),
          shell(1, device, manner, [this](const std::string& text) { heard.push_back(text); })
    {
        // What it has said before is not for a line that comes now.
        static_cast<void>(device.take_events());
        shell.open(24);
        take();
    }

    /// What comes of these keys.
    std::string type(std::string_view keys)
    {
        const size_t before = screen.size();
        shell.receive(keys, now);
        take();
        return screen.substr(before);
    }
    std::string wait(Milliseconds time)
    {
        const size_t before = screen.size();
        now += time;
        device.advance(now);
        take();
        shell.advance(now);
        take();
        return screen.substr(before);
    }

    Manner manner;
    Time now = testing::at("2019-02-08 09:21:00");
    Device device;
    std::vector<std::string> heard;
    Shell shell;
    std::string screen;

  private:
    static State made(Beginning beginning)
    {
        beginning.start = at("2019-02-08 09:20:00");
        return first_state(beginning);
    }
    void take()
    {
        for (const Event& event : device.take_events()) shell.hear(event);
        screen += shell.take_output();
    }
};

}  // namespace belay::lab::iosxe::testing
