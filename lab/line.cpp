#include "line.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::lab {

namespace {

/// As host::Outcome allows; a command that says more is stopped by its reader.
constexpr size_t out_limit = 16 << 20;
constexpr size_t err_limit = 64 << 10;

/// A guest that does not take its input for so long has hung.
constexpr auto guest_takes_within = std::chrono::seconds(30);

int number_of(const std::string& text)
{
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

Line::Line(int fd, std::function<Error()> reason) : fd_(fd), reason_(std::move(reason))
{
    reader_ = std::thread([this] { read(); });
}

Line::~Line()
{
    ::shutdown(fd_, SHUT_RDWR);
    reader_.join();
    ::close(fd_);
}

Result<void> Line::await(FrameType type, Milliseconds limit)
{
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, limit, [&] { return broken_ || state_ == type; });
    if (broken_) return std::unexpected(*broken_);
    if (!came)
        return fail(ErrorKind::timeout, fmt::format("the guest is not ready within {}", to_text(limit)));
    return {};
}

Result<size_t> Line::await_room(size_t wanted)
{
    std::unique_lock lock(mutex_);
    const bool room =
        changed_.wait_for(lock, guest_takes_within, [&] { return broken_ || not_taken_ < window; });
    if (broken_) return std::unexpected(*broken_);
    if (!room) return fail(ErrorKind::lost, "the guest does not take what is sent to it");
    const size_t size = std::min(wanted, window - not_taken_);
    not_taken_ += size;
    return size;
}

Result<void> Line::send(const Frame& frame)
{
    const std::string bytes = encode(frame);
    const std::lock_guard lock(sending_);
    for (size_t sent = 0; sent < bytes.size();) {
        const Result<size_t> room = await_room(bytes.size() - sent);
        if (!room) {
            // Half a frame may be on the line, so that no other can follow.
            ::shutdown(fd_, SHUT_RDWR);
            return std::unexpected(room.error());
        }
        for (const size_t end = sent + *room; sent < end;) {
            const ssize_t count = ::send(fd_, bytes.data() + sent, end - sent, MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return fail(ErrorKind::lost, "the guest has gone");
            sent += static_cast<size_t>(count);
        }
    }
    return {};
}

Result<uint32_t> Line::start(std::string payload)
{
    uint32_t command = 0;
    {
        const std::lock_guard lock(mutex_);
        command = ++last_command_;
        commands_.emplace(command, Transcript{});
    }
    if (const Result<void> sent = send({FrameType::start, command, std::move(payload)}); !sent) {
        forget(command);
        return std::unexpected(sent.error());
    }
    return command;
}

void Line::forget(uint32_t command)
{
    const std::lock_guard lock(mutex_);
    commands_.erase(command);
}

bool Line::wait(uint32_t command, Milliseconds limit, const std::function<bool(Transcript&)>& done)
{
    std::unique_lock lock(mutex_);
    Transcript& transcript = commands_.at(command);
    return changed_.wait_for(lock, limit, [&] { return done(transcript); });
}

void Line::read()
{
    Decoder decoder;
    for (std::array<char, 65536> bytes{};;) {
        const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return hang_up(reason_());
        decoder.feed({bytes.data(), static_cast<size_t>(count)});
        for (;;) {
            Result<std::optional<Frame>> frame = decoder.next();
            if (!frame) return hang_up(frame.error());
            if (!*frame) break;
            take(**std::move(frame));
        }
    }
}

void Line::take(Frame frame)
{
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
    if (frame.type == FrameType::hello || frame.type == FrameType::ready) state_ = frame.type;
    if (frame.type == FrameType::taken)
        not_taken_ -= std::min(not_taken_, static_cast<size_t>(number_of(frame.payload)));
    if (frame.type == FrameType::broken) broken_ = Error{.kind = ErrorKind::failed, .what = frame.payload};
    const auto found = commands_.find(frame.command);
    if (found == commands_.end()) return;  // nobody waits for it any more
    Transcript& transcript = found->second;
    switch (frame.type) {
        case FrameType::out:
            transcript.out += frame.payload;
            break;
        case FrameType::err:
            transcript.err += frame.payload;
            transcript.err.resize(std::min(transcript.err.size(), err_limit));
            break;
        case FrameType::exited:
            transcript.exit_code = number_of(frame.payload);
            break;
        case FrameType::not_started:
            transcript.failure = system_error("start the command", number_of(frame.payload));
            break;
        default:
            break;
    }
    if (transcript.out.size() > out_limit && !transcript.over())
        transcript.failure = Error{.kind = ErrorKind::corrupt, .what = "the command says more than 16 MiB"};
}

void Line::hang_up(const Error& error)
{
    const std::lock_guard lock(mutex_);
    if (!broken_) broken_ = error;
    for (auto& [number, transcript] : commands_)
        if (!transcript.over()) transcript.failure = broken_;
    changed_.notify_all();
}

}  // namespace belay::lab
