#include "store/etcd/testing/cutting_proxy.h"

#include "base/invariant.h"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::store {
namespace {

constexpr int data_frame = 0, headers_frame = 1, end_stream = 1;
constexpr size_t frame_header_bytes = 9;

sockaddr_in loopback(int port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    return address;
}

bool send_all(int socket, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
}

/// What has come; empty where the other side is gone.
std::string receive(int socket)
{
    std::string bytes(64 << 10, '\0');
    const ssize_t got = recv(socket, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
}

}  // namespace

std::vector<CuttingProxy::Frames::Frame> CuttingProxy::Frames::feed(std::string_view bytes)
{
    std::vector<Frame> frames;
    for (size_t at = 0; at < bytes.size();) {
        if (skip_ > 0) {
            const size_t step = std::min(skip_, bytes.size() - at);
            skip_ -= step;
            at += step;
            continue;
        }
        const size_t missing = frame_header_bytes - header_.size();
        const std::string_view more = bytes.substr(at, missing);
        const size_t begin = header_.empty() ? at : 0;
        header_ += more;
        at += more.size();
        if (header_.size() < frame_header_bytes) break;
        const auto byte = [this](size_t i) { return static_cast<unsigned char>(header_[i]); };
        skip_ = (size_t{byte(0)} << 16) | (size_t{byte(1)} << 8) | byte(2);
        frames.push_back({.at = begin, .type = byte(3), .flags = byte(4)});
        header_.clear();
    }
    return frames;
}

CuttingProxy::CuttingProxy(std::string target) : target_(std::move(target))
{
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    INVARIANT(listener_ >= 0 && bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
              listen(listener_, 64) == 0);
    INVARIANT(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thread_ = std::thread([this] { run(); });
}

CuttingProxy::~CuttingProxy()
{
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    eventfd_write(wake_, 1);
    thread_.join();
    for (Line& line : lines_) break_line(line);
    ::close(listener_);
    ::close(wake_);
}

std::string CuttingProxy::endpoint() const
{
    return fmt::format("127.0.0.1:{}", port_);
}

void CuttingProxy::arm(Next next)
{
    const std::lock_guard lock(mutex_);
    next_ = next;
}

bool CuttingProxy::armed()
{
    const std::lock_guard lock(mutex_);
    return next_ != Next::pass;
}

size_t CuttingProxy::breaks()
{
    const std::lock_guard lock(mutex_);
    return breaks_;
}

void CuttingProxy::cut()
{
    std::unique_lock lock(mutex_);
    cutting_ = true;
    eventfd_write(wake_, 1);
    done_.wait(lock, [this] { return !cutting_; });
}

void CuttingProxy::refuse(bool refuse)
{
    {
        const std::lock_guard lock(mutex_);
        refusing_ = refuse;
    }
    cut();
}

void CuttingProxy::deliver()
{
    std::unique_lock lock(mutex_);
    const auto held = [this] { return std::ranges::find(lines_, true, &Line::held_whole); };
    done_.wait(lock, [&] { return held() != lines_.end(); });
    Line& line = *held();
    line.delivering = true;
    INVARIANT(send_all(line.server, line.held));
    done_.wait(lock, [&] { return held() == lines_.end(); });
}

void CuttingProxy::run()
{
    while (true) {
        std::vector<pollfd> polled = {{.fd = listener_, .events = POLLIN, .revents = 0},
                                      {.fd = wake_, .events = POLLIN, .revents = 0}};
        {
            const std::lock_guard lock(mutex_);
            for (const Line& line : lines_) {
                polled.push_back({.fd = line.client, .events = POLLIN, .revents = 0});
                polled.push_back({.fd = line.server, .events = POLLIN, .revents = 0});
            }
        }
        poll(polled.data(), polled.size(), -1);
        std::vector<std::optional<std::string>> received(polled.size());
        for (size_t i = 2; i < polled.size(); ++i) {
            if (polled[i].revents != 0) received[i] = receive(polled[i].fd);
        }
        const std::lock_guard lock(mutex_);
        if (ending_) return;
        size_t at = 2;
        for (auto line = lines_.begin(); line != lines_.end(); at += 2) {
            const bool goes_on = (!received[at] || from_client(*line, *received[at])) &&
                                 (!received[at + 1] || from_server(*line, *received[at + 1]));
            if (!goes_on) break_line(*line);
            line = goes_on ? std::next(line) : lines_.erase(line);
        }
        if (polled[1].revents != 0) obey();
        if (polled[0].revents != 0) accept_one();
    }
}

void CuttingProxy::obey()
{
    eventfd_t ignored = 0;
    eventfd_read(wake_, &ignored);
    if (!cutting_) return;
    for (Line& line : lines_) break_line(line);
    lines_.clear();
    cutting_ = false;
    done_.notify_all();
}

void CuttingProxy::accept_one()
{
    Line line;
    line.client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    line.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(std::stoi(target_.substr(target_.rfind(':') + 1)));
    if (!refusing_ &&
        connect(line.server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
        lines_.push_back(std::move(line));
    } else {
        break_line(line);
    }
}

void CuttingProxy::break_line(Line& line)
{
    if (line.client >= 0) {
        ::close(line.client);
        ++breaks_;
    }
    if (line.server >= 0) ::close(line.server);
    line.client = line.server = -1;
}

bool CuttingProxy::from_client(Line& line, const std::string& bytes)
{
    if (bytes.empty()) return false;
    if (line.holds) return hold(line, bytes);
    for (const Frames::Frame& frame : line.requests.feed(bytes)) {
        if (frame.type == headers_frame && next_ != Next::pass) return meet(line, bytes, frame);
    }
    return send_all(line.server, bytes);
}

bool CuttingProxy::meet(Line& line, std::string_view bytes, const Frames::Frame& request)
{
    const Next next = std::exchange(next_, Next::pass);
    if (next == Next::swallow_answer) next_ = next;
    if (next == Next::lose_answer || next == Next::swallow_answer) {
        line.answer_is_lost = next == Next::lose_answer;
        return send_all(line.server, bytes);
    }
    if (next == Next::lose_request || !send_all(line.server, bytes.substr(0, request.at))) return false;
    line.holds = true;
    line.requests = Frames(0);
    return hold(line, bytes.substr(request.at));
}

bool CuttingProxy::hold(Line& line, std::string_view bytes)
{
    line.held += bytes;
    bool ended = false;
    for (const Frames::Frame& frame : line.requests.feed(bytes)) {
        ended = ended || (frame.type == data_frame && (frame.flags & end_stream) != 0);
    }
    if (!ended || !line.requests.between_frames()) return true;
    line.held_whole = true;
    ::close(line.client);
    line.client = -1;
    ++breaks_;
    done_.notify_all();
    return true;
}

bool CuttingProxy::from_server(Line& line, const std::string& bytes)
{
    if (bytes.empty()) return false;
    bool answered = false;
    for (const Frames::Frame& frame : line.answers.feed(bytes))
        answered = answered || frame.type == headers_frame;
    if (line.delivering && answered) {
        line.held_whole = false;
        done_.notify_all();
        return false;
    }
    if (line.answer_is_lost && answered) return false;
    if (next_ == Next::swallow_answer) return true;
    return line.client < 0 || send_all(line.client, bytes);
}

}  // namespace belay::store
