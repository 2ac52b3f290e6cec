#include "site/leadership/leadership.h"

#include "base/json.h"

namespace belay::site {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Milliseconds pause_after_error = std::chrono::seconds(1);
constexpr Milliseconds watch_patience = std::chrono::hours(1);

Result<Leader> leader_of(const std::string& value)
{
    const Json json = TRY(parse_json(value));
    try {
        return Leader{.host = json.at("host"),
                      .addresses = json.at("addresses").get<std::vector<std::string>>(),
                      .since = Milliseconds(json.at("since_ms").get<int64_t>())};
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("the store says wrongly who leads: {}", problem.what()));
    }
}

std::string value_of(const Leader& leader)
{
    return json_text(
        {{"host", leader.host}, {"addresses", leader.addresses}, {"since_ms", leader.since.count()}});
}

}  // namespace

Result<void> check_leader(store::Store& store, std::string_view host)
{
    const std::optional<store::Entry> entry = TRY(store.get(leader_key));
    if (!entry) return {};
    const Leader leader = TRY(leader_of(entry->value));
    if (leader.host == host) return {};
    return fail(ErrorKind::refused, fmt::format("{} leads the site, and not {}", leader.host, host),
                "belay status");
}

Leadership::Leadership(store::Store& store, LeadershipOptions options)
    : store_(store), options_(std::move(options))
{
}

Leadership::~Leadership()
{
    stop();
}

void Leadership::start()
{
    thread_ = std::thread([this] { run(); });
}

void Leadership::stop()
{
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        if (watch_) watch_->interrupt();
    }
    stopped_changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool Leadership::is_stopped()
{
    const std::lock_guard lock(mutex_);
    return stopped_;
}

bool Leadership::wait(Milliseconds span)
{
    std::unique_lock lock(mutex_);
    return !stopped_changed_.wait_for(lock, span, [this] { return stopped_; });
}

void Leadership::run()
{
    while (!is_stopped()) {
        if (!stand() && !wait(pause_after_error)) return;
    }
}

/// One attempt: comes back when it has led and does no longer, or when whoever leads has gone.
Result<void> Leadership::stand()
{
    const Clock::time_point asked = Clock::now();
    const store::LeaseId lease = TRY(store_.grant(options_.time_to_live));
    TRY(take_lead());
    Leader self = options_.self;
    self.since = options_.wall();
    const auto commit =
        store_.commit({.when = {{.of = store::Compare::Of::created, .key = leader_key, .revision = 0}},
                       .then = {{.key = leader_key, .value = value_of(self), .lease = lease}}});
    if (commit && commit->succeeded) {
        lead(lease, commit->revision, asked);
        return {};
    }
    // Where nobody knows whether it was written, the lease takes it away again.
    static_cast<void>(store_.revoke(lease).has_value());
    if (!commit) return std::unexpected(commit.error());
    return follow();
}

Result<void> Leadership::take_lead()
{
    if (options_.take_from.empty() || taken_) return {};
    const std::optional<store::Entry> entry = TRY(store_.get(leader_key));
    if (entry && TRY(leader_of(entry->value)).host == options_.take_from)
        TRY(store_.commit(
            {.when = {{.of = store::Compare::Of::created, .key = leader_key, .revision = entry->created}},
             .then = {{.key = leader_key}}}));
    taken_ = true;
    return {};
}

/// A store that does not answer says nothing about it.
bool Leadership::still_leads(store::Revision term)
{
    const auto entry = store_.get(leader_key);
    return !entry || (*entry && (*entry)->created == term);
}

void Leadership::lead(store::LeaseId lease, store::Revision term, Clock::time_point asked)
{
    Clock::time_point ends = asked + options_.time_to_live;
    options_.won(term);
    while (wait(options_.time_to_live / 3)) {
        const Clock::time_point sent = Clock::now();
        const Result<void> kept = store_.keep_alive(lease);
        if (kept) ends = sent + options_.time_to_live;
        const bool gone =
            kept ? !still_leads(term) : kept.error().kind == ErrorKind::not_found || Clock::now() >= ends;
        if (gone) break;
    }
    options_.lost();
    // At once, where the store can be reached: nobody has to wait for the lease then.
    static_cast<void>(store_.revoke(lease).has_value());
}

Result<void> Leadership::follow()
{
    const store::Revision since = TRY(store_.revision());
    const std::optional<store::Entry> entry = TRY(store_.get(leader_key));
    if (!entry) return {};
    options_.another_leads(TRY(leader_of(entry->value)));
    const std::shared_ptr<store::Watch> watch = TRY(store_.watch(leader_key, since));
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return {};
        watch_ = watch;
    }
    Result<void> ended;
    while (!is_stopped()) {
        const auto changes = watch->next(watch_patience);
        if (!changes) {
            ended = std::unexpected(changes.error());
            break;
        }
        // Whoever leads now, the key was made anew: it is looked at from the beginning.
        if (!changes->empty()) break;
    }
    const std::lock_guard lock(mutex_);
    watch_.reset();
    return ended;
}

}  // namespace belay::site
