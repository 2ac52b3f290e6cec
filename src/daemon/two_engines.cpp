#include "daemon/two_engines.h"

#include "base/units.h"

#include <algorithm>
#include <array>
#include <fmt/ranges.h>

namespace belay::daemon {

using site::Call;
using site::Method;
using site::Reply;

namespace {

/// Methods about one operation, which their parameter "operation" names.
constexpr std::array<std::string_view, 5> of_one_operation = {"Request", "Timer", "Show", "Watch", "Records"};

bool names_one_of_site(const Call& call)
{
    const auto found = call.parameters.find("operation");
    return found != call.parameters.end() && found->is_string() &&
           found->get_ref<const std::string&>().starts_with(site_prefix);
}

/// Why what is of the site is not here, and where it is.
struct Elsewhere {
    std::string why, next;
};

Elsewhere elsewhere_of(const Json& leader)
{
    if (leader.is_null()) return {"no controller is known to lead the site now", "belay status"};
    const std::string host = leader.at("host");
    return {fmt::format("{} leads the site, at {}", host,
                        fmt::join(leader.at("addresses").get<std::vector<std::string>>(), ", ")),
            fmt::format("the same on {}, or from anywhere with --site NAME", host)};
}

Milliseconds time_of(const Json& entry)
{
    return Milliseconds(entry.value("at_ms", entry.value("created_ms", int64_t{0})));
}

}  // namespace

std::vector<Method> TwoEngines::route(std::vector<Method> local)
{
    for (Method& method : local) {
        const auto own = std::make_shared<const Method>(method);
        if (method.name == "Plan")
            method.answer = [this, own](const Call& call) { return of_one(*own, call, of_site_(call)); };
        else if (method.name == "List")
            method.answer = [this, own](const Call& call) { return of_both(*own, call, "operations"); };
        else if (method.name == "Audit")
            method.answer = [this, own](const Call& call) { return of_both(*own, call, "entries"); };
        else if (std::ranges::find(of_one_operation, method.name) != of_one_operation.end())
            method.answer = [this, own](const Call& call) {
                return of_one(*own, call, names_one_of_site(call));
            };
    }
    return local;
}

void TwoEngines::lead(const std::vector<Method>& site)
{
    const auto methods = std::make_shared<site::Methods>();
    for (const Method& method : site) methods->emplace(method.name, method);
    const std::lock_guard lock(mutex_);
    site_ = methods;
}

std::shared_ptr<const site::Methods> TwoEngines::led() const
{
    const std::lock_guard lock(mutex_);
    return site_;
}

Result<Reply> TwoEngines::of_one(const Method& local, const Call& call, bool is_of_site) const
{
    if (!is_of_site) return local.answer(call);
    const auto site = led();
    if (!site) {
        const Elsewhere elsewhere = elsewhere_of(leader_());
        return fail(
            ErrorKind::unavailable,
            fmt::format("{}, and so this controller carries out none of its operations", elsewhere.why),
            elsewhere.next);
    }
    return site->at(local.name).answer(call);
}

/// The newest of both lists, by time.
Result<Reply> TwoEngines::of_both(const Method& local, const Call& call, const char* list) const
{
    Reply reply = TRY(local.answer(call));
    const auto site = led();
    if (!site) {
        const Json leader = leader_();
        const Elsewhere elsewhere = elsewhere_of(leader);
        reply.parameters["not_looked"] = Json::array({{{"what", "the operations of the site"},
                                                       {"why", elsewhere.why},
                                                       {"next", elsewhere.next},
                                                       {"leader", leader}}});
        return reply;
    }
    const Reply others = TRY(site->at(local.name).answer(call));
    Json& entries = reply.parameters.at(list);
    for (const Json& entry : others.parameters.at(list)) entries.push_back(entry);
    std::stable_sort(entries.begin(), entries.end(),
                     [](const Json& one, const Json& other) { return time_of(one) < time_of(other); });
    reply.parameters["omitted"] =
        reply.parameters.value("omitted", size_t{0}) + others.parameters.value("omitted", size_t{0});
    return reply;
}

}  // namespace belay::daemon
