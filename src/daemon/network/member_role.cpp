#include "daemon/network/member_role.h"

#include "daemon/host_name.h"
#include "daemon/readiness.h"

#include <future>

namespace belay::daemon {
Result<std::unique_ptr<MemberRole>> MemberRole::open(const PlaceGround& ground)
{
    std::optional<site::Membership> membership = TRY(site::MembershipFile(ground.state_folder).read());
    if (!membership) return nullptr;
    return std::unique_ptr<MemberRole>(new MemberRole(ground, *std::move(membership)));
}

MemberRole::MemberRole(const PlaceGround& ground, site::Membership membership)
    : ground_(ground),
      identity_(membership.identity),
      file_(ground.state_folder),
      membership_(std::move(membership))
{
}

void MemberRole::start(const site::Methods& all)
{
    uplink_.emplace(
        ground_.loop, ground_.workers, membership_,
        site::UplinkOptions{.host_name = host_name(),
                            .boot_id = ground_.boot_id,
                            .connect_timeout = ground_.connect_timeout,
                            .wall = ground_.wall,
                            .methods = &all,
                            .next_key = [file = file_] { return file.next_key(); },
                            .changed = [this](const site::Membership& membership) { keep(membership); },
                            .moved = [this] { link_moved(); }});
    uplink_->start();
}

void MemberRole::link_moved()
{
    const site::LinkState& link = uplink_->state();
    if (link.attached)
        ground_.log.standard(fmt::format("attached to the controller {}", link.controller));
    else if (link.problem)
        ground_.log.trace(
            fmt::format("not attached to the controller {}: {}", link.controller, link.problem->what));
    ground_.changed(site_topic);
}

void MemberRole::keep(const site::Membership& membership)
{
    membership_ = membership;
    // The certificate before is good until this one was used, so the next start still gets in by it.
    if (const Result<void> kept = file_.write(membership); !kept) print_error(kept.error());
}

void MemberRole::topic_changed(const std::string& topic)
{
    if (uplink_) uplink_->topic_changed(topic);
}

Json MemberRole::status()
{
    std::promise<Json> told;
    // While a method runs the loop does, too: it ends when the workers are idle.
    ground_.loop.post([&] {
        const site::LinkState link = uplink_->state();
        Json status = {{"name", membership_.name},
                       {"number", identity_.id},
                       {"attached", link.attached},
                       {"controller", link.controller},
                       {"controllers", membership_.controllers},
                       {"since_ms", (ground_.wall() - (site::boot_now() - link.since)).count()},
                       {"problem", nullptr}};
        if (link.problem) status["problem"] = *link.problem;
        if (const auto certificate = site::read_certificate(membership_.certificate_pem))
            status["certificate_ends_ms"] = certificate->not_after.count();
        told.set_value(std::move(status));
    });
    return told.get_future().get();
}

void MemberRole::stop()
{
    if (uplink_) uplink_->stop();
}

}  // namespace belay::daemon
