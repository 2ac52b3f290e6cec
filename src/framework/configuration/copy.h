#pragma once
// What a member keeps of the configuration of its site: a copy to read, which stays when no controller
// answers. How it lies in the member's store is in copy_store.h.
//
// Secrets in it are as they are sealed; a member has no key to open them.

#include "framework/configuration/copy_store.h"
#include "framework/configuration/register.h"

#include <condition_variable>
#include <memory>
#include <mutex>

namespace belay::framework::configuration {

/// How a copy stands.
struct Standing {
    Point at = {};
    Heard heard = {};
    std::string problem = {};  ///< why an earlier copy was given up; empty: it was not
};
/// {"version", "newest": that a controller had when it was last heard, "heard_ms": that, wall clock, or null,
/// "ago_ms": how long ago, or null, "problem": text or null}.
Json as_of(const Standing& standing, const host::Moment& now);

struct CopyOptions {
    std::string site = {};                   ///< whose configuration it is
    std::function<host::Moment()> now = {};  ///< threads: any
    /// The copy has another version now. Threads: any.
    std::function<void()> changed = [] {};
    CopyLimits limits = {};
};

class Copy;

/// Delivers the steps after a version: in order, each once. Used by one thread at a time, but for
/// interrupt(). Is destroyed before its copy.
class CopyFollower {
  public:
    /// The steps since the last call; waits up to `patience` for the first one, and comes back empty after
    /// it. Errors: not_found, where no step leads on from there, or it is no longer kept: read anew, by
    /// snapshot(); those of the store.
    Result<std::vector<Step>> next(Milliseconds patience);
    /// Makes the next() that waits in another thread, or else the coming one, return at once and empty.
    void interrupt();

  private:
    friend class Copy;
    CopyFollower(Copy& copy, uint64_t number) : copy_(copy), number_(number) {}

    Copy& copy_;
    uint64_t number_;  ///< of the last step that was delivered
    bool interrupted_ = false;
};

/// Threads: any.
class Copy {
  public:
    /// The store must outlive it, and nothing else writes under "copy/". A copy that makes no sense, is of
    /// another site, or was made by a newer Belay, is given up: it begins empty then, and its standing says
    /// why. Errors: those of the store.
    static Result<std::unique_ptr<Copy>> open(store::Store& store, CopyOptions options);

    Snapshot snapshot() const;
    Standing standing() const;
    Json as_of() const;

    /// Takes a step, or a piece of the whole, which counts with its last piece. What it has already is taken
    /// once more without harm. Errors: version (it has what this Belay does not know), corrupt, those of the
    /// store; then the copy is as it was.
    Result<Taken> take(const Handover& handover);

    /// A controller was heard, and this was its newest version; nothing: it did not say. That is on the disk
    /// a minute later at most, where it is heard again meanwhile.
    void heard(std::optional<Version> newest);

    /// From snapshot().version, or the end of a step. Errors: not_found: read anew.
    Result<std::unique_ptr<CopyFollower>> follow(Version from);
    /// The steps after a version, oldest first, at most `limit`. Errors: not_found: read anew; those of the
    /// store.
    Result<std::vector<Step>> steps_after(Version from, size_t limit);

    /// Gives up what a store has of a copy, where no Copy is open on it: this machine is of no site any more.
    /// Errors: those of the store.
    static Result<void> forget(store::Store& store);

  private:
    friend class CopyFollower;
    /// Pieces that came, of a whole that is not complete.
    struct Incoming {
        Whole whole = {};
        size_t of = 0;
    };

    Copy(store::Store& store, CopyOptions options)
        : options_(std::move(options)), kept_(store, options_.limits, options_.site)
    {
    }
    Result<Taken> take_step(const Step& step);
    Result<Taken> take_piece(const Piece& piece);
    Result<void> take_whole(const Whole& whole);
    Result<void> renew_base();
    Heard heard_now(const Point& at) const;
    void become(const Point& at, std::shared_ptr<const Configuration> configuration, const Heard& heard);
    Result<uint64_t> number_of(Version version) const;
    Error no_step_from(Version version) const;

    const CopyOptions options_;

    std::mutex taking_;  ///< one change at a time, while it is written
    CopyStore kept_;
    std::optional<Incoming> incoming_;
    std::optional<Milliseconds> heard_kept_;  ///< boot clock: when it was last written

    mutable std::mutex mutex_;  ///< of what is read; held for moments
    std::condition_variable news_;
    StepIndex index_;  ///< that of kept_
    std::shared_ptr<const Configuration> configuration_ = std::make_shared<const Configuration>();
    Standing standing_;
};

}  // namespace belay::framework::configuration
