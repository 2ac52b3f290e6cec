#include "site/remote/agent/copy_answers.h"

namespace belay::site {

using framework::configuration::Copy;
using framework::configuration::Handover;
using framework::configuration::handover_from;
using framework::configuration::Ids;
using framework::configuration::pack;
using framework::configuration::selected_toml;
using framework::configuration::Snapshot;
using framework::configuration::Step;
using framework::configuration::Version;

namespace {

constexpr size_t most_changes_of_answer = 20;
constexpr size_t most_bytes_of_changes = 2 << 20;  // beyond the first: one alone may have twice as many

}  // namespace

Result<Json> take_configuration(Copy& copy, const Json& parameters)
{
    const Handover handover = TRY(handover_from(parameters));
    return Json(TRY(copy.take(handover)));
}

Result<Json> show_copy(const Copy& copy, const std::string& type, const std::string& name, Ids ids)
{
    const Snapshot snapshot = copy.snapshot();
    std::string text = TRY(selected_toml(*snapshot.configuration, type, name, ids));
    return Json{{"version", snapshot.version}, {"text", std::move(text)}, {"as_of", copy.as_of()}};
}

Reply watch_copy(const Copy& copy)
{
    return {.parameters = {{"version", copy.snapshot().version}, {"as_of", copy.as_of()}},
            .topic = configuration_topic};
}

Result<Json> changes_of_copy(Copy& copy, Version after)
{
    Json changes = Json::array();
    size_t bytes = 0;
    const std::vector<Step> steps = TRY(copy.steps_after(after, most_changes_of_answer));
    for (const Step& step : steps) {
        Json change = TRY(pack(step.delta));
        bytes += json_text(change).size();
        if (!changes.empty() && bytes > most_bytes_of_changes) break;
        changes.push_back(
            {{"from", step.from.version}, {"to", step.to.version}, {"change", std::move(change)}});
    }
    return Json{
        {"changes", std::move(changes)}, {"version", copy.snapshot().version}, {"as_of", copy.as_of()}};
}

}  // namespace belay::site
