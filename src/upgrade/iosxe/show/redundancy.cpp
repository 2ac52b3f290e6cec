#include "upgrade/iosxe/show/redundancy.h"

#include "upgrade/iosxe/show/fields.h"
#include "upgrade/iosxe/show/software.h"

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;

constexpr Field<Redundancy> redundancy_fields[] = {
    {"Available system uptime", "uptime", &Redundancy::uptime},
    {"Switchovers system experienced", "switchovers", &Redundancy::switchovers},
    {"Standby failures", "standby_failures", &Redundancy::standby_failures},
    {"Last switchover reason", "last_switchover_reason", &Redundancy::last_switchover_reason},
    {"Hardware Mode", "hardware_mode", &Redundancy::hardware_mode},
    {"Configured Redundancy Mode", "configured_mode", &Redundancy::configured_mode},
    {"Operating Redundancy Mode", "operating_mode", &Redundancy::operating_mode},
    {"Maintenance Mode", "maintenance_mode", &Redundancy::maintenance_mode},
    {"Communications", "communications", &Redundancy::communications},
    {"", "communications_reason", &Redundancy::communications_reason},
};

constexpr Field<RedundancyProcessor> processor_fields[] = {
    {"Active Location", "location", &RedundancyProcessor::location},
    {"Standby Location", "location", &RedundancyProcessor::location},
    {"Current Software state", "state", &RedundancyProcessor::state},
    {"Uptime in current state", "uptime", &RedundancyProcessor::uptime},
    {"Image Version", "image", &RedundancyProcessor::image},
    {"", "version", &RedundancyProcessor::version},
    {"", "compiled", &RedundancyProcessor::compiled},
    {"", "compiled_by", &RedundancyProcessor::compiled_by},
    {"BOOT", "boot", &RedundancyProcessor::boot},
    {"CONFIG_FILE", "config_file", &RedundancyProcessor::config_file},
    {"Configuration register", "config_register", &RedundancyProcessor::config_register},
    {"", "next_config_register", &RedundancyProcessor::next_config_register},
};

class RedundancyReader {
  public:
    explicit RedundancyReader(const Shown& shown) : shown_(shown) {}

    Result<Redundancy> read()
    {
        for (const Line& line : shown_.lines) TRY(take_line(line, trimmed(line.text)));
        TRY(check_whole());
        return std::move(found_);
    }

  private:
    Result<void> take_line(const Line& line, std::string_view text)
    {
        if (is_ruler(text)) return {};
        if (const auto heading = labelled(text, ':'); heading && heading->value.empty())
            return open(line, heading->label);
        if (text.starts_with("Peer (slot:")) return take_absent_peer(line, text);
        if (processor_ != nullptr) {
            if (const auto compiled = compiled_of(text)) {
                processor_->compiled = compiled->when;
                processor_->compiled_by = compiled->by;
                return {};
            }
        }
        const auto found = labelled(text, '=');
        if (!found) return {};
        return processor_ == nullptr ? take_system(line, *found) : take_processor(line, *found);
    }

    Result<void> open(const Line& line, std::string_view heading)
    {
        if (heading == "Redundant System Information" && part_ == Part::none) {
            part_ = Part::system;
        } else if (heading == "Current Processor Information" && part_ == Part::system) {
            part_ = Part::current;
            processor_ = &found_.active;
        } else if (heading == "Peer Processor Information" && part_ == Part::current) {
            part_ = Part::peer;
            processor_ = &found_.peer.emplace();
        } else {
            return shown_.foreign(line.number, fmt::format("\"{}\" does not belong here", heading));
        }
        return {};
    }

    /// "Peer (slot: 1) information is not available because it is in 'DISABLED' state".
    Result<void> take_absent_peer(const Line& line, std::string_view text)
    {
        const auto slot = between(text, ':', ')');
        const auto state = between(text, '\'', '\'');
        if (part_ != Part::current || !slot || !state || !text.ends_with(" state"))
            return shown_.foreign(line.number, "what it says of the peer is not whole");
        part_ = Part::absent;
        processor_ = nullptr;
        found_.peer_slot = trimmed(*slot);
        found_.peer_state = *state;
        return {};
    }

    Result<void> take_system(const Line& line, Labelled found)
    {
        if (part_ != Part::system) return shown_.foreign(line.number, "it stands under no heading");
        if (found.label == "Communications") found_.communications_reason = take_reason(found.value);
        TRY(take(shown_, line, redundancy_fields, found, found_));
        return {};
    }

    Result<void> take_processor(const Line& line, Labelled found)
    {
        if (found.label == "Image Version") {
            const auto software = software_of(found.value);
            if (!software) return shown_.foreign(line.number, "the version of the image is not understood");
            processor_->version = software->version;
        }
        if (same_words(found.label, "Configuration register")) {
            const auto both = config_register_of(found.value);
            if (!both) return shown_.foreign(line.number, "the configuration register is not understood");
            processor_->next_config_register = both->next;
            found.value = found.value.substr(0, both->now.size());
        }
        if (found.label == "BOOT") (part_ == Part::peer ? peer_has_boot_ : active_has_boot_) = true;
        TRY(take(shown_, line, processor_fields, found, *processor_));
        return {};
    }

    Result<void> check_whole() const
    {
        if (found_.uptime.empty() || !found_.switchovers || found_.hardware_mode.empty() ||
            found_.configured_mode.empty() || found_.operating_mode.empty() || found_.communications.empty())
            return shown_.cut("not all of the system's information is there");
        TRY(check_processor(found_.active, active_has_boot_, "current"));
        if (!found_.peer && part_ != Part::absent) return shown_.cut("nothing is said of the peer");
        if (!found_.peer) return {};
        TRY(check_processor(*found_.peer, peer_has_boot_, "peer"));
        // Both are asked the same.
        if (!found_.active.config_register.empty() && found_.peer->config_register.empty())
            return shown_.cut("the peer's configuration register is not there");
        return {};
    }

    Result<void> check_processor(const RedundancyProcessor& processor, bool has_boot, const char* which) const
    {
        if (!processor.location.empty() && !processor.state.empty() && !processor.uptime.empty() &&
            !processor.version.empty() && has_boot)
            return {};
        return shown_.cut(fmt::format("not all of the {} processor's information is there", which));
    }

    enum class Part { none, system, current, peer, absent };

    const Shown& shown_;
    Redundancy found_;
    Part part_ = Part::none;
    RedundancyProcessor* processor_ = nullptr;
    bool active_has_boot_ = false, peer_has_boot_ = false;
};

}  // namespace

Result<Redundancy> read_redundancy(std::string_view text)
{
    const Shown all = TRY(shown(text, "show redundancy"));
    return RedundancyReader(all).read();
}

void to_json(Json& json, const Redundancy& redundancy)
{
    json = object_of(redundancy, redundancy_fields);
    json["active"] = object_of(redundancy.active, processor_fields);
    if (redundancy.peer) json["peer"] = object_of(*redundancy.peer, processor_fields);
    put(json, "peer_slot", redundancy.peer_slot);
    put(json, "peer_state", redundancy.peer_state);
}

}  // namespace belay::upgrade::iosxe::show
