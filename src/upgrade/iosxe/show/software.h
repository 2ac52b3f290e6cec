#pragma once
// The line in which IOS says what it is: in `show version`, and for each processor in `show redundancy`.

#include "upgrade/iosxe/show/shown.h"

namespace belay::upgrade::iosxe::show {

struct Software {
    std::string code_name;  ///< "Cupertino"; may be empty
    std::string name;       ///< "Catalyst L3 Switch"
    std::string image;      ///< "CAT9K_IOSXE"
    std::string version;    ///< "17.9.5"
    std::string label;      ///< "RELEASE SOFTWARE (fc3)", "[BLD_... 100]"; may be empty
};

/// "Cisco IOS Software [Cupertino], Catalyst L3 Switch Software (CAT9K_IOSXE), Version 17.9.5, RELEASE
/// SOFTWARE (fc3)", also in the older forms. Nothing where it is something else or is not whole.
std::optional<Software> software_of(std::string_view text);

/// "Compiled Fri 07-Aug-20 21:32 by mcpre".
struct Compiled {
    std::string when, by;
};
std::optional<Compiled> compiled_of(std::string_view text);

}  // namespace belay::upgrade::iosxe::show
