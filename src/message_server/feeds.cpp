#include "message_server/feeds.h"

#include "framework/messages/own_events.h"

#include <algorithm>
#include <charconv>

namespace belay::message_server {
namespace {

namespace own = framework::messages::own;
using framework::messages::Output;
using framework::messages::StoredMessage;
using Clock = std::chrono::steady_clock;

constexpr size_t most_at_once = 500, most_bytes_at_once = 2 << 20;
constexpr Milliseconds longest_sleep = std::chrono::seconds(30);
constexpr Milliseconds first_pause_of_feed{200}, longest_pause_of_feed = std::chrono::seconds(30);
/// A receiver that restarts is no news.
constexpr Milliseconds before_told = std::chrono::seconds(10);
constexpr Milliseconds patience_with_keeper = std::chrono::seconds(10);
constexpr auto between_places = std::chrono::seconds(1);
constexpr auto between_refusals_told = std::chrono::minutes(1);

/// Whose place it is in the store.
std::string source_of(const std::string& output)
{
    return "output " + output;
}

framework::messages::Level least_of(const std::vector<framework::messages::Level>& of)
{
    return of.empty() ? framework::messages::Level::alarm : std::ranges::max(of);
}

}  // namespace

Feed::Feed(OpenStore& store, Keeper& keeper, Output output)
    : store_(store),
      keeper_(keeper),
      output_(std::move(output)),
      source_(source_of(output_.name)),
      receiver_(make_receiver(output_)),
      thread_([this](const std::stop_token& stop) { run(stop); })
{
}

Feed::~Feed()
{
    stop_soon();
}

void Feed::stop_soon()
{
    thread_.request_stop();
    keeper_.wake_waiters();
}

Json Feed::status() const
{
    const std::lock_guard lock(mutex_);
    const uint64_t newest = store_.newest();
    return {{"name", output_.name},
            {"sent", sent_},
            {"refused", refused_},
            {"behind", newest - std::min(newest, after_)},
            {"problem", problem_ ? Json(*problem_) : Json()},
            {"since_ms", problem_ ? Json(failing_since_.count()) : Json()}};
}

void Feed::run(const std::stop_token& stop)
{
    if (!find_place(stop)) return;
    tell_of_missed();
    while (!stop.stop_requested()) pass_on(stop);
    remember(true);
}

bool Feed::find_place(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        if (const auto store = store_.get()) {
            const Result<std::optional<std::string>> at = (*store)->position(source_);
            if (at) {
                uint64_t place = store_.newest();
                const std::string text = at->value_or("");
                const bool was_there =
                    !text.empty() &&
                    std::from_chars(text.data(), text.data() + text.size(), place).ec == std::errc();
                {
                    const std::lock_guard lock(mutex_);
                    after_ = place;
                }
                if (was_there) remembered_ = place;
                remember(!was_there);
                return true;
            }
        }
        pause(first_pause_of_feed, stop);
    }
    return false;
}

Result<std::vector<StoredMessage>> Feed::next_ones()
{
    const auto store = TRY(store_.get());
    return store->search({.level = least_of(output_.levels),
                          .limit = most_at_once,
                          .bytes = most_bytes_at_once,
                          .newest = false,
                          .after = after_});
}

void Feed::pass_on(const std::stop_token& stop)
{
    // What comes after this look is looked for the next time.
    const uint64_t newest = store_.newest();
    const Result<std::vector<StoredMessage>> found = next_ones();
    if (!found) return pause(first_pause_of_feed, stop);
    if (!found->empty()) return deliver(*found, stop);
    {
        const std::lock_guard lock(mutex_);
        after_ = std::max(after_, newest);
    }
    remember(false);
    const bool is_all_remembered = remembered_ == after_;
    keeper_.await_newer(after_, is_all_remembered ? longest_sleep : Milliseconds(between_places), stop);
}

/// In one piece of its levels; of those that are others it is done with them.
void Feed::deliver(const std::vector<StoredMessage>& found, const std::stop_token& stop)
{
    std::vector<StoredMessage> wanted;
    std::ranges::copy_if(found, std::back_inserter(wanted), [&](const StoredMessage& stored) {
        return std::ranges::find(output_.levels, stored.message.level) != output_.levels.end();
    });
    Taken taken;
    if (!wanted.empty()) taken = receiver_->take(wanted);
    const bool is_all = taken.count == wanted.size();
    {
        const std::lock_guard lock(mutex_);
        if (is_all)
            after_ = found.back().number;
        else if (taken.count > 0)
            after_ = wanted.at(taken.count - 1).number;
        sent_ += taken.count - taken.refused;
        refused_ += taken.refused;
    }
    if (taken.refused > 0) tell_of_refused(taken);
    remember(false);
    if (is_all) return works();
    failed(taken.problem ? *taken.problem : Error{.kind = ErrorKind::unavailable, .what = "it takes no more"},
           stop);
}

