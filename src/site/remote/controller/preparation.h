#pragma once
// The questions that bring members to the newest version of the configuration, as texts. Members that were
// away are at different versions; the others share one.

#include "framework/configuration/handover_source.h"
#include "site/remote/controller/receivers.h"

namespace belay::site {

/// A question, written down.
struct Prepared {
    std::shared_ptr<const std::string> text = {};                       ///< null: it needs none
    std::shared_ptr<const framework::configuration::Whole> whole = {};  ///< that it is a piece of
};

/// Threads: one at a time.
class Preparation {
  public:
    /// The store must outlive it.
    explicit Preparation(store::Store& store) : source_(store) {}

    /// Errors: as of HandoverSource.
    Result<framework::configuration::Point> newest() { return source_.newest(); }
    /// What the next question to this member is. `ahead` is set where it leads to another version than the
    /// newest that was known. Errors: as of HandoverSource.
    Result<Prepared> question_to(const Receivers::Receiver& receiver,
                                 std::optional<framework::configuration::Point>& ahead);
    /// What was prepared is wanted no more.
    void forget();

  private:
    using Text = std::shared_ptr<const std::string>;
    /// More of them are not kept.
    static constexpr size_t most_steps = 16;

    Result<Text> step_from(const framework::configuration::Point& from,
                           std::optional<framework::configuration::Point>& ahead);
    Text piece_of(const std::shared_ptr<const framework::configuration::Whole>& whole, size_t piece);

    framework::configuration::HandoverSource source_;
    std::map<std::string, Text> steps_;  ///< by where from; null: none leads on
    std::shared_ptr<const framework::configuration::Whole> whole_;
    std::map<size_t, Text> pieces_;  ///< of that
};

}  // namespace belay::site
