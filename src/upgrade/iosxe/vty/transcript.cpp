#include "upgrade/iosxe/vty/transcript.h"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace belay::upgrade::iosxe::vty {
namespace {

std::string now_as_text()
{
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

Result<Transcript> Transcript::open(const std::string& path)
{
    Transcript transcript;
    transcript.path_ = path;
    transcript.file_ =
        host::Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!transcript.file_) return std::unexpected(system_error("keep the transcript " + path, errno));
    return transcript;
}

Result<void> Transcript::add(std::string_view line)
{
    std::string text;
    text.reserve(line.size() + 1);
    for (const char c : line)
        text += (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f ? '?' : c;
    text += '\n';
    return write(text);
}

Result<void> Transcript::note(std::string_view what)
{
    return write(fmt::format("--- {} {}\n", now_as_text(), what));
}

Result<void> Transcript::keep()
{
    if (!file_ || fsync(file_.number()) == 0) return {};
    return std::unexpected(system_error("keep the transcript " + path_, errno));
}

Result<void> Transcript::write(std::string_view text)
{
    while (file_ && !text.empty()) {
        const ssize_t count = ::write(file_.number(), text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return std::unexpected(system_error("write the transcript " + path_, errno));
        text.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

}  // namespace belay::upgrade::iosxe::vty
