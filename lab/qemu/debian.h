#pragma once
// A Debian on one disk, its root on a mirror of one leg, that boots by UEFI or by BIOS. Both are made once,
// from the machine's own package sources and in one go, and kept in the build folder.

#include "base/result.h"
#include "qemu/vm.h"

#include <string>

namespace belay::lab {

/// The installed disk and the firmware's variables that belong to it; nobody may change them: copy_image().
struct Debian {
    std::string disk;       ///< a raw image, sparse; with a GPT and boots by BIOS too, or with an MBR
    std::string variables;  ///< the UEFI firmware knows the disk's boot loader

    /// Makes what is not there yet: some five minutes the first time. Needs root. Errors: failed, with what
    /// the tools said; those of Vm::boot.
    static Result<Debian> installed(Firmware firmware);
    static constexpr const char* serial = "LAB-a";  ///< of the disk at its installation
};

/// A copy that keeps holes. Errors: failed.
Result<void> copy_image(const std::string& from, const std::string& to);

/// A blank disk as large as the installed one. Errors: io.
Result<void> make_blank(const std::string& path);

}  // namespace belay::lab
