#pragma once
// The members that are attached to this controller, and what is asked of them.
//
// A member holds one stream. Both sides send heartbeats, from the loop that does the work: a member whose
// connection lives and whose heartbeats stay away hangs ("silent"); one whose connection has ended is "gone".
// Neither says that its programs do not run.

#include "base/json.h"
#include "base/units.h"
#include "site/loop.h"
#include "site/members/registry.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace grpc {
class Service;
}

namespace belay::site {

/// What is known of a member's link.
struct Presence {
    enum class State {
        never,     ///< it has not attached since this controller leads
        attached,  ///< it is there
        silent,    ///< its connection lives, and it says nothing
        gone,      ///< its connection has ended
    } state = State::never;
    Milliseconds since{0};  ///< wall clock
    std::string why = {};   ///< of `gone`: what ended it
    std::string address = {}, host_name = {}, version = {}, boot_id = {};
    Milliseconds clock_ahead{0};  ///< of the member's clock, by when its first message came
};
std::string_view name_of(Presence::State state);
void to_json(nlohmann::json& json, const Presence& presence);

/// How often both sides of a member's stream say that they live, and after how long without a word either
/// takes the other for gone.
struct Pace {
    Milliseconds heartbeat = std::chrono::seconds(3);
    Milliseconds timeout = std::chrono::seconds(10);
};

struct HubOptions {
    std::string site;
    std::string authority_pem;  ///< the certificate by which those of members are checked
    /// Of a member, asked when it attaches. Threads: any.
    std::function<Pace(const Member& member)> pace = [](const Member&) { return Pace(); };
    /// Told to each member that attaches. Threads: any.
    std::function<std::vector<std::string>()> controllers;
    std::function<Milliseconds()> wall;  ///< the wall clock now
    /// Makes the certificate that takes the place of a member's. Threads: any.
    std::function<Result<Certificate>(const std::string& request_pem, Role role, const std::string& id)>
        issue;
    /// Where a file is that members may fetch, by its SHA-256. Errors: not_found. Threads: any.
    std::function<Result<std::string>(const std::string& sha256)> file =
        [](const std::string&) -> Result<std::string> {
        return fail(ErrorKind::not_found, "this controller has no files for its members");
    };
    /// Somebody was refused, in a sentence for the audit; where he is. Threads: any.
    std::function<void(const Error&, const std::string& address)> refused;
    /// The presence of a member has changed. Threads: any.
    std::function<void(const std::string& member)> changed;
};

/// Threads: any, but the constructor and stop(), which are the loop's.
class Hub {
  public:
    Hub(Loop& loop, Registry& registry, HubOptions options);
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    /// belay.v1.Membership.
    grpc::Service& service();

    /// Told to all members with each heartbeat: the newest version of the configuration.
    void set_configuration(int64_t version);

    Presence presence(const std::string& member) const;
    /// Their numbers.
    std::vector<std::string> attached() const;

    /// Asks a member one question and waits for the answer; not in the loop's thread. `asker`: for the
    /// member's journal. Errors: unavailable (not attached), timeout and lost (asked, and nobody knows what
    /// became of it), the member's own.
    Result<Json> ask(const std::string& member, std::string_view method, const Json& parameters,
                     const std::string& asker, Milliseconds limit);
    /// The same without waiting: `then` gets what ask() would return, once, in some thread of gRPC's or in
    /// this one. There is no limit of time: an answer comes, or the stream ends. `parameters`: as text, for
    /// what many are asked is written down once.
    void ask(const std::string& member, std::string_view method, const std::string& parameters,
             const std::string& asker, std::function<void(const Result<Json>& answer)> then);
    /// The same with many answers, until the last one or until `each` says stop; `limit` between two of them,
    /// 0 for none.
    Result<void> follow(const std::string& member, std::string_view method, const Json& parameters,
                        const std::string& asker, const std::function<bool(const Json&)>& each,
                        Milliseconds limit);

    /// Tells a member to renew its key and certificate. Errors: unavailable (not attached).
    Result<void> renew(const std::string& member);
    /// Ends the stream of a member that is no longer one.
    void cast_out(const std::string& member, const Error& why);
    /// Ends all streams, and refuses further ones until lead(): another controller leads, which listens at
    /// `leader` as far as that is known.
    void stand_by(const std::vector<std::string>& leader);
    /// Takes members again. What was known of their presence is forgotten: it was of an earlier time.
    void lead();
    /// Ends all streams, and takes no more.
    void stop();

  private:
    class Streams;
    std::shared_ptr<Streams> streams_;
};

}  // namespace belay::site
