#pragma once
// The simulated pair as a whole: the device, its clock, its lines and its address, what can go wrong with
// them, and the state file. main.cpp starts it; control.h is how a test speaks to it.

#include "iosxe/device_clock.h"
#include "iosxe/shell.h"
#include "iosxe/ssh_server.h"

#include <list>

namespace belay::lab::iosxe {

/// What happens to connections: `reset`, `silent` (those that are there and new ones say nothing),
/// `half-open` (those that are there say nothing, new ones are answered) and `refused`.
enum class Loss { reset, silent, half_open, refused };

/// Stands ready until a line is typed that begins so, and then strikes once.
struct LineFault {
    Loss loss = Loss::reset;
    std::string at = {};          ///< beginning of a line in full ("install activate"); empty: at once
    Milliseconds after = {};      ///< of the device's clock, since it was typed
    std::string after_text = {};  ///< or as soon as the device says this
    uint64_t after_bytes = 0;     ///< or, of "scp", as soon as so much of a file has come
    Milliseconds lasts = {};      ///< zero: until it is mended
};

struct TypedLine {
    Time at = {};
    int line = 0;
    std::string user;
    std::string text;
};

struct PairOptions {
    Beginning beginning = {};
    double factor = 1;
    std::string address = "127.0.0.1";
    int port = 0;
    Logins logins = {};
    Manner manner = {};
    std::string state_file = {};  ///< empty: it forgets
    std::vector<std::string> failures = {};
};

/// Threads: one.
class Pair {
  public:
    /// As the state file says, where there is one; else anew. Errors: those of the system, corrupt, usage.
    static Result<std::unique_ptr<Pair>> make(PairOptions options);

    /// One turn: waits for at most 200 ms for what comes from the network, and does what that and the clock
    /// bring.
    Result<void> turn();
    SshServer& server() { return *server_; }
    Device& device() { return device_; }
    DeviceClock& clock() { return clock_; }
    Time now() const;
    const std::vector<TypedLine>& typed() const { return typed_; }

    /// Errors: usage, refused, unavailable.
    Result<void> injure(const std::string& name, const Json& details);
    Result<void> mend(const std::string& name);
    /// The clock runs so many times as fast from now on.
    void set_factor(double factor);

  private:
    class Vty;
    class Carrying;

    Pair(PairOptions options, State state, DeviceClock clock);
    std::unique_ptr<Party> opened(const Opening& opening);
    void arm(const std::string& text);
    void carried(uint64_t bytes);
    void heard(int line, const std::string& user, const std::string& text);
    void step(Time now);
    void tell(const Event& event);
    void strike(Loss loss, Milliseconds lasts, Time now);
    void restore();
    Result<void> reach(Time now);
    Result<void> save();
    std::optional<Time> next() const;

    PairOptions options_;
    Device device_;
    DeviceClock clock_;
    std::list<Vty*> lines_;  ///< those that are open
    std::unique_ptr<SshServer> server_;
    std::vector<TypedLine> typed_;
    int latest_line_ = 0;

    std::optional<LineFault> fault_;
    std::optional<Time> strikes_at_;
    std::optional<Loss> lost_;
    std::optional<Time> restored_at_;
    std::optional<Time> new_key_at_;
    std::string saved_;
};

/// Failures of the address, beside those of the device (failures.h).
std::span<const std::pair<std::string_view, std::string_view>> address_failures();

}  // namespace belay::lab::iosxe
