#include "upgrade/iosxe/show/switches.h"

#include "upgrade/iosxe/show/switch_rows.h"

#include <algorithm>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::trimmed;
using printed::whole_number;
using printed::words_of;

constexpr Field<SwitchMember> member_row_fields[] = {
    {"", "role", &SwitchMember::role},
    {"", "mac", &SwitchMember::mac},
    {"", "hardware", &SwitchMember::hardware},
    {"", "state", &SwitchMember::state},
};

bool is_hardware_version(std::string_view word)
{
    if (word.starts_with('V')) word.remove_prefix(1);
    return whole_number(word).has_value();
}

class SwitchesReader {
  public:
    explicit SwitchesReader(const Shown& shown) : shown_(shown) {}

    Result<Switches> read()
    {
        for (const Line& line : shown_.lines) TRY(take(line, trimmed(line.text)));
        if (switches_.members.empty()) return shown_.cut("no member is there");
        if (part_ == Part::ports && switches_.members.back().ports.empty())
            return shown_.cut("not all stack ports are there");
        return std::move(switches_);
    }

  private:
    Result<void> take(const Line& line, std::string_view text)
    {
        if (take_stack_mac(text, switches_.mac, switches_.mac_persistency) || is_ruler(text)) return {};
        if (same_words(text, "Switch# Role Mac Address Priority Version State")) {
            if (part_ != Part::heading) return shown_.foreign(line.number, "a second table of members");
            part_ = Part::members;
            return {};
        }
        if (same_words(text, "Switch# Port 1 Port 2 Port 1 Port 2")) {
            if (switches_.members.empty()) return shown_.foreign(line.number, "ports before the members");
            part_ = Part::ports;
            return {};
        }
        if (same_words(text, "H/W Current") || same_words(text, "Stack Port Status Neighbors")) return {};
        if (part_ == Part::members) return take_member(line, text);
        if (part_ == Part::ports) return take_ports(line, text);
        return shown_.foreign(line.number, "it does not begin with a table of members");
    }

    Result<void> take_member(const Line& line, std::string_view text)
    {
        const auto row = switch_row_of(text, true);
        if (!row || switches_.of(row->number) != nullptr)
            return shown_.foreign(line.number, "it is no row of the table of members");
        switches_.members.push_back(*row);
        return {};
    }

    /// "1        Ok         Ok                2        5".
    Result<void> take_ports(const Line& line, std::string_view text)
    {
        const std::vector<std::string_view> words = words_of(text);
        const std::optional<uint64_t> number = whole_number(words[0]);
        const auto member = std::ranges::find_if(
            switches_.members, [&](const SwitchMember& one) { return number && one.number == *number; });
        if (member == switches_.members.end() || words.size() != 5 || !member->ports.empty())
            return shown_.foreign(line.number, "it is no row of the table of stack ports");
        for (const size_t port : {size_t{1}, size_t{2}})
            member->ports.push_back(
                {.status = std::string(words[port]), .neighbour = whole_number(words[port + 2])});
        return {};
    }

    enum class Part { heading, members, ports };

    const Shown& shown_;
    Switches switches_;
    Part part_ = Part::heading;
};

}  // namespace

bool take_stack_mac(std::string_view text, std::string& mac, std::string& persistency)
{
    const auto found = labelled(text, ':');
    if (!found) return false;
    if (same_words(found->label, "Switch/Stack Mac Address"))
        mac = found->value.substr(0, std::min(found->value.find(' '), found->value.size()));
    else if (same_words(found->label, "Mac persistency wait time"))
        persistency = found->value;
    else
        return false;
    return true;
}

std::optional<SwitchMember> switch_row_of(std::string_view text, bool with_mac)
{
    SwitchMember row;
    std::string_view rest = trimmed(text);
    row.answers = rest.starts_with('*');
    if (row.answers) rest.remove_prefix(1);
    const std::optional<uint64_t> number = whole_number(printed::take_word(rest));
    row.role = printed::take_word(rest);
    if (with_mac) row.mac = printed::take_word(rest);
    const std::optional<uint64_t> priority = whole_number(printed::take_word(rest));
    if (!number || !priority || (with_mac && !is_mac(row.mac))) return std::nullopt;
    row.number = *number;
    row.priority = *priority;
    // Of a member that is only provisioned there is no version of the hardware.
    std::string_view state = rest;
    if (const std::string_view first = printed::take_word(state); with_mac && is_hardware_version(first)) {
        row.hardware = first;
        rest = state;
    }
    row.state = trimmed(rest);
    const bool is_state =
        !row.state.empty() && columns_of(row.state).size() == 1 && !is_hardware_version(row.state);
    return is_state ? std::optional(row) : std::nullopt;
}

const SwitchMember* Switches::of(uint64_t number) const
{
    const auto found = std::ranges::find(members, number, &SwitchMember::number);
    return found == members.end() ? nullptr : &*found;
}

Result<Switches> read_switches(std::string_view text, std::string_view command)
{
    const Shown all = TRY(shown(text, command));
    return SwitchesReader(all).read();
}

void to_json(Json& json, const Switches& switches)
{
    json = {{"members", Json::array()}};
    put(json, "mac", switches.mac);
    put(json, "mac_persistency", switches.mac_persistency);
    for (const SwitchMember& member : switches.members) {
        Json one = {{"number", member.number}, {"answers", member.answers}, {"priority", member.priority}};
        put_fields(one, member, member_row_fields);
        if (!member.ports.empty()) one["ports"] = Json::array();
        for (const StackPort& port : member.ports) {
            one["ports"].push_back({{"status", port.status}});
            put(one["ports"].back(), "neighbour", port.neighbour);
        }
        json["members"].push_back(std::move(one));
    }
}

}  // namespace belay::upgrade::iosxe::show
