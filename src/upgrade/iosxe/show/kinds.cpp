#include "upgrade/iosxe/show/kinds.h"

#include "upgrade/iosxe/show/boot.h"
#include "upgrade/iosxe/show/copy.h"
#include "upgrade/iosxe/show/dir.h"
#include "upgrade/iosxe/show/install_outcome.h"
#include "upgrade/iosxe/show/install_version.h"
#include "upgrade/iosxe/show/issu_rollback.h"
#include "upgrade/iosxe/show/issu_state.h"
#include "upgrade/iosxe/show/module.h"
#include "upgrade/iosxe/show/packages.h"
#include "upgrade/iosxe/show/platform.h"
#include "upgrade/iosxe/show/redundancy.h"
#include "upgrade/iosxe/show/redundancy_states.h"
#include "upgrade/iosxe/show/shown.h"
#include "upgrade/iosxe/show/stack_ports.h"
#include "upgrade/iosxe/show/stackwise_virtual.h"
#include "upgrade/iosxe/show/verify.h"
#include "upgrade/iosxe/show/version.h"

#include <algorithm>
#include <array>

namespace belay::upgrade::iosxe::show {
namespace {

using printed::Kind;

/// A text that a template can be made of.
template <size_t n>
struct Literal {
    char text[n]{};
    consteval Literal(const char (&from)[n]) { std::copy_n(from, n, text); }
    constexpr std::string_view view() const { return {text, n - 1}; }
};

template <Literal before, Literal command, Literal behind>
struct Joined {
    static constexpr auto text = [] {
        std::array<char, before.view().size() + command.view().size() + behind.view().size()> all{};
        auto at = std::ranges::copy(before.view(), all.begin()).out;
        at = std::ranges::copy(command.view(), at).out;
        std::ranges::copy(behind.view(), at);
        return all;
    }();
    static constexpr std::string_view view() { return {text.data(), text.size()}; }
};

/// One reader on one text, as JSON.
template <Literal command, auto read>
Result<Json> as_json(std::string_view text)
{
    Json json;
    if constexpr (requires { read(text, command.view()); })
        to_json(json, TRY(read(text, command.view())));
    else
        to_json(json, TRY(read(text)));
    return json;
}

/// A person's text may have lost the end of its last line on the way here, by an editor or a clipboard. It is
/// taken as whole where that line ends with what is no beginning of something else.
template <Literal command, auto read>
Result<Json> as_pasted(std::string_view text)
{
    const std::string_view last = text.substr(text.rfind('\n') + 1);
    if (last.empty() || text.size() > printed::largest_text) return as_json<command, read>(text);
    if (!ends_as_a_line(last))
        return printed::cut(command.view(), "its last line has no end, and nothing shows that it is whole");
    return as_json<command, read>(std::string(text) + '\n');
}

template <Literal command, auto read>
constexpr Kind kind(std::string_view summary)
{
    return {Joined<"iosxe:", command, "">::view(), summary, Joined<"ssh SWITCH \"", command, "\"">::view(),
            as_pasted<command, read>};
}

constexpr std::array all_kinds{
    kind<"clear install state", read_install_outcome>("how the clearing of what was added went"),
    kind<"copy", read_copy>("how the copy of a file from a URL went"),
    kind<"dir", read_dir>("files, and room on a file system"),
    kind<"install abort", read_install_outcome>("how an abort went"),
    kind<"install activate", read_install_outcome>("how an activation went"),
    kind<"install add", read_install_outcome>("how an add went, and on which members"),
    kind<"install auto-abort-timer", read_install_outcome>("how the stopping of the device's timer went"),
    kind<"install commit", read_install_outcome>("how a commit went"),
    kind<"install remove", read_install_outcome>("how the removal of what does not run went"),
    kind<"show boot", read_boot>("what each member would start with, and whether by itself"),
    kind<"show boot system", read_boot>("the same, of each switch"),
    kind<"show bootvar", read_boot>("the same, as variables"),
    kind<"show install active", read_install_summary>("packages that are active"),
    kind<"show install committed", read_install_summary>("packages that are committed"),
    kind<"show install inactive", read_install_summary>("packages that were added and do not run"),
    kind<"show install package", read_install_package>("one package"),
    kind<"show install rollback", read_rollback_points>("points that could be returned to"),
    kind<"show install rollback id", read_rollback_point>("one of them"),
    kind<"show install summary", read_install_summary>("packages, in which state and where; the abort timer"),
    kind<"show install uncommitted", read_install_summary>("packages that a reload would take back"),
    kind<"show install version all", read_install_versions>("all versions whose packages are there"),
    kind<"show install version summary", read_install_versions>("versions that are installed"),
    kind<"show issu rollback-timer", read_issu_rollback>("whether the device would roll back, and when"),
    kind<"show issu state detail", read_issu_state>("how far an upgrade in service is"),
    kind<"show module", read_modules>("cards of a chassis"),
    kind<"show platform", read_platform>("slots of a chassis, or switches of a stack"),
    kind<"show redundancy", read_redundancy>("both processors, and whether the other could take over"),
    kind<"show redundancy config-sync failures", read_config_sync_failures>(
        "what is not in step between them"),
    kind<"show redundancy states", read_redundancy_states>("the same in short"),
    kind<"show redundancy switchover history", read_switchover_history>("switch-overs"),
    kind<"show stackwise-virtual", read_stackwise_virtual>("domain and links of a pair of chassis"),
    kind<"show stackwise-virtual dual-active-detection pagp", read_dual_active_pagp>(
        "ports that tell when both are active"),
    kind<"show stackwise-virtual link", read_svl_links>("states of the links"),
    kind<"show stackwise-virtual neighbors", read_svl_neighbours>("what is on the other end of each link"),
    kind<"show switch", read_switches>("members of a stack or pair"),
    kind<"show switch detail", read_switches>("members, and their stack ports"),
    kind<"show switch stack-ports", read_stack_ports>("states of stack ports"),
    kind<"show switch stack-ports detail", read_stack_ports_detail>("counters of stack ports"),
    kind<"show switch stack-ports summary", read_stack_ports_summary>("stack ports and their cables"),
    kind<"show switch stack-ring speed", read_stack_ring>("the ring of a stack"),
    kind<"show version", read_version>("what runs, since when, on which members"),
    kind<"show version installed", read_packages>("packages of which the software consists"),
    kind<"show version provisioned", read_packages>("packages that the next start takes"),
    kind<"show version rp", read_packages>("packages on one supervisor"),
    kind<"show version running", read_packages>("packages that run"),
    kind<"verify", read_verify>("the digest of a file"),
};

}  // namespace

std::span<const Kind> kinds()
{
    return all_kinds;
}

const Kind* kind_named(std::string_view name)
{
    constexpr std::string_view family = "iosxe:";
    // The device takes both cases of letters: `show version RP active running`.
    std::string lower(name);
    for (char& letter : lower)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter | 0x20);
    name = lower;
    const Kind* found = nullptr;
    for (const Kind& one : all_kinds) {
        const bool has_arguments = name.starts_with(one.name) &&
                                   name.substr(one.name.size()).starts_with(' ') &&
                                   takes_arguments(one.name.substr(family.size()));
        const bool is_longer = found == nullptr || one.name.size() > found->name.size();
        if (is_longer && (name == one.name || has_arguments)) found = &one;
    }
    return found;
}

}  // namespace belay::upgrade::iosxe::show
