#pragma once
// A site of real hosts on which one operation after the other meets a fault, and must end well every time.

#include "base/json.h"
#include "site.h"
#include "store/etcd/testing/cluster.h"
#include "subject.h"

#include <chrono>
#include <future>
#include <memory>
#include <optional>

namespace belay::faults {

/// The second controller, where there is one.
inline constexpr size_t beta = 3;

/// How an operation ended that met a fault.
struct Ending {
    bool was_struck = false;  ///< false: there are fewer records
    std::string at = {};      ///< what was written, in a few words
    std::string state = {};   ///< "committed", "aborted", or "none": it was struck before it was kept
    std::string held = {};    ///< why it was held meanwhile; empty: it was not
    bool was_stuck = false;   ///< it said that its journal could not be written
};

/// Threads: one.
class Trial {
  public:
    /// Where the site's state is: nothing, with its controller. The hosts reach the etcd on `network`.
    struct Etcd {
        std::shared_ptr<lab::Network> network;
        store::Cluster* cluster;
    };
    struct Options {
        std::optional<Etcd> etcd = {};  ///< with it there is another controller, beta, that stands by
    };
    static Result<std::unique_ptr<Trial>> begin(const lab::Folder& folder, Options options,
                                                std::unique_ptr<Subject> subject);

    /// Carries out one operation, with that strike. Errors: what has ended badly, with what the hosts say of
    /// it.
    Result<Ending> play(const Strike& strike);
    /// The records of one that meets none.
    Result<Counts> count(Course course);

  private:
    using Clock = std::chrono::steady_clock;
    using Mend = std::function<Result<void>()>;

    Trial(lab::Site site, Options options, std::unique_ptr<Subject> subject)
        : site_(std::move(site)), options_(std::move(options)), subject_(std::move(subject))
    {
    }

    Result<Ending> play_once(const Strike& strike);
    Result<void> set_up();
    Result<void> prepare(const Strike& strike);
    Result<void> start(size_t host);
    Result<unsigned> order(size_t host, const std::string& order);

    // A person at the controller.
    void person(Course course);
    Result<std::string> plan(Course course);
    Result<void> ask(const std::string& id, const std::string& verb);
    bool person_has_gone(Milliseconds limit) const;

    Result<void> await_stop(size_t host);
    Result<std::optional<std::string>> await_record(const Strike& strike);
    Result<Mend> strike_now(const Strike& strike);
    Result<Mend> cut_link(const Strike& strike);
    Result<Mend> set_clock(const Strike& strike);
    Result<Mend> kill_daemon(const Strike& strike);
    Result<Mend> cut_power(const Strike& strike);
    Result<Mend> kill_etcd_leader();
    Result<Mend> fill_disk();
    Result<Mend> kill_supervisor(size_t host);
    Result<Mend> kill_applications(size_t host);
    Result<void> wait_for_effect(const Strike& strike);

    bool leads(size_t host);
    Result<size_t> leader();
    Result<void> let_alpha_lead();
    Result<std::vector<Json>> history(size_t host);
    Result<Json> site_operation();
    Result<Json> part_on(size_t host);
    bool is_home(size_t host);
    Result<Json> carry_on(Course course, Ending& ending);
    Result<void> hold_promises(const Strike& strike, const Ending& ending);
    Result<void> check_host(size_t host, const std::string& state);
    Result<void> check_timer(const Strike& strike, const Ending& ending) const;
    bool await_that(const std::function<Result<bool>()>& holds, Milliseconds limit);
    std::string story();

    lab::Site site_;
    const Options options_;
    const std::unique_ptr<Subject> subject_;
    unsigned number_ = 0;  ///< of the operation that is tried
    std::string word_;     ///< why it is done, which is found again in all journals
    bool was_stuck_ = false;
    std::optional<Clock::time_point> activated_, ended_;
    std::optional<Clock::time_point> application_killed_;
    std::string refusal_;  ///< why the operation was not added; the person's until he has gone
    std::future<void> person_;
};

}  // namespace belay::faults
