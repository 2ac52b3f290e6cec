#include "daemon/member_runner.h"

#include "daemon/applications.h"
#include "daemon/driven.h"

#include <algorithm>
#include <array>

namespace belay::daemon {
namespace {

/// Those from which it comes, or goes and comes again, by itself. "unknown" is one that its supervisor has
/// not been told of yet, as after a power cut.
constexpr std::array coming = {"waiting", "starting", "stopping", "suspending", "unavailable", "unknown"};

std::string text_or_empty(const Json& json, const char* name)
{
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

upgrade::Standing standing_of(const Json& line)
{
    using upgrade::Part;
    upgrade::Standing standing;
    const std::string phase = text_or_empty(line, "phase");
    const Json pair = line.value("pair", Json());
    if (pair.is_object()) {
        standing.part = pair.value("held", false) ? Part::active : Part::standby;
        standing.is_handing = pair.value("handing", false);
        standing.other_is_ready = pair.value("other_ready", false);
        standing.is_cold = pair.value("cold", false);
        if (const auto found = pair.find("stood_down_ms"); found != pair.end() && found->is_number())
            standing.stood_down = Milliseconds(found->get<int64_t>());
    }
    const bool serves = pair.is_object() && pair.value("serves", false);
    standing.is_ready = phase == "started" ? standing.part != Part::active || serves : phase == "standby";
    standing.starts_by_itself = text_or_empty(line, "wanted") == "running";
    const bool is_to_be_started = standing.starts_by_itself && line.value("awaits_order", false);
    standing.is_coming = !standing.is_ready && (phase == "started" || is_to_be_started ||
                                                std::ranges::find(coming, phase) != coming.end());
    const Json image = line.value("image", Json());
    standing.has_process = image.is_object();
    if (image.is_object()) {
        standing.version = text_or_empty(image, "version");
        standing.program = text_or_empty(image, "program");
    }
    const std::string reason = text_or_empty(line, "reason");
    standing.says = reason.empty() ? phase : fmt::format("{}: {}", phase, reason);
    return standing;
}

}  // namespace

Result<upgrade::Standing> MemberRunner::look(const std::string& member)
{
    if (driven_.has(member)) return driven_.look(member);
    const Json line = TRY(applications_.look(member));
    return standing_of(line);
}

Result<void> MemberRunner::let_other_serve(const std::string& member)
{
    if (driven_.has(member)) return driven_.let_other_serve(member);
    return applications_.let_other_serve(member);
}

/// Of two that the supervisors run the one that serves hands over, and what it has is finished first.
Result<void> MemberRunner::take_over(const std::string& member)
{
    if (driven_.has(member)) return driven_.take_over(member);
    return fail(ErrorKind::refused, fmt::format("\"{}\" serves when the other one lets it", member));
}

Result<void> MemberRunner::restart(const std::string& member)
{
    if (driven_.has(member)) {
        // What the driver is told of the image is what packages.conf names now.
        applications_.images_changed();
        return driven_.restart(member);
    }
    return applications_.restart_in_background(member);
}

}  // namespace belay::daemon
