#pragma once
// What brings a member's copy on, read from the configuration in the store.

#include "framework/configuration/handover.h"

#include <memory>

namespace belay::framework::configuration {

/// Threads: any. Errors of all: those of the store.
class HandoverSource {
  public:
    /// The store must outlive it.
    explicit HandoverSource(store::Store& store) : store_(store) {}

    /// The newest version.
    Result<Point> newest();
    /// From there to the newest version that is there. Nothing: that version is not known here, or the
    /// changes since are no longer, or are more than it is worth; the whole is wanted.
    Result<std::optional<Step>> step_from(const Point& from);
    /// Errors besides: as of load(); usage, where it is too large.
    Result<std::shared_ptr<const Whole>> whole();

  private:
    store::Store& store_;
};

}  // namespace belay::framework::configuration
