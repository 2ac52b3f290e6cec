#include "cli/health_text.h"

#include "cli/fields.h"
#include "cli/storage_details.h"

namespace belay::cli {
namespace {

Tone tone_of_severity(const std::string& severity)
{
    if (severity == "critical") return Tone::bad;
    return severity == "warning" ? Tone::warn : Tone::plain;
}

/// "8 disks, 1 array and 1 volume group": disks and arrays always, the others where there are any.
std::string what_was_looked_at(const Json& looked_at)
{
    const auto number = [&](const char* what) { return static_cast<uint64_t>(number_of(looked_at, what)); };
    std::vector<std::string> things{counted(number("disks"), "disk", "disks"),
                                    counted(number("arrays"), "array", "arrays")};
    const uint64_t groups = number("groups"), pools = number("pools");
    if (groups > 0) things.push_back(counted(groups, "volume group", "volume groups"));
    if (pools > 0) things.push_back(counted(pools, "pool", "pools"));
    const std::string last = things.back();
    things.pop_back();
    return fmt::format("{} and {}", fmt::join(things, ", "), last);
}

std::string paragraph(const Style& style, const Json& finding)
{
    const std::string severity = text_of(style, finding, "severity");
    std::string text = fmt::format("{}  {}  {}\n", paint(style, tone_of_severity(severity), severity),
                                   paint(style, Tone::bold, text_of(style, finding, "shown")),
                                   paint(style, Tone::dim, text_of(style, finding, "code")));
    for (const char* field : {"found", "wanted", "mend"}) {
        const std::string value = text_of(style, finding, field);
        if (value.empty()) continue;
        const std::string name = fmt::format("  {:<8}", field);
        text += name + wrap(style, value, name.size(), name.size()) + '\n';
    }
    return text + '\n';
}

}  // namespace

std::string health_text(const Style& style, const Json& report)
{
    std::string text;
    std::map<std::string, int64_t> counts;
    for (const Json& finding : list_of(report, "findings")) {
        text += paragraph(style, finding);
        ++counts[raw_text(finding, "severity")];
    }
    const Json& looked_at = object_of(report, "looked_at");
    std::string said;
    for (const char* severity : {"critical", "warning", "note"}) {
        if (counts[severity] > 0)
            said += fmt::format("{}{}", said.empty() ? "" : ", ",
                                fmt::format("{} {}", counts[severity], severity));
    }
    text += fmt::format("{} looked at: {}\n", what_was_looked_at(looked_at),
                        said.empty() ? "nothing to mend" : said);
    return text + not_looked_text(style, report);
}

}  // namespace belay::cli
