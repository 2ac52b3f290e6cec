#include "daemon/parameters.h"
#include "daemon/pieces.h"
#include "daemon/services.h"
#include "framework/configuration/register.h"
#include "framework/configuration/toml_text.h"

namespace belay::daemon {
namespace {

using framework::configuration::HistoryEntry;
using framework::configuration::Ids;
using framework::configuration::Snapshot;
using site::Call;
using site::Reply;

constexpr uint64_t versions_by_default = 100;

Result<Reply> show_configuration(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string type = TRY(parameters.text("type"));
    const std::string name = TRY(parameters.text("name"));
    const bool ids = TRY(parameters.flag("ids", false));
    TRY(parameters.no_other());
    if (type.empty() && !name.empty())
        return fail(ErrorKind::usage, "a name is wanted together with its type");
    const Snapshot snapshot = TRY(services.configuration.snapshot());
    std::string text =
        TRY(selected_toml(*snapshot.configuration, type, name, ids ? Ids::as_attributes : Ids::as_comments));
    const Json answer = {{"version", snapshot.version}, {"text", std::move(text)}};
    return call.more ? in_pieces("text", answer) : Reply{answer};
}

Result<Reply> list_versions(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const uint64_t limit = TRY(parameters.count("limit", versions_by_default));
    TRY(parameters.no_other());
    const std::vector<HistoryEntry> entries = TRY(services.configuration.history(limit));
    Json versions = Json::array();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
        versions.push_back(head_line_of(*entry));
    return Reply{{{"versions", std::move(versions)}}};
}

}  // namespace

std::vector<site::Method> configuration_methods(const Services& services)
{
    using site::Right;
    return {{"ConfigShow", Right::view,
             [&services](const Call& call) { return show_configuration(services, call); }},
            {"ConfigHistory", Right::view,
             [&services](const Call& call) { return list_versions(services, call); }}};
}

}  // namespace belay::daemon
