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

    std::vector<site::Method> methods() override
    {
        return controller_ ? controller_->methods() : std::vector<site::Method>();
    }

    Result<void> start(const site::Methods& all) override
    {
        if (controller_) TRY(controller_->start(all));
        if (member_) member_->start(all);
        return {};
    }

    void topic_changed(const std::string& topic) override
    {
        if (controller_) controller_->topic_changed(topic);
        if (member_) member_->topic_changed(topic);
    }

    Json status() override
    {
        Json status = {
            {"role", controller_ ? name_of(site::Role::controller) : name_of(member_->identity().role)},
            {"site", controller_ ? controller_->site() : member_->identity().site},
            {"controller", nullptr},
            {"link", nullptr}};
        if (controller_) status["controller"] = controller_->status();
        if (member_) status["link"] = member_->status();
        return status;
    }

    void stop() override
    {
        if (member_) member_->stop();
        if (controller_) controller_->stop();
    }

  private:
    std::unique_ptr<ControllerRole> controller_;
    std::unique_ptr<MemberRole> member_;
};

Result<std::unique_ptr<Place>> open_place(const PlaceGround& ground, const ControllerAddress& given)
{
    ControllerAddress address = TRY(keep_address(ground.state_folder, given));
    std::unique_ptr<MemberRole> member = TRY(MemberRole::open(ground));
    std::unique_ptr<ControllerRole> controller;
    if (!address.listen.empty()) controller = TRY(ControllerRole::open(ground, std::move(address)));
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

SiteParts site_parts()
{
    return {.open = open_place, .join = join_site, .leave = leave_site};
}

}  // namespace belay::daemon
