#include "cli/signals.h"

#include "base/invariant.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace belay::cli {

CaughtSignals::CaughtSignals(std::initializer_list<int> numbers)
{
    sigset_t caught;
    sigemptyset(&caught);
    for (const int number : numbers) sigaddset(&caught, number);
    pthread_sigmask(SIG_BLOCK, &caught, &before_);
    descriptor_ = host::Descriptor(signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
}

CaughtSignals::~CaughtSignals()
{
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> CaughtSignals::take()
{
    signalfd_siginfo info{};
    if (::read(descriptor(), &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

Ticker::Ticker(Milliseconds period, std::initializer_list<int> signals, std::function<void()> tick,
               std::function<void(int)> signal)
    : signals_(signals),
      period_(period),
      tick_(std::move(tick)),
      signal_(std::move(signal)),
      stop_(eventfd(0, EFD_CLOEXEC))
{
    INVARIANT(stop_);  // without it the thread could not be ended
    thread_ = std::thread([this] { run(); });
}

Ticker::~Ticker()
{
    const uint64_t one = 1;
    INVARIANT(::write(stop_.number(), &one, sizeof one) == sizeof one);
    thread_.join();
}

void Ticker::run()
{
    for (;;) {
        pollfd ready[] = {{stop_.number(), POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}};
        const int count = ::poll(ready, 2, static_cast<int>(period_.count()));
        if (ready[0].revents != 0) return;
        while (const auto number = signals_.take()) signal_(*number);
        if (count == 0) tick_();
    }
}

}  // namespace belay::cli
