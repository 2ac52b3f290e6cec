#include "failover_rounds.h"

#include "failover_pairs.h"
#include "supervision_processes.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr auto answer_patience = std::chrono::seconds(30);
constexpr auto frozen_for = std::chrono::seconds(2);
/// From its thaw on: longer than an address of Belay's lives.
constexpr auto watched_after_thaw = std::chrono::seconds(2);
constexpr auto addresses_are_looked_at_every = std::chrono::milliseconds(5);
constexpr auto least_rest = std::chrono::milliseconds(200);
constexpr int number_of_hogs = 4;
constexpr auto killed_mark = std::chrono::milliseconds(50);
constexpr auto cut_mark = std::chrono::milliseconds(200);

struct Contender {
    std::string name;
    bool is_belay = false;
    int advert_ms = 0;  ///< of keepalived
    bool runs_beside_hogs = true;
};

/// Belay first.
std::vector<Contender> contenders(bool marks_only)
{
    std::vector<Contender> all = {{.name = "Belay, lease 150 ms", .is_belay = true}};
    if (marks_only) return all;
    all.push_back({.name = "keepalived, 0.1 s", .advert_ms = 100});
    all.push_back({.name = "keepalived, 0.01 s", .advert_ms = 10});
    all.push_back({.name = "keepalived, 1 s", .advert_ms = 1000, .runs_beside_hogs = false});
    return all;
}

/// What was found of one pair.
struct FoundPair {
    std::vector<Nanoseconds> killed, cut, handed_over, both;
    size_t acts_beside = 0;
    std::vector<double> shares;  ///< of a processor, at rest: who serves, who stands by, the third
    AskingClient::Gaps beside_hogs = {};
    size_t false_failovers = 0;
};

Nanoseconds worst(const std::vector<Nanoseconds>& samples)
{
    return *std::ranges::max_element(samples);
}

Result<std::unique_ptr<MeasuredPair>> begin_pair(const Contender& contender, const std::string& folder,
                                                 const std::string& programs, int act_every)
{
    std::filesystem::create_directories(folder);
    const PairGround ground{.folder = folder, .programs = programs, .act_every = act_every};
    return contender.is_belay ? begin_belay(ground) : begin_keepalived(ground, contender.advert_ms);
}

class PairRounds {
  public:
    PairRounds(MeasuredPair& pair, FoundPair& found) : pair_(pair), found_(found) {}

    Result<void> kill_server()
    {
        const int serving = TRY(come_to_rest());
        const pid_t server = pair_.server(serving);
        const Nanoseconds killed = reading(CLOCK_BOOTTIME);
        kill(server, SIGKILL);
        await_end(server);
        const Answer answer = TRY(pair_.client().await(killed, serving, answer_patience));
        found_.killed.push_back(answer.at - killed);
        return pair_.mend(serving);
    }

    Result<void> cut_power()
    {
        const int serving = TRY(come_to_rest());
        const std::vector<pid_t> all = pair_.processes(serving);
        const Nanoseconds cut = reading(CLOCK_BOOTTIME);
        pair_.cut_power(serving, all);
        const Answer answer = TRY(pair_.client().await(cut, serving, answer_patience));
        found_.cut.push_back(answer.at - cut);
        return pair_.power_on(serving, all);
    }

    Result<void> hand_over()
    {
        const int serving = TRY(come_to_rest());
        const Nanoseconds asked = reading(CLOCK_BOOTTIME);
        TRY(pair_.switch_over(serving));
        const Answer first = TRY(pair_.client().await(asked, serving, answer_patience));
        const std::optional<Answer> last = pair_.client().before(first.at);
        found_.handed_over.push_back(first.at - (last ? last->at : asked));
        return pair_.mend(serving);
    }

    Result<void> freeze()
    {
        const int serving = TRY(come_to_rest());
        const std::vector<pid_t> all = pair_.processes(serving);
        const size_t trace_before = std::filesystem::file_size(pair_.trace());
        const Nanoseconds frozen = reading(CLOCK_BOOTTIME);
        for (const pid_t process : all) kill(process, SIGSTOP);
        Nanoseconds both = watch_addresses(frozen + frozen_for);
        // The server first: it must see by itself that its time is over.
        for (const pid_t process : all) kill(process, SIGCONT);
        both += watch_addresses(frozen + frozen_for + watched_after_thaw);
        found_.both.push_back(both);
        found_.acts_beside += acts_beside(trace_before, serving);
        return {};
    }

    Result<void> rest(Milliseconds span)
    {
        const int serving = TRY(come_to_rest());
        std::vector<int> order = {serving, 3 - serving};
        for (int host = 3; host <= pair_.hosts(); ++host) order.push_back(host);
        std::vector<std::set<pid_t>> keepers;
        std::vector<Activity> before;
        for (const int host : order) {
            keepers.push_back(pair_.keepers(host));
            before.push_back(activity_of(keepers.back()));
        }
        std::this_thread::sleep_for(span);
        for (size_t i = 0; i < order.size(); ++i) {
            const Nanoseconds used = activity_of(keepers[i]).processor - before[i].processor;
            found_.shares.push_back(seconds(used) / seconds(span));
        }
        return {};
    }

