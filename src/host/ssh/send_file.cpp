// SCP's sink protocol, as `scp -t` of OpenSSH and of IOS XE speaks it: a line with mode, size and name, the
// bytes, a zero; after each the other side says one byte, and a line where that is not zero.
//
// Not by ssh_scp_write() and its like: libssh calls them deprecated, and they quote the path for a shell,
// which IOS XE has none of.

#include "host/descriptor.h"
#include "host/ssh/cutoff.h"
#include "host/ssh/session.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <sys/stat.h>

namespace belay::host::ssh {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t piece = 32 << 10;
constexpr size_t longest_excuse = 300;

Result<void> check_path(const std::string& to)
{
    const auto is_plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("._-:/+").find(c) != std::string_view::npos;
    };
    const bool is_path = !to.empty() && to.front() != '-' && to.back() != '/' && to.back() != ':';
    if (is_path && std::ranges::all_of(to, is_plain)) return {};
    return fail(ErrorKind::usage,
                fmt::format("nothing is carried to \"{}\": a path may have letters, digits and ._-:/+", to));
}

/// The other side of the protocol.
class Sink {
  public:
    Sink(Channel& channel, Milliseconds patience) : channel_(channel), patience_(patience) {}

    /// Waits for its word.
    Result<void> agrees()
    {
        const Clock::time_point deadline = Clock::now() + patience_;
        while (heard_.empty()) TRY(hear(deadline));
        return judge();
    }
    /// How many bytes it takes now. What it says meanwhile can only be why it takes no more.
    Result<size_t> takes()
    {
        const size_t room = TRY(channel_.await_room(patience_));
        if (room > 0) return room;
        TRY(agrees());
        return fail(ErrorKind::refused, "the device says that it has the file before it was sent");
    }

  private:
    static std::unexpected<Error> ended()
    {
        return fail(ErrorKind::refused, "the device takes no file by SCP",
                    "ip scp server enable, and privilege 15 for the user");
    }
    Result<void> hear(Clock::time_point deadline)
    {
        const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
        if (left <= Milliseconds{0})
            return fail(ErrorKind::timeout, fmt::format("nothing was said for {}", to_text(patience_)));
        const auto more = TRY(channel_.hear(left));
        if (!more) return ended();
        heard_ += *more;
        return {};
    }
    Result<void> judge()
    {
        const char word = heard_.front();
        heard_.erase(0, 1);
        if (word == 0) return {};
        const Clock::time_point deadline = Clock::now() + patience_;
        while (heard_.find('\n') == std::string::npos && heard_.size() < longest_excuse) {
            if (!hear(deadline)) break;
        }
        // One that is no word is the front of a sentence.
        std::string excuse = word == 1 || word == 2 ? std::string() : std::string(1, word);
        for (const char c : std::string_view(heard_).substr(0, longest_excuse)) {
            if (c == '\n') break;
            if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) excuse += c;
        }
        const bool is_full =
            excuse.find("No space") != std::string::npos || excuse.find("enough space") != std::string::npos;
        return fail(is_full ? ErrorKind::no_space : ErrorKind::refused,
                    fmt::format("the device does not take the file: {}",
                                excuse.empty() ? std::string("it does not say why") : excuse));
    }

    Channel& channel_;
    const Milliseconds patience_;
    std::string heard_;
};

Result<void> send_bytes(int file, uint64_t total, Channel& channel, Sink& sink, Milliseconds patience,
                        const Session::Progress& progress)
{
    std::string room(piece, '\0');
    uint64_t done = 0;
    while (done < total) {
        const size_t taken = TRY(sink.takes());
        const ssize_t got =
            ::read(file, room.data(),
                   static_cast<size_t>(std::min({uint64_t{room.size()}, uint64_t{taken}, total - done})));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::unexpected(system_error("read the file", errno));
        if (got == 0) return fail(ErrorKind::io, "the file became shorter while it was sent");
        TRY(channel.say(std::string_view(room).substr(0, static_cast<size_t>(got)), patience));
        done += static_cast<uint64_t>(got);
        TRY(progress(done, total));
    }
    return {};
}

}  // namespace

Result<void> Session::send_file(const std::string& path, const std::string& to, Milliseconds patience,
                                const Progress& progress)
{
    TRY(check_path(to));
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::unexpected(system_error("open " + path, errno));
    struct stat status{};
    if (fstat(file.number(), &status) != 0) return std::unexpected(system_error("look at " + path, errno));
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::usage, fmt::format("{} is no file", path));
    const auto total = static_cast<uint64_t>(status.st_size);

    cutoff_->in(patience);
    Channel channel = TRY(open_channel());
    if (ssh_channel_request_exec(channel.channel_, fmt::format("scp -t {}", to).c_str()) != SSH_OK)
        return std::unexpected(broken("begin SCP"));
    cutoff_->never();
    Sink sink(channel, patience);
    TRY(sink.agrees());
    const std::string name = to.substr(to.find_last_of(":/") + 1);
    TRY(channel.say(fmt::format("C0644 {} {}\n", total, name), patience));
    TRY(sink.agrees());
    TRY(send_bytes(file.number(), total, channel, sink, patience, progress));
    TRY(channel.say(std::string_view("\0", 1), patience));
    TRY(sink.agrees());
    return channel.end_saying();
}

}  // namespace belay::host::ssh
