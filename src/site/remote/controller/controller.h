#pragma once
// The controller's door to the network: members attach, machines join, people ask.

#include "site/accounts/accounts.h"
#include "site/identity/authority_file.h"
#include "site/loop.h"
#include "site/members/registry.h"
#include "site/method.h"
#include "site/remote/controller/distributor.h"
#include "site/remote/controller/hub.h"
#include "site/workers.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace belay::site {

struct ControllerOptions {
    std::string listen;                    ///< HOST:PORT; port 0: any that is free
    std::vector<std::string> controllers;  ///< where others find this controller; empty: `listen`
    std::string emergency =
        {};  ///< HOST:PORT where it listens too; it opens where `listen` cannot; may be empty
    /// Where the other controllers of the site are found, besides; told to members and in words. Threads:
    /// any.
    std::function<std::vector<std::string>()> others = [] { return std::vector<std::string>(); };
    bool leads = true;  ///< from the beginning; else it stands by until lead()
    /// As of HubOptions.
    std::function<Pace(const Member& member)> pace = [](const Member&) { return Pace(); };
    std::function<Milliseconds()> wall;  ///< the wall clock now
    const Methods* methods = nullptr;  ///< what people may ask; outlives the controller and the workers' jobs
    /// The file with the keys of the configuration's secrets, for a machine that joins as a controller.
    /// Threads: any.
    std::function<Result<std::string>()> configuration_key = [] { return std::string(); };
    /// What the audit trail must say: {who, origin, verb, object, answer}; without `who` it is about a
    /// stranger; with `denied` about somebody who may not do what he asked for. Threads: any.
    std::function<void(const Json& entry)> audit;
    /// As of HubOptions.
    std::function<Result<std::string>(const std::string& sha256)> file = HubOptions{}.file;
    /// The presence of a member has changed. Threads: any.
    std::function<void(const std::string& member)> changed;
};

/// Threads: that of the loop for open(), stop(), topic_changed() and the destructor; any for the rest.
class Controller {
  public:
    static constexpr Milliseconds certificate_lasts = std::chrono::hours(24 * 90);

    /// Listens. Errors: unavailable (the address is taken, or not of this machine), those of the store.
    static Result<std::unique_ptr<Controller>> open(Loop& loop, Workers& workers, store::Store& store,
                                                    SiteAuthority authority, ControllerOptions options);
    /// After stop(), when the workers are idle.
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    /// The word that a new machine is given. Errors: as Registry::invite().
    Result<std::string> invite(const InvitationAsk& ask);
    /// The word by which people with an account find the site: to_word(RemoteSite).
    Result<std::string> site_word() const;
    /// Its stream ends at once. Errors: as Registry::revoke().
    Result<Member> revoke(std::string_view member);

    /// From now on everybody is sent to the controller that leads, at `leader` as far as that is known;
    /// members and people that are here, too. Threads: any.
    void stand_by(const std::vector<std::string>& leader);
    /// This controller leads, as it does when it was opened. Threads: any.
    void lead();

    /// Ends what is asked by somebody whose session has ended, or who may do other things now than when it
    /// began. It does so by itself once a minute. Threads: any but the loop's.
    void recheck_people();

    Registry& registry();
    Accounts& accounts();
    Hub& hub();
    /// Brings the configuration in the store to the members.
    const Distributor& distributor() const;
    /// Where it listens: HOST:PORT.
    const std::string& address() const;

    void topic_changed(const std::string& topic);
    void stop();

  private:
    struct Parts;
    explicit Controller(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace belay::site
