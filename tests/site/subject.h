#pragma once
// What the operations of a site that meets faults are about: what is set up for them, what is planned, and
// what must hold of the hosts when one has ended.

#include "site.h"
#include "strike.h"

#include <functional>
#include <map>
#include <memory>

namespace belay::faults {

/// Hosts are named as in strike.h. Threads: one.
class Subject {
  public:
    virtual ~Subject() = default;

    /// What its hosts have beyond those of any site.
    virtual void ask_for(lab::SiteOptions&) const {}
    /// After each boot, before there is a daemon.
    virtual Result<void> equip(lab::Site&, size_t) { return {}; }
    /// Once, when all hosts are attached. `start` starts a host's daemon that was stopped.
    virtual Result<void> set_up(lab::Site& site, const std::function<Result<void>(size_t)>& start) = 0;

    /// The next operation is called by this word, and meets this.
    virtual Result<void> prepare(lab::Site& site, const Strike& strike, const std::string& word) = 0;
    /// The arguments of `belay` that plan and add it.
    virtual std::vector<std::string> plan() const = 0;
    /// The timer of one that is to expire.
    virtual Milliseconds short_timer() const = 0;
    /// It refuses to go on while the clocks of the hosts disagree.
    virtual bool minds_clocks() const { return false; }
    /// A host that is cut off begins to go back by itself, and waits on the way until it hears of the other
    /// one.
    virtual bool waits_for_the_other() const { return false; }
    /// The hosts that carry it out.
    virtual std::vector<size_t> members() const = 0;

    /// What is only in its memory goes with it.
    virtual Result<void> before_power_cut(lab::Site&, size_t) { return {}; }

    /// All is back, and it has ended. Errors: what does not hold.
    virtual Result<void> check(lab::Site& site, bool is_committed) = 0;
    /// For whoever has to find out why.
    virtual std::string story(lab::Site&, size_t) { return {}; }
};

/// What a test tries.
struct Campaign {
    std::function<std::unique_ptr<Subject>(bool works_on_controller)> subject;
    std::map<Course, Journals> journals;
    size_t usual = 8;  ///< so many strikes where nobody says
};

/// As the environment says (faults_test.cpp).
void strike_all(const Campaign& campaign);

}  // namespace belay::faults