/// Of what the store has let go of meanwhile.
void Feed::tell_of_missed()
{
    const auto store = store_.get();
    if (!store) return;
    const uint64_t first = (*store)->figures().first;
    if (first <= after_ + 1) return;
    keeper_.say(own_message(own::output_missed,
                            {{"output", output_.name}, {"count", std::to_string(first - after_ - 1)}},
                            wall_now()));
    const std::lock_guard lock(mutex_);
    after_ = first - 1;
}

void Feed::failed(const Error& problem, const std::stop_token& stop)
{
    bool is_long = false;
    {
        const std::lock_guard lock(mutex_);
        if (!problem_) failing_since_ = wall_now();
        problem_ = problem.what;
        is_long = wall_now() - failing_since_ >= before_told;
    }
    if (is_long && !is_told_) {
        is_told_ = true;
        keeper_.say(own_message(own::output_failed, {{"output", output_.name}, {"reason", problem.what}},
                                wall_now()));
    }
    pause_ = std::clamp(2 * pause_, first_pause_of_feed, longest_pause_of_feed);
    pause(pause_, stop);
    tell_of_missed();
}

void Feed::works()
{
    pause_ = Milliseconds(0);
    Milliseconds since{0};
    {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(problem_, std::nullopt)) return;
        since = failing_since_;
    }
    if (!std::exchange(is_told_, false)) return;
    keeper_.say(own_message(own::output_works,
                            {{"output", output_.name}, {"span", to_text(wall_now() - since)}}, wall_now()));
}

/// What was said of refusals is refused likely as well: once a minute is enough.
void Feed::tell_of_refused(const Taken& taken)
{
    untold_ += taken.refused;
    if (refusal_told_at_ != Clock::time_point() && Clock::now() - refusal_told_at_ < between_refusals_told)
        return;
    refusal_told_at_ = Clock::now();
    keeper_.say(own_message(own::output_refused,
                            {{"output", output_.name},
                             {"count", std::to_string(std::exchange(untold_, 0))},
                             {"reason", taken.reason}},
                            wall_now()));
}

/// Its place is kept each second while it moves: each time is a write to the disk.
void Feed::remember(bool at_once)
{
    if (remembered_ == after_ && !at_once) return;
    if (!at_once && Clock::now() - remembered_at_ < between_places) return;
    remembered_ = after_;
    remembered_at_ = Clock::now();
    keeper_.put({.name = source_},
                {.position = framework::messages::Position{.source = source_, .at = std::to_string(after_)}});
}

void Feed::pause(Milliseconds how_long, const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, how_long, [] { return false; });
}

Feeds::~Feeds()
{
    stop_soon();
}

void Feeds::stop_soon()
{
    const std::lock_guard lock(mutex_);
    for (const auto& feed : feeds_) feed->stop_soon();
}

void Feeds::are(const std::vector<Output>& wanted)
{
    const std::lock_guard alone(changing_);
    std::vector<std::shared_ptr<Feed>> before, after, ended;
    {
        const std::lock_guard lock(mutex_);
        before = feeds_;
    }
    const auto is_as = [](const Output& output) {
        return [text = json_text(output)](const auto& feed) { return json_text(feed->output()) == text; };
    };
    for (const auto& feed : before) {
        const bool stays =
            std::ranges::any_of(wanted, [&](const Output& output) { return is_as(output)(feed); });
        if (!stays) feed->stop_soon();
        (stays ? after : ended).push_back(feed);
    }
    {
        const std::lock_guard lock(mutex_);
        feeds_ = after;
    }
    // The place of one that has changed is the last that the one before has kept.
    before.clear();
    std::vector<std::string> gone;
    for (const auto& feed : ended) gone.push_back(feed->output().name);
    ended.clear();
    for (const std::string& name : gone) {
        const bool comes_back = std::ranges::find(wanted, name, &Output::name) != wanted.end();
        const Speaker speaker{.name = source_of(name)};
        if (!comes_back)
            keeper_.put(speaker,
                        {.position = framework::messages::Position{.source = source_of(name), .at = ""}});
        static_cast<void>(keeper_.await_kept(speaker, patience_with_keeper));
    }
    for (const Output& output : wanted) {
        if (std::ranges::any_of(after, is_as(output))) continue;
        after.push_back(std::make_shared<Feed>(store_, keeper_, output));
    }
    const std::lock_guard lock(mutex_);
    feeds_ = std::move(after);
}

Json Feeds::status() const
{
    const std::lock_guard lock(mutex_);
    Json all = Json::array();
    for (const auto& feed : feeds_) all.push_back(feed->status());
    return all;
}

}  // namespace belay::message_server
