#include "upgrade/iosxe/show/module.h"

#include "upgrade/iosxe/show/fields.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;
using printed::words_of;

constexpr Field<Module> module_fields[] = {
    {"", "card", &Module::card},
    {"", "model", &Module::model},
    {"", "serial", &Module::serial},
    {"", "mac_from", &Module::mac_from},
    {"", "mac_to", &Module::mac_to},
    {"", "hardware", &Module::hardware},
    {"", "firmware", &Module::firmware},
    {"", "software", &Module::software},
    {"", "status", &Module::status},
    {"", "role", &Module::role},
    {"", "operating_mode", &Module::operating_mode},
    {"", "configured_mode", &Module::configured_mode},
    {"", "redundancy_status", &Module::redundancy_status},
};

class ModuleReader {
  public:
    explicit ModuleReader(const Shown& shown) : shown_(shown) {}

    Result<Modules> read()
    {
        for (const Line& line : shown_.lines) TRY(take(line, trimmed(line.text)));
        TRY(close_chassis());
        if (modules_.chassis_type.empty() || modules_.chassis.empty()) return shown_.cut("no card is there");
        return std::move(modules_);
    }

  private:
    enum class Part { none, cards, addresses, roles, roles_and_status, roles_of_4500 };

    Result<void> take(const Line& line, std::string_view text)
    {
        if (is_ruler(text)) return {};
        if (TRY(take_heading(line, text))) return {};
        if (TRY(take_label(line, text))) return {};
        const std::vector<std::string_view> words = words_of(text);
        const std::optional<uint64_t> number = whole_number(words[0]);
        if (!number || part_ == Part::none)
            return shown_.foreign(line.number, "it is no row of a table of cards");
        if (part_ == Part::cards) return take_card(line, *number, text);
        Module* module = module_of(*number);
        if (module == nullptr) return shown_.foreign(line.number, "this card is not in the table of cards");
        has_rows_ = true;
        if (part_ == Part::addresses) return take_addresses(line, words, *module);
        return take_role(line, columns_of(text), *module);
    }

    Result<bool> take_heading(const Line& line, std::string_view text)
    {
        if (same_words(text, "Mod Ports Card Type Model Serial No.")) {
            // Without "Switch Number" there is one chassis, and one table.
            if (modules_.chassis.empty()) modules_.chassis.push_back({});
            if (part_ != Part::none) return shown_.foreign(line.number, "a second table of cards");
            part_ = Part::cards;
            return true;
        }
        for (const auto& [part, heading] :
             {std::pair{Part::addresses, "Mod MAC addresses Hw Fw Sw Status"},
              std::pair{Part::addresses, "M MAC addresses Hw Fw Sw Status"},
              std::pair{Part::roles,
                        "Mod Redundancy Role Operating Redundancy Mode Configured Redundancy Mode"},
              std::pair{Part::roles_and_status,
                        "Mod Redundancy Role Operating Mode Configured Mode Redundancy Status"},
              std::pair{Part::roles_of_4500, "Mod Redundancy role Operating mode Redundancy status"}}) {
            if (!same_words(text, heading)) continue;
            const bool fits = part == Part::addresses ? part_ == Part::cards : part_ == Part::addresses;
            if (!fits) return shown_.foreign(line.number, "this table does not belong here");
            part_ = part;
            has_rows_ = false;
            return true;
        }
        return false;
    }

    Result<bool> take_label(const Line& line, std::string_view text)
    {
        // "Switch Number 1"; of a virtual switching system "Switch Number: 1     Role: Virtual Switch
        // Active".
        if (auto number = after(text, "Switch Number")) {
            TRY(close_chassis());
            if (number->starts_with(':')) number->remove_prefix(1);
            modules_.chassis.push_back({});
            modules_.chassis.back().number = whole_number(printed::take_word(*number));
            if (!modules_.chassis.back().number) return shown_.foreign(line.number, "no number of a switch");
            part_ = Part::none;
            return true;
        }
        if (text.find(" MAC address range:") != std::string_view::npos) return take_range(line, text);
        const auto found = labelled(text, ':');
        if (!found) return false;
        if (same_words(found->label, "Chassis Type"))
            return modules_.chassis_type == found->value || assign(modules_.chassis_type, found->value);
        if (same_words(found->label, "Power consumed by backplane"))
            return assign(modules_.power, found->value);
        if (same_words(found->label, "Power Supply") && has_failures_)
            return assign(modules_.power_supply_failure, found->value);
        has_failures_ = has_failures_ || same_words(found->label, "System Failures");
        return same_words(found->label, "System Failures");
    }

