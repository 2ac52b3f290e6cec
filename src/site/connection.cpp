#include "site/connection.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace belay::site {

Error not_allowed(const Peer& peer)
{
    return Error{.kind = ErrorKind::permission,
                 .what = fmt::format("{} may look here, and change nothing", user_name(peer.uid)),
                 .next = "sudo belay ..."};
}

Connection::Connection(Loop& loop, Workers& workers, const Methods& methods, host::Descriptor socket,
                       Peer peer, Loop::Callback ended)
    : loop_(loop),
      workers_(workers),
      methods_(methods),
      socket_(std::move(socket)),
      peer_(peer),
      ended_(std::move(ended)),
      quiet_since_(boot_now())
{
}

Connection::~Connection()
{
    if (pause_) loop_.cancel(*pause_);
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
    while (!over_) {
        write_some();
        if (!out_.empty() || over_) break;
        if (doing_ == Doing::sending) {
            send_piece();
            continue;
        }
        if (doing_ == Doing::following && changed_) follow();
        if (doing_ != Doing::reading) break;
        if (const auto message = framer_.take()) {
            begin(*message);
        } else if (closing_) {
            end();
        } else {
            break;
        }
    }
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
    const auto method = methods_.find(request->method);
    if (method == methods_.end())
        return send(error_message(Error{.kind = ErrorKind::not_found,
                                        .what = fmt::format("belayd knows no method {}", request->method)}));
    const bool may_change = peer_.uid == 0 || peer_.uid == geteuid();
    if (method->second.access == Access::change && !may_change)
        return send(error_message(not_allowed(peer_)));
    running_ = Running{&method->second, {std::move(request->parameters), request->more, peer_, may_change}};
    topic_.clear();
    run();
}

void Connection::run()
{
    doing_ = Doing::running;
    changed_ = false;
    const auto started = workers_.run([this]() -> Loop::Callback {
        return [this, reply = running_->method->answer(running_->call)] {
            take_reply(reply);
            go_on();
        };
    });
    if (!started) take_reply(std::unexpected(started.error()));
}

void Connection::take_reply(const Result<Reply>& reply)
{
    const bool more = reply && running_->call.more;
    const bool follows = more && !reply->topic.empty() && !stopping_;
    doing_ = follows ? Doing::following : Doing::reading;
    answered_ = boot_now();
    if (!socket_) return end();
    if (more && reply->rest) {
        rest_ = reply->rest;
        piece_ = reply->parameters;
        running_.reset();
        return send_piece();
    }
    send(reply ? answer_message({reply->parameters, follows}) : error_message(reply.error()));
    if (follows)
        topic_ = reply->topic;
    else
        running_.reset();
}

void Connection::send_piece()
{
    const Json piece = *std::move(piece_);
    piece_ = rest_();
    doing_ = piece_ ? Doing::sending : Doing::reading;
    if (!piece_) rest_ = nullptr;
    send(answer_message({piece, piece_.has_value()}));
}

void Connection::follow()
{
    if (boot_now() >= answered_ + between_answers) return run();
    if (pause_) return;
    pause_ = loop_.at(answered_ + between_answers, [this] {
        pause_.reset();
        go_on();
    });
}

void Connection::topic_changed(const std::string& topic)
{
    // While the first answer is made its topic is not known yet, so any change may be one of it.
    if (doing_ == Doing::reading || (!topic_.empty() && topic_ != topic)) return;
    changed_ = true;
    if (doing_ == Doing::following) go_on();
}

void Connection::refuse(const Error& error)
{
    close_after_answer();
    send(error_message(error));
    go_on();
}

void Connection::stop()
{
    stopping_ = true;
    close_after_answer();
    if (doing_ == Doing::following) doing_ = Doing::reading;
    go_on();
}

void Connection::close_after_answer()
{
    closing_ = true;
    framer_ = {};
}

void Connection::send(std::string message)
{
    if (message.size() > max_message_bytes + 1)
        message =
            error_message(Error{.what = fmt::format("the answer is longer than {} bytes", max_message_bytes),
                                .next = "ask for less, or with \"more\" where it comes in pieces"});
    out_ += message;
}

void Connection::listen_for_events()
{
    uint32_t events = 0;
    if (!out_.empty())
        events = EPOLLOUT;
    else if (doing_ == Doing::reading && !closing_)
        events = EPOLLIN;
    loop_.change(watch_, events);
}

void Connection::hang_up()
{
    loop_.forget(watch_);
    socket_.close();
    out_ = {};
    framer_ = {};
    rest_ = nullptr;
    if (doing_ != Doing::running) end();
}

void Connection::end()
{
    if (over_) return;
    over_ = true;
    ended_();
}

}  // namespace belay::site
