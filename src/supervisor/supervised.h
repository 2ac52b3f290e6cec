#pragma once
// One application on this host: its life, its process, its output, its sockets.

#include "framework/supervision/life.h"
#include "host/application/control_groups.h"
#include "host/application/launch.h"
#include "host/application/sockets.h"
#include "host/renewed_file.h"
#include "site/loop.h"
#include "site/workers.h"
#include "supervisor/output.h"
#include "supervisor/run_folder.h"

#include <functional>
#include <memory>

namespace belay::supervisor {

/// What all of them share; it outlives them.
struct Ground {
    site::Loop& loop;
    site::Workers& workers;
    const RunFolder& folder;
    Output& output;
    const std::optional<host::ControlGroups>& groups;
    std::function<Milliseconds()> wall;        ///< the wall clock now
    std::function<void(ApplicationId)> moved;  ///< its standing says something else
    std::function<void(ApplicationId)>
        begun;  ///< its process is on its way: conclude_launch() is to be called
    /// Since when that application is started, here or on another host; nothing: it is not.
    std::function<std::optional<Milliseconds>(ApplicationId)> started_since;
    /// It was told that: the command has ended, the signal is sent, the line is written.
    std::function<void(ApplicationId, framework::supervision::Word)> told;
    std::function<bool(ApplicationId)> has_lost_lease;  ///< its process was ended for that
    /// The socket that another application of this host has for that; negative: none.
    std::function<int(ApplicationId, const framework::supervision::HeldSocket&)> held_by;
    std::function<void(const std::string&)> said;  ///< a line for the supervisor's own log
};

/// Threads: that of the loop. Is destroyed when it has no process and the workers are idle.
class Supervised final : private framework::supervision::Hands {
  public:
    Supervised(const Ground& ground, Application application);
    ~Supervised() override;
    Supervised(const Supervised&) = delete;
    Supervised& operator=(const Supervised&) = delete;

    const Application& application() const { return life_.application(); }
    const framework::supervision::Standing& standing() const { return life_.standing(); }
    bool has_process() const { return life_.has_process(); }
    /// What its process was started by; null: it has none.
    const framework::supervision::ApplicationPointer& running() const { return life_.running(); }
    /// 0: it has none.
    pid_t pid() const { return process_name_.pid; }
    const host::ProcessName& process() const { return process_name_; }
    /// The socket that is held for it there; negative: none.
    int held_at(const framework::supervision::HeldSocket& place) const;
    /// Who waits at a socket that is held for it is hung up on.
    void refuse_those_who_wait() const;
    /// Empty: it has none.
    std::string control_group() const { return group_ ? group_->path() : ""; }
    /// As "memory": limits that are asked for, and that this host cannot enforce.
    const std::vector<std::string>& limits_not_in_force() const { return not_in_force_; }
    /// Of its control group; on a host without such, of its first process.
    std::optional<host::ControlGroup::Use> use() const;
    /// What is described counts from the next start on only.
    bool awaits_restart() const;

    void order(framework::supervision::Want want);
    void restart();
    void play(framework::supervision::Role role);
    void drain();
    void serve();
    void replace();
    void end_now(std::string reason);
    void describe(Application application);
    /// Whether its process is its program, or could not become it; waits no longer for that.
    bool conclude_launch(Milliseconds patience);
    /// Takes over the process of a supervisor before this one, where it is still there. `printing`: processes
    /// that print as if they were of this application; empty where its control group tells.
    void adopt(const Record& record, const std::vector<pid_t>& printing);
    /// Lets go of nothing when the program is renewed: what it holds stays open.
    void keep_for_renewal();
    /// Another application has moved, which it may wait for.
    void look_again();
    /// No more questions and records; for the end of the supervisor.
    void detach();

  private:
    struct Watched {
        site::Loop::WatchId id = 0;
        bool is_set = false;
    };

    Result<framework::supervision::Begun> start(const Application& application) override;
    void signal(int number) override;
    void kill() override;
    bool clear() override;
    void run_stop_command(const Application& application) override;
    void tell(const Application& application, framework::supervision::Word word) override;
    void ask(framework::supervision::Topic topic, const framework::supervision::Question& question,
             Milliseconds at) override;
    void ask_no_more() override;
    void await(const std::vector<framework::supervision::Gate>& gates) override;
    void moved() override;

    Result<void> open_group();
    Result<void> open_sockets(const Application& application);
    Result<host::Descriptor> held_socket(const Application& application,
                                         const framework::supervision::HeldSocket& socket) const;
    Result<void> open_output();
    Result<void> open_orders(const Application& application);
    Result<void> open_notify(const Application& application);
    Result<host::Launch> launch_of(const Application& application);
    Result<void> watch_process(host::Descriptor process);
    void watch(Watched& watched, int descriptor, std::function<void()> ready);
    void forget(Watched& watched);
    void process_ended();
    void look_whether_seen(int tries);
    void ended(const framework::supervision::Ended& ended);
    bool is_empty() const;
    void look_whether_cleared();
    void read_output();
    void read_notices();
    void look_at_gates();
    void gates_seen(const Result<void>& open, uint64_t round);
    void limit();
    void arm();
    Record record() const;
    void keep(const Record& record);
    void watch_renewals();
    void forget_renewals();
    void renewed(const std::string& path);
    void look_whether_renewed();
    std::string group_name() const { return host::application_group(application().id); }
    void end_unknown(const std::vector<pid_t>& printing);
    void adopt_notify(const Record& record, const Application& running, int process);
    void after(const std::function<void()>& what);

    const Ground& ground_;
    framework::supervision::Life life_;
    std::string described_;  ///< in JSON
    host::ProcessName process_name_;
    host::Descriptor process_;
    std::shared_ptr<host::Launching> launching_;
    bool was_left_on_its_way_ = false;  ///< by a supervisor before this one
    std::optional<host::ControlGroup> group_;
    bool group_is_spent_ = false;
    std::optional<host::Account> account_;
    std::vector<std::string> not_in_force_;
    std::vector<framework::supervision::HeldSocket> held_as_;
    std::vector<host::Descriptor> held_;
    std::optional<host::OutputPipe> pipe_;
    std::optional<host::OutputPipe> orders_;
    std::optional<host::NotifySocket> notify_;
    host::Descriptor lease_;
    Watched on_process_, on_output_, on_notify_;
    struct Renewal {
        std::string path, version;  ///< that it was started with
        host::RenewedFile file;
        Watched watched = {};
    };
    std::vector<std::unique_ptr<Renewal>> renewals_;  ///< of files with which its process was started
    std::optional<site::Loop::TimerId> timer_, question_, gate_look_, clearing_;
    Milliseconds armed_{0};
    uint64_t asked_ = 0;                               ///< answers to earlier questions no longer count
    uint64_t awaited_ = 0;                             ///< nor looks at earlier gates
    std::vector<framework::supervision::Gate> gates_;  ///< that it waits for
    bool detached_ = false;
    const std::shared_ptr<bool> there_ = std::make_shared<bool>(true);
};

}  // namespace belay::supervisor
