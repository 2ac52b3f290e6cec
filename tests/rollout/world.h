#pragma once
// A site in memory: hosts with engines of their own, a controller with one, and links between them that fail.

#include "operation/toy_world.h"
#include "site/rollout/part_methods.h"
#include "site/rollout/rollouts.h"

namespace belay::site {

using namespace std::chrono_literals;
using operation::Id;
using operation::State;
using operation::Verb;

/// What happens to a host when it is asked for the n-th time (from 1).
struct Accident {
    enum class Kind {
        none,
        question_lost,  ///< once
        answer_lost,    ///< once
        dies,           ///< its belayd, until it is mended
        power_cut,      ///< after it has done what it was asked; it is off for `span`
        cut_off,        ///< the link, for `span`, before the question
        answers_once,   ///< the link, for `span`, after it has done what it was asked; the answer is lost
        clock_jumps,    ///< its wall clock, by `span`
    } kind = Kind::none;
    size_t host = 0;
    size_t at = 1;
    Milliseconds span{0};
};

class Host {
  public:
    explicit Host(std::string name);

    const std::string& name() const { return name_; }
    operation::ToyWorld& world() { return world_; }
    bool is_up() const { return up_; }
    bool can_be_reached(Milliseconds now) const { return up_ && now >= cut_until_; }
    size_t asked() const { return asked_; }

    /// Answers as its belayd does, unless something happens to it.
    Result<Json> ask(const MemberQuestion& question, const std::vector<Accident>& accidents,
                     Milliseconds now);
    /// Its belayd works until it wants to wait; when it wants to come again, on the common clock.
    std::optional<Milliseconds> serve(Milliseconds now);
    /// Time passes, for what is on.
    void advance(Milliseconds from, Milliseconds to);
    /// When its power comes back; nothing where it is on, or dead for good.
    std::optional<Milliseconds> comes_back() const { return comes_back_; }
    void mend(Milliseconds now);

    /// "committed", "as before", or what it is.
    std::string outcome();

    /// A belayd that only says that it promises.
    bool false_promises = false;

  private:
    Result<Json> answer(const MemberQuestion& question);
    Result<Json> answer_falsely(const MemberQuestion& question);
    void start();

    std::string name_;
    operation::ToyWorld world_;
    std::map<std::string, Method, std::less<>> methods_;
    bool up_ = true;
    bool promised_ = false;  ///< falsely
    Milliseconds off_since_{0};
    std::optional<Milliseconds> comes_back_;
    Milliseconds cut_until_{0};
    size_t asked_ = 0;
};

/// The way to the hosts; a host's id is its place among them.
class Links final : public Members {
  public:
    std::vector<Result<Json>> ask(const std::vector<MemberQuestion>& questions, const std::string& asker,
                                  Milliseconds limit) override;

    Milliseconds comes_within(const std::string&) const override { return 20s; }

    std::vector<std::unique_ptr<Host>> hosts;
    std::vector<Accident> accidents;
    Milliseconds now{0};            ///< the common clock
    bool silenced = false;          ///< the controller has died: nobody hears it
    Milliseconds attached_from{0};  ///< it has come back, and its hosts are attached from then on
};

}  // namespace belay::site
