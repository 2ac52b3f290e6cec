#pragma once
// Who measures looks here for the components that have begun.

#include "base/result.h"
#include "base/units.h"
#include "host/descriptor.h"
#include "samples.h"
#include "supervision_page.h"

#include <string>
#include <sys/types.h>

namespace belay::bench {

/// Threads: one.
class Beginnings {
  public:
    /// Errors: those of the system.
    static Result<Beginnings> make();
    ~Beginnings();
    Beginnings(Beginnings&& other) noexcept
        : file_(std::move(other.file_)), page_(std::exchange(other.page_, nullptr))
    {
    }
    Beginnings& operator=(Beginnings&&) = delete;

    /// The argument of that component.
    std::string argument_of(size_t component) const;

    /// From now on none has begun.
    void forget_all();
    /// Comes back when so many have begun since then, some perhaps several times. Errors: timeout.
    Result<void> await(size_t count, Milliseconds limit);
    size_t count() const { return page_->begun; }
    pid_t pid_of(size_t component) const { return page_->components.at(component).pid; }
    /// Of CLOCK_MONOTONIC.
    Nanoseconds at(size_t component) const { return Nanoseconds(page_->components.at(component).at); }

  private:
    Beginnings(host::Descriptor file, BeginningsPage* page) : file_(std::move(file)), page_(page) {}
    host::Descriptor file_;
    BeginningsPage* page_;
};

}  // namespace belay::bench
