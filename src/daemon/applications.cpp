// What runs here, is wanted here, and has moved. Who speaks to the supervisor: applications_supervisor.cpp;
// what people ask: application_methods.cpp.

#include "daemon/applications.h"

#include "daemon/driven.h"
#include "daemon/parameters.h"

#include <charconv>

namespace belay::daemon {
namespace {

using site::Call;

constexpr std::string_view wanted_prefix = "wanted/";
constexpr std::string_view pairs_key = "pairs";
constexpr Milliseconds longest_wait = std::chrono::seconds(20);

}  // namespace

Applications::Applications(store::Store& store, Options options) : store_(store), options_(std::move(options))
{
    load();
}

Applications::~Applications()
{
    stop();
    if (thread_.joinable()) thread_.join();
}

void Applications::stop()
{
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    moved_.notify_all();
    if (following_ != nullptr) following_->interrupt();
    work_.notify_all();
}

/// What cannot be read counts as not said.
void Applications::load()
{
    const auto entries = store_.list(wanted_prefix);
    if (!entries) return options_.said(entries.error().what);
    for (const store::Entry& entry : *entries) {
        ApplicationId id = 0;
        const char* const end = entry.key.data() + entry.key.size();
        const bool is_id =
            std::from_chars(entry.key.data() + wanted_prefix.size(), end, id).ec == std::errc{};
        const Result<Json> json = parse_json(entry.value);
        const auto want = json ? framework::supervision::want_named(json->value("want", ""))
                               : Result<Want>(std::unexpected(json.error()));
        if (!is_id || !want) continue;
        wanted_[id] = {.want = *want,
                       .by = json->value("by", ""),
                       .why = json->value("why", ""),
                       .at = Milliseconds(json->value("at_ms", int64_t{0}))};
    }
    if (const auto kept = store_.get(pairs_key); kept && *kept) {
        if (auto pairs = parse_json((*kept)->value); pairs && pairs->is_object()) pairs_ = std::move(*pairs);
    }
}

Result<void> Applications::keep(ApplicationId id, const Wanted& wanted)
{
    const Json json = {
        {"want", name_of(wanted.want)}, {"by", wanted.by}, {"why", wanted.why}, {"at_ms", wanted.at.count()}};
    TRY(store_.commit(
        {.when = {}, .then = {{.key = fmt::format("{}{}", wanted_prefix, id), .value = json_text(json)}}}));
    return {};
}

void Applications::configured(std::shared_ptr<const framework::configuration::Configuration> configuration,
                              const std::string& host, const framework::supervision::Unseal& unseal)
{
    {
        const std::lock_guard lock(mutex_);
        configuration_ = std::move(configuration);
        host_ = host;
        unseal_ = unseal;
        take_images();
        describe();
    }
    say_moved();
}

/// Whether they are others than before. With the mutex. What cannot be read leaves things as they are:
/// programs run by it.
bool Applications::take_images()
{
    auto images = options_.images();
    if (!images) options_.said(images.error().what);
    if (!images || *images == images_) return false;
    images_ = std::move(*images);
    return true;
}

void Applications::images_changed()
{
    {
        const std::lock_guard lock(mutex_);
        if (!configuration_ || !take_images()) return;
        describe();
    }
    say_moved();
}

/// From what is known now. With the mutex.
void Applications::describe()
{
    const auto open = [this](std::string_view sealed) -> Result<std::string> {
        const auto told = secrets_.find(std::string(sealed));
        return told == secrets_.end() ? unseal_(sealed) : told->second;
    };
    described_ = framework::supervision::described_on(*configuration_, host_, open, images_);
    is_due_ = true;
    if (options_.driven != nullptr) options_.driven->configured(described_.driven, images_);
    // Where there is nothing to start, and no supervisor that might have something to stop, nobody waits.
    const bool has_some = !described_.applications.empty() || described_.has_pairs ||
                          access(options_.supervisor.socket.c_str(), F_OK) == 0;
    if (has_some && !thread_.joinable() && !stopping_) thread_ = std::thread([this] { serve(); });
    if (following_ != nullptr) following_->interrupt();
    work_.notify_all();
}

void Applications::tell(const Json& elsewhere)
{
    const std::lock_guard lock(mutex_);
    const std::string term = elsewhere.value("term", "");
    const uint64_t number = elsewhere.value("number", uint64_t{0});
    if (term == term_ && number < told_) return;
    term_ = term;
    told_ = number;
    bool has_new_secret = false;
    const Json secrets = elsewhere.value("secrets", Json::object());
    for (const auto& [sealed, plain] : secrets.items()) {
        if (!plain.is_string() || secrets_.contains(sealed)) continue;
        secrets_[sealed] = plain.get<std::string>();
        has_new_secret = true;
    }
    Json applications = elsewhere.value("applications", Json::object());
    for (auto& [id, standing] : applications.items()) {
        if (standing.is_null()) standing = elsewhere_.value(id, Json());
    }
    for (auto one = applications.begin(); one != applications.end();)
        one = one->is_null() ? applications.erase(one) : std::next(one);
    if (elsewhere_ != applications) {
        elsewhere_ = std::move(applications);
        is_due_ = true;
        if (following_ != nullptr) following_->interrupt();
        work_.notify_all();
    }
    if (const auto pairs = elsewhere.find("pairs"); pairs != elsewhere.end()) tell_pairs(*pairs);
    if (has_new_secret && configuration_) describe();
}

/// Kept before it counts: after a power cut this host must not vote by what was before. With the mutex.
void Applications::tell_pairs(const Json& pairs)
{
    if (pairs == pairs_) return;
    const auto kept =
        store_.commit({.when = {}, .then = {{.key = std::string(pairs_key), .value = json_text(pairs)}}});
    if (!kept) return options_.said(kept.error().what);
    pairs_ = pairs;
    is_due_ = true;
    if (following_ != nullptr) following_->interrupt();
    work_.notify_all();
}

Json Applications::voting() const
{
    const std::lock_guard lock(mutex_);
    return voting_;
}

/// What the controller says, and those that this host decides alone. With the mutex.
Json Applications::pairs() const
{
    Json all = pairs_;
    if (!all.contains("self")) all["self"] = described_.host;
    if (!all.contains("pairs")) all["pairs"] = Json::array();
    for (const Json& own : described_.own_pairs) all["pairs"].push_back(own);
    return all;
}

Result<void> Applications::push_pairs(site::Client& client)
{
    Json told;
    {
        const std::lock_guard lock(mutex_);
        told = pairs();
        if (!described_.has_pairs && told["pairs"].empty() && voting_.empty()) return {};
    }
    const Json key = TRY(client.call("PairKey", Json::object()));
    TRY(client.call("Pairs", told));
    Json goes_by = Json::array();
    for (const Json& pair : told["pairs"])
        goes_by.push_back({{"pair", pair.value("pair", 0)},
                           {"epoch", pair.value("epoch", 0)},
                           {"retired", pair.value("retired", false)}});
    const std::lock_guard lock(mutex_);
    voting_ = {{"key", key}, {"pairs", std::move(goes_by)}};
    return {};
}

void Applications::when_moved(std::function<void()> moved)
{
    const std::lock_guard lock(mutex_);
    when_moved_ = std::move(moved);
}

std::string Applications::host() const
{
    const std::lock_guard lock(mutex_);
    return host_;
}

bool Applications::in_maintenance() const
{
    const std::lock_guard lock(mutex_);
    return described_.in_maintenance;
}

void Applications::say_moved()
{
    std::function<void()> tell;
    {
        const std::lock_guard lock(mutex_);
        ++moves_;
        tell = when_moved_;
    }
    moved_.notify_all();
    options_.changed();
    if (tell) tell();
}

/// Waits until something has moved since.
Result<Json> Applications::moved_since(const Call& call)
{
    Parameters parameters(call.parameters);
    const uint64_t after = TRY(parameters.count("after", 0));
    TRY(parameters.no_other());
    std::unique_lock lock(mutex_);
    moved_.wait_for(lock, longest_wait, [&] { return moves_ != after || stopping_; });
    const uint64_t moves = moves_;
    lock.unlock();
    return Json{{"moves", moves}, {"applications", lines()}, {"voting", voting()}};
}

Applications::Want Applications::want_of(ApplicationId id) const
{
    return described_.in_maintenance ? Want::stopped : want_without_maintenance(id);
}

Applications::Want Applications::want_without_maintenance(ApplicationId id) const
{
    const auto wanted = wanted_.find(id);
    if (wanted != wanted_.end()) return wanted->second.want;
    const auto standard = described_.standard.find(id);
    return standard == described_.standard.end() ? Want::stopped : standard->second;
}

}  // namespace belay::daemon
