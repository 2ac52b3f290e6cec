// The commands about applications.

#include "cli/app_text.h"
#include "cli/exit_code.h"
#include "cli/fields.h"
#include "cli/session.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

namespace belay::cli {
namespace {

constexpr uint64_t lines_by_default = 100;
/// Two clocks of one host are read one after the other.
constexpr int64_t close_by_ms = 20;
constexpr Milliseconds between_looks = std::chrono::milliseconds(300);

struct Order {
    std::string_view want, wanted_phase;
    bool restart = false;
};

Order order_of(Command command)
{
    switch (command) {
        case Command::app_stop:
            return {.want = "stopped", .wanted_phase = "stopped"};
        case Command::app_suspend:
            return {.want = "suspended", .wanted_phase = "suspended"};
        case Command::app_restart:
            return {.want = "running", .wanted_phase = "started", .restart = true};
        default:
            return {.want = "running", .wanted_phase = "started"};
    }
}

/// Ends a stream when its time has come.
class Limit {
  public:
    Limit(site::Client& client, Milliseconds span)
        : thread_([this, &client, span](const std::stop_token& stop) {
              std::unique_lock lock(mutex_);
              if (wake_.wait_for(lock, stop, span, [] { return false; }) || stop.stop_requested()) return;
              is_over_ = true;
              client.interrupt();
          })
    {
    }
    bool is_over() const { return is_over_; }

