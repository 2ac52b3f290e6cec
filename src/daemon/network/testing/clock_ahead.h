#pragma once
// For tests: a machine whose wall clock is off, as that of one that nobody sets.

#include "host/host.h"

#include <memory>

namespace belay::daemon::testing {

/// In the environment of the daemon: by so many milliseconds it is fast; slow where they are negative.
constexpr const char* clock_ahead_variable = "BELAY_TESTS_CLOCK_AHEAD_MS";

/// The machine that is under it, but for its wall clock.
class ClockAhead final : public host::Host {
  public:
    ClockAhead(std::unique_ptr<host::Host> host, Milliseconds ahead) : host_(std::move(host)), ahead_(ahead)
    {
    }

    Result<host::Moment> now() override
    {
        host::Moment moment = TRY(host_->now());
        moment.wall += ahead_;
        return moment;
    }

    Result<host::Outcome> run(const host::Command& command) override { return host_->run(command); }
    Result<std::string> read(std::string_view path, Bytes limit) override { return host_->read(path, limit); }
    Result<void> write(std::string_view path, std::string_view text) override
    {
        return host_->write(path, text);
    }
    Result<void> replace(std::string_view path, std::string_view text) override
    {
        return host_->replace(path, text);
    }
    Result<void> remove(std::string_view path) override { return host_->remove(path); }
    Result<std::vector<std::string>> list(std::string_view path) override { return host_->list(path); }
    Result<std::string> resolve(std::string_view path) override { return host_->resolve(path); }
    Result<std::string> read_at(std::string_view path, Bytes offset, Bytes size) override
    {
        return host_->read_at(path, offset, size);
    }
    Result<void> write_at(std::string_view path, Bytes offset, std::string_view bytes) override
    {
        return host_->write_at(path, offset, bytes);
    }
    Result<host::Space> space(std::string_view path) override { return host_->space(path); }
    Result<std::string> random(size_t count) override { return host_->random(count); }

  private:
    const std::unique_ptr<host::Host> host_;
    const Milliseconds ahead_;
};

}  // namespace belay::daemon::testing
