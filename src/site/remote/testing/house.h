#pragma once
// For tests: a controller and members, each with a loop in a thread of its own, as a daemon has it.

#include "framework/configuration/copy.h"
#include "host/descriptor.h"
#include "site/identity/membership_file.h"
#include "site/remote/agent/join.h"
#include "site/remote/agent/uplink.h"
#include "site/remote/controller/controller.h"
#include "site/remote/proxy/branch.h"
#include "site/remote/remote_client.h"
#include "store/memory.h"
#include "store/scratch_folder.h"

#include <atomic>
#include <mutex>
#include <thread>

namespace grpc {
class Server;
}

namespace belay::site::testing {

/// A loop that runs in a thread of its own, with workers.
class RunningLoop {
  public:
    RunningLoop();
    ~RunningLoop();
    RunningLoop(const RunningLoop&) = delete;
    RunningLoop& operator=(const RunningLoop&) = delete;

    Loop& loop() { return *loop_; }
    Workers& workers() { return *workers_; }
    /// Runs something in the loop's thread and waits for it.
    void in_loop(const std::function<void()>& what);

  private:
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<Workers> workers_;
    std::thread thread_;
};

/// With a store in memory, listening on loopback.
class ControllerHouse {
  public:
    ControllerHouse() : ControllerHouse(Pace{.heartbeat = std::chrono::seconds(1)}) {}
    explicit ControllerHouse(Pace pace);
    ~ControllerHouse();
    ControllerHouse(const ControllerHouse&) = delete;
    ControllerHouse& operator=(const ControllerHouse&) = delete;

    Controller& get() { return *controller_; }
    store::Store& store() { return store_; }
    std::string invite(const InvitationAsk& ask);
    /// What people are told of it.
    RemoteSite remote_site();
    /// The one that makes its certificates.
    SiteAuthority authority();
    Milliseconds wall() const;
    /// What the method Follow says.
    void set(int value);
    /// Ends the controller and begins another one on the same store and port.
    void restart();
    /// The two halves of it.
    void end();
    void begin();
    /// Ends it and begins another one, which members are told to find at this address.
    void restart_as(const std::string& address);
    /// Lets its wall clock jump.
    void advance(Milliseconds by) { ahead_ms_ += by.count(); }
    /// Waits until a member's presence is this; false after 60 s.
    bool await(const std::string& name, Presence::State state);
    /// Waits until this holds; false after 60 s.
    bool await_that(const std::function<bool()>& holds);
    /// Whether the audit trail has an entry with this in it.
    bool audit_says(const std::string& text);

  private:
    void open(const std::string& listen);

    const Pace pace_;
    std::string address_ = "127.0.0.1:0";
    store::ScratchFolder folder_;
    RemoteSite remote_;
    std::atomic<int64_t> ahead_ms_ = 0;
    store::MemoryStore store_{{.boot = "this boot", .now = boot_now}};
    std::atomic<int> value_ = 0;
    Methods methods_;
    std::mutex mutex_;
    std::vector<std::string> audit_;
    std::vector<std::string> advertised_;  ///< empty: where it listens
    RunningLoop running_;                  ///< behind what its workers use: it waits for them
    std::unique_ptr<Controller> controller_;
};

/// A machine with a state folder.
class AgentHouse {
  public:
    AgentHouse();
    ~AgentHouse();
    AgentHouse(const AgentHouse&) = delete;
    AgentHouse& operator=(const AgentHouse&) = delete;

    Result<Membership> join(const std::string& word);
    /// As if the answer to join() had not arrived: the key is there, and no certificate.
    void forget_answer();
    /// With the membership on its disk, or another.
    void attach();
    void attach(const Membership& membership, Milliseconds welcome_patience = std::chrono::seconds(10));
    void detach();
    /// The loop does nothing while this is held.
    std::shared_ptr<void> hang();
    /// What the method Follow says.
    void set(int value);
    /// Lets its wall clock jump.
    void advance(Milliseconds by) { ahead_ms_ += by.count(); }
    Membership membership() const;
    /// Its copy of the configuration, which is there whether it is attached or not.
    framework::configuration::Copy& copy() { return *copy_; }
    /// What it has of it on its disk.
    store::Store& store() { return store_; }
    /// Opens the door of a proxy. Where it listens.
    Result<std::string> open_branch();
    /// Waits until its copy has this version; false after 60 s.
    bool await_version(framework::configuration::Version version);
    /// Waits until it is not attached for a problem of this kind; false after 60 s.
    bool await_problem(ErrorKind kind);

  private:
    MembershipFile file() const { return MembershipFile(folder_.path()); }

    store::ScratchFolder folder_;
    store::MemoryStore store_{{.boot = "this boot", .now = boot_now}};
    std::unique_ptr<framework::configuration::Copy> copy_;
    std::atomic<int> value_ = 0;
    std::atomic<int64_t> ahead_ms_ = 0;
    Methods methods_;
    Methods branch_methods_;
    RunningLoop running_;  ///< behind what its workers use: it waits for them
    std::unique_ptr<Uplink> uplink_;
    std::unique_ptr<Branch> branch_;
};

/// Takes connections, and says nothing on them.
class SilentListener {
  public:
    SilentListener();
    const std::string& address() const { return address_; }

  private:
    host::Descriptor listener_;
    std::string address_;
};

/// Serves TLS with a member's certificate, as a controller would with its own.
class Impostor {
  public:
    explicit Impostor(const Membership& membership);
    ~Impostor();
    Impostor(const Impostor&) = delete;
    Impostor& operator=(const Impostor&) = delete;

    const std::string& address() const { return address_; }
    int calls() const;

  private:
    class Service;
    std::unique_ptr<Service> service_;
    std::unique_ptr<grpc::Server> server_;
    std::string address_;
};

}  // namespace belay::site::testing
