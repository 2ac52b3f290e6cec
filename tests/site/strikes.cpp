// Strikes one after another, on several sites side by side.

#include "trial.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <doctest/doctest.h>
#include <map>
#include <mutex>
#include <random>
#include <sched.h>
#include <thread>

namespace belay::faults {
namespace {

using Clock = std::chrono::steady_clock;

template <typename T>
T need(Result<T> result)
{
    REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().what + result.error().output));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}

std::string setting(const char* variable, const std::string& usual)
{
    const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody changes it
    return text == nullptr ? usual : text;
}

unsigned number_setting(const char* variable, unsigned usual)
{
    return static_cast<unsigned>(std::stoul(setting(variable, fmt::format("{}", usual))));
}

bool needs_etcd(const Strike& strike)
{
    return strike.fault == Fault::etcd_leader_killed || strike.takes_over();
}

/// Where the site's state is not on it, nothing of the site is written there.
bool needs_database(const Strike& strike)
{
    return strike.fault == Fault::disk_full;
}

/// Of all, in their order, each n-th from the k-th on, where BELAY_STRIKE_PART is "k/n": all of them in
/// several runs.
std::vector<Strike> part_of(const std::vector<Strike>& all)
{
    const std::string wanted = setting("BELAY_STRIKE_PART", "1/1");
    const size_t first = std::stoul(wanted), of = std::stoul(wanted.substr(wanted.find('/') + 1));
    REQUIRE_MESSAGE((first >= 1 && first <= of), "BELAY_STRIKE_PART is k/n, as 2/4, not ", wanted);
    std::vector<Strike> part;
    for (size_t at = first - 1; at < all.size(); at += of) part.push_back(all[at]);
    return part;
}

/// One of each kind, then another of each, and so on.
std::vector<Strike> chosen(std::vector<Strike> all, size_t count, unsigned seed)
{
    std::mt19937 dice(seed);
    std::shuffle(all.begin(), all.end(), dice);
    std::map<std::string, size_t> rounds;
    std::vector<std::pair<size_t, Strike>> in_rounds;
    for (const Strike& strike : all) in_rounds.emplace_back(rounds[strike.kind()]++, strike);
    std::stable_sort(in_rounds.begin(), in_rounds.end(),
                     [](const auto& one, const auto& other) { return one.first < other.first; });
    std::vector<Strike> some;
    for (const auto& [round, strike] : in_rounds) {
        if (some.size() == count) break;
        some.push_back(strike);
    }
    // What takes minutes first: the others go on beside it.
    std::ranges::stable_partition(some,
                                  [](const Strike& strike) { return strike.fault == Fault::cut_for_long; });
    return some;
}

/// The strikes that are left, for several sites at the same time, and what came of the others.
class Strikes {
  public:
    explicit Strikes(std::vector<Strike> strikes)
        : begun_(Clock::now()), left_(strikes.begin(), strikes.end())
    {
    }

    std::optional<Strike> next(bool has_etcd)
    {
        const std::lock_guard lock(mutex_);
        // What only the one with an etcd can do it does first.
        const auto fits = [&](const Strike& strike) {
            return has_etcd ? needs_etcd(strike) : !needs_etcd(strike);
        };
        auto found = std::ranges::find_if(left_, fits);
        if (found == left_.end() && has_etcd)
            found = std::ranges::find_if(left_, [](const Strike& one) { return !needs_database(one); });
        if (found == left_.end()) return std::nullopt;
        const Strike strike = *found;
        left_.erase(found);
        return strike;
    }

    void note(const Strike& strike, const Result<Ending>& ending)
    {
        const std::lock_guard lock(mutex_);
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun_).count();
        fmt::print("{:5} s  {}", seconds, strike.text());
        if (ending) {
            fmt::print(" ({}): {}{}{}\n", ending->was_struck ? ending->at : "over before", ending->state,
                       ending->was_stuck ? ", was stuck" : "",
                       ending->held.empty() ? "" : ", was held: " + ending->held);
            if (ending->was_struck) ++struck_;
            if (ending->was_stuck) ++stuck_;
            if (!ending->held.empty()) ++held_;
            ++ended_[ending->state];
        } else {
            // At once: a run of an hour may be stopped before its end.
            fmt::print(": WRONG: {}\n", ending.error().what);
            wrong_.push_back(strike.text() + ": " + ending.error().what);
        }
        std::fflush(stdout);
    }
    void note_error(const std::string& what)
    {
        const std::lock_guard lock(mutex_);
        wrong_.push_back(what);
    }

    // When all are done.
    const std::vector<std::string>& wrong() const { return wrong_; }
    size_t struck() const { return struck_; }
    size_t left() const { return left_.size(); }
    std::string summary() const
    {
        std::string text =
            fmt::format("{} strikes; held meanwhile: {}; stuck meanwhile: {}", struck_, held_, stuck_);
        for (const auto& [state, count] : ended_) text += fmt::format("; {}: {}", state, count);
        return text;
    }

  private:
    const Clock::time_point begun_;
    std::mutex mutex_;
    std::deque<Strike> left_;
    std::vector<std::string> wrong_;
    size_t struck_ = 0, held_ = 0, stuck_ = 0;
    std::map<std::string, size_t> ended_;
};