    /// "Chassis 1 MAC address range: 512 addresses from 40b5.c1ff.ee00 to 40b5.c1ff.efff".
    Result<bool> take_range(const Line& line, std::string_view text)
    {
        const size_t colon = text.find(':');
        const std::vector<std::string_view> names = words_of(text.substr(0, colon)),
                                            words = words_of(text.substr(colon + 1));
        const bool is_range = words.size() == 6 && is_mac(words[3]) && is_mac(words[5]);
        const std::optional<uint64_t> count = is_range ? whole_number(words[0]) : std::nullopt;
        if (!count) return shown_.foreign(line.number, "the range of addresses is not understood");
        modules_.mac_ranges.push_back({.chassis = whole_number(names.at(1)),
                                       .count = *count,
                                       .from = std::string(words[3]),
                                       .to = std::string(words[5])});
        return true;
    }

    /// "4   11   Supervisor 1 XL Module                      C9400-SUP-1XL    JAE25151HH7".
    Result<void> take_card(const Line& line, uint64_t number, std::string_view text)
    {
        std::string_view rest = text;
        printed::take_word(rest);
        const std::optional<uint64_t> ports = whole_number(printed::take_word(rest));
        const std::vector<std::string_view> words = words_of(rest);
        if (!ports || words.size() < 3 || module_of(number) != nullptr)
            return shown_.foreign(line.number, "it is no row of the table of cards");
        Module module;
        module.number = number;
        module.ports = *ports;
        module.serial = words.back();
        module.model = words[words.size() - 2];
        rest.remove_suffix(static_cast<size_t>(rest.end() - module_start(words)));
        module.card = trimmed(rest);
        modules_.chassis.back().modules.push_back(std::move(module));
        return {};
    }

    static std::string_view::iterator module_start(const std::vector<std::string_view>& words)
    {
        return words[words.size() - 2].begin();
    }

    /// "3   ECCE.1320.05EC to ECCE.1320.05F6 2.1  17.6.1r[FC2]  17.09.05 ok"; a line card of a Catalyst 4500
    /// has neither firmware nor software.
    Result<void> take_addresses(const Line& line, const std::vector<std::string_view>& words, Module& module)
    {
        const bool is_row = words.size() >= 6 && is_mac(words[1]) && words[2] == "to" && is_mac(words[3]);
        if (!is_row || !module.status.empty())
            return shown_.foreign(line.number, "it is no row of the table of addresses");
        module.mac_from = words[1];
        module.mac_to = words[3];
        module.hardware = words[4];
        const size_t status = words.size() >= 8 ? 7 : 5;
        if (words.size() == 7) return shown_.foreign(line.number, "firmware or software is missing");
        if (status == 7) {
            module.firmware = words[5];
            module.software = words[6];
        }
        module.status = joined(std::span(words).subspan(status));
        return {};
    }

    Result<void> take_role(const Line& line, const std::vector<std::string_view>& columns, Module& module)
    {
        const size_t wanted = part_ == Part::roles_and_status ? 5 : 4;
        if (columns.size() != wanted || !module.role.empty())
            return shown_.foreign(line.number, "it is no row of the table of roles");
        module.role = columns[1];
        module.operating_mode = columns[2];
        if (part_ != Part::roles_of_4500) module.configured_mode = columns[3];
        if (part_ != Part::roles) module.redundancy_status = columns.back();
        return {};
    }

    /// All three tables must be there.
    Result<void> close_chassis() const
    {
        if (modules_.chassis.empty()) return {};
        const bool is_last =
            part_ == Part::roles || part_ == Part::roles_and_status || part_ == Part::roles_of_4500;
        if (is_last && has_rows_) return {};
        return shown_.cut("not all three tables of a chassis are there");
    }

    Module* module_of(uint64_t number)
    {
        if (modules_.chassis.empty()) return nullptr;
        std::vector<Module>& all = modules_.chassis.back().modules;
        const auto found = std::ranges::find(all, number, &Module::number);
        return found == all.end() ? nullptr : &*found;
    }

    const Shown& shown_;
    Modules modules_;
    Part part_ = Part::none;
    bool has_rows_ = false, has_failures_ = false;
};

}  // namespace

Result<Modules> read_modules(std::string_view text)
{
    const Shown all = TRY(shown(text, "show module"));
    return ModuleReader(all).read();
}

void to_json(Json& json, const Modules& modules)
{
    json = {{"chassis_type", modules.chassis_type}, {"chassis", Json::array()}};
    put(json, "power", modules.power);
    put(json, "power_supply_failure", modules.power_supply_failure);
    for (const ModuleChassis& chassis : modules.chassis) {
        Json one = {{"modules", Json::array()}};
        put(one, "number", chassis.number);
        for (const Module& module : chassis.modules) {
            one["modules"].push_back({{"number", module.number}, {"ports", module.ports}});
            put_fields(one["modules"].back(), module, module_fields);
        }
        json["chassis"].push_back(std::move(one));
    }
    for (const MacRange& range : modules.mac_ranges) {
        json["mac_ranges"].push_back({{"count", range.count}, {"from", range.from}, {"to", range.to}});
        put(json["mac_ranges"].back(), "chassis", range.chassis);
    }
}

}  // namespace belay::upgrade::iosxe::show