  private:
    /// Both are there, one serves, and it is no certain time after the last renewal.
    Result<int> come_to_rest()
    {
        const int serving = TRY(pair_.settle());
        std::this_thread::sleep_for(least_rest + std::chrono::microseconds(dice_() % 100'000));
        TRY(pair_.client().await(reading(CLOCK_BOOTTIME), 3 - serving, answer_patience));
        return serving;
    }

    /// For how long two hosts had the address.
    Nanoseconds watch_addresses(Nanoseconds until) const
    {
        Nanoseconds both{0}, last = reading(CLOCK_BOOTTIME);
        while (last < until) {
            std::this_thread::sleep_for(addresses_are_looked_at_every);
            const bool have_it = pair_.network().has_address(1) && pair_.network().has_address(2);
            const Nanoseconds now = reading(CLOCK_BOOTTIME);
            if (have_it) both += now - last;
            last = now;
        }
        return both;
    }

    /// Of `old`, while the other one acted: between two of its acts.
    size_t acts_beside(size_t trace_before, int old) const
    {
        std::ifstream file(pair_.trace());
        file.seekg(static_cast<std::streamoff>(trace_before));
        const std::string old_name = fmt::format("server-{}", old);
        std::vector<int64_t> acts;
        int64_t other_began = INT64_MAX, other_last = 0;
        for (std::string line; std::getline(file, line);) {
            std::istringstream words(line);
            int64_t at = 0;
            pid_t pid = 0;
            std::string name, what;
            words >> at >> pid >> name >> what;
            if (what != "acts") continue;
            if (name == old_name) {
                acts.push_back(at);
                continue;
            }
            other_began = std::min(other_began, at);
            other_last = std::max(other_last, at);
        }
        return static_cast<size_t>(
            std::ranges::count_if(acts, [&](int64_t at) { return at > other_began && at < other_last; }));
    }

    MeasuredPair& pair_;
    FoundPair& found_;
    std::mt19937 dice_{7};
};

Result<void> measure_pair(const Contender& contender, const std::string& folder, const std::string& programs,
                          const FailoverSizes& sizes, FoundPair& found)
{
    const std::unique_ptr<MeasuredPair> pair = TRY(begin_pair(contender, folder, programs, 1));
    PairRounds rounds(*pair, found);
    TRY(rounds.rest(sizes.rest));
    const int count = contender.is_belay ? sizes.rounds : sizes.peer_rounds;
    for (int round = 0; round < count; ++round) {
        fmt::print(stderr, "{}: round {} of {}\n", contender.name, round + 1, count);
        TRY(rounds.kill_server());
        TRY(rounds.cut_power());
        TRY(rounds.hand_over());
        TRY(rounds.freeze());
    }
    return {};
}

/// Busy loops of ordinary priority; end with their owner.
class Hogs {
  public:
    Hogs()
    {
        for (int i = 0; i < number_of_hogs; ++i) {
            const pid_t hog = fork();
            if (hog == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                // A socket of the client's is not closed while somebody else has it as well.
                close_range(STDERR_FILENO + 1, ~0U, 0);
                std::atomic<uint64_t> turns = 0;
                while (true) ++turns;
            }
            hogs_.push_back(hog);
        }
    }
    ~Hogs()
    {
        for (const pid_t hog : hogs_) {
            kill(hog, SIGKILL);
            waitpid(hog, nullptr, 0);
        }
    }
    Hogs(const Hogs&) = delete;
    Hogs& operator=(const Hogs&) = delete;

  private:
    std::vector<pid_t> hogs_;
};

/// All of them meanwhile.
Result<void> measure_beside_hogs(const std::vector<Contender>& all, const std::string& folder,
                                 const std::string& programs, Milliseconds span,
                                 std::map<size_t, FoundPair>& found)
{
    std::map<size_t, std::unique_ptr<MeasuredPair>> pairs;
    std::map<size_t, size_t> begun;
    for (size_t i = 0; i < all.size(); ++i) {
        if (!all[i].runs_beside_hogs) continue;
        pairs[i] = TRY(begin_pair(all[i], fmt::format("{}/hogs-{}", folder, i), programs, 0));
    }
    for (const auto& [i, pair] : pairs) {
        const int serving = TRY(pair->settle());
        TRY(pair->client().await(reading(CLOCK_BOOTTIME), 3 - serving, answer_patience));
        begun[i] = pair->begun_to_serve();
    }
    fmt::print(stderr, "{} beside {} processor hogs\n", belay::to_text(span), number_of_hogs);
    const Nanoseconds since = reading(CLOCK_BOOTTIME);
    {
        const Hogs hogs;
        while (reading(CLOCK_BOOTTIME) < since + span) std::this_thread::sleep_for(least_rest);
    }
    const Nanoseconds until = reading(CLOCK_BOOTTIME);
    for (const auto& [i, pair] : pairs) {
        found[i].beside_hogs = pair->client().gaps(since, until);
        found[i].false_failovers = pair->begun_to_serve() - begun[i];
    }
    return {};
}

// --- what it comes to ---

std::string beside_text(const FoundPair& found)
{
    return found.acts_beside == 0 ? "none" : std::to_string(found.acts_beside);
}

std::vector<Row> marks_of_failover(const std::vector<Contender>& all, std::map<size_t, FoundPair>& found,
                                   const FailoverSizes& sizes)
{
    const FoundPair& belay = found.at(0);
    // The fastest of the others with its defaults, as Belay has its own.
    const auto peer = [&](auto what) -> std::string {
        const auto fastest = std::ranges::find(all, "keepalived, 0.01 s", &Contender::name);
        return fastest == all.end() ? "" : what(found.at(static_cast<size_t>(fastest - all.begin())));
    };
    const auto worst_row = [&](std::string name, std::vector<Nanoseconds> FoundPair::* samples,
                               Nanoseconds mark) {
        return Row{.name = std::move(name),
                   .ours = to_milliseconds(worst(belay.*samples)),
                   .peer = peer([&](const FoundPair& one) { return to_milliseconds(worst(one.*samples)); }),
                   .mark = fmt::format("at most {:.0f} ms", seconds(mark) * 1000),
                   .reached = worst(belay.*samples) <= mark};
    };
    std::vector<Row> rows = {
        worst_row("the one that serves is killed, until the other answers: worst", &FoundPair::killed,
                  killed_mark),
        worst_row("power cut, until the other answers: worst", &FoundPair::cut, cut_mark),
        {.name = "acts of a frozen and thawed one beside the other",
         .ours = beside_text(belay),
         .peer = peer(beside_text),
         .mark = "none",
         .reached = belay.acts_beside == 0},
    };
    if (sizes.hogs.count() == 0) return rows;
    const auto failovers = [](const FoundPair& one) { return std::to_string(one.false_failovers); };
    rows.push_back({.name = fmt::format("fail-overs in {} beside {} processor hogs",
                                        belay::to_text(sizes.hogs), number_of_hogs),
                    .ours = failovers(belay),
                    .peer = peer(failovers),
                    .mark = "0",
                    .reached = belay.false_failovers == 0});
    return rows;
}

std::string shares_text(const std::vector<double>& shares)
{
    std::string text;
    for (const double share : shares)
        text += fmt::format("{}{:.2f} %", text.empty() ? "" : ", ", share * 100);
    return text;
}

std::vector<std::string> line_of_pair(const Contender& contender, const FoundPair& found)
{
    return {contender.name,
            std::to_string(found.killed.size()),
            to_milliseconds(median(found.killed)),
            to_milliseconds(worst(found.killed)),
            to_milliseconds(median(found.cut)),
            to_milliseconds(worst(found.cut)),
            to_milliseconds(median(found.handed_over)),
            to_milliseconds(worst(found.handed_over)),
            to_milliseconds(median(found.both)),
            beside_text(found),
            shares_text(found.shares)};
}

}  // namespace

Result<FailoverTables> measure_failover(const std::string& folder, const std::string& programs,
                                        const FailoverSizes& sizes)
{
    const std::vector<Contender> all = contenders(sizes.marks_only);
    std::map<size_t, FoundPair> found;
    for (size_t i = 0; i < all.size(); ++i)
        TRY(measure_pair(all[i], fmt::format("{}/pair-{}", folder, i), programs, sizes, found[i]));
    if (sizes.hogs.count() != 0) TRY(measure_beside_hogs(all, folder, programs, sizes.hogs, found));
    FailoverTables tables;
    tables.marks = marks_of_failover(all, found, sizes);
    tables.pairs = {{"Pair", "Rounds", "Killed: median", "worst", "Power cut: median", "worst",
                     "Switch-over: median", "worst", "Frozen: two have the address", "Acts beside",
                     "Processor at rest"}};
    for (const auto& [i, one] : found) tables.pairs.push_back(line_of_pair(all[i], one));
    if (sizes.hogs.count() == 0) return tables;
    tables.hogs = {{"Pair", "Fail-overs", "Longest gap", "Answers"}};
    for (const auto& [i, one] : found) {
        if (!all[i].runs_beside_hogs) continue;
        tables.hogs.push_back({all[i].name, std::to_string(one.false_failovers),
                               to_milliseconds(one.beside_hogs.longest),
                               std::to_string(one.beside_hogs.answers)});
    }
    return tables;
}

}  // namespace belay::bench
