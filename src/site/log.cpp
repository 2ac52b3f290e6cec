#include "site/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/time.h>
#include <unistd.h>

namespace belay::site {
namespace {

constexpr std::array<std::string_view, 4> level_names = {"none", "standard", "trace", "all"};

/// "2026-11-27 07:28:40.123Z"
std::string now_text()
{
    timeval now{};
    gettimeofday(&now, nullptr);
    tm parts{};
    gmtime_r(&now.tv_sec, &parts);
    std::array<char, 32> text{};
    const size_t size = strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
    return fmt::format("{}.{:03}Z", std::string_view(text.data(), size), now.tv_usec / 1000);
}

}  // namespace

std::string_view name_of(LogLevel level)
{
    return level_names.at(static_cast<size_t>(level));
}

Result<LogLevel> log_level_named(std::string_view name)
{
    const auto* const found = std::ranges::find(level_names, name);
    if (found == level_names.end())
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no level of the log: there are {}", name,
                                                  fmt::join(level_names, ", ")));
    return static_cast<LogLevel>(found - level_names.begin());
}

Result<void> Log::write_to(const std::string& path)
{
    host::Descriptor file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
    if (!file) return std::unexpected(system_error("open the log " + path, errno));
    const std::lock_guard lock(mutex_);
    file_ = std::move(file);
    return {};
}

void Log::write(LogLevel level, std::string_view line)
{
    if (level > level_) return;
    std::string text = fmt::format("{} {:<8}  {}\n", now_text(), name_of(level), line);
    // One line each, whatever the world puts into a reason.
    std::ranges::replace_if(
        text.begin(), text.end() - 1, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
    const std::lock_guard lock(mutex_);
    // In one write, since processes share the file.
    const ssize_t written = ::write(file_ ? file_.number() : STDERR_FILENO, text.data(), text.size());
    static_cast<void>(written);  // as promised: a line that cannot be written is lost
}

}  // namespace belay::site
