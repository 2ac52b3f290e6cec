#pragma once
// What belayd says of what happens, and what it asks of the message server of this host (docs/messages.md).
//
// Saying something never waits: it goes to an outbox, and a thread that is there only as long as there is
// something in it takes it to belay-messages, which is started where there is something to keep. What it took
// is known by a position that is kept with it, so nothing is twice where an answer was lost. An outbox that
// is full drops, and says how many.

#include "daemon/place.h"
#include "framework/configuration/object.h"
#include "framework/messages/own_events.h"
#include "host/descriptor.h"
#include "operation/engine.h"
#include "site/client.h"
#include "site/wire.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace belay::daemon {

using Attributes = std::map<std::string, std::string>;

/// Threads: any, but the constructor and stop(), which are the loop's. What it is given
/// outlives it, and it is destroyed when the workers are idle only.
class Messages {
  public:
    static constexpr size_t most_waiting = 4096;

    struct Options {
        bool is_there = true;  ///< else nothing is said
        /// Where the message server listens, and the program to start where none runs; empty: none is
        /// started.
        site::ConnectOptions server;
        /// Starts it by other means, where that is so; null: it is not.
        std::function<Result<void>()> start;
        std::function<void(const std::string&)> said;  ///< what a person should know, in a sentence
        std::function<Milliseconds()> wall;
        std::function<Result<operation::View>(const operation::Id&)> show;
        std::string output_folder;  ///< what the applications print is in files in there
        /// There may be more of what conditions of alarms name. `problem`: why no message can be kept now.
        /// Threads: any.
        std::function<void(const std::optional<std::string>& problem)> heard = [](const auto&) {};
    };

    Messages(site::Loop& loop, site::Workers& workers, Options options);
    ~Messages();
    Messages(const Messages&) = delete;
    Messages& operator=(const Messages&) = delete;

    void say(const framework::messages::OwnEvent& event, Attributes attributes);
    /// With the next that is said: nobody is started for it.
    void note(const framework::messages::OwnEvent& event, Attributes attributes);

    /// Something about it has changed: how it stands is looked at, and said where it is news.
    void operation_changed(const operation::Id& id);
    /// As Standings has it of one application, with its name.
    void application_stands(const std::string& name, const Json& standing);
    void supervisor_lost(const Error& error);
    void storage_alarm(const procedures::Alarm& alarm);
    void configuration_is(int64_t version);
    /// A member of the site, by its name.
    void host_is(const std::string& name, const std::string& state, const std::string& reason);
    /// An entry of the audit trail: {who, verb, object, answer}.
    void person_acted(const Json& entry);

    void configured(const framework::configuration::Configuration& configuration, const std::string& host);

    /// Of those that conditions of alarms name, as the message server answers it to Messages. Errors:
    /// unavailable (it does not run), not_found (there are no such conditions).
    Result<Json> search_heard(Json query) const;

    /// Messages, HostMessages (docs/protocol.md). `place`: null, or this machine's in its site.
    std::vector<site::Method> methods(Place* place);

    /// Nothing more is said; what waits is taken where the server is there.
    void stop();

  private:
    struct Batch {
        std::vector<framework::messages::Message> messages;
        std::string at;  ///< the position behind it
    };

    void add(const framework::messages::OwnEvent& event, Attributes attributes, bool is_due);
    void wake();
    void take_up();
    Result<void> deliver();
    Result<std::unique_ptr<site::Client>> reach(bool may_start) const;
    Result<void> describe(site::Client& client);
    Result<void> put(site::Client& client);
    void look_at_operations();
    void watch_server();
    void hear_server();
    void server_ended();
    void tell_how_it_stands();
    Result<Json> ask_own(const Json& parameters, bool may_leave);
    Result<site::Reply> answer(const site::Call& call, Place* place);

    site::Loop& loop_;
    site::Workers& workers_;
    const Options options_;
    const Milliseconds started_;
    const std::string instance_;  ///< of this run, in positions

    mutable std::mutex mutex_;
    std::deque<framework::messages::Message> outbox_;
    uint64_t dropped_ = 0;
    uint64_t number_ = 0;  ///< of the next batch
    std::optional<Batch> under_way_;
    std::set<operation::Id> changed_operations_;
    std::map<operation::Id, std::string> operations_;  ///< how they stood when that was said
    std::map<std::string, std::string> phases_, roles_;
    std::map<std::string, int64_t> restarts_;
    bool is_lost_ = false;        ///< the supervisor
    Json described_;              ///< what the server is to know
    bool has_something_ = false;  ///< that the server is needed for
    bool is_described_ = true;    ///< it knows it
    bool is_due_ = false, is_running_ = false, stopping_ = false;
    Milliseconds pause_{0};
    std::optional<site::Loop::TimerId> retry_;
    /// Why the server is not reached, and what it has said itself.
    std::optional<std::string> not_reached_, server_problem_;
    host::Descriptor server_;  ///< a stream of Heard, which ends when the server does
    site::Framer answers_;     ///< of it
    site::Loop::WatchId server_watch_ = 0;
    const std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
};

}  // namespace belay::daemon
