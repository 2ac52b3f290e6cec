#include "daemon/network/member_role.h"

#include "daemon/host_name.h"
#include "daemon/parameters.h"
#include "daemon/pieces.h"
#include "site/readiness.h"
#include "site/remote/agent/copy_answers.h"
#include "site/remote/agent/fetch.h"

#include <array>
#include <future>

namespace belay::daemon {
namespace {

/// What a proxy has for its branch: of the configuration, and how it stands itself.
constexpr std::array branch_may_ask = {"ConfigShow", "ConfigWatch", "ConfigChanges", "ConfigHistory",
                                       "Status"};

constexpr std::chrono::milliseconds between_looks(50);

}  // namespace

Result<std::unique_ptr<MemberRole>> MemberRole::open(const PlaceGround& ground,
                                                     const site::Membership& membership, std::string listen)
{
    std::unique_ptr<MemberRole> role(new MemberRole(ground, membership, std::move(listen)));
    MemberRole* const self = role.get();
    role->copy_ = TRY(
        framework::configuration::Copy::open(ground.store, {.site = self->identity_.site,
                                                            .now = [self] { return self->now(); },
                                                            .changed = [self] { self->copy_changed(); }}));
    role->take_settings();
    return role;
}

/// The clock of a real machine always answers.
host::Moment MemberRole::now() const
{
    const Result<host::Moment> now = ground_.host.now();
    return now ? *now : host::Moment{};
}

MemberRole::MemberRole(const PlaceGround& ground, site::Membership membership, std::string listen)
    : ground_(ground),
      identity_(membership.identity),
      name_(membership.name),
      listen_(std::move(listen)),
      file_(ground.state_folder),
      membership_(std::move(membership))
{
}

std::vector<site::Method> MemberRole::methods()
{
    using framework::configuration::Ids;
    using site::Call;
    using site::Reply;
    using site::Right;
    const auto show = [this](const Call& call) -> Result<Reply> {
        Parameters parameters(call.parameters);
        const std::string type = TRY(parameters.text("type"));
        const std::string name = TRY(parameters.text("name"));
        const bool ids = TRY(parameters.flag("ids", false));
        TRY(parameters.no_other());
        const Json answer =
            TRY(site::show_copy(*copy_, type, name, ids ? Ids::as_attributes : Ids::as_comments));
        return call.more ? in_pieces("text", answer) : Reply{answer};
    };
    const auto changes = [this](const Call& call) -> Result<Reply> {
        Parameters parameters(call.parameters);
        const uint64_t after = TRY(parameters.count("after", 0));
        TRY(parameters.no_other());
        const Json answer = TRY(site::changes_of_copy(*copy_, static_cast<int64_t>(after)));
        return Reply{answer};
    };
    const auto take = [this](const Call& call) -> Result<Reply> {
        const Json taken = TRY(site::take_configuration(*copy_, call.parameters));
        return Reply{taken};
    };
    const auto history = [this](const Call&) -> Result<Reply> {
        return fail(ErrorKind::refused,
                    fmt::format("the history of the configuration is with the controllers of the site {}",
                                identity_.site),
                    "belay config history, on a controller");
    };
    return {{"ConfigShow", Right::view, show},
            {"ConfigWatch", Right::view, [this](const Call&) { return site::watch_copy(*copy_); }},
            {"ConfigChanges", Right::view, changes},
            {"ConfigTake", Right::administer, take},
            {"ConfigHistory", Right::view, history}};
}

Result<void> MemberRole::open_branch(const site::Methods& all)
{
    for (const char* name : branch_may_ask) {
        if (const auto found = all.find(name); found != all.end()) branch_methods_.insert(*found);
    }
    branch_ = TRY(site::Branch::open(ground_.loop, ground_.workers, membership_,
                                     {.listen = listen_, .methods = &branch_methods_, .wall = ground_.wall}));
    ground_.log.standard(fmt::format("proxy of the site {}, listens at {} for the machines of its branch",
                                     identity_.site, branch_->address()));
    return {};
}

Result<void> MemberRole::start(const site::Methods& all)
{
    if (!listen_.empty()) TRY(open_branch(all));
    uplink_.emplace(
        ground_.loop, ground_.workers, membership_,
        site::UplinkOptions{.host_name = host_name(),
                            .boot_id = ground_.boot_id,
                            .connect_timeout = ground_.connect_timeout,
                            .wall = ground_.wall,
                            .methods = &all,
                            .next_key = [file = file_] { return file.next_key(); },
                            .changed = [this](const site::Membership& membership) { keep(membership); },
                            .moved = [this] { link_moved(); },
                            .heard = [this](std::optional<int64_t> version) { copy_->heard(version); }});
    uplink_->start();
    return {};
}

Result<void> MemberRole::fetch(const std::string& sha256, uint64_t offset,
                               const std::function<Result<void>(std::string_view)>& take,
                               const std::stop_token& stop)
{
    // The loop may end before it comes to this; then nobody answers.
    const auto told = std::make_shared<std::promise<std::shared_ptr<grpc::Channel>>>();
    ground_.loop.post([this, told] { told->set_value(uplink_ ? uplink_->channel() : nullptr); });
    auto answer = told->get_future();
    std::shared_ptr<grpc::Channel> channel;
    while (!stop.stop_requested()) {
        if (answer.wait_for(between_looks) != std::future_status::ready) continue;
        channel = answer.get();
        break;
    }
    if (!channel) return fail(ErrorKind::unavailable, "this host is not attached to its controller");
    return site::fetch_file(channel, sha256, offset, take, stop);
}

void MemberRole::take_settings()
{
    ground_.configured(copy_->snapshot().configuration, name_);
}

void MemberRole::copy_changed()
{
    take_settings();
    ground_.changed(site::configuration_topic);
    ground_.changed(site_topic);  // Status says which version it is
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
    const bool renewed = membership.certificate_pem != membership_.certificate_pem;
    membership_ = membership;
    // The certificate before is good until this one was used, so the next start still gets in by it.
    if (const Result<void> kept = file_.write(membership); !kept) return site::print_error(kept.error());
    if (!branch_ || !renewed) return;
    ground_.log.standard("has a new certificate, and begins anew to show it to its branch");
    ground_.loop.post([this] { ground_.restart(); });
}

void MemberRole::topic_changed(const std::string& topic)
{
    if (uplink_) uplink_->topic_changed(topic);
    if (branch_) branch_->topic_changed(topic);
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
                       {"problem", nullptr},
                       {"branch", branch_ ? Json(branch_->address()) : Json()}};
        if (link.problem) status["problem"] = *link.problem;
        status["configuration"] = copy_->as_of();
        if (const auto certificate = site::read_certificate(membership_.certificate_pem))
            status["certificate_ends_ms"] = certificate->not_after.count();
        told.set_value(std::move(status));
    });
    return told.get_future().get();
}

void MemberRole::stop()
{
    if (uplink_) uplink_->stop();
    if (branch_) branch_->stop();
}

void MemberRole::end()
{
    branch_.reset();
}

}  // namespace belay::daemon
