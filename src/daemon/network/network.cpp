#include "daemon/network/network.h"

#include "daemon/network/controller_file.h"
#include "daemon/network/controller_role.h"
#include "daemon/network/member_role.h"
#include "daemon/network/membership.h"

namespace belay::daemon {
namespace {

/// A machine may be both: a controller's own disks are changed by operations of the site too.
class SitePlace final : public Place {
  public:
    SitePlace(std::unique_ptr<ControllerRole> controller, std::unique_ptr<MemberRole> member)
        : controller_(std::move(controller)), member_(std::move(member))
    {
    }

    store::Store* site_store() override { return controller_ ? controller_->site_store() : nullptr; }

    std::function<Result<void>(std::string_view text)> share_keys() override
    {
        return controller_ ? controller_->share_keys() : nullptr;
    }

    bool is_controller() const override { return controller_ != nullptr; }

    bool has_copy() const override { return member_ != nullptr; }

    void fill(operation::Catalogue& catalogue) override
    {
        if (controller_) controller_->fill(catalogue);
    }

    Result<operation::Plan> plan_on_hosts(const HostsAsk& ask) override
    {
        if (controller_) return controller_->plan_on_hosts(ask);
        return fail(ErrorKind::refused, "what is done on several hosts is asked of the site's controller",
                    "belay --site NAME, or the same on the controller");
    }

    Result<std::vector<std::pair<std::string, Result<Json>>>> ask_hosts(const std::string& method,
                                                                        const Json& parameters,
                                                                        const std::string& asker) override
    {
        if (controller_) return controller_->ask_hosts(method, parameters, asker);
        return fail(ErrorKind::refused, "this machine is no controller of a site", "docs/site.md");
    }

    Result<Json> ask_host(const std::string& host, const std::string& method, const Json& parameters,
                          const std::string& asker, Milliseconds patience) override
    {
        if (controller_) return controller_->ask_host(host, method, parameters, asker, patience);
        return fail(ErrorKind::refused, "this machine is no controller of a site", "docs/site.md");
    }

    void ask_host_later(const std::string& host, const std::string& method, const Json& parameters,
                        const std::string& asker,
                        std::function<void(const Result<Json>& answer)> then) override
    {
        if (controller_) return controller_->ask_host_later(host, method, parameters, asker, std::move(then));
        then(fail(ErrorKind::refused, "this machine is no controller of a site", "docs/site.md"));
    }

    std::vector<procedures::Procedure> procedures() override
    {
        return controller_ ? controller_->procedures() : std::vector<procedures::Procedure>();
    }

    Result<void> fetch(const std::string& sha256, uint64_t offset,
                       const std::function<Result<void>(std::string_view)>& take,
                       const std::stop_token& stop) override
    {
        if (member_) return member_->fetch(sha256, offset, take, stop);
        return fail(ErrorKind::not_found, "this machine has no controller that it could fetch a file from");
    }

    /// A controller that is a member of its own site has a copy as every member has; what it is asked about
    /// the configuration it answers from the original.
    std::vector<site::Method> methods() override
    {
        std::vector<site::Method> all;
        if (controller_) all = controller_->methods();
        if (!member_) return all;
        for (site::Method& method : member_->methods()) {
            if (!controller_ || method.name == "ConfigTake") all.push_back(std::move(method));
        }
        return all;
    }

    Result<void> start(const site::Methods& all) override
    {
        if (controller_) TRY(controller_->start(all));
        if (member_) TRY(member_->start(all));
        return {};
    }

    void topic_changed(const std::string& topic) override
    {
        if (controller_) controller_->topic_changed(topic);
        if (member_) member_->topic_changed(topic);
    }

    Json leader() const override { return controller_ ? controller_->leader() : Json(); }

    Json status(LoadToTell load) override
    {
        Json status = {
            {"role", controller_ ? name_of(site::Role::controller) : name_of(member_->identity().role)},
            {"site", controller_ ? controller_->site() : member_->identity().site},
            {"controller", nullptr},
            {"link", nullptr}};
        if (controller_) status["controller"] = controller_->status(load);
        if (member_) status["link"] = member_->status();
        return status;
    }

    void stop() override
    {
        if (member_) member_->stop();
        if (controller_) controller_->stop();
    }

    void end() override
    {
        if (member_) member_->end();
        if (controller_) controller_->end();
    }

  private:
    std::unique_ptr<ControllerRole> controller_;
    std::unique_ptr<MemberRole> member_;
};

/// A proxy listens, and nothing else of what a controller is told is for it.
Result<void> check_proxy(const ControllerAddress& given)
{
    if (given.store.address.empty() && given.advertise.empty() && given.emergency.empty() &&
        given.take_lead.empty())
        return {};
    return fail(ErrorKind::usage,
                "this machine is a proxy of its site: --site-store, --advertise, --emergency-port and "
                "--take-lead are for a controller",
                "belayd --listen HOST:PORT");
}

Result<std::unique_ptr<Place>> open_place(const PlaceGround& ground, const ControllerAddress& given,
                                          const OpenSiteStore& open_store)
{
    const std::optional<site::Membership> membership = TRY(site::MembershipFile(ground.state_folder).read());
    const bool is_proxy = membership && membership->identity.role == site::Role::proxy;
    if (is_proxy) TRY(check_proxy(given));
    ControllerAddress address = TRY(keep_address(ground.state_folder, given));
    std::unique_ptr<MemberRole> member;
    if (membership) member = TRY(MemberRole::open(ground, *membership, is_proxy ? address.listen : ""));
    if (is_proxy) return std::make_unique<SitePlace>(nullptr, std::move(member));
    std::unique_ptr<ControllerRole> controller;
    if (!address.listen.empty())
        controller = TRY(ControllerRole::open(ground, std::move(address), open_store));
    if (!controller && !member) return nullptr;
    if (controller && member && controller->site() != member->identity().site)
        return fail(ErrorKind::refused,
                    fmt::format("this machine is a member of the site {} and cannot be a controller of the "
                                "site {}",
                                member->identity().site, controller->site()),
                    "belayd leave");
    return std::make_unique<SitePlace>(std::move(controller), std::move(member));
}

}  // namespace

SiteParts site_parts(OpenSiteStore open_store)
{
    const auto open = [open_store = std::move(open_store)](const PlaceGround& ground,
                                                           const ControllerAddress& given) {
        return open_place(ground, given, open_store);
    };
    return {.open = open, .join = join_site, .leave = leave_site};
}

}  // namespace belay::daemon
