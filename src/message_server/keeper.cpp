#include "message_server/keeper.h"

#include "framework/messages/own_events.h"
#include "message_server/time_text.h"

#include <algorithm>
#include <future>
#include <utility>

namespace belay::message_server {
namespace {

namespace own = framework::messages::own;

constexpr size_t batch_bytes = 2 << 20;
constexpr std::chrono::milliseconds before_next_attempt{500};
const Speaker belay_itself{.name = "belay-messages", .application = ""};

}  // namespace

Milliseconds wall_now()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch());
}

Milliseconds Keeper::now() const
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

Keeper::Keeper(OpenStore& store, Options options)
    : store_(store), options_(std::move(options)), intake_(options_.limits), host_(options_.host)
{
    thread_ = std::thread([this] { run(); });
}

Keeper::~Keeper()
{
    stop();
}

void Keeper::stop()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    work_.notify_all();
    let_go_of_waiters();
    if (thread_.joinable()) thread_.join();
}

bool Keeper::offer(const Speaker& speaker, Message message)
{
    const Milliseconds at = wall_now();
    const std::lock_guard lock(mutex_);
    if (message.host.empty()) message.host = host_;
    const bool is_first = intake_.is_empty();
    const bool taken = intake_.offer(speaker, std::move(message), now(), at);
    if (is_first || !taken) work_.notify_one();
    return taken;
}

void Keeper::put(const Speaker& speaker, Group group)
{
    const std::lock_guard lock(mutex_);
    for (Message& message : group.messages) {
        if (message.host.empty()) message.host = host_;
    }
    intake_.put(speaker, std::move(group));
    work_.notify_one();
}

void Keeper::when_kept(const Speaker& speaker, std::function<void()> kept)
{
    put(speaker, {.messages = {}, .position = {}, .kept = std::move(kept)});
}

void Keeper::count_dropped(const Speaker& speaker, Level level)
{
    const Milliseconds at = wall_now();
    const std::lock_guard lock(mutex_);
    intake_.count_dropped(speaker, level, now(), at);
    work_.notify_one();
}

bool Keeper::has_room(const std::string& speaker) const
{
    const std::lock_guard lock(mutex_);
    return intake_.has_room(speaker);
}

void Keeper::say(Message message)
{
    Group group;
    group.messages.push_back(std::move(message));
    put(belay_itself, std::move(group));
}

void Keeper::host_is(const std::string& name)
{
    const std::lock_guard lock(mutex_);
    host_ = name;
}

std::string Keeper::host() const
{
    const std::lock_guard lock(mutex_);
    return host_;
}

void Keeper::listen_for(const std::vector<EventId>& ids)
{
    {
        const std::lock_guard lock(mutex_);
        listened_for_ = {ids.begin(), ids.end()};
        heard_ = store_.newest();
    }
    options_.heard();
}

Keeper::Heard Keeper::heard() const
{
    const std::lock_guard lock(mutex_);
    return {.newest = heard_, .problem = problem_};
}

bool Keeper::await_kept(const Speaker& speaker, Milliseconds limit)
{
    const auto kept = std::make_shared<std::promise<void>>();
    when_kept(speaker, [kept] { kept->set_value(); });
    return kept->get_future().wait_for(limit) == std::future_status::ready;
}

bool Keeper::await_newer(uint64_t number, Milliseconds limit, const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    kept_.wait_for(lock, limit,
                   [&] { return is_let_go_ || stop.stop_requested() || store_.newest() > number; });
    return !is_let_go_ && store_.newest() > number;
}

void Keeper::wake_waiters()
{
    {
        // Whoever looks whether it is to stop does so with this.
        const std::lock_guard lock(mutex_);
    }
    kept_.notify_all();
}

void Keeper::let_go_of_waiters()
{
    {
        const std::lock_guard lock(mutex_);
        is_let_go_ = true;
    }
    kept_.notify_all();
}

Json Keeper::status() const
{
    const std::lock_guard lock(mutex_);
    Json dropped = Json::object();
    for (size_t level = 0; level < intake_.dropped().size(); ++level)
        dropped[std::string(name_of(static_cast<Level>(level)))] = intake_.dropped().at(level);
    return {{"waiting_bytes", intake_.bytes()},
            {"kept", kept_count_},
            {"dropped", std::move(dropped)},
            {"dropped_by", intake_.dropped_by_speaker()},
            {"problem", problem_ ? Json(*problem_) : Json()}};
}