  private:
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::atomic<bool> is_over_ = false;
    std::jthread thread_;  ///< goes first
};

std::string clean_lines(const Style& style, const std::string& text)
{
    std::istringstream lines(text);
    std::string cleaned;
    for (std::string line; std::getline(lines, line);) cleaned += clean(style, line) + '\n';
    return cleaned;
}

Result<Json> named_in(const Json& answer, const std::string& name)
{
    for (const Json& one : list_of(answer, "applications")) {
        if (raw_text(one, "name") == name) return one;
    }
    return fail(ErrorKind::not_found, fmt::format("there is no application \"{}\" on this host", name),
                "belay app list");
}

Result<Json> solution_in(const Json& answer, const std::string& name)
{
    for (const Json& one : list_of(answer, "solutions")) {
        if (raw_text(one, "name") == name) return one;
    }
    return fail(ErrorKind::not_found, fmt::format("there is no solution \"{}\"", name),
                "belay solution list");
}

}  // namespace

Result<int> Session::app_list()
{
    const auto text = [&](const Json& answer) {
        return applications_text(style_, list_of(answer, "applications"));
    };
    if (!asked_.follow) {
        const Json answer = TRY(client_.call("Applications", Json::object()));
        say(answer, text(answer));
        return 0;
    }
    bool first = true;
    TRY(client_.stream("Applications", Json::object(), [&](const Json& answer) {
        say(answer, (first ? "" : "\n") + text(answer));
        first = false;
        return true;
    }));
    return 0;
}

Result<int> Session::app_show()
{
    const Json one = TRY(client_.call("ApplicationShow", {{"application", asked_.target}}));
    say(one, application_text(style_, one));
    return 0;
}

Result<int> Session::app_log()
{
    const Json parameters = {{"application", asked_.target},
                             {"lines", asked_.limit.value_or(lines_by_default)}};
    Json answer = TRY(client_.call("ApplicationOutput", parameters));
    say(answer, clean_lines(style_, raw_text(answer, "text")));
    if (!asked_.follow) return 0;
    while (true) {
        std::this_thread::sleep_for(between_looks);
        const Json next = {{"application", asked_.target}, {"after", answer.value("next", Json())}};
        answer = TRY(client_.call("ApplicationOutput", next));
        if (!raw_text(answer, "text").empty()) say(answer, clean_lines(style_, raw_text(answer, "text")));
    }
}

Result<int> Session::app_order()
{
    const Order order = order_of(asked_.command);
    const Json before = TRY(client_.call("Applications", Json::object()));
    const Json now = TRY(named_in(before, asked_.target));
    const Json answer = TRY(client_.call("ApplicationOrder", {{"application", asked_.target},
                                                              {"want", order.want},
                                                              {"restart", order.restart},
                                                              {"why", asked_.why}}));
    if (asked_.no_wait) {
        say(answer, fmt::format("asked\n  next: belay app show {}\n", asked_.target));
        return 0;
    }
    return await_application(answer, order.restart ? number_of(now, "pid") : 0);
}

Result<int> Session::app_pairs()
{
    const auto text = [&](const Json& answer) { return pairs_text(style_, list_of(answer, "pairs")); };
    if (!asked_.follow) {
        const Json answer = TRY(client_.call("Pairs", Json::object()));
        say(answer, text(answer));
        return 0;
    }
    std::string said;
    TRY(client_.stream("Pairs", Json::object(), [&](const Json& answer) {
        // Their applications move in ways that are not to be seen here.
        const std::string now = text(answer);
        if (now != said) say(answer, (said.empty() ? "" : "\n") + now);
        said = now;
        return true;
    }));
    return 0;
}

Result<int> Session::app_switch_over()
{
    const Json answer =
        TRY(client_.call("PairSwitch", {{"pair", asked_.target}, {"dry_run", asked_.dry_run}}));
    say(answer, switch_text(style_, answer));
    return 0;
}

/// Says each step on the way, and comes back where it ends. What somebody waits for goes on without him.
Result<int> Session::await_application(const Json& asked, int64_t old_pid)
{
    const Order order = order_of(asked_.command);
    Json last;
    std::string said;
    int code = -1;
    TRY(client_.stream("Applications", Json::object(), [&](const Json& answer) {
        const Result<Json> one = named_in(answer, asked_.target);
        if (!one) return false;
        last = *one;
        const std::string phase = raw_text(last, "phase");
        const bool is_news = number_of(last, "since_ms") + close_by_ms >= number_of(asked, "at_ms");
        const std::string line = standing_text(style_, last);
        if (line != said && is_news && !asked_.json)
            console_.out(fmt::format("{} {}\n", asked_.target, line));
        said = line;
        if (order.want == "running" && phase == "standby") code = 0;
        if (phase == order.wanted_phase && (old_pid == 0 || number_of(last, "pid") != old_pid)) code = 0;
        const bool ended = phase == "failed" || (phase == "stopped" && order.want != "stopped");
        if (ended && is_news) code = static_cast<int>(ExitCode::failed);
        return code < 0;
    }));
    if (asked_.json) console_.out(json_text(last) + '\n');
    if (code == static_cast<int>(ExitCode::failed) && !asked_.json)
        console_.err(fmt::format("  next: belay app log {}\n", asked_.target));
    return code < 0 ? static_cast<int>(ExitCode::failed) : code;
}

Result<int> Session::solution_list()
{
    const Json answer = TRY(client_.call("Solutions", Json::object()));
    say(answer, solutions_text(style_, list_of(answer, "solutions")));
    return 0;
}

Result<int> Session::solution_show()
{
    Result<int> code = 0;
    const auto each = [&](const Json& answer) {
        const Result<Json> one = solution_in(answer, asked_.target);
        if (!one) code = std::unexpected(one.error());
        if (one) say(*one, solution_text(style_, *one));
        return one.has_value();
    };
    if (asked_.follow) {
        TRY(client_.stream("Solutions", Json::object(), each));
    } else {
        const Json answer = TRY(client_.call("Solutions", Json::object()));
        each(answer);
    }
    return code;
}

Result<int> Session::solution_plan()
{
    const Json moves = TRY(client_.call(
        "SolutionMoves",
        {{"solution", asked_.target}, {"verb", asked_.verb}, {"also_needed", asked_.also_needed}}));
    say(moves, moves_text(style_, moves));
    return 0;
}

Result<int> Session::solution_order()
{
    const bool starts = asked_.command == Command::solution_start;
    const Json ordered = TRY(client_.call("SolutionOrder", {{"solution", asked_.target},
                                                            {"verb", starts ? "start" : "stop"},
                                                            {"also_needed", asked_.also_needed},
                                                            {"why", asked_.why}}));
    if (asked_.no_wait || !asked_.json) say(ordered, moves_text(style_, ordered));
    if (!list_of(ordered, "problems").empty()) return static_cast<int>(ExitCode::failed);
    return asked_.no_wait ? 0 : await_solution(ordered);
}

/// Each of its applications that moves is said, until all have come where they were ordered to.
Result<int> Session::await_solution(const Json& ordered)
{
    const bool starts = asked_.command == Command::solution_start;
    std::map<std::string, std::string> said;
    Json last;
    int code = -1;
    std::optional<Limit> limit;
    if (has(ordered, "start_timeout_ms")) limit.emplace(client_, span_of(ordered, "start_timeout_ms"));
    TRY(client_.stream("Applications", Json::object(), [&](const Json& answer) {
        size_t left = 0;
        last = answer;
        for (const Json& move : list_of(ordered, "moves")) {
            const std::string what = raw_text(move, "what"), name = raw_text(move, "application");
            // One that was on its way already is waited for as well.
            const bool was_so = starts && what == "is so";
            if (what != "start" && what != "stop" && !was_so) continue;
            const Result<Json> one = named_in(answer, name);
            const std::string phase = one ? raw_text(*one, "phase") : "unknown";
            const std::string line = one ? standing_text(style_, *one) : "not known to anybody";
            // One that has not begun to move is no news.
            const bool has_moved = phase != "unknown" && phase != (starts ? "stopped" : "started");
            const bool is_there = phase == (starts ? "started" : "stopped") || (starts && phase == "standby");
            const bool has_come = was_so ? phase != "waiting" && phase != "starting" : is_there;
            if (was_so && has_come && !said.contains(name)) continue;
            if ((has_moved || has_come) && said[name] != line && !asked_.json)
                console_.out(fmt::format("{} {}\n", cli::clean(style_, name), line));
            if (has_moved || has_come) said[name] = line;
            if (!has_come) ++left;
            if (starts && phase == "failed" &&
                number_of(*one, "since_ms") + close_by_ms >= number_of(ordered, "at_ms"))
                code = static_cast<int>(ExitCode::failed);
        }
        if (left == 0) code = 0;
        return code < 0;
    }));
    if (code < 0 && limit && limit->is_over())
        return fail(ErrorKind::timeout,
                    fmt::format("{} has not started within {}; its applications go on starting",
                                asked_.target, to_text(span_of(ordered, "start_timeout_ms"))),
                    fmt::format("belay solution show {}", asked_.target));
    if (asked_.json) console_.out(json_text(last) + '\n');
    if (code != 0 && !asked_.json)
        console_.err(fmt::format("  next: belay solution show {}\n", asked_.target));
    return code < 0 ? static_cast<int>(ExitCode::failed) : code;
}

}  // namespace belay::cli
