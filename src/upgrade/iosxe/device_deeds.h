#pragma once
// The pieces of work on a device that take long, as the console does them: each goes on until the device
// shows what was wanted, or says why not. A line that is lost, and another operation that is on its way, are
// waited out.

#include "upgrade/iosxe/console.h"
#include "upgrade/iosxe/device_actions.h"

namespace belay::upgrade::iosxe {

/// What notes of the console are about.
namespace noted {
inline constexpr const char* nothing_begun = "begun";  ///< asked, and nothing that was typed before goes on
std::string verified(const std::string& file);         ///< the digest that the device has found
}  // namespace noted

namespace deed {

/// Copies the image where it is not there in its size, and lets the device verify it. Errors: corrupt (it is
/// another file), not_found (it has no file here, and does not lie there), those of Terminal::carry().
Console::Deed carry(Console& console, const std::string& device, const DeviceImage& image);
/// Lets the device fetch the image and verify it. A file that is there was brought by an earlier one, whose
/// copy may go on where `may_go_on`: where it is not whole it is removed, and fetched anew. Errors: corrupt
/// (it is another file), refused (what the device says).
Console::Deed fetch(Console& console, const std::string& device, const DeviceImage& image, bool may_go_on);
/// `ours`: whether the file is to go from the active member, and from the other. `waits`: until it does not
/// grow any more.
Console::Deed remove_file(Console& console, const std::string& device, const std::string& file, bool waits,
                          std::function<std::pair<bool, bool>(const DeviceLook&)> ours);
/// Until both members have the image. Errors: refused (what the device says; or one does not have it).
Console::Deed add(const DeviceImage& image);
/// Until neither has an image of that release that was added, no ISSU state is left, and nothing of
/// left_by_clearing(). Errors: refused, with what a person has to do. The host must outlive it.
Console::Deed take_out(Console& console, const std::string& device, const std::string& release,
                       host::Host& host, const std::string& transcript);
/// Types it once; what becomes of it the device shows. Errors: refused (the device says so).
Console::Deed activate();
Console::Deed one_step(const std::string& file);
/// Until both are hot on `from`. Errors: refused, with what a person has to do.
Console::Deed go_back(Console& console, const std::string& device, const std::string& from);
/// Until both have committed the release. Errors: refused.
Console::Deed commit(const std::string& release, const std::string& from);
Console::Deed remove_inactive();

}  // namespace deed

/// What `clear install state` has left to do, as a transcript shows it: a member that it has not reached, or
/// `service internal`. No member shows the first, and an earlier belayd may have typed it. Empty: nothing.
std::string left_by_clearing(host::Host& host, const std::string& transcript, const DeviceLook& look);

/// Both hot on it, and no in-service upgrade goes on or waits for its commit.
bool is_back_on(const DeviceLook& look, const std::string& release);
/// Something was added, and is neither activated nor taken out.
bool is_added(const DeviceLook& look, const std::string& release);
/// The device itself goes back.
bool goes_back(const DeviceLook& look);
/// What is to be done by hand where the device does not go back to `from`.
Error stuck(const DeviceLook& look, const std::string& from, const std::string& said);

}  // namespace belay::upgrade::iosxe
