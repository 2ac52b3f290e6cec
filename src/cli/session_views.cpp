// The commands that show something.

#include "cli/fields.h"
#include "cli/operation_text.h"
#include "cli/procedure_text.h"
#include "cli/session.h"
#include "cli/storage_details.h"
#include "cli/upgrade_text.h"

#include <algorithm>

namespace belay::cli {

Result<int> Session::procedures()
{
    if (asked_.target.empty()) {
        const Json answer = TRY(client_.call("Procedures", Json::object()));
        say(answer, procedures_text(style_, list_of(answer, "procedures")));
        return 0;
    }
    const Json procedure = TRY(declared(asked_.target));
    say({{"procedures", Json::array({procedure})}}, procedure_text(style_, procedure));
    return 0;
}

Result<int> Session::timer()
{
    Json parameters = {{"operation", asked_.target}};
    Json view;
    if (asked_.stop || asked_.restart || asked_.extend) {
        parameters["change"] = asked_.stop ? "stop" : asked_.restart ? "restart" : "extend";
        if (asked_.extend) parameters["by_ms"] = asked_.extend->count();
        if (!asked_.why.empty()) parameters["why"] = asked_.why;
        view = TRY(client_.call("Timer", parameters));
    } else {
        view = TRY(client_.call("Show", parameters));
    }
    say(view, fmt::format("timer of operation {}: {}\n", asked_.target, timer_text(view, Milliseconds{0})));
    return 0;
}

/// What is said beside something else: where nobody tells it, that is not missed.
Json Session::pairs()
{
    const auto answer = client_.call("Pairs", Json::object());
    return answer ? list_of(*answer, "pairs") : Json::array();
}

Result<int> Session::show()
{
    if (asked_.target.empty()) {
        const Json answer = TRY(client_.call("List", {{"ended", false}}));
        say(answer, operations_text(style_, list_of(answer, "operations"),
                                    "no operation is on its way\n  next: belay procedures") +
                        left_out(answer));
        return 0;
    }
    const Json parameters = {{"operation", asked_.target}};
    if (asked_.journal) {
        const Json answer = TRY(client_.call("Records", parameters));
        say(answer, journal_text(style_, list_of(answer, "records")));
        return 0;
    }
    Json view = TRY(client_.call("Show", parameters));
    if (!install_type_text(raw_text(view, "procedure")).empty())
        view["pairs"] = pairs_of_upgrade(view, pairs());
    if (Json device = device_of(view); !device.is_null()) view["device"] = std::move(device);
    const bool live = console_.is_live() && !asked_.json && !asked_.no_wait && goes_on_by_itself(view);
    if (!asked_.follow && !live) {
        say(view, operation_text(style_, view));
        return 0;
    }
    if (!console_.is_live() && !asked_.json) console_.out(operation_text(style_, view) + '\n');
    return follow_to_end(asked_.target, "", {.settle = !asked_.follow, .json = asked_.json, .known = view});
}

/// That a list is not the whole.
std::string Session::left_out(const Json& answer) const
{
    const int64_t omitted = number_of(answer, "omitted");
    std::string text;
    if (omitted > 0)
        text = fmt::format("{} older ones are not shown\n  next: belay history {}--limit NUMBER\n", omitted,
                           asked_.audit ? "--audit " : "");
    return text + not_looked_text(style_, answer);
}

Result<int> Session::history()
{
    Json parameters = Json::object();
    if (asked_.limit) parameters["limit"] = *asked_.limit;
    if (asked_.audit) {
        const Json answer = TRY(client_.call("Audit", parameters));
        say(answer, audit_text(style_, list_of(answer, "entries")) + left_out(answer));
        return 0;
    }
    parameters["ended"] = true;
    const Json answer = TRY(client_.call("List", parameters));
    say(answer,
        operations_text(style_, list_of(answer, "operations"), "no operation yet\n  next: belay procedures") +
            left_out(answer));
    return 0;
}

Result<int> Session::clean()
{
    const Json answer = TRY(client_.call("Clean", {{"dry_run", asked_.dry_run}}));
    std::string text;
    for (const std::string& removed : texts_of(style_, answer, "removed")) text += removed + '\n';
    const Bytes freed{static_cast<uint64_t>(std::max<int64_t>(number_of(answer, "freed"), 0))};
    text += text.empty()
                ? "there is nothing to remove\n"
                : fmt::format("{} {}\n", to_text(freed), asked_.dry_run ? "would be freed" : "freed");
    say(answer, text);
    return 0;
}

}  // namespace belay::cli
