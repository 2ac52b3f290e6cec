// The methods about the hosts of a site.

#include "daemon/network/controller_role.h"
#include "daemon/network/member_view.h"
#include "daemon/parameters.h"
#include "daemon/services.h"
#include "framework/configuration/host_settings.h"

namespace belay::daemon {

using site::Call;
using site::Reply;

Json view_of(const SiteServices& services, const framework::configuration::Configuration& configuration,
             const site::Member& member)
{
    Json view = member;
    view["presence"] = services.controller->hub().presence(member.id);
    view["maintenance"] = framework::configuration::settings_of_host(configuration, member.name).maintenance;
    return view;
}

namespace {

std::optional<Error> problem_of(const auto& result)
{
    return result ? std::nullopt : std::optional(result.error());
}

Result<Reply> invite_host(const SiteServices& services, const Call& call)
{
    Parameters parameters(call.parameters);
    site::InvitationAsk ask{.name = TRY(parameters.text("name")), .by = call.caller.user};
    const std::string role = TRY(parameters.text("role"));
    if (!role.empty()) ask.role = TRY(site::role_named(role));
    ask.valid_for = TRY(parameters.span("valid_ms")).value_or(ask.valid_for);
    static_cast<void>(TRY(parameters.text("why")));
    TRY(parameters.no_other());
    if (ask.role == site::Role::controller && !services.has_several_controllers)
        return fail(ErrorKind::refused,
                    "the state of this site is in the database file of this controller, where a second one "
                    "could not reach it",
                    "belayd --listen HOST:PORT --site-store etcd:..., docs/site.md");
    const Result<std::string> word = services.controller->invite(ask);
    services.audit(call, "invite", ask.name.empty() ? "a host" : "host " + ask.name, problem_of(word));
    const std::string invitation = TRY(Result(word));
    return Reply{{{"word", invitation},
                  {"name", ask.name},
                  {"role", site::name_of(ask.role)},
                  {"ends_ms", (services.wall() + ask.valid_for).count()}}};
}

Result<Reply> list_hosts(const SiteServices& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string one = TRY(parameters.text("host"));
    const bool revoked = TRY(parameters.flag("revoked", false));
    TRY(parameters.no_other());
    site::Registry& registry = services.controller->registry();
    const auto configuration = services.configuration();
    Json hosts = Json::array();
    if (!one.empty()) {
        hosts.push_back(view_of(services, *configuration, TRY(registry.find(one))));
        return Reply{{{"hosts", hosts}}, site_topic};
    }
    for (const site::Member& member : TRY(registry.all())) {
        if (revoked || !member.revoked) hosts.push_back(view_of(services, *configuration, member));
    }
    return Reply{{{"hosts", hosts}}, site_topic};
}

Json applications_on(const SiteServices& services, const std::string& host)
{
    Json own = Json::array();
    for (Json& line : services.applications()) {
        if (line.value("host", "") == host) own.push_back(std::move(line));
    }
    return own;
}

/// What only the host itself can tell.
Json told_by(const SiteServices& services, const site::Member& member, const Call& call, bool summary)
{
    constexpr Milliseconds patience = std::chrono::seconds(10);
    const Result<Json> answer = services.controller->hub().ask(member.id, "HostShow", {{"summary", summary}},
                                                               call.caller.user, patience);
    if (!answer) return {{"load", nullptr}, {"problem", answer.error().what}};
    Json told = Json::object();
    for (const char* field : {"host_name", "version", "load", "problem"}) {
        if (answer->contains(field)) told[field] = answer->at(field);
    }
    return told;
}

/// The controller's own machine need be no host of the site.
Result<Reply> show_host(const SiteServices& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string host = TRY(parameters.text("host"));
    const bool summary = TRY(parameters.flag("summary", false));
    TRY(parameters.no_other());
    const std::string own_name = services.own_name();
    const bool is_own = host.empty() || host == own_name;
    const Result<site::Member> member = services.controller->registry().find(is_own ? own_name : host);
    if (!member && !is_own) return std::unexpected(member.error());
    Json view = member ? view_of(services, *services.configuration(), *member) : Json{{"name", own_name}};
    view.update(is_own ? services.own_host(summary) : told_by(services, *member, call, summary));
    if (!summary) view["applications"] = applications_on(services, view.at("name"));
    if (call.more) services.look_again();
    return Reply{std::move(view), overview_topic};
}

/// A method of one host: what it does, and what is said of it.
Result<Reply> on_host(const SiteServices& services, const Call& call, std::string_view verb,
                      const std::function<Result<site::Member>(const std::string&, Parameters&)>& act)
{
    Parameters parameters(call.parameters);
    const std::string host = TRY(parameters.required_text("host"));
    static_cast<void>(TRY(parameters.text("why")));
    const Result<site::Member> member = act(host, parameters);
    services.audit(call, verb, "host " + host, problem_of(member));
    if (!member) return std::unexpected(member.error());
    return Reply{{{"host", view_of(services, *services.configuration(), *member)}}};
}

Result<Reply> revoke_host(const SiteServices& services, const Call& call)
{
    return on_host(services, call, "revoke",
                   [&](const std::string& host, Parameters& parameters) -> Result<site::Member> {
                       TRY(parameters.no_other());
                       return services.controller->revoke(host);
                   });
}

Result<Reply> rename_host(const SiteServices& services, const Call& call)
{
    return on_host(services, call, "rename",
                   [&](const std::string& host, Parameters& parameters) -> Result<site::Member> {
                       const std::string name = TRY(parameters.required_text("name"));
                       TRY(parameters.no_other());
                       return services.controller->registry().rename(host, name);
                   });
}

Result<Reply> renew_host(const SiteServices& services, const Call& call)
{
    return on_host(services, call, "renew",
                   [&](const std::string& host, Parameters& parameters) -> Result<site::Member> {
                       TRY(parameters.no_other());
                       site::Member member = TRY(services.controller->registry().find(host));
                       TRY(services.controller->hub().renew(member.id));
                       return member;
                   });
}

}  // namespace

std::vector<site::Method> host_methods(const SiteServices& services)
{
    using site::Right;
    const auto with = [&](auto method) {
        return [&services, method](const Call& call) { return method(services, call); };
    };
    return {{"HostInvite", Right::administer, with(invite_host)},
            {"HostList", Right::view, with(list_hosts)},
            {"HostShow", Right::view, with(show_host)},
            {"HostRevoke", Right::administer, with(revoke_host)},
            {"HostRename", Right::administer, with(rename_host)},
            {"HostRenew", Right::administer, with(renew_host)}};
}

}  // namespace belay::daemon
