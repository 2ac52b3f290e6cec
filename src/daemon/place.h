#pragma once
// A daemon's place in a site, as the daemon sees it: what it is told and asked on the way. How a place is
// filled is in network/, which is linked into belayd-site alone.
//
//   STATE/site/membership.json   this machine is a member: it keeps a stream to a controller
//   STATE/site/controller.json   this machine is a controller: {listen, advertise, store, id}; or a proxy, of
//                                which only `listen` counts

#include "framework/configuration/host_settings.h"
#include "operation/engine.h"
#include "procedures/procedures.h"
#include "site/log.h"
#include "site/loop.h"
#include "site/method.h"
#include "site/workers.h"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace belay::daemon {

class Applications;
class HostLoad;
class Messages;

/// What is to be told of the load of hosts.
enum class LoadToTell {
    none,
    known,  ///< as it was heard last; newer ones are asked for, and told of by overview_topic
    fresh,  ///< waits a moment for those that are there
};

/// A change that is asked for on several hosts of the site.
struct HostsAsk {
    std::vector<std::string> hosts = {};  ///< names or numbers, in the order in which they are switched
    std::vector<uint64_t> waves = {};     ///< how many at once; empty: as SitePlanAsk has it
    uint64_t failures = 0;                ///< so many may fail and be left out
    std::optional<Milliseconds> soak = {}, timer = {};  ///< between two waves; of the abort
    Json parameters = Json::object();                   ///< of Plan, for each host
    std::string asker = {};                             ///< for the hosts' journals
};

/// Threads: that of the loop, but for leader(), status(), plan_on_hosts() and what its methods do.
class Place {
  public:
    virtual ~Place() = default;

    /// Where the state of the site is; null: in the database file of this machine.
    virtual store::Store* site_store() = 0;
    /// Gives the keys of the configuration's secrets to the other controllers of the site; null: there are
    /// none.
    virtual std::function<Result<void>(std::string_view text)> share_keys() = 0;
    /// Whether the site is changed here; else this machine is a host of it.
    virtual bool is_controller() const = 0;
    /// Whether it has a copy of the configuration, and tells what that says of this host.
    virtual bool has_copy() const = 0;
    /// What the plans of operations of the site name.
    virtual void fill(operation::Catalogue& catalogue) = 0;
    /// The plan of an operation of the site. Asks the hosts for theirs. Errors: not_found, usage, those of
    /// the hosts, with their names.
    virtual Result<operation::Plan> plan_on_hosts(const HostsAsk& ask) = 0;
    /// Asks every host of the site that is not shut out: its name, and what it answers. Errors: refused (this
    /// machine is no controller), those of the store.
    virtual Result<std::vector<std::pair<std::string, Result<Json>>>> ask_hosts(const std::string& method,
                                                                                const Json& parameters,
                                                                                const std::string& asker) = 0;
    /// Asks one of them, at most so long. Errors: refused, as before; not_found, those of the host.
    virtual Result<Json> ask_host(const std::string& host, const std::string& method, const Json& parameters,
                                  const std::string& asker, Milliseconds patience) = 0;
    /// The same without waiting: `then` gets what came of it, once, in any thread. There is no limit of time:
    /// an answer comes, or the connection ends.
    virtual void ask_host_later(const std::string& host, const std::string& method, const Json& parameters,
                                const std::string& asker,
                                std::function<void(const Result<Json>& answer)> then) = 0;
    /// What can be planned on the hosts of the site by name.
    virtual std::vector<procedures::Procedure> procedures() = 0;
    /// A file that the controller has for its members, from `offset` on. Threads: any. Errors: not_found,
    /// unavailable, those of `take`.
    virtual Result<void> fetch(const std::string& sha256, uint64_t offset,
                               const std::function<Result<void>(std::string_view)>& take,
                               const std::stop_token& stop) = 0;
    /// What can be asked of this daemon besides, or in place of what its machine alone would answer. They
    /// outlive nothing: the place outlives them.
    virtual std::vector<site::Method> methods() = 0;
    /// Begins. `all`: what others may ask of this daemon; it outlives the place. Errors: those of the
    /// network.
    virtual Result<void> start(const site::Methods& all) = 0;
    virtual void topic_changed(const std::string& topic) = 0;
    /// The controller that leads the site, as far as this one has heard: {host, addresses}; null: none is
    /// known to, or it is this one. Threads: any.
    virtual Json leader() const = 0;
    /// {role, site, ...}, for `belay status`. Threads: any but the loop's.
    virtual Json status(LoadToTell load) = 0;
    virtual void stop() = 0;
    /// After stop(), when nothing runs any more and everything is still there: its threads end, and another
    /// may lead.
    virtual void end() = 0;
};