/// A site, until nothing is left to try; after something went wrong another one.
void serve(Strikes& strikes, const Trial::Options& options,
           const std::function<std::unique_ptr<Subject>()>& subject)
{
    const bool has_etcd = options.etcd.has_value();
    std::optional<Strike> strike = strikes.next(has_etcd);
    while (strike) {
        const Result<lab::Folder> folder = lab::Folder::make();
        auto trial = folder ? Trial::begin(*folder, options, subject())
                            : Result<std::unique_ptr<Trial>>(std::unexpected(folder.error()));
        if (!trial) return strikes.note_error(trial.error().what + trial.error().output);
        for (bool good = true; strike && good; strike = strikes.next(has_etcd)) {
            const Result<Ending> ending = (*trial)->play(*strike);
            strikes.note(*strike, ending);
            good = ending.has_value();
        }
        if (strike) continue;
        // Nothing is left in the way of the next one.
        if (const auto last = (*trial)->play({}); !last && strikes.wrong().empty()) strikes.note({}, last);
    }
}

/// By one of each course that meets nothing.
void count(const Campaign& campaign, std::map<Course, Journals>& journals)
{
    const lab::Folder folder = need(lab::Folder::make());
    const std::unique_ptr<Trial> trial = need(Trial::begin(folder, {}, campaign.subject(false)));
    for (auto& [course, of_course] : journals) {
        of_course.counts = need(trial->count(course));
        fmt::print("records: {}\n", fmt::join(of_course.counts, ", "));
        std::fflush(stdout);
    }
}

}  // namespace

void strike_all(const Campaign& campaign)
{
    const std::string wanted = setting("BELAY_STRIKES", "");
    const unsigned seed = number_setting("BELAY_STRIKE_SEED", std::random_device{}() % 100'000);
    const unsigned sites = number_setting("BELAY_STRIKE_SITES", 3);
    const std::string only = setting("BELAY_STRIKE_ONLY", "");
    fmt::print("BELAY_STRIKE_SEED={}\n", seed);

    // This process is on the network of the site with the etcd from now on: what it starts is reached there.
    const std::shared_ptr<lab::Network> network = need(lab::Network::make());
    need(network->add_address("10.77.0.254/24"));
    REQUIRE(setns(network->namespace_fd(), CLONE_NEWNET) == 0);
    store::Cluster cluster(3, {}, "10.77.0.254");

    std::map<Course, Journals> journals = campaign.journals;
    if (wanted == "all") count(campaign, journals);
    std::vector<Strike> all;
    for (const auto& [course, of_course] : journals)
        std::ranges::move(strikes_of(course, of_course), std::back_inserter(all));
    std::erase_if(all, [&](const Strike& strike) { return strike.text().find(only) == std::string::npos; });
    all = part_of(all);
    const size_t wanted_count = wanted == "all"  ? all.size()
                                : wanted.empty() ? campaign.usual
                                                 : std::stoul(wanted);
    const std::vector<Strike> some = chosen(all, wanted_count, seed);
    fmt::print("{} of {} strikes\n", some.size(), all.size());
    std::fflush(stdout);

    Strikes strikes(some);
    std::vector<std::thread> servers;
    for (unsigned site = 0; site < sites; ++site)
        servers.emplace_back([&, site] {
            Trial::Options options;
            if (site == 0) options.etcd = Trial::Etcd{network, &cluster};
            serve(strikes, options, [&] { return campaign.subject(site > 0 && site % 2 == 0); });
        });
    for (std::thread& server : servers) server.join();
    fmt::print("{}\n", strikes.summary());
    for (const std::string& what : strikes.wrong()) FAIL_CHECK(what);
    CHECK(strikes.left() == 0);
    // A record may become durable together with the one before: of some that is met by one.
    CHECK(strikes.struck() + std::max<size_t>(1, some.size() / 10) >= some.size());
}

}  // namespace belay::faults
