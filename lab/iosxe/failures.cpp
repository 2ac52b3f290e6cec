#include "iosxe/failures.h"

#include <array>

namespace belay::lab::iosxe {

std::span<const Failure> failures()
{
    static constexpr std::array<Failure, 17> all = {{
        {failure::add_fails,
         "install add passes on the active member and fails on the other: cp: cannot stat "
         "'/tmp/packages.conf'"},
        {failure::abort_refused,
         "install abort issu is refused in every state (in ADDED state it always is)"},
        {failure::not_hot, "the standby is cold, and stays so"},
        {failure::bundle_boot, "both members (or one) have booted an image, not packages.conf"},
        {failure::no_space, "the standby's flash is full"},
        {failure::left_behind, "the old active member comes up with the old version after the switch-over"},
        {failure::clear_one, "clear install state reaches the active member alone"},
        {failure::never_hot, "whoever comes up beside an active member stays cold"},
        {failure::image_damaged, "what is carried or copied into the flash arrives with one byte changed"},
        {failure::autoboot_off, "Manual Boot = yes on a member (the standby unless told)"},
        {failure::uncommitted, "a version that was activated and never committed is there from before"},
        {failure::added, "an add that went wrong is there from before: Added state"},
        {failure::timer_soon,
         "the auto abort timer runs out in ten seconds; set before an activation: ten minutes after its "
         "switch-over"},
        {failure::server_refuses, "the web server of a copy has no such file"},
        {failure::copy_breaks,
         "the web server of a copy ends the connection in the middle, and a part stays in the flash"},
        {failure::copy_goes_on,
         "a copy goes on when its line is lost; without this it ends, and a part stays in the flash"},
        {failure::no_space_here, "the active member's flash is full"},
    }};
    return all;
}

}  // namespace belay::lab::iosxe
