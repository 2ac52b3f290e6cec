#pragma once
// Who speaks: which application of this host a process belongs to, by the control group that its supervisor
// has put it in; what that is called is told by belayd. What a process says of itself does not count.

#include "framework/messages/outputs/output.h"
#include "message_server/intake.h"
#include "site/local_socket.h"

#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace belay::message_server {

struct DescribedApplication {
    int64_t id = 0;
    std::string name = {};
    Level log_level = Level::standard;  ///< what of its messages is kept
    std::string output = {};            ///< the file that what it prints is in; empty: none
};

/// How long messages are kept, where the configuration says it.
struct Keeping {
    std::array<std::optional<Milliseconds>, framework::messages::levels> by_level = {};
    std::optional<uint64_t> bytes = {};
};

/// Whose entries of systemd's journal become messages.
enum class SyslogIn { none, applications, all };
std::string_view name_of(SyslogIn syslog);

/// What belayd tells of this host.
struct Described {
    std::string host = {};
    std::vector<DescribedApplication> applications = {};
    std::vector<framework::messages::Output> outputs = {};
    Keeping keeping = {};
    SyslogIn syslog = SyslogIn::applications;
    std::vector<EventId> heard = {};  ///< those that conditions of alarms name
    bool is_whole = false;  ///< else only `by` is told, and what was told before counts on; not kept
    pid_t by = 0;           ///< the process that has told it; not kept
};
void to_json(Json& json, const Described& described);
/// Errors: corrupt, usage.
Result<Described> read_described(const Json& json);

/// Where a connection comes from, as the kernel saw it when it was made; it stays that. Of an entry of the
/// journal, as journald saw it.
struct Origin {
    std::optional<int64_t> application = {};  ///< of this host; nothing: none of its supervisor's
    std::string user = {}, program = {};
    std::string service = {};  ///< of systemd; empty: not known
};

struct Identity {
    Speaker speaker;
    Message otherwise;                  ///< what its messages have by themselves
    Level log_level = Level::standard;  ///< what of them is kept
};

/// Threads: any.
class Speakers {
  public:
    /// `supervisor`: the socket of the one that the applications are of.
    explicit Speakers(std::string supervisor);

    void describe(Described described);
    Described described() const;

    /// Who is on the other side of a connection that was just taken.
    Origin origin_of(int connection);
    /// Whose entry of the journal it is, by the control group that journald has seen.
    std::optional<int64_t> application_in_journal(const std::string& group);
    /// An application; or else its service or "user NAME", with the program in an attribute.
    Identity identify(const Origin& origin) const;

    /// Where the groups of the applications are, as far as is known; empty: their supervisor was not asked
    /// yet.
    std::string groups() const;
    /// Where they were, so that it is known before their supervisor is there.
    void groups_were_in(const std::string& base);

  private:
    std::optional<int64_t> application_in(const std::string& group);

    const std::string supervisor_;
    const std::string journal_root_;  ///< what journald leaves out at the front of groups
    mutable std::mutex mutex_;
    Described described_;
    std::string base_;  ///< of the applications' groups, as it was last known
};

}  // namespace belay::message_server