/// What a place rests upon; all of it outlives the place.
struct PlaceGround {
    site::Loop& loop;
    site::Workers& workers;
    host::Host& host;
    store::Store& store;  ///< of this machine
    site::Log& log;
    Applications& applications;
    Messages& messages;
    HostLoad& load;                    ///< of this machine
    std::function<void()> look_again;  ///< as Services has it; threads: any
    /// The engine that carries out the operations of the site; null while this controller does not lead.
    /// Threads: any.
    std::function<operation::Engine*()> engine;
    /// This controller leads from now on: opens that engine. Threads: the loop's. Errors: those of the store.
    std::function<Result<void>()> lead;
    /// It does no longer: this daemon ends in order, and begins anew. Threads: the loop's.
    std::function<void()> restart;
    /// What a host is to be told of an image that this controller has, as arguments of member.upgrade;
    /// nothing of it where it has none. Threads: any. Errors: io.
    std::function<Result<std::map<std::string, std::string>>(const std::string& image,
                                                             const std::string& version)>
        image_arguments;
    /// Where a file is that members may fetch. Threads: any. Errors: not_found.
    std::function<Result<std::string>(const std::string& sha256)> file;
    std::string state_folder;
    std::string boot_id;
    Milliseconds connect_timeout;                     ///< of a member that dials
    std::function<Milliseconds()> wall;               ///< the wall clock now; threads: any
    std::function<void()> leased;                     ///< a lease was granted; threads: any
    std::function<void(const std::string&)> changed;  ///< a topic has; threads: any
    /// The configuration of the site and the name of this host in it, at first and whenever it has changed.
    /// Threads: any.
    std::function<void(std::shared_ptr<const framework::configuration::Configuration>,
                       const std::string& host)>
        configured;
};

/// What streams of Status follow.
inline constexpr const char* site_topic = "site";

/// Where the state of a site is: empty, in the database file of the controller; or an etcd.
struct SiteStoreAddress {
    std::string address;               ///< "etcd:HOST:PORT,.../PREFIX"
    std::string ca, certificate, key;  ///< files; empty: without TLS
};

/// Where a controller listens, and where others find it; where a proxy listens.
struct ControllerAddress {
    std::string listen;                  ///< HOST:PORT; empty: this machine is neither
    std::vector<std::string> advertise;  ///< HOST:PORT; empty: as `listen`
    std::string emergency;               ///< HOST:PORT, for this run alone; may be empty
    std::string take_lead;               ///< from this host, at this start alone; may be empty
    SiteStoreAddress store;
    std::string id;  ///< of this controller in the store; given once
};

/// The file with the keys of the configuration's secrets.
std::string key_file_in(const std::string& state_folder);

/// Whether the daemon of this state folder has a place in a site.
bool has_place(const std::string& state_folder);

/// What belayd-site has beyond belayd; all of it empty in belayd.
struct SiteParts {
    std::function<Result<std::unique_ptr<Place>>(const PlaceGround&, const ControllerAddress&)> open;
    /// Makes this machine a member by an invitation: a sentence of what it is now. The daemon of this state
    /// folder learns of it at its next start.
    std::function<Result<std::string>(const std::string& state_folder, const std::string& word)> join;
    /// This machine has no place any more: a sentence, or empty where it had none.
    std::function<Result<std::string>(const std::string& state_folder)> leave;
};

}  // namespace belay::daemon
