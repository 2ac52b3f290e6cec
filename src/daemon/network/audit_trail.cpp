#include "daemon/network/audit_trail.h"

#include <algorithm>

namespace belay::daemon {

void AuditTrail::write(const Json& entry)
{
    operation::Engine* const engine = engine_();
    if (engine == nullptr) return;
    const std::string who = entry.value("who", "");
    std::string answer = entry.value("answer", "");
    if (who.empty() || entry.value("denied", false)) {
        const std::optional<uint64_t> left_out = take_room();
        if (!left_out) return;
        if (*left_out > 0)
            answer += fmt::format(" ({} more of such entries were left out before)", *left_out);
    }
    // A trail that cannot be written must not keep anybody from what the trail tells of.
    static_cast<void>(engine
                          ->write_audit(entry.value("verb", ""), entry.value("object", ""),
                                        {.user = who, .origin = entry.value("origin", "")}, answer)
                          .has_value());
}

std::optional<uint64_t> AuditTrail::take_room()
{
    const std::lock_guard lock(mutex_);
    const Milliseconds now = boot_();
    const auto grown = static_cast<uint64_t>((now - counted_) / one_more_after);
    if (grown > 0) {
        room_ = static_cast<unsigned>(std::min<uint64_t>(at_once, room_ + grown));
        counted_ = now;
    }
    if (room_ == 0) {
        ++left_out_;
        return std::nullopt;
    }
    --room_;
    return std::exchange(left_out_, 0);
}

}  // namespace belay::daemon
