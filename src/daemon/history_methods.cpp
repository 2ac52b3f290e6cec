#include "daemon/parameters.h"
#include "daemon/services.h"

namespace belay::daemon {
namespace {

using site::Call;
using site::Reply;

constexpr uint64_t entries_by_default = 1000;

Result<Reply> records(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const std::string id = TRY(parameters.required_text("operation"));
    TRY(parameters.no_other());
    const std::vector<operation::Record> kept = TRY(services.engine.records(id));
    return Reply{{{"records", kept}}};
}

Result<Reply> audit(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const uint64_t limit = TRY(parameters.count("limit", entries_by_default));
    TRY(parameters.no_other());
    std::vector<Json> entries = TRY(services.engine.audit());
    const size_t omitted = entries.size() > limit ? entries.size() - limit : 0;
    entries.erase(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(omitted));
    return Reply{{{"entries", std::move(entries)}, {"omitted", omitted}}};
}

Result<Reply> clean(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const bool dry_run = TRY(parameters.flag("dry_run", false));
    TRY(parameters.no_other());
    if (!dry_run && call.caller.right < site::Right::operate)
        return std::unexpected(site::not_allowed(call.caller, site::Right::operate));
    const operation::Cleaned cleaned = TRY(services.engine.clean(dry_run, asker_of(call, "")));
    return Reply{{{"removed", cleaned.removed}, {"freed", cleaned.freed.count}}};
}

}  // namespace

std::vector<site::Method> history_methods(const Services& services)
{
    using site::Right;
    const auto with = [&](auto method) {
        return [&services, method](const Call& call) { return method(services, call); };
    };
    return {{"Records", Right::view, with(records)},
            {"Audit", Right::view, with(audit)},
            {"Clean", Right::view, with(clean)}};
}

}  // namespace belay::daemon
