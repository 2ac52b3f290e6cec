#pragma once
// The disks on which the package grub-pc sets up GRUB anew whenever it is upgraded, as Debian keeps them in
// the answer to the question grub-pc/install_devices. One of them that is not there makes the upgrade fail; a
// disk that starts the host and is not among them keeps boot code that no longer fits what is below /boot.
// Source: grub-pc.postinst; debconf-devel(7); debconf-communicate(1).

#include "operation/act.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace belay::storage::grub_devices {

/// debconf's own file: its programs would lock it, and an apt that runs meanwhile would fail.
inline constexpr const char* path = "/var/cache/debconf/config.dat";

using List = std::vector<std::string>;

/// The answer in the text of debconf's file; nothing where the question was never asked.
std::optional<List> parse(std::string_view text);
/// Errors: those of the host. No such file: nothing.
Result<std::optional<List>> read(host::Host& host);

/// Names that come and go; the others keep their places.
struct Edit {
    List add, drop;
};
List edited(List list, const Edit& edit);

/// Answers the question anew. `known`: the list as it is when the plan is made, to show the command. Back:
/// what came goes, what went comes back.
operation::Act change(const List& known, const Edit& edit);

/// The name is in the list.
operation::Question names(const std::string& disk);

operation::Question fingerprint();

void fill(operation::Catalogue& catalogue);

}  // namespace belay::storage::grub_devices
