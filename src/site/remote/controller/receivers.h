#pragma once
// The members that are to receive the configuration: what each of them has, what it was asked, and whose turn
// it is. It decides and does nothing; the distributor does.

#include "base/units.h"
#include "framework/configuration/handover.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace belay::site {

/// Times are of the boot clock. Threads: one at a time.
class Receivers {
  public:
    /// A member that could not take what it was asked to is asked again after this, or with the next change.
    static constexpr Milliseconds retry_after = std::chrono::minutes(1);

    struct Receiver {
        std::optional<framework::configuration::Point> at = {};  ///< nothing: it has not said
        /// What it gets piece by piece, and the piece that is next.
        std::shared_ptr<const framework::configuration::Whole> whole = {};
        size_t piece = 0;
        std::optional<Error> problem = {};  ///< why it could not take what it was asked to

      private:
        friend class Receivers;
        uint64_t question_ = 0;  ///< that has no answer yet; 0: none
        bool again_ = false;     ///< it has attached anew since then
        bool due_ = false;
        int misfits_ = 0;  ///< answers in a row by which it did not get on
    };

    /// `most_bytes`: of questions under way, beyond which nobody's turn comes; one that has had no answer for
    /// `slow_after` is no longer counted.
    Receivers(size_t most_bytes, Milliseconds slow_after) : most_bytes_(most_bytes), slow_after_(slow_after)
    {
    }

    void attached(const std::string& member);
    void gone(const std::string& member);
    /// Everybody who does not have it is due.
    void set_newest(const framework::configuration::Point& newest);

    /// Whose turn it is; nothing: nobody's now. It must be asked, or put off.
    std::optional<std::string> next(Milliseconds now);
    /// When it may be somebody's turn though nothing happens; nothing: never.
    std::optional<Milliseconds> next_time() const;
    bool is_somebodys_turn() const { return !due_.empty() && bytes_ < most_bytes_; }
    /// Nobody is due, and no answer is missing.
    bool is_idle() const { return due_.empty() && questions_.empty(); }

    /// The number of the question; 0: it is gone. `whole`: that it is a piece of, or null.
    uint64_t asked(const std::string& member, size_t bytes,
                   const std::shared_ptr<const framework::configuration::Whole>& whole, Milliseconds now);
    void put_off(const std::string& member, const Error& problem, Milliseconds until);
    void answered(const std::string& member, uint64_t question,
                  const Result<framework::configuration::Taken>& answer, Milliseconds now);

    /// Null: not attached.
    const Receiver* find(const std::string& member) const;
    const framework::configuration::Point& newest() const { return newest_; }
    size_t members() const { return receivers_.size(); }
    size_t current() const { return current_; }  ///< that have the newest

  private:
    struct Question {
        std::string member;
        size_t bytes = 0;
        Milliseconds at{0};
    };
    bool is_current(const Receiver& receiver) const { return receiver.at && *receiver.at == newest_; }
    void set_at(Receiver& receiver, std::optional<framework::configuration::Point> at);
    void make_due(const std::string& member, Receiver& receiver);
    void close_question(uint64_t question);
    void take(const std::string& member, Receiver& receiver, const framework::configuration::Taken& answer,
              Milliseconds now);

    const size_t most_bytes_;
    const Milliseconds slow_after_;
    framework::configuration::Point newest_;
    std::map<std::string, Receiver, std::less<>> receivers_;
    std::deque<std::string> due_;
    std::map<uint64_t, Question> questions_;  ///< by number: the oldest first
    std::multimap<Milliseconds, std::string> put_off_;
    uint64_t last_question_ = 0;
    size_t bytes_ = 0;  ///< of the questions that count
    size_t current_ = 0;
};

}  // namespace belay::site
