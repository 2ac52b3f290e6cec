#include "messages_journal.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>

namespace belay::bench {

Result<double> fill_journal(const std::string& folder, uint64_t count, Milliseconds between)
{
    std::filesystem::create_directory(folder);
    const auto begun = std::chrono::steady_clock::now();
    const std::string command = fmt::format(
        "/lib/systemd/systemd-journal-remote --split-mode=none -o '{}/external.journal' - >/dev/null 2>&1",
        folder);
    FILE* const pipe = ::popen(command.c_str(), "we");
    if (pipe == nullptr) return std::unexpected(system_error("run systemd-journal-remote", errno));
    SampleMessages sample(between);
    for (uint64_t i = 0; i < count; ++i) {
        const framework::messages::Message message = sample.next();
        const int64_t at = message.at.count() * 1000;
        fmt::print(
            pipe,
            "__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n"
            "PRIORITY={}\n_HOSTNAME={}\nSYSLOG_IDENTIFIER={}\nEVENT={}\nINTERACTION={}\nMESSAGE={}\n\n",
            at, at, static_cast<int>(message.level) + 1, message.host, message.application,
            to_text(message.id), message.interaction, message.text);
    }
    if (::pclose(pipe) != 0) return fail(ErrorKind::failed, "systemd-journal-remote ended with an error");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

}  // namespace belay::bench
