#pragma once
// For tests: mounts that nobody else sees.

#include <doctest/doctest.h>
#include <functional>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <thread>

namespace belay::backup {

/// Runs in a thread whose mounts nobody else sees; false where mounts are not allowed here.
inline bool with_own_mounts(const std::function<void()>& act)
{
    bool is_allowed = false;
    std::thread([&] {
        // A thread that shares its root folder with others may not leave their mounts.
        is_allowed = ::unshare(CLONE_FS | CLONE_NEWNS) == 0 &&
                     ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        if (is_allowed) act();
    }).join();
    if (!is_allowed) MESSAGE("not tried: no mounts are allowed here");
    return is_allowed;
}

/// Nobody can write below `folder` any more, not even root. Inside of with_own_mounts().
inline void make_read_only(const std::string& folder)
{
    REQUIRE(::mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) == 0);
    REQUIRE(::mount("none", folder.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0);
}

}  // namespace belay::backup
