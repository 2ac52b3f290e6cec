#pragma once
// A pair of Catalyst switches, or one with two supervisors, as it shows itself on its one command line: how
// it stands, the lines that change it, and what became of them.
//
// What a command says of itself decides nothing: "Completed" stands also behind what was refused, and the
// line is lost whenever a member reloads. What the device shows afterwards counts.

#include "upgrade/iosxe/show/boot.h"
#include "upgrade/iosxe/show/dir.h"
#include "upgrade/iosxe/show/install_summary.h"
#include "upgrade/iosxe/show/issu_state.h"
#include "upgrade/iosxe/show/redundancy.h"
#include "upgrade/iosxe/show/stackwise_virtual.h"
#include "upgrade/iosxe/show/switches.h"
#include "upgrade/iosxe/show/version.h"
#include "upgrade/iosxe/terminal.h"

#include <nlohmann/json_fwd.hpp>
#include <set>

namespace belay::upgrade::iosxe {

/// A release in one form, whatever the device calls it: "16.9.2" of "16.09.02", "16.9.2.0.2433" and
/// "cat9k_iosxe.16.09.02.SPA.bin"; a letter stays: "17.3.4b". Empty: there is none in the text.
std::string release_in(std::string_view text);

/// One of the two.
struct DeviceMember {
    std::string name;  ///< as the install engine calls it: "1", "2"; of supervisors "R0", "R1"
    bool is_active = false;
    std::string redundancy = {};  ///< "ACTIVE", "STANDBY HOT", ...; empty: nothing is known of it
    std::string release = {};     ///< that it runs, "17.9.5"; empty: not known
    std::string mode = {};        ///< "INSTALL", "BUNDLE"; empty: not known
    std::optional<bool> starts_by_itself = {};  ///< after a power cut (autoboot)
    std::optional<Bytes> free = {};             ///< of its flash
    std::vector<show::InstalledPackage> packages = {};

    bool is_hot() const { return redundancy == "ACTIVE" || redundancy == "STANDBY HOT"; }
    /// The state of the image of a release; nothing: it is not there.
    std::optional<show::PackageState> state_of(std::string_view release) const;
};

/// All that checks, gates and steps ask, at one moment.
struct DeviceLook {
    std::string model;                  ///< "C9500-40X"; may be empty
    std::string system_image;           ///< "flash:packages.conf"
    std::string unit;                   ///< what its members are: "switch", "supervisor"
    std::vector<DeviceMember> members;  ///< two, or fewer where one is gone; ordered by name
    show::Redundancy redundancy;
    show::IssuState issu;
    show::AutoAbortTimer timer;  ///< the device's own
    show::Directory flash;       ///< of the active member
    std::optional<show::Directory> standby_flash = {};
    std::optional<show::Switches> switches = {};                   ///< of two chassis
    std::optional<show::StackwiseVirtual> stackwise_virtual = {};  ///< the same

    const DeviceMember* active() const;
    const DeviceMember* standby() const;
    /// Two are there, and both run it.
    bool both_run(std::string_view release) const;
    /// The image of that release is in that state on two members.
    bool both_have(std::string_view release, show::PackageState state) const;
    /// Two are there, one active and one hot, by SSO, and they hear each other.
    bool is_redundant() const;
    /// The device is in the middle of an in-service upgrade, beyond what was added.
    bool is_upgrading() const;
    /// How far an in-service upgrade is: what it has done and where it has been, counted.
    uint64_t stages_done() const;
    /// "switch 1 ACTIVE 17.6.4, switch 2 STANDBY HOT 17.6.4, no ISSU operation".
    std::string to_text() const;
    /// "switch 2", "supervisor R1".
    std::string name_of(const DeviceMember& member) const { return unit + " " + member.name; }
};

/// What is typed to look: shows alone, which change nothing.
const std::vector<Line>& look_lines();

/// Errors: those of the terminal; unavailable (the line was lost, or the device shows less than all, as while
/// a member comes up); corrupt (what it shows is understood by none of the parsers, with the line that was
/// typed). Threads: as the terminal.
Result<DeviceLook> look(Terminal& terminal);
/// The same of answers that are there already, in the order of look_lines().
Result<DeviceLook> read_look(const std::vector<Answer>& answers);

/// The lines that change a device, with their limits and with what is said to the questions that they ask.
namespace line {

/// The device copies it itself, from an https:// URL. That it would write over a file is not answered.
Line fetch(std::string_view url, std::string_view file);
Line verify(std::string_view algorithm, std::string_view file);  ///< "md5" or "sha512"
Line remove_file(std::string_view file);
Line add(std::string_view file);
Line activate();
Line commit();
Line abort();
Line clear();
Line remove_inactive();
Line stop_timer();
Line one_step(std::string_view file);  ///< add, activate and commit in one: there is no way back
/// Without it older releases do not know clear(); and how it is taken away again.
std::vector<Line> service_internal();
std::vector<Line> no_service_internal();

}  // namespace line

/// What a command came to by its own words: an error with the device's sentence where it said that it failed,
/// on members by name. That the line was lost, or that it said nothing of its end, is no error. `command`: as
/// "install add". Errors: refused (it says that it did not succeed), busy (another is on its way).
Result<void> said_of(const Answer& answer, std::string_view command);

}  // namespace belay::upgrade::iosxe
