#include "daemon/network/controller_role.h"

#include "base/json.h"
#include "base/wipe.h"
#include "daemon/host_name.h"
#include "daemon/messages.h"
#include "daemon/network/member_view.h"
#include "daemon/own_host.h"
#include "framework/configuration/key_actions.h"
#include "framework/configuration/key_file.h"
#include "framework/configuration/seal.h"
#include "host/files.h"
#include "site/identity/for_controllers.h"
#include "site/remote/agent/uplink.h"
#include "site/rollout/settle.h"
#include "site/rollout/site_plan.h"

namespace belay::daemon {
namespace {

/// How long hosts may take to make their plans.
constexpr Milliseconds plan_patience = std::chrono::minutes(2);
constexpr Bytes max_key_file = {64 << 10};
/// site/controller/ID: {addresses}, of each controller of the site.
constexpr std::string_view controller_prefix = "site/controller/";
constexpr size_t most_controllers = 16;
/// {sealed}: what the key file of the configuration's secrets says, for the controllers of the site.
constexpr std::string_view keys_key = "site/configuration-keys";

}  // namespace

void SiteServices::audit(const site::Call& call, std::string_view verb, std::string_view object,
                         const std::optional<Error>& problem) const
{
    operation::Engine* const engine_of_site = engine();
    // What was done was done, whether the trail can be written or not.
    if (engine_of_site != nullptr)
        static_cast<void>(engine_of_site
                              ->write_audit(verb, object,
                                            {.user = call.caller.user,
                                             .origin = call.caller.origin,
                                             .why = call.parameters.value("why", "")},
                                            problem ? problem->what : "done")
                              .has_value());
    acted({{"who", call.caller.user},
           {"verb", verb},
           {"object", object},
           {"answer", problem ? problem->what : "done"}});
    if (!problem) changed();
}

Result<std::unique_ptr<ControllerRole>> ControllerRole::open(const PlaceGround& ground,
                                                             ControllerAddress address,
                                                             const OpenSiteStore& open_store)
{
    std::unique_ptr<store::Store> store;
    if (!address.store.address.empty()) store = TRY(open_store(address.store));
    std::unique_ptr<ControllerRole> role(new ControllerRole(ground, std::move(address), std::move(store)));
    // The authority is made with the site: that is not fenced, and done by whoever is first.
    store::Store& where = role->store_ ? *role->store_ : ground.store;
    role->authority_.emplace(TRY(site::open_authority(ground.state_folder, where, ground.wall())));
    return role;
}

ControllerRole::ControllerRole(const PlaceGround& ground, ControllerAddress address,
                               std::unique_ptr<store::Store> store)
    : ground_(ground),
      address_(std::move(address)),
      store_(std::move(store)),
      audit_(ground.engine, site::boot_now),
      services_{
          .controller = nullptr,
          .engine = ground.engine,
          .wall = ground.wall,
          .changed = [this] { ground_.changed(site_topic); },
          .configuration = [this] { return configuration_now(); },
          .own_name = [this] { return own_name(ground_.applications); },
          .own_host = [this](bool summary) { return own_host(ground_.applications, ground_.load, summary); },
          .applications = [this] { return conductor_.everywhere().lines(); },
          .look_again = [this] { ground_.look_again(); },
          .acted = [this](const Json& entry) { ground_.messages.person_acted(entry); }},
      members_([this] { return is_open_ ? &services_.controller->hub() : nullptr; },
               [this](const std::string& member) { return comes_within(member); }),
      conductor_(ground_, {.controller = [this] { return is_open_ ? services_.controller.get() : nullptr; },
                           .configuration = [this] { return configuration_->snapshot(); },
                           .store = [this]() -> store::Store& { return state(); },
                           .unseal = [this](std::string_view sealed) { return unsealed(sealed); }}),
      loads_([this] { ground_.changed(overview_topic); })
{
    if (store_) {
        fenced_.emplace(*store_, site::leader_key);
        services_.has_several_controllers = true;
    }
    configuration_.emplace(state());
}

/// What each of them would do, by its own answer to Plan.
Result<std::vector<site::MemberPlan>> ControllerRole::plans_of(
    const std::vector<site::MemberQuestion>& questions, const std::string& for_whom)
{
    std::vector<site::MemberPlan> plans;
    const std::vector<Result<Json>> answers = members_.ask(questions, for_whom, plan_patience);
    for (size_t at = 0; at < answers.size(); ++at) {
        const site::Member member = TRY(services_.controller->registry().find(questions[at].member));
        const Result<Json>& answer = answers[at];
        if (!answer) {
            Error error = answer.error();
            error.what = fmt::format("{}: {}", member.name, error.what);
            return std::unexpected(std::move(error));
        }
        const Json planned = answer->value("plan", Json());
        const Json findings = answer->value("findings", Json::array());
        operation::Plan plan = TRY(from_json_value<operation::Plan>(planned));
        auto checked = TRY(from_json_value<std::vector<operation::Checked>>(findings));
        plans.push_back(
            {.member = {member.id, member.name}, .plan = std::move(plan), .findings = std::move(checked)});
    }
    return plans;
}

/// What hosts are asked about an image, with what they have to know of it.
Result<Json> ControllerRole::with_image(Json parameters) const
{
    if (!parameters.value("procedure", "").starts_with("image.")) return parameters;
    Json& arguments = parameters["arguments"];
    const auto text = [&](const char* name) {
        const auto found = arguments.find(name);
        return found != arguments.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const auto told = TRY(ground_.image_arguments(text("image"), text("version")));
    for (const auto& [name, value] : told) arguments[name] = value;
    return parameters;
}

Result<operation::Plan> ControllerRole::plan_on_hosts(const HostsAsk& ask)
{
    site::SitePlanAsk plan{.site = authority_->site,
                           .procedure = {},
                           .title = {},
                           .asked = ask.parameters.value("arguments", Json::object()),
                           .waves = ask.waves,
                           .limit = ask.failures,
                           .timer = ask.timer};
    if (ask.soak) plan.soak = *ask.soak;
    const Json parameters = TRY(with_image(ask.parameters));
    std::vector<site::MemberQuestion> questions;
    for (const std::string& name : ask.hosts) {
        const std::string member = TRY(member_named(name));
        questions.push_back({.member = member, .method = "Plan", .parameters = parameters});
    }
    plan.members = TRY(plans_of(questions, ask.asker));
    const operation::Plan& first = plan.members.front().plan;
    plan.procedure = first.procedure;
    plan.title = fmt::format("{}, on {} host{}", first.title, plan.members.size(),
                             plan.members.size() == 1 ? "" : "s");
    return site::make_site_plan(ground_.host, std::move(plan));
}

Result<std::vector<std::pair<std::string, Result<Json>>>> ControllerRole::ask_hosts(
    const std::string& method, const Json& parameters, const std::string& for_whom)
{
    std::vector<site::MemberQuestion> questions;
    std::vector<std::string> names;
    for (const site::Member& member : TRY(services_.controller->registry().all())) {
        if (member.revoked) continue;
        names.push_back(member.name);
        questions.push_back({.member = member.id, .method = method, .parameters = parameters});
    }
    std::vector<Result<Json>> answers = members_.ask(questions, for_whom, plan_patience);
    std::vector<std::pair<std::string, Result<Json>>> all;
    for (size_t at = 0; at < answers.size(); ++at)
        all.emplace_back(std::move(names[at]), std::move(answers[at]));
    return all;
}

Result<Json> ControllerRole::ask_host(const std::string& host, const std::string& method,
                                      const Json& parameters, const std::string& for_whom,
                                      Milliseconds patience)
{
    const std::string member = TRY(member_named(host));
    return services_.controller->hub().ask(member, method, parameters, for_whom, patience);
}

void ControllerRole::ask_host_later(const std::string& host, const std::string& method,
                                    const Json& parameters, const std::string& for_whom,
                                    std::function<void(const Result<Json>& answer)> then)
{
    const Result<std::string> member = member_named(host);
    if (!member) return then(std::unexpected(member.error()));
    services_.controller->hub().ask(*member, method, json_text(parameters), for_whom, std::move(then));
}

/// The number of a host that is no stranger. Errors: not_found, refused.
Result<std::string> ControllerRole::member_named(const std::string& name)
{
    const site::Member member = TRY(services_.controller->registry().find(name));
    if (!member.revoked) return member.id;
    return fail(ErrorKind::refused, fmt::format("the host {} was shut out", member.name), "belay host list");
}

std::vector<site::Method> ControllerRole::methods()
{
    std::vector<site::Method> all = host_methods(services_);
    std::ranges::move(account_methods(services_), std::back_inserter(all));
    std::ranges::move(conductor_.methods(), std::back_inserter(all));
    return all;
}

Result<void> ControllerRole::start(const site::Methods& all)
{
    services_.controller = TRY(
        site::Controller::open(ground_.loop, ground_.workers, state(), *authority_,
                               {.listen = address_.listen,
                                .controllers = address_.advertise,
                                .emergency = address_.emergency,
                                .others = [this] { return other_controllers(); },
                                .leads = !fenced_,
                                .pace = [this](const site::Member& member) { return pace_of(member); },
                                .wall = ground_.wall,
                                .methods = &all,
                                .configuration_key = [this] { return configuration_key(); },
                                .audit =
                                    [this](const Json& entry) {
                                        audit_.write(entry);
                                        ground_.messages.person_acted(entry);
                                        // A session is under a lease.
                                        if (entry.value("verb", "") == "log in") ground_.leased();
                                    },
                                .file = ground_.file,
                                .changed = [this](const std::string& member) { presence_changed(member); }}));
    is_open_ = true;
    ground_.applications.when_moved([this] { conductor_.own_changed(); });
    if (!fenced_) conductor_.begin_to_lead();
    ground_.log.standard(fmt::format("controller of the site {}, listens at {}", authority_->site,
                                     services_.controller->address()));
    if (!address_.emergency.empty())
        ground_.log.standard(
            fmt::format("EMERGENCY PORT: listens at {} too, until this belayd ends; nothing of "
                        "it is kept",
                        address_.emergency));
    if (!fenced_) return {};
    TRY(say_where_it_is());
    if (!address_.take_lead.empty()) {
        TRY(site::check_leader(*store_, address_.take_lead));
        ground_.log.standard(
            fmt::format("TAKES THE LEAD from {}, whatever that does meanwhile", address_.take_lead));
    }
    seek_the_lead();
    return {};
}

std::vector<std::string> ControllerRole::own_addresses() const
{
    return address_.advertise.empty() ? std::vector{services_.controller->address()} : address_.advertise;
}

/// For the one that leads, which tells it to hosts and people. Not fenced: each writes its own key.
Result<void> ControllerRole::say_where_it_is()
{
    TRY(store_->commit({.when = {},
                        .then = {{.key = std::string(controller_prefix) + address_.id,
                                  .value = json_text({{"addresses", own_addresses()}})}}}));
    return {};
}

std::vector<std::string> ControllerRole::other_controllers() const
{
    std::vector<std::string> addresses;
    if (!store_) return addresses;
    // A store that does not answer leaves this controller alone in the list, for this time.
    const auto entries = store_->list(controller_prefix, {}, most_controllers);
    for (const store::Entry& entry : entries ? *entries : std::vector<store::Entry>()) {
        const auto json = parse_json(entry.value);
        if (!json || !json->is_object() || !json->contains("addresses")) continue;
        const auto said = from_json_value<std::vector<std::string>>(json->at("addresses"));
        if (said) addresses.insert(addresses.end(), said->begin(), said->end());
    }
    return addresses;
}

Result<std::string> ControllerRole::configuration_key() const
{
    Result<std::string> key = host::files::read(key_file_in(ground_.state_folder), max_key_file);
    if (!key && key.error().kind == ErrorKind::not_found) return std::string();
    return key;
}

Result<std::string> ControllerRole::unsealed(std::string_view sealed) const
{
    const auto keys = TRY(framework::configuration::KeyRing::read(key_file_in(ground_.state_folder)));
    const framework::configuration::Secret secret = TRY(keys.unseal(sealed));
    return std::string(secret.view());
}

/// A store that does not answer must not keep a member out.
std::shared_ptr<const framework::configuration::Configuration> ControllerRole::configuration_now()
{
    const auto snapshot = configuration_->snapshot();
    return snapshot ? snapshot->configuration
                    : std::make_shared<const framework::configuration::Configuration>();
}

site::Pace ControllerRole::pace_of(const site::Member& member)
{
    site::Pace pace;
    const framework::configuration::HostSettings settings =
        framework::configuration::settings_of_host(*configuration_now(), member.name);
    pace.heartbeat = settings.heartbeat_interval.value_or(pace.heartbeat);
    // One that is late is not lost yet.
    pace.timeout = std::max(settings.heartbeat_timeout.value_or(pace.timeout), 2 * pace.heartbeat);
    return pace;
}

/// It notices that its connection is lost, and dials; between two attempts it makes a pause.
Milliseconds ControllerRole::comes_within(const std::string& member)
{
    site::Pace pace;
    const auto found = is_open_
                           ? services_.controller->registry().find(member)
                           : Result<site::Member>(fail(ErrorKind::unavailable, "there is no controller"));
    if (found) pace = pace_of(*found);
    return pace.timeout + site::Uplink::longest_pause;
}

std::function<Result<void>(std::string_view text)> ControllerRole::share_keys()
{
    if (!fenced_) return nullptr;
    return [this](std::string_view text) -> Result<void> {
        // Another controller may have the keys that were there, and would lose them to these.
        const std::optional<store::Entry> shared = TRY(store_->get(keys_key));
        if (shared) {
            if (const auto known = keys_in(*shared); !known) return std::unexpected(known.error());
        }
        return put_keys(text);
    };
}

Result<void> ControllerRole::put_keys(std::string_view text)
{
    const Json json = {{"sealed", site::seal_for_controllers(authority_->authority, text)}};
    const store::Transaction put{.when = {},
                                 .then = {{.key = std::string(keys_key), .value = json_text(json)}}};
    TRY(fenced_->commit(put));
    return {};
}

/// What a key file is to say by what the store has. Errors: corrupt.
Result<std::string> ControllerRole::keys_in(const store::Entry& shared) const
{
    const auto json = parse_json(shared.value);
    const auto sealed = json && json->is_object()
                            ? from_json_value<std::string>(json->value("sealed", Json()))
                            : Result<std::string>(fail(ErrorKind::corrupt, "no JSON"));
    auto text = sealed ? site::unseal_for_controllers(authority_->authority, *sealed) : sealed;
    if (text) return text;
    return fail(ErrorKind::corrupt,
                fmt::format("the keys of the configuration's secrets are damaged in the store ({}): {}",
                            keys_key, text.error().what),
                "let the controller lead that led before: it has them, and mends this");
}

/// Before this controller leads: the keys that the one before it has shared are its own from now on. Where
/// there are none yet, its own become those of all, a first one made where it has none.
Result<void> ControllerRole::take_keys()
{
    using framework::configuration::KeyRing;
    const std::string file = key_file_in(ground_.state_folder);
    const std::optional<store::Entry> shared = TRY(store_->get(keys_key));
    if (!shared) {
        const Result<KeyRing> keys = KeyRing::open(file, share_keys());
        if (!keys) return std::unexpected(keys.error());
        return keys->share();
    }
    Result<std::string> text = keys_in(*shared);
    if (!text) {
        ground_.log.standard(text.error().what);
        return mend_keys();
    }
    Result<void> taken = framework::configuration::write_key_file(file, *text);
    wipe(*text);
    return taken;
}

/// Where its own keys open everything they become those of all again; else the site is led without.
Result<void> ControllerRole::mend_keys()
{
    const std::string file = key_file_in(ground_.state_folder);
    const auto keys = framework::configuration::KeyRing::read(file);
    const framework::configuration::Snapshot snapshot = TRY(configuration_->snapshot());
    if (!keys || !framework::configuration::open_all(*keys, *snapshot.configuration)) {
        ground_.log.standard(
            "leads without the keys of the configuration's secrets, and none can be changed here: let the "
            "controller lead that led before (belayd --take-lead)");
        return {};
    }
    const auto text = framework::configuration::read_key_file(file);
    if (!text) return std::unexpected(text.error());
    TRY(put_keys(text->view()));
    ground_.log.standard("the store has the keys of this controller in their place");
    return {};
}

void ControllerRole::seek_the_lead()
{
    {
        const std::lock_guard lock(leader_mutex_);
        leads_ = false;
    }
    leadership_.emplace(
        *store_,
        site::LeadershipOptions{.self = {.host = host_name(), .addresses = own_addresses()},
                                .wall = ground_.wall,
                                .take_from = address_.take_lead,
                                .won = [this](store::Revision term) { won(term); },
                                .lost = [this] { lost(); },
                                .another_leads = [this](const site::Leader& leader) { follow(leader); }});
    leadership_->start();
}

void ControllerRole::won(store::Revision term)
{
    fenced_->lead(term);
    ground_.loop.post([this] {
        Result<void> leads = take_keys();
        if (leads) leads = ground_.lead();
        if (!leads) {
            ground_.log.standard("cannot lead the site: " + leads.error().what);
            return ground_.restart();
        }
        {
            const std::lock_guard lock(leader_mutex_);
            leads_ = true;
            leader_.reset();
        }
        conductor_.begin_to_lead();
        services_.controller->lead();
        ground_.changed(site_topic);
    });
}

/// What is left of the site's engine ends with this process: it must not go on under another's lead.
void ControllerRole::lost()
{
    fenced_->stand_by();
    services_.controller->stand_by({});
    ground_.log.standard("does not lead the site any more");
    ground_.loop.post([this] { ground_.restart(); });
}

void ControllerRole::follow(const site::Leader& leader)
{
    {
        const std::lock_guard lock(leader_mutex_);
        leader_ = leader;
    }
    services_.controller->stand_by(leader.addresses);
    ground_.log.standard(fmt::format("stands by; {} leads the site", leader.host));
    ground_.changed(site_topic);
}

/// In a thread of its own: what the member is called is in a store that others may be slow at.
void ControllerRole::say_presence(const std::string& member, const site::Presence& presence)
{
    const auto begun = ground_.workers.run([this, member, presence]() -> site::Loop::Callback {
        const Result<site::Member> known = services_.controller->registry().find(member);
        ground_.messages.host_is(known ? known->name : member, std::string(name_of(presence.state)),
                                 presence.why);
        return [] {};
    });
    if (!begun) ground_.log.trace(begun.error().what);
}

void ControllerRole::presence_changed(const std::string& member)
{
    // Its first members may come before the controller is in its place.
    if (is_open_) {
        const site::Presence presence = services_.controller->hub().presence(member);
        ground_.log.trace(fmt::format("host {} at {} is {}{}", member, presence.address,
                                      name_of(presence.state),
                                      presence.why.empty() ? "" : ": " + presence.why));
        ground_.loop.post([this, member, presence] { say_presence(member, presence); });
        conductor_.presence_changed(member);
        if (presence.state == site::Presence::State::attached)
            ground_.loop.post([this, member] { settle(member); });
    }
    ground_.changed(site_topic);
}

/// A member that was away may have parts of operations that were decided meanwhile.
void ControllerRole::settle(const std::string& member)
{
    to_settle_.push_back(member);
    if (!settling_) settle_next();
}

/// One after the other: thousands may attach at the same time.
void ControllerRole::settle_next()
{
    settling_ = false;
    if (to_settle_.empty()) return;
    const auto work = [this, member = to_settle_.front()]() -> site::Loop::Callback {
        const auto told = site::settle_parts(*rollouts_, authority_->site, member);
        return [this, told] {
            for (const std::string& sentence : told ? *told : std::vector<std::string>())
                ground_.log.standard(sentence);
            settle_next();
        };
    };
    if (!ground_.workers.run(work)) return;  // the next member that attaches tries again
    to_settle_.pop_front();
    settling_ = true;
}

void ControllerRole::topic_changed(const std::string& topic)
{
    if (services_.controller) services_.controller->topic_changed(topic);
}

Json ControllerRole::leader() const
{
    const std::lock_guard lock(leader_mutex_);
    return leader_ ? Json{{"host", leader_->host}, {"addresses", leader_->addresses}} : Json();
}

Json ControllerRole::status(LoadToTell load)
{
    site::Controller& controller = *services_.controller;
    Json hosts = Json::array();
    // A store that fails says so where it is asked for the hosts themselves.
    const auto members = controller.registry().all();
    const auto configuration = configuration_now();
    if (load != LoadToTell::none) loads_.ask(controller.hub());
    if (load == LoadToTell::fresh) loads_.await();
    for (const site::Member& member : members ? *members : std::vector<site::Member>()) {
        if (member.revoked) continue;
        hosts.push_back(view_of(services_, *configuration, member));
        if (load != LoadToTell::none) hosts.back()["load"] = loads_.of(member.id);
    }
    const Json other = leader();
    const std::lock_guard lock(leader_mutex_);
    return {{"address", controller.address()},
            {"emergency", address_.emergency},
            {"leads", leads_},
            {"leader", other},
            {"hosts", std::move(hosts)}};
}

ControllerRole::~ControllerRole() = default;

void ControllerRole::stop()
{
    ground_.applications.when_moved(nullptr);
    conductor_.stop();
    if (services_.controller) services_.controller->stop();
}

void ControllerRole::end()
{
    // First: it speaks to the controller, and to this daemon.
    leadership_.reset();
    is_open_ = false;
    services_.controller.reset();
}

}  // namespace belay::daemon
