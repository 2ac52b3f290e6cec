#include "site/metrics/exporter.h"

namespace belay::site::metrics {
namespace {

/// What storage health looks at are programs that read disks.
constexpr auto health_is_good_for = std::chrono::minutes(1);
constexpr int most_alarms = 10'000;

}  // namespace

std::vector<prometheus::MetricFamily> Exporter::Collect() const
{
    const std::lock_guard lock(mutex_);
    return figures_of(ask());
}

Told Exporter::ask() const
{
    const Json nothing = Json::object();
    Told told;
    told.status = ask(belayd_, options_.socket, "Status", {{"whole", true}});
    // One who does not answer is not waited for once more.
    if (!told.status.is_object()) return told;
    told.pairs = ask(belayd_, options_.socket, "Pairs", nothing);
    told.alarms = ask(belayd_, options_.socket, "AlarmList", {{"conditions", true}, {"limit", most_alarms}});
    told.health = health();
    told.messages = ask(messages_, options_.messages_socket, "Status", nothing);
    return told;
}

const Json& Exporter::health() const
{
    const Clock::time_point now = Clock::now();
    if (health_.is_null() || now - health_asked_ >= health_is_good_for) {
        health_ = ask(belayd_, options_.socket, "StorageHealth", Json::object());
        health_asked_ = now;
    }
    return health_;
}

Json Exporter::ask(Peer& peer, const std::string& socket, std::string_view method,
                   const Json& parameters) const
{
    const auto answer = [&]() -> Result<Json> {
        if (!peer.client) peer.client = TRY(connect({.socket = socket, .state_folder = "", .daemon = ""}));
        return peer.client->call(method, parameters);
    };
    Result<Json> told = answer();
    if (!told && told.error().kind == ErrorKind::unavailable && peer.client) {
        // It was started anew since the last time.
        peer.client.reset();
        told = answer();
    }
    if (told) {
        peer.problem.clear();
        return std::move(*told);
    }
    if (told.error().kind == ErrorKind::unavailable) peer.client.reset();
    if (std::exchange(peer.problem, told.error().what) != peer.problem)
        log_.standard(fmt::format("{} is not answered: {}", method, peer.problem));
    return {};
}

}  // namespace belay::site::metrics
