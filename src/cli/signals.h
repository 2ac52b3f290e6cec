#pragma once
// Signals as something to read, not as something that breaks in: while one of these lives, its signals wait
// on a descriptor.

#include "base/units.h"
#include "host/descriptor.h"

#include <csignal>
#include <functional>
#include <initializer_list>
#include <optional>
#include <thread>

namespace belay::cli {

/// Blocks signals for this thread and the threads that it starts; lets them go again at its end. No thread
/// may be there already that would take them instead.
class CaughtSignals {
  public:
    CaughtSignals(std::initializer_list<int> numbers);
    ~CaughtSignals();
    CaughtSignals(const CaughtSignals&) = delete;
    CaughtSignals& operator=(const CaughtSignals&) = delete;

    /// Readable when a signal waits; negative if there is no such thing on this system.
    int descriptor() const { return descriptor_.number(); }
    /// The signal that waits; nothing if none does.
    std::optional<int> take();

  private:
    sigset_t before_{};
    host::Descriptor descriptor_;
};

/// Calls back from a thread of its own: once a period, and for every signal.
class Ticker {
  public:
    Ticker(Milliseconds period, std::initializer_list<int> signals, std::function<void()> tick,
           std::function<void(int)> signal);
    ~Ticker();
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;

  private:
    void run();

    CaughtSignals signals_;
    Milliseconds period_;
    std::function<void()> tick_;
    std::function<void(int)> signal_;
    host::Descriptor stop_;
    std::thread thread_;
};

}  // namespace belay::cli
