#pragma once
// How the copy of a configuration lies in a member's own store:
//
//   copy/head               {site, at, generation, pieces, digest, base, last, oldest}: what of the rest
//                           counts. Each change of the copy rewrites it, in the transaction that makes it so:
//                           a power cut leaves the old or the new
//   copy/base/GGGGGGGG/NNNN the whole as it was after the step `base`, packed and cut (handover.h). A new one
//                           is written beside it, under the next generation
//   copy/step/NNNNNNNNNNNN  {from, to, change}: the steps since, and some before that watchers may still ask
//                           for. Numbered here, since versions may go back
//   copy/heard              {newest, wall_ms, boot_ms, boot_id}: when a controller was last heard
//
// What the head does not speak of is left from something that was not finished, and goes.

#include "framework/configuration/handover.h"
#include "host/host.h"

#include <deque>
#include <functional>

namespace belay::framework::configuration {

struct CopyLimits {
    size_t kept_steps = 1000;  ///< for watchers
    size_t kept_bytes = 16 << 20;
    size_t steps_upon_base = 500;      ///< with more the base is written anew
    size_t bytes_upon_base = 1 << 20;  ///< the same; as many as the base has, where that is more
    size_t piece_bytes = most_piece_bytes;
};

/// When a controller was last heard, and what it had.
struct Heard {
    Version newest = 0;
    std::optional<host::Moment> at = {};  ///< nothing: never
};

/// The steps that are kept: those from `oldest` on.
struct StepIndex {
    struct Span {
        Version from = 0, to = 0;
        size_t bytes = 0;
    };
    uint64_t oldest = 1;
    std::deque<Span> spans = {};

    /// Of the newest one. After a step that none leads to it is the number that such a step would have had.
    uint64_t last() const { return oldest + spans.size() - 1; }
};

/// Threads: one at a time, but for read(). After an error of the writing ones everything is as it was before.
class CopyStore {
  public:
    /// `site`: whose configuration it is; a copy of another one's makes no sense.
    CopyStore(store::Store& store, CopyLimits limits, std::string site)
        : store_(store), limits_(limits), site_(std::move(site))
    {
    }

    struct Loaded {
        Point at = {};
        std::shared_ptr<const Configuration> configuration = std::make_shared<const Configuration>();
        Heard heard = {};
    };
    /// Errors: corrupt and version (what it holds makes no sense to this Belay), those of the store.
    Result<Loaded> load();
    /// Gives all of it up. Errors: those of the store.
    Result<void> drop();

    /// Errors: usage, where the step is too large; those of the store.
    Result<void> append(const Step& step, const Heard& heard);
    /// Without a step that leads there none of those before is kept. Errors: those of the store.
    Result<void> replace(const Whole& whole, const Step* step, const Heard& heard);
    /// So many steps stand upon the base that it should be written anew.
    bool is_base_due() const;
    /// `whole` is what is there now. Errors: those of the store.
    Result<void> renew_base(const Whole& whole);
    Result<void> keep_heard(const Heard& heard);

    const StepIndex& index() const { return index_; }
    /// The steps after one, oldest first, at most `limit`. Errors: not_found, where they are no longer kept;
    /// corrupt, those of the store. Threads: any.
    Result<std::vector<Step>> read(uint64_t after, size_t limit) const;

  private:
    struct Head {
        Point at = {};
        uint64_t generation = 0;
        size_t pieces = 0;  ///< 0: the base is empty
        std::string digest = {};
        uint64_t base = 0, last = 0, oldest = 1;
    };
    std::string text_of(const Head& head) const;
    Result<Head> head_from(std::string_view text) const;

    Result<Configuration> load_base();
    Result<void> load_steps(Loaded& loaded);
    Result<Heard> load_heard();
    Result<void> put_base(const Whole& whole, Head& head);
    Result<void> commit(const Head& head, std::vector<store::Write> writes);
    Result<void> sweep(std::string_view prefix, const std::function<bool(std::string_view key)>& is_old);
    Result<void> sweep_all();
    void sweep_old();

    store::Store& store_;
    const CopyLimits limits_;
    const std::string site_;
    Head head_;
    StepIndex index_;
    size_t kept_bytes_ = 0, base_bytes_ = 0, bytes_upon_base_ = 0;
};

}  // namespace belay::framework::configuration
