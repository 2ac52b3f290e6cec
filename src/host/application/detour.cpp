#include "host/application/detour.h"

#include "host/application/packet_rules.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <net/if.h>

namespace belay::host {
namespace {

/// Of each connection that is remembered; with the next packet it begins anew.
constexpr std::string_view remembered_for = "5m";
constexpr size_t most_remembered = 262'144;
constexpr std::string_view begins = "tcp flags & (fin|syn|rst|ack) == syn";

bool is_number(const std::string& address, bool is_6)
{
    std::array<unsigned char, 16> bytes{};
    return inet_pton(is_6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) == 1;
}

/// What may stand in quotes.
bool is_plain(const std::string& interface)
{
    return !interface.empty() && interface.size() < IFNAMSIZ &&
           std::ranges::all_of(
               interface,
               [](char one) { return one > ' ' && one < 0x7f && one != '"' && one != '\\' && one != '*'; });
}

Result<void> no_number(const std::string& address)
{
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no address of that kind", address));
}

}  // namespace

Result<Detour> Detour::of(int64_t number, const std::string& address, const std::string& interface)
{
    Detour made;
    made.table_ = fmt::format("belay-{}", number);
    made.address_ = address;
    made.interface_ = interface;
    made.is_6_ = address.contains(':');
    if (!is_number(address, made.is_6_))
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no IP address", address));
    if (!is_plain(interface))
        return fail(ErrorKind::usage, fmt::format("no rules can be set at an interface \"{}\"", interface));
    return made;
}

/// Made anew but for its sets: what they remember stays.
Result<void> Detour::set(const std::string& rules, bool with_arp)
{
    const std::string type = is_6_ ? "ipv6_addr" : "ipv4_addr";
    const std::string head = fmt::format(
        "add table netdev {0}\n"
        "add set netdev {0} moves {{ type {1}; flags timeout; timeout {2}s; }}\n"
        "add set netdev {0} begun {{ type {1} . inet_service . inet_service; size {3}; flags "
        "dynamic,timeout; timeout {4}; }}\n"
        "add chain netdev {0} flows\n"
        "add chain netdev {0} arrives {{ type filter hook ingress device \"{5}\" priority -300; }}\n"
        "flush chain netdev {0} flows\n"
        "flush chain netdev {0} arrives\n"
        "add rule netdev {0} arrives meta pkttype host {6} daddr @moves meta l4proto tcp jump flows\n",
        table_, type, lifetime.count(), most_remembered, remembered_for, interface_, is_6_ ? "ip6" : "ip");
    // One that was left by another role of this host.
    const std::string before = fmt::format("add table arp {0}\ndelete table arp {0}\n", table_);
    TRY(set_packet_rules((is_6_ ? "" : before) + head + rules));
    has_arp_ = with_arp;  // where it was refused, what was set before stands
    is_set_ = true;
    Result<void> counts = renew();
    if (!counts) end();
    return counts;
}

Result<void> Detour::renew()
{
    if (!is_set_) return {};
    std::string commands;
    for (const std::string_view family : {"netdev", "arp"}) {
        if (family == "arp" && !has_arp_) continue;
        // An element that is there keeps its time.
        for (const std::string_view verb : {"add", "delete", "add"})
            commands += fmt::format("{} element {} {} moves {{ {} }}\n", verb, family, table_, address_);
    }
    return set_packet_rules(commands);
}

Result<void> Detour::pass_old_on(const std::string& older, const std::vector<uint16_t>& held_ports)
{
    if (!is_number(older, is_6_)) return no_number(older);
    const std::string_view ip = is_6_ ? "ip6" : "ip";
    const std::string key = fmt::format("{} saddr . tcp sport . tcp dport", ip);
    const std::string rule = fmt::format("add rule netdev {} flows ", table_);
    std::string rules;
    if (!held_ports.empty())
        rules = fmt::format("{}{} tcp dport {{ {} }} update @begun {{ {} }} accept\n", rule, begins,
                            fmt::join(held_ports, ", "), key);
    rules += fmt::format("{}{} drop\n", rule, begins);
    rules += fmt::format("{0}{1} @begun update @begun {{ {1} }} accept\n", rule, key);
    rules += fmt::format("{}fwd {} to {} device \"{}\"\n", rule, ip, older, interface_);
    return set(rules, false);
}

Result<void> Detour::pass_new_on(const std::string& newer, const std::string& own)
{
    if (!is_number(newer, is_6_)) return no_number(newer);
    if (!is_number(own, is_6_)) return no_number(own);
    const std::string_view ip = is_6_ ? "ip6" : "ip";
    const std::string key = fmt::format("{} saddr . tcp sport . tcp dport", ip);
    const std::string rule = fmt::format("add rule netdev {} flows ", table_);
    onward_ = fmt::format("fwd {} to {} device \"{}\"", ip, newer, interface_);
    std::string rules = fmt::format("{0}{1} update @begun {{ {2} }} {3}\n", rule, begins, key, onward_);
    // One that cannot be remembered is not heard, and tries again.
    rules += fmt::format("{}{} drop\n", rule, begins);
    rules += fmt::format("{0}{1} @begun update @begun {{ {1} }} {2}\n", rule, key, onward_);
    // A neighbour solicitation is answered as before: nft has no name for its target before 1.0.7, and who
    // comes here by it is passed on.
    if (!is_6_)
        rules += fmt::format(
            "add table arp {0}\n"
            "add set arp {0} moves {{ type ipv4_addr; flags timeout; timeout {1}s; }}\n"
            "add chain arp {0} arrives {{ type filter hook input priority 0; }}\n"
            "add chain arp {0} leaves {{ type filter hook output priority 0; }}\n"
            "add rule arp {0} arrives arp operation request arp daddr ip @moves drop\n"
            "add rule arp {0} leaves arp saddr ip @moves arp saddr ip set {2}\n",
            table_, lifetime.count(), own);
    return set(rules, !is_6_);
}

Result<void> Detour::pass_all_on()
{
    if (onward_.empty()) return fail(ErrorKind::refused, "nothing is passed on");
    return set(fmt::format("add rule netdev {} flows {}\n", table_, onward_), false);
}

Result<void> Detour::hold_new_back()
{
    return set(fmt::format("add rule netdev {} flows {} drop\n", table_, begins), false);
}

void Detour::end()
{
    if (!is_set_) return;
    is_set_ = false;
    std::string commands = fmt::format("delete table netdev {}\n", table_);
    if (has_arp_) commands += fmt::format("delete table arp {}\n", table_);
    static_cast<void>(set_packet_rules(commands).has_value());
}

void Detour::remove(int64_t number)
{
    for (const std::string_view family : {"netdev", "arp"})
        static_cast<void>(
            set_packet_rules(
                fmt::format("add table {0} belay-{1}\ndelete table {0} belay-{1}\n", family, number))
                .has_value());
}

}  // namespace belay::host
