#include "daemon/own_host.h"

#include "daemon/applications.h"
#include "daemon/host_load.h"
#include "daemon/host_name.h"
#include "daemon/parameters.h"

#include <unistd.h>

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

Result<Reply> show_own(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string host = TRY(parameters.text("host"));
    const bool summary = TRY(parameters.flag("summary", false));
    TRY(parameters.no_other());
    const std::string name = own_name(*services.applications);
    if (!host.empty() && host != name && host != host_name())
        return fail(ErrorKind::not_found, fmt::format("this is the host \"{}\", and knows no other", name),
                    fmt::format("belay --site NAME host show {}, or the same on a controller", host));
    if (call.more) services.look_again();
    return Reply{own_host(*services.applications, *services.load, summary), overview_topic};
}

}  // namespace

std::string own_name(const Applications& applications)
{
    const std::string configured = applications.host();
    return configured.empty() ? host_name() : configured;
}

Json own_host(Applications& applications, HostLoad& load, bool summary)
{
    const Json lines = applications.lines();
    host::load::Watched watched{.applications = {}, .daemon = getpid()};
    for (const Json& line : lines) {
        const auto pid = line.find("pid");
        if (pid == line.end() || !pid->is_number_integer() || *pid <= 0) continue;
        watched.applications.insert(pid->get<int64_t>());
    }
    Json host = {{"name", own_name(applications)},
                 {"host_name", host_name()},
                 {"version", BELAY_VERSION},
                 {"maintenance", applications.in_maintenance()},
                 {"load", nullptr}};
    if (!summary) host["applications"] = lines;
    Result<Json> loaded = load.look(!summary, watched);
    if (!loaded) {
        host["problem"] = loaded.error().what;
        return host;
    }
    if (summary) (*loaded)["processes"] = nullptr;
    host["load"] = std::move(*loaded);
    return host;
}

std::vector<site::Method> own_host_methods(const Services& services)
{
    return {
        {"HostShow", site::Right::view, [&services](const Call& call) { return show_own(services, call); }}};
}

}  // namespace belay::daemon
