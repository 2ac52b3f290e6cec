#pragma once
// What an upgrade of a device consists of, for plans: actions, conditions, a fingerprint.
//
// Actions; each has arguments {"device", "transcript", "lines"} besides those named; "lines" is all that it
// may type besides look_lines(), the way back included. Releases as release_in() has them.
//
//     iosxe.carry            {"file": "/path", "url", "to": "flash:x.bin", "bytes", "algorithm":
//                             "md5"|"sha512", "digest": hexadecimal}
//                            copies the file by SCP, or lets the device fetch the URL (neither: it lies
//                            there), and lets the device verify it; undone: the file is removed, unless it
//                            was there before
//     iosxe.add              {"to", "release", "from"}
//                            install add; undone: install remove inactive, and clear install state where the
//                            device still says Added
//     iosxe.activate         {"release", "from"}
//                            install activate issu, until both are hot on it; undone: install abort issu,
//                            until both are hot on "from"
//     iosxe.commit           {"release", "from"}
//                            install commit. One way.
//     iosxe.remove-inactive  {"release"}
//                            install remove inactive, behind a commit. One way.
//     iosxe.one-step         {"to", "release", "from"}
//                            install add ... activate issu commit. One way.
//
// Their steps want a stalled_after: half an hour for carry, add and commit, an hour for activate and
// one-step. While a chassis comes up nothing moves, and nobody can ask; the step's limit is what ends that.
//
// Conditions {"device", ...}; all of one round ask one look:
//
//     iosxe.reachable {}              its line can be used, with privilege
//     iosxe.install-mode {}           both boot by packages.conf
//     iosxe.redundant {}              SSO, one active, one hot, communications up
//     iosxe.starts-by-itself {}       autoboot on both
//     iosxe.quiet {}                  no ISSU operation, nothing but committed packages, no abort timer
//     iosxe.room {"bytes"}            so much is free on both
//     iosxe.may-follow {"release"}    another release than the one that runs on both; older: a warning
//     iosxe.runs {"release"}          a gate: both hot on it, and the device has not gone back by itself
//
// Fingerprint iosxe.device {"device"}: of each member release, mode and packages with their states.

#include "operation/act.h"
#include "upgrade/iosxe/console.h"

namespace belay::upgrade::iosxe {

/// Adds all of the above. The console must outlive the catalogue.
void add_device_actions(operation::Catalogue& catalogue, Console& console);

/// What is to be brought onto a device.
struct DeviceImage {
    std::string file;       ///< on this host; without it and `url` it lies in the flash already
    std::string url = {};   ///< https, from where the device fetches it
    std::string to;         ///< "flash:cat9k_iosxe.17.09.05.SPA.bin"
    uint64_t bytes = 0;     ///< of the file
    std::string algorithm;  ///< "md5" or "sha512"
    std::string digest;     ///< hexadecimal
    std::string release;    ///< "17.9.5"
};

/// Each ready to become a step; `transcript`: "@OWN-FOLDER@/transcript".
operation::Act carry(const std::string& device, const DeviceImage& image, const std::string& transcript);
operation::Act add(const std::string& device, const DeviceImage& image, const std::string& from,
                   const std::string& transcript);
operation::Act activate(const std::string& device, const DeviceImage& image, const std::string& from,
                        const std::string& transcript);
operation::Act commit(const std::string& device, const DeviceImage& image, const std::string& from,
                      const std::string& transcript);
operation::Act remove_inactive(const std::string& device, const DeviceImage& image,
                               const std::string& transcript);
operation::Act one_step(const std::string& device, const DeviceImage& image, const std::string& from,
                        const std::string& transcript);

/// Stops the device's own abort timer, where it runs: for an operation whose timer was stopped or extended.
/// Errors: those of the terminal; refused (it runs still).
Result<void> stop_abort_timer(Console& console, const std::string& device, const std::string& transcript);

}  // namespace belay::upgrade::iosxe
