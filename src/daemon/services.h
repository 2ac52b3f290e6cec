#pragma once
// The methods of docs/protocol.md, as the server calls them.

#include "daemon/parts.h"
#include "daemon/place.h"
#include "operation/engine.h"
#include "site/server.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace belay::framework::configuration {
class Register;
}

namespace belay::daemon {

class AlarmWatch;
class Applications;
class Devices;
class HostEvents;
class HostLoad;
class Messages;
class Monitor;
class Upgrades;

/// What streams of alarms follow; no operation has such a name.
inline constexpr const char* alarm_topic = "alarms";

/// What streams of the whole follow: anything that Status tells with `whole`, and the load of hosts.
inline constexpr const char* overview_topic = "overview";

/// What the methods work with. All of it outlives them, and is called in any thread.
struct Services {
    operation::Engine& engine;
    host::Host& host;
    const Parts& parts;
    Monitor& monitor;
    framework::configuration::Register& configuration;
    std::string state_folder;
    std::string restart;                             ///< the command that starts this daemon anew
    std::function<void(const operation::Id&)> wake;  ///< there may be work on it
    /// That of the site, where it has a store of its own and this controller leads; else null.
    std::function<operation::Engine*()> site_engine;
    std::function<std::optional<Error>(const operation::Id&)> stuck;
    Applications* applications = nullptr;
    Upgrades* upgrades = nullptr;
    Devices* devices = nullptr;
    Messages* messages = nullptr;
    AlarmWatch* alarms = nullptr;
    HostEvents* events = nullptr;
    HostLoad* load = nullptr;
    /// Somebody follows what nobody tells of by itself: its streams are to be answered again in a while.
    std::function<void()> look_again;
    /// What can be asked of this daemon, by its place in the site as well.
    std::function<const site::Methods&()> methods;
    Place* place = nullptr;   ///< null: this machine is no part of a site
    Milliseconds started{0};  ///< wall clock; when this daemon did
};

/// All of them.
std::vector<site::Method> methods_of(const Services& services);

/// Those about the daemon itself and what it can do: Hello, StorageShow, Procedures.
std::vector<site::Method> house_methods(const Services& services);
/// Those that move an operation or show it: Request, Timer, Show, List, Watch.
std::vector<site::Method> operation_methods(const Services& services);
/// Plan.
std::vector<site::Method> plan_methods(const Services& services);
/// Those about what was: Records, Audit, Clean.
std::vector<site::Method> history_methods(const Services& services);

/// Those about the configuration of the site: ConfigShow, ConfigHistory. It is changed by Plan and Request.
std::vector<site::Method> configuration_methods(const Services& services);

/// How this daemon stands, and where it is part of a site: Status. With `whole` also the hosts' load, the
/// applications, the solutions and the operations that have not ended.
std::vector<site::Method> status_methods(const Services& services);

/// Those about images: ImageUpload, ImageWithdraw, and of this host alone or of all ImageSummary,
/// ImageRemoveInactive, ImageClear.
std::vector<site::Method> image_methods(const Services& services);

/// Those about what happened to the machine by itself: Alarms, AlarmTest.
std::vector<site::Method> alarm_methods(const Services& services);

/// What the catalog of this machine answers: CatalogSearch, CatalogClients, CatalogSnapshots.
std::vector<site::Method> catalog_methods(const Services& services);

/// Who asks, for the journal.
operation::Asker asker_of(const site::Call& call, std::string why);

/// An operation as it stands now. Errors: those of Engine::show.
Result<operation::View> view_of(const Services& services, const operation::Id& id);

/// Whether nothing goes on by itself any more: a person acts next, or nobody. Without `settle` only what has
/// ended or is held counts.
bool is_at_rest(const operation::Operation& operation, bool settle);

}  // namespace belay::daemon
