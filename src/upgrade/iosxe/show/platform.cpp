#include "upgrade/iosxe/show/platform.h"

#include "upgrade/iosxe/show/switch_rows.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;
using printed::words_of;

constexpr Field<PlatformSlot> slot_row_fields[] = {
    {"", "slot", &PlatformSlot::slot},   {"", "type", &PlatformSlot::type},
    {"", "state", &PlatformSlot::state}, {"", "inserted", &PlatformSlot::inserted},
    {"", "cpld", &PlatformSlot::cpld},   {"", "firmware", &PlatformSlot::firmware},
};

constexpr Field<PlatformSwitch> switch_row_fields[] = {
    {"", "number", &PlatformSwitch::number},     {"", "ports", &PlatformSwitch::ports},
    {"", "model", &PlatformSwitch::model},       {"", "serial", &PlatformSwitch::serial},
    {"", "mac", &PlatformSwitch::mac},           {"", "hardware", &PlatformSwitch::hardware},
    {"", "version", &PlatformSwitch::version},   {"", "role", &PlatformSwitch::role},
    {"", "priority", &PlatformSwitch::priority}, {"", "state", &PlatformSwitch::state},
    {"", "answers", &PlatformSwitch::answers},
};

/// "3w5d", "00:01:37", "never".
bool is_age(std::string_view word)
{
    const bool is_clock = word.size() >= 8 && word[word.size() - 3] == ':' && word[word.size() - 6] == ':';
    const bool is_span = word.size() > 1 &&
                         word.find_first_of("ywdhms") == word.find_first_not_of("0123456789") &&
                         word.find_first_not_of("0123456789ywdhms") == std::string_view::npos &&
                         word.find_last_of("ywdhms") == word.size() - 1;
    return is_clock || is_span || word == "never" || word == "N/A" || word == "unknown";
}

class PlatformReader {
  public:
    explicit PlatformReader(const Shown& shown) : shown_(shown) {}

    Result<Platform> read()
    {
        for (const Line& line : shown_.lines) TRY(take(line, trimmed(line.text)));
        if (platform_.slots.empty() && platform_.switches.empty())
            return shown_.cut("no slot and no switch is there");
        if (platform_.chassis.empty() && platform_.switches.empty()) return shown_.cut("it names no chassis");
        if (is_first_) return shown_.cut("a table is empty");
        std::ranges::sort(platform_.switches, {}, &PlatformSwitch::number);
        if (has_twice(platform_.slots, &PlatformSlot::slot) ||
            has_twice(platform_.switches, &PlatformSwitch::number))
            return shown_.foreign(0, "a slot or a switch is there twice");
        return std::move(platform_);
    }

  private:
    enum class Part { none, slots, firmware, switches, members };

    Result<void> take(const Line& line, std::string_view text)
    {
        if (const auto chassis = after(text, "Chassis type:")) {
            if (assign(platform_.chassis, *chassis)) return {};
            return shown_.foreign(line.number, "a second chassis");
        }
        if (is_ruler(text) || same_words(text, "Current")) return {};
        if (take_stack_mac(text, platform_.mac, platform_.mac_persistency)) return {};
        for (const auto& [part, heading] :
             {std::pair{Part::slots, "Slot Type State Insert time (ago)"},
              std::pair{Part::firmware, "Slot CPLD Version Firmware Version"},
              std::pair{Part::switches, "Switch Ports Model Serial No. MAC address Hw Ver. Sw Ver."},
              std::pair{Part::members, "Switch# Role Priority State"}})
            if (same_words(text, heading)) return open(line, part);
        is_first_ = false;
        switch (part_) {
            case Part::slots:
                return take_slot(line, words_of(text));
            case Part::firmware:
                return take_firmware(line, columns_of(text));
            case Part::switches:
                return take_switch(line, words_of(text));
            case Part::members:
                return take_member(line, text);
            case Part::none:
                break;
        }
        return shown_.foreign(line.number, "it stands under no heading");
    }

    Result<void> open(const Line& line, Part part)
    {
        const bool is_after = part_ < part && !is_first_;
        const bool fits = part == Part::slots || part == Part::switches ? part_ == Part::none
                          : part == Part::firmware                      ? part_ == Part::slots
                                                                        : part_ == Part::switches;
        if (!is_after || !fits) return shown_.foreign(line.number, "this table does not belong here");
        part_ = part;
        is_first_ = true;
        return {};
    }

    /// "R0        C9500-32QC          ok, active            1d18h".
    Result<void> take_slot(const Line& line, const std::vector<std::string_view>& words)
    {
        if (words.size() < 4 || !is_age(words.back()))
            return shown_.foreign(line.number, "it is no row of the table of slots");
        PlatformSlot slot;
        slot.slot = words[0];
        slot.type = words[1];
        slot.state = joined(std::span(words).subspan(2, words.size() - 3));
        slot.inserted = words.back();
        platform_.slots.push_back(std::move(slot));
        return {};
    }

    /// "R0        17100927            16.7(3r)".
    Result<void> take_firmware(const Line& line, const std::vector<std::string_view>& columns)
    {
        const auto slot = std::ranges::find(platform_.slots, columns[0], &PlatformSlot::slot);
        if (slot == platform_.slots.end() || columns.size() > 3)
            return shown_.foreign(line.number, "it is no row of the table of firmware");
        // Of one alone nobody knows which of the two versions it is.
        if (columns.size() < 3) return {};
        slot->cpld = columns[1];
        slot->firmware = columns[2];
        return {};
    }

    /// "1       41     C9300-24UX            FOC2712Y9CG  6c29.d290.a900  V08           17.07.01".
    Result<void> take_switch(const Line& line, const std::vector<std::string_view>& words)
    {
        PlatformSwitch one;
        if (words.size() == 7 && is_mac(words[4])) {
            one.number = whole_number(words[0]);
            one.ports = whole_number(words[1]);
        }
        if (!one.number || !one.ports)
            return shown_.foreign(line.number, "it is no row of the table of switches");
        one.model = words[2];
        one.serial = words[3];
        one.mac = words[4];
        one.hardware = words[5];
        one.version = words[6];
        platform_.switches.push_back(std::move(one));
        return {};
    }

    Result<void> take_member(const Line& line, std::string_view text)
    {
        const auto row = switch_row_of(text, false);
        if (!row) return shown_.foreign(line.number, "it is no row of the table of members");
        auto same =
            std::ranges::find(platform_.switches, std::optional(row->number), &PlatformSwitch::number);
        if (same == platform_.switches.end()) {
            platform_.switches.push_back({});
            same = platform_.switches.end() - 1;
            same->number = row->number;
        }
        if (same->priority) return shown_.foreign(line.number, "this member is there twice");
        same->role = row->role;
        same->priority = row->priority;
        same->state = row->state;
        same->answers = row->answers;
        return {};
    }

    const Shown& shown_;
    Platform platform_;
    Part part_ = Part::none;
    bool is_first_ = false;  ///< no row stands under the heading yet
};

}  // namespace

Result<Platform> read_platform(std::string_view text)
{
    const Shown all = TRY(shown(text, "show platform"));
    return PlatformReader(all).read();
}

void to_json(Json& json, const Platform& platform)
{
    json = {{"slots", array_of(platform.slots, slot_row_fields)},
            {"switches", array_of(platform.switches, switch_row_fields)}};
    put(json, "chassis", platform.chassis);
    put(json, "mac", platform.mac);
    put(json, "mac_persistency", platform.mac_persistency);
}

}  // namespace belay::upgrade::iosxe::show