/// With the mutex. Wakes up for what is said, and for what is to be said of drops.
std::unique_lock<std::mutex> Keeper::await_work()
{
    std::unique_lock lock(mutex_);
    while (!stopping_ && intake_.is_empty()) {
        const std::optional<Milliseconds> gap = intake_.next_gap();
        if (!gap) {
            work_.wait(lock);
            continue;
        }
        if (*gap <= now()) break;
        work_.wait_for(lock, *gap - now());
    }
    return lock;
}

void Keeper::run()
{
    while (true) {
        std::unique_lock lock = await_work();
        std::vector<Group> batch = intake_.take(batch_bytes, now(), wall_now(), stopping_);
        const bool is_last = stopping_ && intake_.is_empty();
        lock.unlock();
        if (!batch.empty()) keep(std::move(batch));
        if (is_last) return;
    }
}

void Keeper::keep(std::vector<Group> batch)
{
    std::vector<Message> messages;
    std::vector<Position> positions;
    {
        const std::lock_guard lock(mutex_);
        for (Group& group : batch) {
            for (Message& message : group.messages) {
                if (message.host.empty()) message.host = host_;
                messages.push_back(std::move(message));
            }
            // Of one source the last counts.
            if (!group.position) continue;
            std::erase_if(positions,
                          [&](const Position& one) { return one.source == group.position->source; });
            positions.push_back(*group.position);
        }
    }
    const bool is_kept = (messages.empty() && positions.empty()) || append(messages, positions);
    if (!is_kept) return;
    for (const Group& group : batch) {
        if (group.kept) group.kept();
    }
    bool is_heard = false;
    {
        const std::lock_guard lock(mutex_);
        kept_count_ += messages.size();
        is_heard = std::ranges::any_of(
            messages, [&](const Message& message) { return listened_for_.contains(message.id); });
        if (is_heard) heard_ = store_.newest();
    }
    kept_.notify_all();
    if (is_heard) options_.heard();
}

/// Until the store takes it. False: it is to end, and the store still does not.
bool Keeper::append(const std::vector<Message>& messages, const std::vector<Position>& positions)
{
    while (!try_to_append(messages, positions)) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return false;
        }
        look_after_store();
        std::unique_lock lock(mutex_);
        work_.wait_for(lock, before_next_attempt, [this] { return stopping_; });
    }
    std::optional<std::string> reason;
    Milliseconds since{0};
    {
        const std::lock_guard lock(mutex_);
        reason = std::exchange(problem_, std::nullopt);
        since = failing_since_;
    }
    if (reason) works_again(*reason, since);
    return true;
}

/// One attempt. Where the disk has said no, nobody knows whether it was done until the store is opened anew:
/// it is done wholly, or not at all.
bool Keeper::try_to_append(const std::vector<Message>& messages, const std::vector<Position>& positions)
{
    const uint64_t before = store_.newest();
    auto store = store_.get();
    Error problem;
    if (store) {
        const Result<uint64_t> appended = (*store)->append(messages, positions, wall_now());
        if (appended) return true;
        problem = appended.error();
    } else {
        problem = store.error();
    }
    failed(problem);
    if (problem.kind == ErrorKind::no_space) return false;
    if (store) store->reset();
    if (const auto opened = store_.open_anew(); !opened) {
        failed(opened.error());
        return false;
    }
    return !messages.empty() && store_.newest() >= before + messages.size();
}

void Keeper::failed(const Error& error)
{
    bool is_news = false;
    {
        const std::lock_guard lock(mutex_);
        is_news = !problem_;
        if (is_news) failing_since_ = wall_now();
        problem_ = error.what;
    }
    if (is_news) options_.heard();
    if (is_news && options_.said) options_.said(fmt::format("no message can be kept: {}", error.what));
}

void Keeper::works_again(const std::string& reason, Milliseconds since)
{
    say(own_message(own::store_failed, {{"since", time_text(since)}, {"reason", reason}}, since));
    say(own_message(own::store_works, {{"span", to_text(wall_now() - since)}}, wall_now()));
    options_.heard();
    if (options_.said) options_.said("messages are kept again");
}

void Keeper::look_after_store()
{
    const auto store = store_.get();
    if (!store) return;
    const Result<uint64_t> gone = (*store)->expire(wall_now());
    if (!gone && options_.said)
        options_.said(fmt::format("what is too old cannot be let go of: {}", gone.error().what));
    for (const framework::messages::Loss& loss : (*store)->take_losses()) {
        say(own_message(own::store_damaged, {{"file", loss.file}, {"reason", loss.why}}, wall_now()));
        if (options_.said) options_.said(fmt::format("{}: {}", loss.file, loss.why));
    }
}

}  // namespace belay::message_server
