#include "procedures/boot_steps.h"

namespace belay::procedures {
namespace {

constexpr std::string_view after_kernel = R"HOOK(#!/bin/sh
# Keeps the EFI system partitions of this host alike after a kernel has come or gone: belay(1), "storage esp-sync".
# Whatever becomes of it, the package manager goes on.
command -v belay >/dev/null 2>&1 || exit 0
belay storage esp-sync >/dev/null || echo "belay: the copies of the EFI system partition are not up to date; run: belay storage esp-sync" >&2
exit 0
)HOOK";

constexpr std::string_view after_packages =
    R"HOOK(// Keeps the EFI system partitions of this host alike after a boot loader was installed: belay(1), "storage esp-sync".
DPkg::Post-Invoke { "if command -v belay >/dev/null 2>&1; then belay storage esp-sync >/dev/null || echo 'belay: the copies of the EFI system partition are not up to date; run: belay storage esp-sync' >&2; fi"; };
)HOOK";

}  // namespace

std::vector<BootHook> boot_hooks()
{
    return {{"/etc/kernel/postinst.d", "zz-belay-esp", after_kernel, true},
            {"/etc/kernel/postrm.d", "zz-belay-esp", after_kernel, true},
            {"/etc/apt/apt.conf.d", "90belay-esp", after_packages, false}};
}

}  // namespace belay::procedures
