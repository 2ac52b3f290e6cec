#pragma once
// What can be wrong with the pair, by name. A failure is there from the moment it is set until it is taken
// away; those that strike once say so.

#include <span>
#include <string_view>

namespace belay::lab::iosxe {

struct Failure {
    std::string_view name;
    std::string_view what;
};

namespace failure {

inline constexpr std::string_view add_fails = "add-fails-on-standby";
inline constexpr std::string_view abort_refused = "abort-refused";
inline constexpr std::string_view not_hot = "standby-not-hot";
inline constexpr std::string_view bundle_boot = "bundle-boot";
inline constexpr std::string_view no_space = "no-space-on-standby";
inline constexpr std::string_view left_behind = "member-left-behind";
inline constexpr std::string_view clear_one = "clear-reaches-one";
inline constexpr std::string_view never_hot = "standby-never-hot";
inline constexpr std::string_view image_damaged = "image-damaged";
inline constexpr std::string_view autoboot_off = "autoboot-off";
inline constexpr std::string_view uncommitted = "uncommitted-before";
inline constexpr std::string_view added = "added-before";
inline constexpr std::string_view timer_soon = "timer-expires";
inline constexpr std::string_view server_refuses = "server-refuses";
inline constexpr std::string_view copy_breaks = "copy-breaks-off";
inline constexpr std::string_view copy_goes_on = "copy-goes-on";
inline constexpr std::string_view no_space_here = "no-space-on-active";

}  // namespace failure

/// All of them, as `--help` lists them.
std::span<const Failure> failures();

}  // namespace belay::lab::iosxe
