#include "daemon/parameters.h"
#include "daemon/services.h"

namespace belay::daemon {
namespace {

using operation::Id;
using operation::TimerChange;
using operation::View;
using site::Call;
using site::Reply;

constexpr uint64_t listed_by_default = 200;

Result<Reply> request(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const Id id = TRY(parameters.required_text("operation"));
    const std::string verb = TRY(parameters.required_text("verb"));
    const std::string why = TRY(parameters.text("why"));
    TRY(parameters.no_other());
    const operation::Verb asked = TRY(operation::verb_named(verb));
    TRY(services.engine.request(id, asked, asker_of(call, why)));
    services.wake(id);
    return Reply{TRY(view_of(services, id))};
}

Result<TimerChange> read_change(Parameters& parameters)
{
    const std::string change = TRY(parameters.required_text("change"));
    const std::optional<Milliseconds> by = TRY(parameters.span("by_ms"));
    if (change == "extend") {
        if (!by || *by <= Milliseconds{0})
            return fail(ErrorKind::usage, "the timer is to be extended, and by_ms does not say by how much");
        return TimerChange{TimerChange::What::extend, *by};
    }
    if (by) return fail(ErrorKind::usage, "by_ms is for extend only");
    if (change == "stop") return TimerChange{TimerChange::What::stop};
    if (change == "restart") return TimerChange{TimerChange::What::restart};
    return fail(ErrorKind::usage,
                fmt::format("a timer can be changed by stop, restart and extend, not by {}", change));
}

Result<Reply> change_timer(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const Id id = TRY(parameters.required_text("operation"));
    const TimerChange change = TRY(read_change(parameters));
    const std::string why = TRY(parameters.text("why"));
    TRY(parameters.no_other());
    TRY(services.engine.change_timer(id, change, asker_of(call, why)));
    services.wake(id);
    return Reply{TRY(view_of(services, id))};
}

Result<Reply> show(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const Id id = TRY(parameters.required_text("operation"));
    TRY(parameters.no_other());
    return Reply{TRY(view_of(services, id))};
}

Result<Reply> list(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const bool ended = TRY(parameters.flag("ended", false));
    const uint64_t limit = TRY(parameters.count("limit", listed_by_default));
    TRY(parameters.no_other());
    const std::vector<Id> ids = ended ? TRY(services.engine.all()) : TRY(services.engine.unfinished());
    const size_t omitted = ids.size() > limit ? ids.size() - limit : 0;
    Json views = Json::array();
    for (size_t i = omitted; i < ids.size(); ++i) views.push_back(TRY(view_of(services, ids[i])));
    return Reply{{{"operations", std::move(views)}, {"omitted", omitted}}};
}

Result<Reply> watch(const Services& services, const Call& call)
{
    Parameters parameters(call.parameters);
    const Id id = TRY(parameters.required_text("operation"));
    const bool settle = TRY(parameters.flag("settle", true));
    TRY(parameters.no_other());
    const View view = TRY(view_of(services, id));
    return Reply{view, is_at_rest(view.operation, settle) ? "" : id};
}

}  // namespace

std::vector<site::Method> operation_methods(const Services& services)
{
    using site::Right;
    const auto with = [&](auto method) {
        return [&services, method](const Call& call) { return method(services, call); };
    };
    return {{"Request", Right::operate, with(request)},
            {"Timer", Right::operate, with(change_timer)},
            {"Show", Right::view, with(show)},
            {"List", Right::view, with(list)},
            {"Watch", Right::view, with(watch)}};
}

}  // namespace belay::daemon
