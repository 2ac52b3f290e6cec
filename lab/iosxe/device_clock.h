#pragma once
// The device's clock, made of the machine's: it begins at a time that somebody chose and runs so many times
// as fast. Only this knows of the real time.

#include "iosxe/state.h"

namespace belay::lab::iosxe {

class DeviceClock {
  public:
    /// From `start` on, `factor` times as fast as the machine's. 0: it stands, and only forward() moves it.
    DeviceClock(Time start, double factor, Milliseconds real);

    /// `real`: milliseconds since the epoch, of the machine's wall clock, so that a program which was started
    /// again goes on where the device has got to meanwhile.
    Time at(Milliseconds real) const;
    /// How long until then, in real time; nothing: it stands.
    std::optional<Milliseconds> until(Time due, Milliseconds real) const;
    void set_factor(double factor, Milliseconds real);
    void forward(Milliseconds by) { start_ += by; }

    Json to_json() const;
    static Result<DeviceClock> read(const Json& json);

  private:
    Time start_;
    double factor_;
    Milliseconds began_;
};

}  // namespace belay::lab::iosxe
