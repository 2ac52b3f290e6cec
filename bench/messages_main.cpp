// belay-bench-messages: how fast messages are stored and found again among ten million; beside it journald.

#include "framework/messages/store/message_store.h"
#include "measured_run.h"
#include "messages_journal.h"
#include "messages_sample.h"
#include "scratch_folder.h"
#include "table.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

namespace belay::bench {
namespace {

using framework::messages::EventId;
using framework::messages::Level;
using framework::messages::Message;
using framework::messages::MessageStore;
using framework::messages::Query;
using framework::messages::StoreLimits;

struct MessageBench {
    std::string folder = ".";
    uint64_t messages = 10'000'000, beside = 1'000'000;
    unsigned rounds = 9;
    std::string asked = {};  ///< a store to search in, for a question of its own
    Query query = {};
};

constexpr double mark_ms = 100;
constexpr size_t batch = 1000;
/// Ten million take ten days.
constexpr Milliseconds apart{86};

StoreLimits bench_limits()
{
    StoreLimits limits{.bytes = UINT64_MAX};
    limits.keep.fill(std::chrono::days(3650));
    return limits;
}

struct Filled {
    double seconds = 0, sealing = 0;
    uint64_t bytes = 0, segments = 0;
};

/// Stored by one thread, sealed by another meanwhile.
Result<Filled> fill_store(const std::string& folder, uint64_t count)
{
    const auto store = TRY(MessageStore::open(folder, bench_limits()));
    const Stopwatch watch;
    std::atomic<int64_t> now = SampleMessages::begin.count();
    std::atomic<bool> is_over = false, has_failed = false;
    {
        const std::jthread tidying([&] {
            while (!is_over && !has_failed) {
                if (!store->expire(Milliseconds(now))) has_failed = true;
                std::this_thread::sleep_for(std::chrono::milliseconds(100));
            }
        });
        SampleMessages sample(apart);
        std::vector<Message> some;
        while (sample.count() < count) {
            some.clear();
            for (size_t i = 0; i < batch; ++i) some.push_back(sample.next());
            const auto stored = store->append(some, {}, sample.now());
            if (!stored) has_failed = true;
            if (has_failed) break;
            now = sample.now().count();
        }
        is_over = true;
    }
    if (has_failed) return fail(ErrorKind::failed, "the messages could not be stored");
    Filled filled{.seconds = seconds(watch.taken().wall)};
    const Stopwatch sealing;
    TRY(store->expire(Milliseconds(now)));
    filled.sealing = seconds(sealing.taken().wall);
    filled.bytes = store->figures().bytes;
    filled.segments = store->figures().segments;
    return filled;
}

/// A question in as many forms as there are rounds.
struct Question {
    std::string what;
    std::function<Query(unsigned round)> query;
    bool has_mark = false;
};

std::vector<Question> questions(uint64_t messages)
{
    const auto at = [messages](unsigned round) {
        const uint64_t number = messages / 11 * (round % 10 + 1);
        return SampleMessages::begin + apart * static_cast<int64_t>(number % messages);
    };
    const auto id = [](unsigned round) {
        return EventId{.component = static_cast<uint8_t>(20 + round), .number = round % 5};
    };
    return {
        {"the newest 100", [](unsigned) { return Query{}; }, true},
        {"100 of a given minute",
         [at](unsigned round) {
             return Query{.since = at(round), .until = at(round) + std::chrono::minutes(1)};
         },
         true},
        {"all 42,000 of a given hour",
         [at](unsigned round) {
             return Query{.since = at(round), .until = at(round) + std::chrono::hours(1), .limit = 100'000};
         },
         false},
        {"a time that is before all",
         [](unsigned round) { return Query{.until = SampleMessages::begin - Milliseconds(round)}; }, true},
        {"an id, one in 200", [id](unsigned round) { return Query{.ids = {id(round)}}; }, true},
        {"an id, one in a million", [](unsigned) { return Query{.ids = {SampleMessages::rare}}; }, true},
        {"an id that is nowhere",
         [](unsigned round) { return Query{.ids = {EventId{.component = 98, .number = round}}}; }, true},
        {"an id, in a given hour",
         [at, id](unsigned round) {
             return Query{.since = at(round), .until = at(round) + std::chrono::hours(1), .ids = {id(round)}};
         },
         true},
        {"alarms, one in 10,000", [](unsigned) { return Query{.level = Level::alarm}; }, false},
        {"an application of a host, in a given day",
         [at](unsigned round) {
             return Query{.since = at(round),
                          .until = at(round) + std::chrono::hours(24),
                          .host = fmt::format("host{:02}", round),
                          .application = fmt::format("application{:02}", round)};
         },
         false},
        {"an interaction",
         [messages](unsigned round) {
             return Query{.interaction = fmt::format("{:08x}", messages / 400 * (round + 1))};
         },
         false},
        {"a text that is common", [](unsigned) { return Query{.text = "was accepted"}; }, false},
        {"a text of many digits",
         [](unsigned round) { return Query{.text = fmt::format("connection {}", 1'234'567 + round * 111)}; },
         false},
        {"four digits and a word",
         [](unsigned round) { return Query{.text = fmt::format("77{:02} us", round)}; }, false},
        {"a text that is nowhere",
         [](unsigned round) { return Query{.text = fmt::format("zebra{}", round)}; }, false},
        {"common words in an order that is nowhere",
         [](unsigned) { return Query{.text = "skill skill was given to skill"}; }, false},
        {"two letters that are nowhere", [](unsigned) { return Query{.text = "zq"}; }, false},
    };
}

Result<bool> measure_searches(const std::string& folder, const MessageBench& asked)
{
    const auto store = TRY(MessageStore::open(folder, bench_limits()));
    std::vector<std::vector<std::string>> lines{
        {"Search for", "Found", "Median", "Slowest", "Mark", "Reached"}};
    bool reached = true;
    for (const Question& question : questions(asked.messages)) {
        std::vector<Nanoseconds> times;
        size_t found = 0;
        for (unsigned round = 0; round <= asked.rounds; ++round) {
            const Query query = question.query(round % asked.rounds);
            const Stopwatch watch;
            found = TRY(store->search(query)).size();
            if (round > 0) times.push_back(watch.taken().wall);
        }
        const Nanoseconds slowest = *std::ranges::max_element(times);
        std::optional<bool> is_fast;
        if (question.has_mark) is_fast = seconds(slowest) * 1000 < mark_ms;
        reached = reached && is_fast.value_or(true);
        lines.push_back({question.what, std::to_string(found), to_milliseconds(median(times)),
                         to_milliseconds(slowest), question.has_mark ? fmt::format("{:.0f} ms", mark_ms) : "",
                         reached_text(is_fast)});
    }
    fmt::print("{}\n", aligned(lines));
    return reached;
}

/// How many a second, each time on the disk before the next.
Result<void> measure_appends(const ScratchFolder& scratch)
{
    std::vector<std::vector<std::string>> lines{
        {"Messages at a time", "Messages a second", "Time of one append"}};
    for (const size_t size : {1UL, 10UL, 100UL, 1000UL}) {
        const auto store =
            TRY(MessageStore::open(fmt::format("{}-{}", scratch / "appends", size), bench_limits()));
        SampleMessages sample(apart);
        std::vector<Nanoseconds> times;
        const Stopwatch whole;
        while (seconds(whole.taken().wall) < 2) {
            std::vector<Message> some;
            for (size_t i = 0; i < size; ++i) some.push_back(sample.next());
            const Stopwatch watch;
            TRY(store->append(some, {}, sample.now()));
            times.push_back(watch.taken().wall);
        }
        lines.push_back(
            {std::to_string(size),
             fmt::format("{:.0f}", static_cast<double>(sample.count()) / seconds(whole.taken().wall)),
             to_text(median(times))});
    }
    fmt::print("{}\n", aligned(lines));
    return {};
}

Result<Nanoseconds> median_of(const Call& call, unsigned rounds)
{
    std::vector<Nanoseconds> times;
    for (unsigned round = 0; round <= rounds; ++round) {
        const Cost cost = TRY(measure(call));
        if (round > 0) times.push_back(cost.time.wall);
    }
    return median(times);
}

uint64_t folder_bytes(const std::string& folder)
{
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) bytes += entry.file_size();
    return bytes;
}

Result<void> measure_beside_journal(const MessageBench& asked, const ScratchFolder& scratch)
{
    const std::string ours = scratch / "small", theirs = scratch / "journal";
    const Filled filled = TRY(fill_store(ours, asked.beside));
    const double journal_seconds = TRY(fill_journal(theirs, asked.beside, apart));
    const double ours_seconds = filled.seconds + filled.sealing;
    std::vector<Row> rows = {
        {.name = "stored a second",
         .ours = fmt::format("{:.0f}", static_cast<double>(asked.beside) / ours_seconds),
         .peer = fmt::format("{:.0f}", static_cast<double>(asked.beside) / journal_seconds),
         .ratio = fmt::format("{:.1f}", journal_seconds / ours_seconds)},
        {.name = "bytes a message",
         .ours = fmt::format("{}", filled.bytes / asked.beside),
         .peer = fmt::format("{}", folder_bytes(theirs) / asked.beside),
         .ratio = fmt::format(
             "{:.1f}", static_cast<double>(folder_bytes(theirs)) / static_cast<double>(filled.bytes))}};
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");
    const int64_t middle =
        (SampleMessages::begin + apart * static_cast<int64_t>(asked.beside / 2)).count() / 1000;
    const std::string since = std::to_string(middle), until = std::to_string(middle + 60);
    struct Pair {
        std::string what;
        std::vector<std::string> ours, journal;
    };
    const std::vector<Pair> pairs = {
        {"the newest 100", {}, {}},
        {"100 of a given minute",
         {"--since", since, "--until", until},
         {"--since", "@" + since, "--until", "@" + until}},
        {"an id, one in 200", {"--id", "22-00003"}, {"EVENT=22-00003"}},
        {"an id, one in a million", {"--id", "99-00099"}, {"EVENT=99-00099"}},
        {"an application of a host",
         {"--host", "host07", "--application", "application11"},
         {"_HOSTNAME=host07", "SYSLOG_IDENTIFIER=application11"}},
        {"a text of many digits", {"--text", "connection 1234567"}, {"--grep", "connection 1234567"}},
        {"a text that is nowhere", {"--text", "zebra"}, {"--grep", "zebra"}},
    };
    for (const Pair& pair : pairs) {
        Call call{.argv = {program, "--ask", ours}};
        call.argv.insert(call.argv.end(), pair.ours.begin(), pair.ours.end());
        Call peer{.argv = {"sh", "-c", "\"$@\"; true", "journalctl", "journalctl", "-D", theirs, "-q",
                           "--no-pager", "-n", "100"}};
        peer.argv.insert(peer.argv.end(), pair.journal.begin(), pair.journal.end());
        const Nanoseconds mine = TRY(median_of(call, asked.rounds));
        const Nanoseconds other = TRY(median_of(peer, pair.what.starts_with("a text") ? 1 : asked.rounds));
        rows.push_back({.name = pair.what,
                        .ours = to_milliseconds(mine),
                        .peer = to_milliseconds(other),
                        .ratio = fmt::format("{:.1f}", seconds(other) / seconds(mine))});
    }
    fmt::print("{}\n", to_text(rows));
    return {};
}

Result<bool> measure_messages(const MessageBench& asked)
{
    const ScratchFolder scratch = TRY(ScratchFolder::make(asked.folder));
    const std::string large = scratch / "large";
    const Filled filled = TRY(fill_store(large, asked.messages));
    fmt::print("## {} messages\n\n", asked.messages);
    fmt::print(
        "Stored in {:.0f} s by one thread, {} at a time, {:.0f} a second, while another sealed the segments, "
        "which took "
        "{:.1f} s longer at the end. {} segments, {:.0f} bytes a message.\n\n",
        filled.seconds, batch, static_cast<double>(asked.messages) / filled.seconds, filled.sealing,
        filled.segments, static_cast<double>(filled.bytes) / static_cast<double>(asked.messages));
    static_cast<void>(std::fflush(stdout));
    const bool reached = TRY(measure_searches(large, asked));
    std::filesystem::remove_all(large);
    fmt::print("## To the disk\n\n");
    static_cast<void>(std::fflush(stdout));
    TRY(measure_appends(scratch));
    fmt::print("## Beside journald: {} messages\n\n", asked.beside);
    static_cast<void>(std::fflush(stdout));
    TRY(measure_beside_journal(asked, scratch));
    return reached;
}

/// What a program that asks once does: open, search, print.
Result<bool> ask_once(const MessageBench& asked)
{
    const auto store = TRY(MessageStore::open(asked.asked, bench_limits()));
    for (const auto& stored : TRY(store->search(asked.query))) {
        const Message& message = stored.message;
        fmt::print("{} {} {} {} {}: {}\n", message.at.count(), name_of(message.level), to_text(message.id),
                   message.host, message.application, message.text);
    }
    return true;
}

}  // namespace
}  // namespace belay::bench

