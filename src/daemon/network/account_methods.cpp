// The methods about the people who may use the site from elsewhere.

#include "daemon/network/controller_role.h"
#include "daemon/parameters.h"

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

Json json_of(const site::Account& account)
{
    return {{"name", account.name},
            {"role", site::name_of(account.right)},
            {"disabled", account.disabled},
            {"changed_ms", account.changed.count()}};
}

/// Root on a controller can always let somebody in again; who is somewhere else would shut everybody out.
site::LastAdministrator last_administrator(const Call& call)
{
    return call.caller.is_account ? site::LastAdministrator::stays : site::LastAdministrator::may_go;
}

/// Does something to one account, tells the audit trail, and answers with the account as it is then.
Result<Reply> on_account(const SiteServices& services, const Call& call, std::string_view verb,
                         const std::function<Result<void>(const std::string&, Parameters&)>& act)
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.required_text("name"));
    static_cast<void>(TRY(parameters.text("why")));
    const Result<void> done = act(name, parameters);
    services.audit(call, verb, "account " + name, done ? std::nullopt : std::optional(done.error()));
    if (!done) return std::unexpected(done.error());
    services.controller->recheck_people();
    for (const site::Account& account : TRY(services.controller->accounts().all())) {
        if (account.name == name) return Reply{{{"account", json_of(account)}}};
    }
    return Reply{};
}

Result<Reply> add_account(const SiteServices& services, const Call& call)
{
    Result<Reply> reply = on_account(
        services, call, "add", [&](const std::string& name, Parameters& parameters) -> Result<void> {
            const site::Right right = TRY(site::right_named(TRY(parameters.required_text("role"))));
            const std::string password = TRY(parameters.required_text("password"));
            TRY(parameters.no_other());
            return services.controller->accounts().add(name, right, password, services.wall());
        });
    if (reply) reply->parameters["site"] = TRY(services.controller->site_word());
    return reply;
}

Result<Reply> set_password(const SiteServices& services, const Call& call)
{
    return on_account(
        services, call, "password", [&](const std::string& name, Parameters& parameters) -> Result<void> {
            const std::string password = TRY(parameters.required_text("password"));
            TRY(parameters.no_other());
            return services.controller->accounts().set_password(name, password, services.wall());
        });
}

Result<Reply> set_role(const SiteServices& services, const Call& call)
{
    return on_account(
        services, call, "role", [&](const std::string& name, Parameters& parameters) -> Result<void> {
            const site::Right right = TRY(site::right_named(TRY(parameters.required_text("role"))));
            TRY(parameters.no_other());
            return services.controller->accounts().set_right(name, right, last_administrator(call));
        });
}

Result<Reply> disable(const SiteServices& services, const Call& call)
{
    return on_account(
        services, call, "disable", [&](const std::string& name, Parameters& parameters) -> Result<void> {
            const bool disabled = TRY(parameters.flag("disabled", true));
            TRY(parameters.no_other());
            return services.controller->accounts().set_disabled(name, disabled, last_administrator(call));
        });
}

Result<Reply> remove_account(const SiteServices& services, const Call& call)
{
    return on_account(services, call, "remove",
                      [&](const std::string& name, Parameters& parameters) -> Result<void> {
                          TRY(parameters.no_other());
                          return services.controller->accounts().remove(name, last_administrator(call));
                      });
}

Result<Reply> list_accounts(const SiteServices& services, const Call& call)
{
    Parameters parameters(call.parameters);
    TRY(parameters.no_other());
    Json accounts = Json::array();
    for (const site::Account& account : TRY(services.controller->accounts().all()))
        accounts.push_back(json_of(account));
    const std::string word = TRY(services.controller->site_word());
    return Reply{{{"accounts", accounts}, {"site", word}}};
}

}  // namespace

std::vector<site::Method> account_methods(const SiteServices& services)
{
    using site::Right;
    const auto with = [&](auto method) {
        return [&services, method](const Call& call) { return method(services, call); };
    };
    return {{"AccountAdd", Right::administer, with(add_account)},
            {"AccountList", Right::view, with(list_accounts)},
            {"AccountRemove", Right::administer, with(remove_account)},
            {"AccountPassword", Right::administer, with(set_password)},
            {"AccountRole", Right::administer, with(set_role)},
            {"AccountDisable", Right::administer, with(disable)}};
}

}  // namespace belay::daemon
