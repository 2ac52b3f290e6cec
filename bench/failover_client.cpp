#include "failover_client.h"

#include "host/real_time.h"

#include <algorithm>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace belay::bench {
namespace {

constexpr auto between_questions = std::chrono::milliseconds(2);
constexpr auto answer_limit = std::chrono::milliseconds(250);
/// A client that is late itself would see gaps that are none.
constexpr int client_priority = 20;
constexpr uint64_t timer_mark = UINT64_MAX;

sockaddr_in served_place()
{
    const std::string text = virtual_address;
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(served_port);
    inet_pton(AF_INET, text.substr(0, text.find('/')).c_str(), &place.sin_addr);
    return place;
}

/// "server-2 4711 primary".
int host_of(std::string_view answer, Serving serving)
{
    constexpr std::string_view begin = "server-";
    const bool counts = serving == Serving::any || answer.ends_with(" primary\n");
    const bool is_one = counts && answer.starts_with(begin) && answer.size() > begin.size();
    return is_one ? answer[begin.size()] - '0' : 0;
}

}  // namespace

AskingClient::AskingClient(const HostNetwork& network, Serving serving)
    : serving_(serving),
      wake_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      poll_(epoll_create1(EPOLL_CLOEXEC)),
      thread_([this, at = network.namespace_of(0)] { serve(at); })
{
}

AskingClient::~AskingClient()
{
    stopping_ = true;
    thread_.join();
}

void AskingClient::ask(Question& question, Nanoseconds now) const
{
    question.socket = host::Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    question.asked = now;
    // It ends without a trace, so that no port is waited for.
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(question.socket.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    epoll_event event{.events = EPOLLIN,
                      .data = {.u64 = static_cast<uint64_t>(&question - questions_.data())}};
    epoll_ctl(poll_.number(), EPOLL_CTL_ADD, question.socket.number(), &event);
    static const sockaddr_in place = served_place();
    // What becomes of it is heard later; one that fails at once has no answer.
    [[maybe_unused]] const int begun =
        connect(question.socket.number(), reinterpret_cast<const sockaddr*>(&place), sizeof place);
}

void AskingClient::listen(Question& question)
{
    std::array<char, 128> room{};
    const ssize_t size = recv(question.socket.number(), room.data(), room.size(), 0);
    question.socket.close();
    const int host = size > 0 ? host_of({room.data(), static_cast<size_t>(size)}, serving_) : 0;
    if (host == 0) return;
    const std::lock_guard lock(mutex_);
    answers_.push_back({.at = reading(CLOCK_BOOTTIME), .host = host});
    come_.notify_all();
}

void AskingClient::serve(int network)
{
    setns(network, CLONE_NEWNET);
    host::run_before_others(client_priority);
    const itimerspec often{.it_interval = {.tv_sec = 0, .tv_nsec = Nanoseconds(between_questions).count()},
                           .it_value = {.tv_sec = 0, .tv_nsec = 1}};
    timerfd_settime(wake_.number(), 0, &often, nullptr);
    epoll_event timer{.events = EPOLLIN, .data = {.u64 = timer_mark}};
    epoll_ctl(poll_.number(), EPOLL_CTL_ADD, wake_.number(), &timer);
    while (!stopping_) {
        std::array<epoll_event, 32> events{};
        const int count = epoll_wait(poll_.number(), events.data(), events.size(), -1);
        bool is_time = false;
        for (int i = 0; i < count; ++i) {
            const uint64_t mark = events.at(static_cast<size_t>(i)).data.u64;
            if (mark == timer_mark)
                is_time = true;
            else
                listen(questions_.at(mark));
        }
        if (!is_time) continue;
        uint64_t times = 0;
        [[maybe_unused]] const ssize_t done = read(wake_.number(), &times, sizeof times);
        const Nanoseconds now = reading(CLOCK_BOOTTIME);
        for (Question& question : questions_) {
            if (question.socket && now - question.asked > answer_limit) question.socket.close();
        }
        const auto rests = std::ranges::find_if(questions_, [](const Question& one) { return !one.socket; });
        if (rests != questions_.end()) ask(*rests, now);
    }
}

Result<Answer> AskingClient::await(Nanoseconds since, int but_not, Milliseconds limit)
{
    const auto until = std::chrono::steady_clock::now() + limit;
    std::unique_lock lock(mutex_);
    size_t looked_at =
        static_cast<size_t>(std::ranges::lower_bound(answers_, since, {}, &Answer::at) - answers_.begin());
    while (true) {
        for (; looked_at < answers_.size(); ++looked_at) {
            if (answers_[looked_at].host != but_not) return answers_[looked_at];
        }
        if (come_.wait_until(lock, until) == std::cv_status::timeout)
            return fail(ErrorKind::timeout, fmt::format("nobody answers at {} within {}", virtual_address,
                                                        belay::to_text(limit)));
    }
}

std::optional<Answer> AskingClient::before(Nanoseconds at) const
{
    const std::lock_guard lock(mutex_);
    const auto next = std::ranges::lower_bound(answers_, at, {}, &Answer::at);
    if (next == answers_.begin()) return std::nullopt;
    return *std::prev(next);
}

AskingClient::Gaps AskingClient::gaps(Nanoseconds since, Nanoseconds until) const
{
    const std::lock_guard lock(mutex_);
    Gaps gaps;
    const Answer* last = nullptr;
    for (const Answer& answer : answers_) {
        if (answer.at < since || answer.at > until) continue;
        ++gaps.answers;
        const Nanoseconds from = last == nullptr ? since : last->at;
        if (answer.at - from > gaps.longest) {
            gaps.longest = answer.at - from;
            gaps.longest_at = from;
        }
        if (last != nullptr && last->host != answer.host) ++gaps.changes;
        last = &answer;
    }
    gaps.longest = std::max(gaps.longest, until - (last == nullptr ? since : last->at));
    return gaps;
}

}  // namespace belay::bench