int main(int argc, char** argv)
{
    belay::bench::MessageBench asked;
    std::optional<int64_t> since, until;
    std::string id;
    CLI::App app(
        "Measures the store of messages, and prints tables in Markdown. bench/messages builds it and runs "
        "it.");
    app.footer(
        "Exit codes: 0 all marks were reached, 1 one was not, or it could not be measured, 2 wrong "
        "arguments.");
    app.add_option("--folder", asked.folder, "Folder on the disk to measure on; nothing stays in it");
    app.add_option("--messages", asked.messages, "How many")
        ->check(CLI::Range(1'000, 100'000'000))
        ->capture_default_str();
    app.add_option("--beside", asked.beside, "How many of them go to a journal too")->capture_default_str();
    app.add_option("--rounds", asked.rounds, "How often each is asked")
        ->check(CLI::Range(1, 20))
        ->capture_default_str();
    app.add_option("--ask", asked.asked, "Search in this store, by what follows, and measure nothing");
    app.add_option("--since", since, "Seconds");
    app.add_option("--until", until, "Seconds");
    app.add_option("--id", id, "As 22-00003");
    app.add_option("--host", asked.query.host, "By name");
    app.add_option("--application", asked.query.application, "By name");
    app.add_option("--text", asked.query.text, "A part of it");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        return app.exit(problem) == 0 ? 0 : 2;
    }
    if (since) asked.query.since = std::chrono::seconds(*since);
    if (until) asked.query.until = std::chrono::seconds(*until);
    if (!id.empty()) {
        const auto read = belay::framework::messages::parse_event_id(id);
        if (!read) return 2;
        asked.query.ids = {*read};
    }
    const auto reached =
        asked.asked.empty() ? belay::bench::measure_messages(asked) : belay::bench::ask_once(asked);
    if (reached) return *reached ? 0 : 1;
    fmt::print(stderr, "belay-bench-messages: {}\n", reached.error().what);
    return 1;
}
