#include "iosxe/calendar.h"
#include "iosxe/texts.h"

#include <algorithm>

namespace belay::lab::iosxe::text {
namespace {

using std::chrono::duration_cast;

std::string counted(int64_t number, std::string_view what)
{
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

/// "1 day, 3 hours, 43 minutes"; at least the minutes.
std::string lasting(Milliseconds time)
{
    constexpr int64_t day = 1440, week = 7 * day;
    const int64_t minutes = std::max<int64_t>(0, duration_cast<std::chrono::minutes>(time).count());
    std::string text;
    if (minutes >= week) text += counted(minutes / week, "week") + ", ";
    if (minutes >= day) text += counted(minutes / day % 7, "day") + ", ";
    if (minutes >= 60) text += counted(minutes / 60 % 24, "hour") + ", ";
    return text + counted(minutes % 60, "minute");
}

std::string hours_minutes_seconds(Milliseconds time)
{
    const int64_t seconds = std::max<int64_t>(0, duration_cast<std::chrono::seconds>(time).count());
    return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

struct Release {
    int major, minor;
    std::string_view name;
};

/// The names that Cisco gives to its trains.
std::string_view train(const Version& version)
{
    constexpr std::array<Release, 7> releases = {{{16, 8, "Fuji"},
                                                  {16, 12, "Gibraltar"},
                                                  {17, 3, "Amsterdam"},
                                                  {17, 6, "Bengaluru"},
                                                  {17, 9, "Cupertino"},
                                                  {17, 12, "Dublin"},
                                                  {17, 15, "IOSXE"}}};
    const std::string_view rest = std::string_view(version.running).substr(version.running.find('.') + 1);
    int minor = 0;
    for (const char digit : rest.substr(0, rest.find('.'))) minor = minor * 10 + (digit - '0');
    std::string_view name = "Everest";
    for (const Release& release : releases)
        if (version.major > release.major || (version.major == release.major && minor >= release.minor))
            name = release.name;
    return name;
}

/// The line of a version that show version and show redundancy share.
std::string long_version(std::string_view full)
{
    const Version version = version_of(full);
    return fmt::format(
        "Cisco IOS Software [{}], Catalyst L3 Switch Software (CAT9K_IOSXE), Version {}, RELEASE SOFTWARE "
        "(fc4)\n"
        "Technical Support: http://www.cisco.com/techsupport\n"
        "Copyright (c) 1986-{} by Cisco Systems, Inc.\n"
        "Compiled Mon 05-Nov-18 19:32 by mcpre\n",
        train(version), version.running, version.major < 17 ? 2018 : 2022);
}

std::string_view model(Kind kind)
{
    return kind == Kind::stackwise_virtual ? "C9500-40X" : "C9407R";
}

std::string_view mode_of(const Member& member)
{
    return member.bundle ? "BUNDLE" : "INSTALL";
}

std::string bundle_file(const Member& member)
{
    return fmt::format("cat9k_iosxe.{}.SPA.bin", version_of(member.running).padded);
}

std::string booted_from(const Member& member)
{
    return member.bundle ? "flash:" + bundle_file(member) : "flash:packages.conf";
}

/// Those that are there.
std::vector<const Member*> present(const State& state)
{
    std::vector<const Member*> found;
    for (const Member& member : state.members)
        if (member.role != Role::absent) found.push_back(&member);
    return found;
}

std::string location_name(const State& state, int member)
{
    return state.kind == Kind::stackwise_virtual ? fmt::format("{}", member) : fmt::format("R{}", member - 1);
}

std::string lock_lines(const State& state)
{
    const Member* active = state.active();
    const std::string where = state.kind == Kind::supervisors && is_17(active->running)
                                  ? fmt::format("R{}", active->number - 1)
                                  : fmt::format("{} {}", unit(state.kind), active->number);
    return fmt::format(
        "--- Starting local lock acquisition on {0} ---\nFinished local lock acquisition on {0}\n\n", where);
}

std::string timer_line(const State& state, Time now)
{
    if (!state.abort_timer || state.abort_timer->stopped) return "inactive";
    return "active on install_activate, time before rollback - " +
           hours_minutes_seconds(state.abort_timer->ends - now);
}

constexpr std::string_view dashes =
    "--------------------------------------------------------------------------------\n";

std::string package_set(const State& state, const std::vector<const Member*>& members,
                        std::string_view wanted, std::string_view title, Time now)
{
    std::vector<std::string> places;
    for (const Member* member : members) places.push_back(location_name(state, member->number));
    std::string text = fmt::format(
        "[ {}{} ] {} Package(s) Information:\n"
        "State (St): I - Inactive, U - Activated & Uncommitted,\n"
        "            C - Activated & Committed, D - Deactivated & Uncommitted\n{}Type  St   "
        "Filename/Version\n{}",
        state.kind == Kind::stackwise_virtual ? "Switch " : "", fmt::join(places, " "), title, dashes,
        dashes);
    bool any = false;
    for (const Package& package : members.front()->packages) {
        if (!wanted.contains(package.state)) continue;
        any = true;
        text += fmt::format("IMG   {}    {}\n", package.state, package.version);
    }
    if (!any) text += fmt::format("No {} Packages\n", title);
    return text + fmt::format("\n{0}Auto abort timer: {1}\n{0}", dashes, timer_line(state, now));
}

bool same_packages(const Member& one, const Member& other)
{
    return std::ranges::equal(one.packages, other.packages, [](const Package& left, const Package& right) {
        return left.version == right.version && left.state == right.state;
    });
}

std::string yes(bool is)
{
    return is ? "Yes" : "No";
}

std::string system_checks(const State& state)
{
    const Member& active = *state.active();
    const Member& standby = *state.standby();
    std::string text = "Current ISSU Status: Enabled\nPrevious ISSU Operation: N/A\n";
    const std::string rule(55, '=');
    text += fmt::format("{}\nSystem Check                        Status\n{}\n", rule, std::string(55, '-'));
    const auto line = [&](std::string_view check, std::string_view status) {
        text += fmt::format("{:<36}{}\n", check, status);
    };
    line("Platform ISSU Support", "Yes");
    line("Standby Online", yes(standby.role == Role::standby));
    line("Autoboot Enabled", yes(!active.manual_boot && !standby.manual_boot));
    line("SSO Mode", yes(state.standby_hot()));
    line("Install Boot", yes(!active.bundle && !standby.bundle));
    line("Valid Boot Media", "Yes");
    line("Operational Mode", state.kind == Kind::stackwise_virtual ? "HA-REMOTE" : "HA-LOCAL");
    return text + rule + "\n";
}

std::string processor(const Member& member, std::string_view location, std::string_view software_state,
                      Time now)
{
    std::string version = long_version(member.running);
    return fmt::format(
        "               {} = slot {}\n"
        "        Current Software state = {}\n"
        "       Uptime in current state = {}\n"
        "                 Image Version = {}"
        "                          BOOT = {};\n"
        "                   CONFIG_FILE = \n"
        "        Configuration register = 0x102\n",
        location, member.number, software_state, lasting(now - member.role_since), version,
        booted_from(member));
}

std::string boot_variables(const Member& member, std::string_view before)
{
    return fmt::format(
        "{0}BOOT variable = {1};\n{0}MANUAL_BOOT variable = {2}\n{0}BAUD variable = 9600\n"
        "{0}ENABLE_BREAK variable = no\n{0}BOOTMODE variable does not exist\n"
        "{0}IPXE_TIMEOUT variable does not exist\n{0}CONFIG_FILE variable = \n",
        before, booted_from(member), member.manual_boot ? "yes" : "no");
}

/// "02:50:1a:77:0b:00" for member 1, of the addresses that nobody owns.
std::string mac(int member, std::string_view form)
{
    return form == "dots" ? fmt::format("0250.1a77.{}b00", member)
                          : fmt::format("02:50:1a:77:{}b:00", member);
}

}  // namespace

std::string version(const State& state, Time now)
{
    const Member& active = *state.active();
    const Version running = version_of(active.running);
    std::string text = fmt::format("Cisco IOS XE Software, Version {}\n{}\n\n", running.padded,
                                   long_version(active.running));
    text +=
        "This device is a simulated one, of Belay's lab. Nothing of it is Cisco's but the manner in which\n"
        "it speaks.\n\n\n";
    text += fmt::format(
        "ROM: IOS-XE ROMMON\nBOOTLDR: System Bootstrap, Version {}.1r[FC2], RELEASE SOFTWARE (P)\n",
        running.running.substr(0, running.running.rfind('.')));
    text += fmt::format("{} uptime is {}\nUptime for this control processor is {}\n", state.hostname,
                        lasting(now - state.up_since), lasting(now - active.up_since));
    text += fmt::format(
        "System returned to ROM by {0}\nSystem image file is \"{1}\"\nLast reload reason: {0}\n\n\n\n",
        state.reload_reason, booted_from(active));
    text += fmt::format(
        "cisco {} (X86) processor with 1331521K/6147K bytes of memory.\nProcessor board ID LAB{:04}A{}\n",
        model(state.kind), 1000, active.number);
    text +=
        "1 Virtual Ethernet interface\n96 Ten Gigabit Ethernet interfaces\n"
        "32768K bytes of non-volatile configuration memory.\n16777216K bytes of physical memory.\n"
        "11264000K bytes of Flash at flash:.\n\n";
    const auto identity = [&](const Member& member) {
        return fmt::format(
            "Base Ethernet MAC Address          : {}\nModel Number                       : {}\n"
            "System Serial Number               : LAB1000A{}\n",
            mac(member.number, ""), model(state.kind), member.number);
    };
    text += identity(active);
    if (state.kind == Kind::supervisors) return text + "\n\nConfiguration register is 0x102\n\n";
    text +=
        "\nSwitch Ports Model              SW Version        SW Image              Mode   \n"
        "------ ----- -----              ----------        ----------            ----   \n";
    for (const Member* member : present(state))
        text += fmt::format("{}{:>5} {:<5} {:<18} {:<17} {:<21} {}\n", member == &active ? '*' : ' ',
                            member->number, 50, model(state.kind), version_of(member->running).running,
                            "CAT9K_IOSXE", mode_of(*member));
    for (const Member* member : present(state)) {
        if (member == &active) continue;
        text += fmt::format("\n\nSwitch {:02}\n---------\nSwitch uptime                      : {}\n\n",
                            member->number, lasting(now - member->up_since));
        text += identity(*member);
        text += fmt::format("Last reload reason                 : {}\n", state.reload_reason);
    }
    return text + "\nConfiguration register is 0x102\n\n";
}

std::string install_summary(const State& state, Time now, std::string_view states)
{
    const std::string_view title = states == "I"    ? "Inactive"
                                   : states == "C"  ? "Committed"
                                   : states == "UD" ? "Uncommitted"
                                   : states == "UC" ? "Active"
                                                    : "Installed";
    const std::vector<const Member*> members = present(state);
    if (members.size() == 2 && !same_packages(*members[0], *members[1]))
        return package_set(state, {members[0]}, states, title, now) + "\n" +
               package_set(state, {members[1]}, states, title, now);
    return package_set(state, members, states, title, now);
}

std::string issu_state(const State& state, Time now)
{
    const Member& active = *state.active();
    std::string text = lock_lines(state);
    if (is_17(active.running)) text += system_checks(state);
    if (!active.issu) return text + "No ISSU operation is in progress\n";
    const Issu& issu = *active.issu;
    text +=
        fmt::format("Operation type: {}\nInstall type  : Image installation using ISSU\nCurrent state : {}\n",
                    issu.one_shot ? "One-shot ISSU" : "Step-by-step ISSU", issu.state);
    text += fmt::format("Last operation: {}\n\nCompleted operations:\n\n{:<40}{}\n{}\n", issu.last,
                        "Operation", "Start time", std::string(59, '-'));
    for (const Issu::Done& done : issu.done)
        text += fmt::format("{:<40}{}\n", done.operation, issu_stamp(done.began));
    std::string timer = "inactive";
    if (state.abort_timer && !state.abort_timer->stopped)
        timer = "automatic, remaining time before rollback: " +
                hours_minutes_seconds(state.abort_timer->ends - now);
    return text + fmt::format(
                      "\nState transition: {}\n\nAuto abort timer: {}\nRunning image: {}\nOperating mode: "
                      "sso, terminal "
                      "state {}\n",
                      fmt::join(issu.transition, " -> "), timer, booted_from(active),
                      state.standby_hot() ? "reached" : "not reached");
}

std::string rollback_timer(const State& state, Time now)
{
    const std::string text = lock_lines(state);
    if (!state.active()->issu) return text + "Rollback: inactive, no ISSU operation is in progress\n";
    if (!state.abort_timer || state.abort_timer->stopped) return text + "Rollback: inactive\n";
    return text + fmt::format("Rollback: automatic, remaining time before rollback: {}\n",
                              hours_minutes_seconds(state.abort_timer->ends - now));
}

std::string redundancy(const State& state, Time now)
{
    const Member& active = *state.active();
    const Member& standby = *state.standby();
    const bool there = standby.role == Role::standby;
    const std::string rule(30, '-');
    std::string text = fmt::format(
        "Redundant System Information :\n{}\n"
        "       Available system uptime = {}\nSwitchovers system experienced = {}\n"
        "              Standby failures = {}\n        Last switchover reason = {}\n\n",
        rule, lasting(now - state.up_since), state.switchovers, state.standby_failures,
        state.switchover_reason);
    text += fmt::format(
        "                 Hardware Mode = {}\n    Configured Redundancy Mode = sso\n"
        "     Operating Redundancy Mode = {}\n              Maintenance Mode = Disabled\n"
        "                Communications = {}\n\n",
        there ? "Duplex" : "Simplex", there ? "sso" : "Non-redundant",
        there ? "Up" : "Down      Reason: Failure");
    text += fmt::format("Current Processor Information :\n{}\n{}\n", std::string(31, '-'),
                        processor(active, "Active Location", "ACTIVE", now));
    if (!there)
        return text +
               fmt::format("Peer (slot: {}) information is not available because it is in 'DISABLED' state\n",
                           standby.number);
    return text + fmt::format(
                      "Peer Processor Information :\n{}\n{}\n", rule,
                      processor(standby, "Standby Location",
                                standby.redundancy == Redundancy::hot ? "STANDBY HOT" : "STANDBY COLD", now));
}

std::string redundancy_states(const State& state)
{
    const Member& standby = *state.standby();
    const bool there = standby.role == Role::standby;
    const std::string peer = !there                                  ? "1  -DISABLED"
                             : standby.redundancy == Redundancy::hot ? "8  -STANDBY HOT"
                                                                     : "5  -STANDBY COLD";
    const std::string_view mode = there ? "sso" : "Non-redundant";
    return fmt::format(
        "       my state = 13 -ACTIVE \n     peer state = {} \n           Mode = {}\n           Unit = "
        "Primary\n"
        "        Unit ID = {}\n\n"
        "Redundancy Mode (Operational) = {}\nRedundancy Mode (Configured)  = sso\n"
        "Redundancy State              = {}\n     Maintenance Mode = Disabled\n    Manual Swact = {}\n"
        " Communications = {}\n\n"
        "   client count = 112\n client_notification_TMR = 30000 milliseconds\n           RF debug mask = "
        "0x0\n",
        peer, there ? "Duplex" : "Simplex", state.active()->number, mode, mode,
        state.standby_hot() ? "enabled" : "disabled (system is simplex (no peer unit))",
        there ? "Up" : "Down      Reason: Failure");
}

std::string boot(const State& state)
{
    if (state.kind == Kind::stackwise_virtual) return boot_system(state);
    std::string text = boot_variables(*state.active(), "") + "\n";
    if (state.standby()->role != Role::standby) return text + "Standby not ready to show bootvar\n\n";
    return text + boot_variables(*state.standby(), "Standby ") + "\n";
}

std::string boot_system(const State& state)
{
    const std::string rule(27, '-');
    std::string text;
    for (const Member* member : present(state))
        text += fmt::format(
            "{0}\nSwitch {1}\n{0}\nCurrent Boot Variables:\nBOOT variable = {2};\n\nBoot Variables on next "
            "reload:\n"
            "BOOT variable = {2};\nManual Boot = {3}\nEnable Break = no\nBoot Mode = DEVICE\niPXE Timeout = "
            "0\n",
            rule, member->number, booted_from(*member), member->manual_boot ? "yes" : "no");
    return text;
}

std::string directory(const State& state, const Member& member, std::string_view name)
{
    std::string text = fmt::format("Directory of {}/\n\n", name);
    int inode = 475138;
    const auto line = [&](std::string_view rights, uint64_t size, Time written, std::string_view file) {
        const Calendar at = calendar(written);
        text += fmt::format("{}  {}  {:>15}  {:>3} {:>2} {} {} +00:00  {}\n", inode++, rights, size,
                            at.month_name, at.day, at.year, at.time, file);
    };
    line("drwx", 4096, state.up_since, ".installer");
    line("-rw-", 7523, member.up_since, "packages.conf");
    uint64_t used = member.flash_other;
    for (const auto& [file, about] : member.files) {
        line("-rw-", about.size, about.written, file);
        used += about.size;
    }
    const uint64_t available = used < member.flash_total ? member.flash_total - used : 0;
    return text + fmt::format("\n{} bytes total ({} bytes free)\n", member.flash_total, available);
}

std::string switches(const State& state)
{
    std::string text = fmt::format(
        "Switch/Stack Mac Address : {} - Local Mac Address\nMac persistency wait time: Indefinite\n"
        "                                             H/W   Current\n"
        "Switch#   Role    Mac Address     Priority Version  State \n"
        "-------------------------------------------------------------------------------------\n",
        mac(state.active()->number, "dots"));
    for (const Member& member : state.members) {
        const bool leads = member.role == Role::active;
        const bool there = member.role != Role::absent;
        const std::string_view condition = !there                                  ? "Removed"
                                           : member.redundancy == Redundancy::cold ? "HA sync in progress"
                                                                                   : "Ready";
        text += fmt::format("{}{:<9}{:<9}{:<16}{:>4}     {:<7} {}\n", leads ? '*' : ' ', member.number,
                            leads   ? "Active"
                            : there ? "Standby"
                                    : "Member",
                            there ? mac(member.number, "dots") : "0000.0000.0000",
                            there ? 16 - member.number : 0, there ? "V01" : "", condition);
    }
    return text + "\n";
}

std::string stackwise_virtual(const State& state)
{
    std::string text =
        "Stackwise Virtual Configuration:\n--------------------------------\n"
        "Stackwise Virtual : Enabled\nDomain Number : 10\n\n"
        "Switch  Stackwise Virtual Link  Ports\n------  ----------------------  ------\n";
    for (const Member* member : present(state))
        text += fmt::format("{0:<8}{1:<24}FortyGigabitEthernet{0}/1/1\n", member->number, 1);
    return text + "\n";
}

std::string stackwise_virtual_link(const State& state)
{
    std::string text =
        "Stackwise Virtual Link(SVL) Information:\n----------------------------------------\nFlags:\n------\n"
        "Link Status\n-----------\nU-Up D-Down\nProtocol Status\n---------------\n"
        "S-Suspended P-Pending E-Error T-Timeout R-Ready\n-----------------------------------------------\n"
        "Switch  SVL     Ports                           Link-Status     Protocol-Status\n"
        "------  ---     -----                           -----------     ---------------\n";
    const bool both = present(state).size() == 2;
    for (const Member* member : present(state))
        text += fmt::format("{:<8}{:<8}{:<32}{:<16}{}\n", member->number, 1,
                            fmt::format("FortyGigabitEthernet{}/1/1", member->number), both ? "U" : "D",
                            both ? "R" : "E");
    return text + "\n";
}

std::string modules(const State& state)
{
    std::string text = fmt::format(
        "Chassis Type: {}\n\n"
        "Mod Ports Card Type                                   Model          Serial No.\n"
        "---+-----+--------------------------------------+--------------+--------------\n",
        model(state.kind));
    const std::vector<const Member*> members = present(state);
    for (const Member* member : members)
        text += fmt::format("{:<3} {:<5} {:<38} {:<14} LAB1000A{}\n", member->number + 2, 11,
                            "Supervisor 1 XL Module", "C9400-SUP-1XL", member->number);
    text +=
        "\nMod MAC addresses                    Hw   Fw           Sw                 Status\n"
        "---+--------------------------------+----+------------+------------------+--------\n";
    for (const Member* member : members)
        text += fmt::format("{0:<3} 0250.1A77.{1}B00 to 0250.1A77.{1}B0A {2:<4} {3:<12} {4:<18} ok\n",
                            member->number + 2, member->number, "2.1", "16.12.2r",
                            version_of(member->running).padded);
    text +=
        "\nMod Redundancy Role     Operating Mode  Configured Mode  Redundancy Status\n"
        "---+-------------------+---------------+---------------+------------------\n";
    for (const Member* member : members) {
        const bool leads = member->role == Role::active;
        text += fmt::format("{:<3} {:<19} {:<15} {:<16} {}\n", member->number + 2,
                            leads ? "Active" : "Standby", "sso", "sso",
                            leads                                   ? "Active"
                            : member->redundancy == Redundancy::hot ? "Standby Hot"
                                                                    : "Standby Cold");
    }
    return text + "\nChassis MAC address range: 44 addresses from 0250.1a77.0b00 to 0250.1a77.0b2b\n\n";
}

std::string verified(std::string_view file, std::string_view algorithm, std::string_view found,
                     std::string_view wanted)
{
    std::string text = std::string(40, '.') + "Done!\n";
    if (wanted.empty()) return text + fmt::format("verify /{} ({}) = {}\n", algorithm, file, found);
    if (wanted == found) return text + fmt::format("Verified ({}) = {}\n", file, found);
    return text + fmt::format("%Error verifying {}\nComputed signature  = {}\nSubmitted signature = {}\n",
                              file, found, wanted);
}

std::string removable(const State& state, Time now)
{
    std::string text = start(Task::remove_inactive, now, state.zone);
    text +=
        "Cleaning up unnecessary package files\n"
        "No path specified, will use booted path /flash/packages.conf\n"
        "Cleaning /flash\n  Scanning boot directory for packages ... done.\n"
        "  Preparing packages list to delete ... done.\n\nThe following files will be deleted:\n";
    for (const Member* member : present(state)) {
        text += fmt::format("[{}]:\n", location_name(state, member->number));
        for (const auto& [file, about] : member->files)
            if (!about.version.empty()) text += fmt::format("/flash/{}\n", file);
        for (const Package& package : member->packages)
            if (package.state == "I")
                text += fmt::format("/flash/cat9k-rpbase.{}.SPA.pkg\n", version_of(package.version).padded);
    }
    return text + "\n";
}

std::string accessing(std::string_view url)
{
    return fmt::format("Accessing {}...\n", url);
}

std::string loading(std::string_view url)
{
    return fmt::format("Loading {} ", url);
}

std::string copied(uint64_t bytes, Milliseconds took)
{
    const auto milliseconds = std::max<int64_t>(took.count(), 1);
    return fmt::format("\n[OK - {0} bytes]\n\n{0} bytes copied in {1}.{2:03} secs ({3} bytes/sec)\n", bytes,
                       milliseconds / 1000, milliseconds % 1000,
                       bytes * 1000 / static_cast<uint64_t>(milliseconds));
}

std::string copy_failed(std::string_view doing, std::string_view url, std::string_view why)
{
    return fmt::format("%Error {} {} ({})\n", doing, url, why);
}

}  // namespace belay::lab::iosxe::text
