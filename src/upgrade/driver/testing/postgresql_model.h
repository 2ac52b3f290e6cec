#pragma once
// For tests: a PostgreSQL pair as far as its driver sees it. This host is a simulated one, whose programs
// work on the model; the peer is a few numbers. What must not be is written down when it happens.

#include "base/json.h"
#include "host/simulated.h"
#include "upgrade/driver/postgresql/postgresql.h"

namespace belay::upgrade::driver::postgresql::testing {

class PairModel {
  public:
    bool here_runs = true, here_serves = true;
    bool peer_runs = true, peer_serves = false;
    bool peer_gets_last_record = true;          ///< false: the connection breaks before the stop has sent it
    uint64_t here_end = 1000, peer_end = 1000;  ///< bytes of write-ahead log
    std::vector<std::string> broken = {};

    PairModel()
    {
        host_.install("stat", answer([](const host::Command&) { return said("101 104\n"); }));
        host_.install("readlink", answer([](const host::Command&) { return said("/bin/x/postgres\n"); }));
        host_.install("setpriv", [this](host::Machine& machine, const host::Command& command) {
            return as_owner(machine, command);
        });
        host_.change([](host::Machine& machine) {
            machine.put_folder("/data");
            machine.put_file("/data/postgresql.auto.conf", "# by ALTER SYSTEM\n");
            machine.put_link("/proc/77/cwd", "/data");
            machine.put_file("/data/postmaster.pid", "77\n/data\n");
        });
    }
    host::SimulatedHost& host() { return host_; }
    static Ask ask() { return {.data = "/data", .bin = "/bin/x", .peer = "host=b user=belay"}; }
    Result<void> stand_by(host::Host& through)
    {
        const Ground ground{.host = through, .pause = [this](Milliseconds span) { host_.advance(span); }};
        const std::unique_ptr<Postgresql> driver = Postgresql::make(ground, ask()).value();
        return driver->stand_by();
    }
    bool gave_up() { return host_.machine().text("/data/standby.signal").has_value(); }
    /// This host is off, and on again; its server starts by itself.
    void power_cut()
    {
        host_.change([this](host::Machine& machine) {
            if (here_runs) state_ = here_serves ? "in production" : "in archive recovery";
            here_runs = false;
            machine.erase("/data/postmaster.pid");
            start(machine);
        });
    }
    /// The peer follows, where there is one to follow.
    void look_at_promises()
    {
        if (here_runs && here_serves && peer_runs && peer_serves) broken.emplace_back("both serve");
        if (peer_serves && peer_end < acknowledged_)
            broken.emplace_back("the peer serves, and lacks something");
        if (here_runs && here_serves && here_end < acknowledged_)
            broken.emplace_back("it serves, and lacks something");
    }

  private:
    static host::Outcome said(std::string text)
    {
        return {.exit_code = 0, .out = std::move(text), .err = {}};
    }
    static host::Outcome refused() { return {.exit_code = 2, .out = {}, .err = "no\n"}; }
    static host::Program answer(std::function<host::Outcome(const host::Command&)> by)
    {
        return [by = std::move(by)](host::Machine&, const host::Command& command) -> Result<host::Outcome> {
            return by(command);
        };
    }

    Result<host::Outcome> as_owner(host::Machine& machine, const host::Command& command)
    {
        const std::vector<std::string> words(command.argv.begin() + 4, command.argv.end());
        const std::string& program = words.front();
        host::Outcome outcome;
        if (program == "touch") {
            if (!machine.text(words.back())) machine.put_file(words.back(), "");
        } else if (program.ends_with("/psql")) {
            outcome = psql(words);
        } else if (program.ends_with("/pg_controldata")) {
            outcome =
                said(fmt::format("Database system identifier:           42\n"
                                 "Database cluster state:               {}\n"
                                 "Latest checkpoint location:           {}\n",
                                 state_, to_text(checkpoint_)));
        } else if (program.ends_with("/pg_ctl")) {
            if (words.back() == "start") start(machine);
            if (words.back() == "stop") stop(machine);
        } else if (program.ends_with("/pg_rewind")) {
            outcome = said("no rewind required\n");
        } else {
            return fail(ErrorKind::not_found, program);
        }
        look_at_promises();
        return outcome;
    }

    void start(host::Machine& machine)
    {
        here_runs = true;
        here_serves = !machine.text("/data/standby.signal");
        if (!here_serves && peer_runs && peer_serves) here_end = peer_end;
        machine.put_file("/data/postmaster.pid", "77\n/data\n");
        if (here_serves) write();
        look_at_promises();
    }
    void stop(host::Machine& machine)
    {
        if (here_runs && here_serves) {
            checkpoint_ = {here_end};
            state_ = "shut down";
            here_end += 100;
            if (peer_runs && peer_gets_last_record) peer_end = here_end;
        } else if (here_runs) {
            state_ = "shut down in recovery";
        }
        here_runs = false;
        machine.erase("/data/postmaster.pid");
    }
    /// A client's transaction on whoever serves.
    void write()
    {
        if (here_runs && here_serves) {
            here_end += 100;
            acknowledged_ = here_end;
            if (peer_runs && !peer_serves) peer_end = here_end;
        }
    }

    host::Outcome psql(const std::vector<std::string>& words)
    {
        const std::string& sql = words.back();
        const bool is_peer =
            std::ranges::any_of(words, [](const std::string& word) { return word.starts_with("host=b"); });
        if (!(is_peer ? peer_runs : here_runs)) return refused();
        if (sql == "IDENTIFY_SYSTEM") return said("42|1|0/0|\n");
        if (sql == "CHECKPOINT" && !is_peer) write();
        if (sql.starts_with("SELECT pg_promote") && is_peer) {
            peer_serves = true;
            if (here_runs && !here_serves) here_end = peer_end;
            return said("t\n");
        }
        if (sql != server_question) return said("");
        return said(is_peer ? server(peer_serves, peer_end, here_runs && here_serves)
                            : server(here_serves, here_end, peer_runs && peer_serves));
    }
    static std::string server(bool serves, uint64_t end, bool follows)
    {
        Json json = {{"standby", !serves},       {"system", "42"},      {"version", "15.18 (Debian)"},
                     {"written", nullptr},       {"received", nullptr}, {"replayed", nullptr},
                     {"paused", false},          {"receiver", nullptr}, {"followers", Json::array()},
                     {"timeline_is_kept", true}, {"slot", ""},          {"logical_slots", 0},
                     {"may_promote", true}};
        const std::string place = to_text(Place{end});
        if (serves) {
            json["written"] = place;
        } else {
            json["received"] = json["replayed"] = place;
            if (follows)
                json["receiver"] = {{"status", "streaming"}, {"host", "x"}, {"port", 5432}, {"told", place}};
        }
        return json_text(json) + '\n';
    }

    host::SimulatedHost host_;
    std::string state_ = "in production";
    Place checkpoint_;
    uint64_t acknowledged_ = 1000;
};

}  // namespace belay::upgrade::driver::postgresql::testing
