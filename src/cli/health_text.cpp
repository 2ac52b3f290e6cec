#include "cli/health_text.h"

#include "cli/fields.h"

namespace belay::cli {
namespace {

Tone tone_of_severity(const std::string& severity)
{
    if (severity == "critical") return Tone::bad;
    return severity == "warning" ? Tone::warn : Tone::plain;
}

std::string counted(int64_t number, std::string_view one, std::string_view several)
{
    return fmt::format("{} {}", number, number == 1 ? one : several);
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
    return text + fmt::format("{} and {} looked at: {}\n",
                              counted(number_of(looked_at, "disks"), "disk", "disks"),
                              counted(number_of(looked_at, "arrays"), "array", "arrays"),
                              said.empty() ? "nothing to mend" : said);
}

}  // namespace belay::cli
