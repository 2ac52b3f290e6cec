#include "site/connection.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::site {

namespace {

Caller caller_of(const Peer& peer)
{
    const bool is_ours = peer.uid == 0 || peer.uid == geteuid();
    return {.user = user_name(peer.uid),
            .origin = fmt::format("uid {}, pid {} by the local socket", peer.uid, peer.pid),
            .right = is_ours ? Right::administer : Right::view,
            .more_by = "sudo belay ...",
            .is_here = true};
}

}  // namespace

Connection::Connection(Loop& loop, Workers& workers, const Methods& methods, host::Descriptor socket,
                       const Peer& peer, Loop::Callback ended)
    : loop_(loop),
      workers_(workers),
      methods_(methods),
      socket_(std::move(socket)),
      caller_(caller_of(peer)),
      ended_(std::move(ended)),
      quiet_since_(boot_now())
{
}

Connection::~Connection()
{
    if (exchange_) exchange_->cancel();
    loop_.forget(watch_);
}

Result<void> Connection::open()
{
    watch_ = TRY(loop_.watch(socket_.number(), EPOLLIN, [this](uint32_t events) { ready(events); }));
    return {};
}

void Connection::ready(uint32_t events)
{
    if ((events & EPOLLERR) != 0 || ((events & EPOLLHUP) != 0 && (events & EPOLLIN) == 0)) return hang_up();
    if ((events & EPOLLIN) != 0) read_some();
    go_on();
}

void Connection::read_some()
{
    std::array<char, 64 << 10> room;
    const ssize_t count = recv(socket_.number(), room.data(), room.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        closing_ = true;
        return;
    }
    quiet_since_ = boot_now();
    if (const auto fed = framer_.feed({room.data(), static_cast<size_t>(count)}); !fed) {
        close_after_answer();
        send(error_message(fed.error()));
    }
}

void Connection::write_some()
{
    while (sent_ < out_.size()) {
        const ssize_t count =
            ::send(socket_.number(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return;
        if (count < 0) return hang_up();
        sent_ += static_cast<size_t>(count);
        quiet_since_ = boot_now();
    }
    out_ = {};
    sent_ = 0;
}

/// Does what can be done now, whatever has just happened.
void Connection::go_on()
{
    if (going_on_) return;  // an answer that came at once is sent by the loop below
    going_on_ = true;
    while (!over_) {
        write_some();
        if (!out_.empty() || over_) break;
        if (exchange_ && !exchange_->is_over()) {
            exchange_->taken();
            if (out_.empty()) break;
            continue;
        }
        exchange_.reset();
        if (const auto message = framer_.take()) {
            begin(*message);
        } else if (closing_) {
            end();
        } else {
            break;
        }
    }
    going_on_ = false;
    if (!over_ && socket_) listen_for_events();
}

void Connection::begin(const std::string& message)
{
    Result<Request> request = parse_request(message);
    if (!request) {
        // Whoever sends what is no request cannot be trusted to know where the next one begins.
        if (request.error().kind == ErrorKind::corrupt) close_after_answer();
        return send(error_message(request.error()));
    }
    const Result<const Method*> method = find_method(methods_, request->method, caller_);
    if (!method) return send(error_message(method.error()));
    exchange_ = std::make_shared<Exchange>(
        loop_, workers_, **method, Call{std::move(request->parameters), request->more, caller_},
        [this](const Result<Json>& answer, bool continues) {
            send(answer ? answer_message({*answer, continues}) : error_message(answer.error()));
            go_on();
        });
    exchange_->begin();
}

void Connection::topic_changed(const std::string& topic)
{
    if (exchange_) exchange_->topic_changed(topic);
}

void Connection::refuse(const Error& error)
{
    close_after_answer();
    send(error_message(error));
    go_on();
}

void Connection::stop()
{
    close_after_answer();
    if (exchange_) exchange_->settle();
    go_on();
}

void Connection::close_after_answer()
{
    closing_ = true;
    framer_ = {};
}

void Connection::send(std::string message)
{
    if (message.size() > max_message_bytes + 1) message = error_message(answer_too_long());
    out_ += message;
}

void Connection::listen_for_events()
{
    uint32_t events = 0;
    if (!out_.empty())
        events = EPOLLOUT;
    else if (!exchange_ && !closing_)
        events = EPOLLIN;
    loop_.change(watch_, events);
}

void Connection::hang_up()
{
    loop_.forget(watch_);
    socket_.close();
    out_ = {};
    framer_ = {};
    if (exchange_) exchange_->cancel();
    end();
}

void Connection::end()
{
    if (over_) return;
    over_ = true;
    ended_();
}

}  // namespace belay::site
