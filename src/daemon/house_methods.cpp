#include "daemon/parameters.h"
#include "daemon/pieces.h"
#include "daemon/services.h"
#include "host/one_look.h"

#include <unistd.h>

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

Result<Reply> hello(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string version = TRY(parameters.required_text("version"));
    TRY(parameters.no_other());
    if (version != BELAY_VERSION)
        return fail(ErrorKind::version,
                    fmt::format("belayd {} runs, and this is belay {}", BELAY_VERSION, version),
                    services.restart);
    const host::Moment now = TRY(services.host.now());
    return Reply{{{"version", BELAY_VERSION},
                  {"pid", getpid()},
                  {"state_folder", services.state_folder},
                  {"clock_ms", now.wall.count()}}};
}

Result<Reply> show_view(const Services& services, const procedures::View& view, const Call& call)
{
    Parameters parameters(call.parameters);
    std::set<std::string> flags;
    for (const std::string& flag : view.flags) {
        if (TRY(parameters.flag(flag, false))) flags.insert(flag);
    }
    TRY(parameters.no_other());
    host::OneLook look(services.host);
    const Json answer = TRY(view.read(look, flags));
    return call.more && !view.long_text.empty() ? in_pieces(view.long_text, answer) : Reply{answer};
}

Json json_of(const procedures::Procedure& procedure)
{
    Json arguments = Json::array();
    for (const procedures::Argument& argument : procedure.arguments) {
        Json one = {{"name", argument.name},
                    {"meaning", argument.meaning},
                    {"required", argument.required},
                    {"example", argument.example}};
        if (argument.internal) one["internal"] = true;
        arguments.push_back(std::move(one));
    }
    return {{"name", procedure.name},
            {"summary", procedure.summary},
            {"description", procedure.description},
            {"source", procedure.source},
            {"arguments", std::move(arguments)}};
}

Result<Reply> list_procedures(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string name = TRY(parameters.text("name"));
    TRY(parameters.no_other());
    Json listed = Json::array();
    for (const procedures::Procedure& procedure : services.parts.procedures) {
        if (name.empty() || procedure.name == name) listed.push_back(json_of(procedure));
    }
    if (listed.empty() && !name.empty())
        return fail(ErrorKind::not_found, fmt::format("no procedure is called {}", name), "belay procedures");
    return Reply{{{"procedures", std::move(listed)}}};
}

}  // namespace

std::vector<site::Method> house_methods(const Services& services)
{
    using site::Right;
    const auto with = [&](auto method) {
        return [&services, method](const Call& call) { return method(services, call); };
    };
    std::vector<site::Method> methods = {{"Hello", Right::view, with(hello)},
                                         {"Procedures", Right::view, with(list_procedures)}};
    for (const procedures::View& view : services.parts.views)
        methods.push_back({view.method, Right::view,
                           [&services, &view](const Call& call) { return show_view(services, view, call); }});
    return methods;
}

}  // namespace belay::daemon
