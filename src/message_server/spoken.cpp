#include "message_server/spoken.h"

#include "framework/messages/own_events.h"
#include "message_server/spoken_line.h"

#include <cerrno>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace belay::message_server {
namespace {

/// Read of one connection before the next has its turn.
constexpr size_t bytes_at_once = 64 << 10;
/// Answers that nobody reads are no reason to keep more.
constexpr size_t most_unheard_bytes = 16 << 10;

}  // namespace

Result<host::Descriptor> listen_for_speakers(const std::string& path)
{
    host::Descriptor listener = TRY(site::listen_at(path, ""));
    if (chmod(path.c_str(), 0666) != 0)
        return std::unexpected(system_error("let everybody speak at " + path, errno));
    return listener;
}

/// One connection.
class Spoken::Talk {
  public:
    Talk(Spoken& all, uint64_t id, host::Descriptor socket, Origin origin)
        : all_(all),
          id_(id),
          socket_(std::move(socket)),
          origin_(std::move(origin)),
          identity_(all.speakers_.identify(origin_)),
          lines_(all.room_)
    {
    }
    ~Talk() { all_.loop_.forget(watch_); }
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;

    const std::string& name() const { return identity_.speaker.name; }

    Result<void> open()
    {
        watch_ = TRY(all_.loop_.watch(socket_.number(), EPOLLIN, [this](uint32_t events) { ready(events); }));
        return {};
    }

    void refuse(std::string_view why)
    {
        answer({{"error", why}});
        shutdown(socket_.number(), SHUT_RDWR);
    }

    void identify_anew() { identity_ = all_.speakers_.identify(origin_); }

    /// Answers, and goes on with what came behind the question.
    void kept(int64_t sync)
    {
        answer({{"kept", sync}, {"dropped", std::exchange(dropped_, 0)}});
        is_waiting_ = false;
        const std::string behind = std::exchange(behind_, {});
        for (std::string_view rest = behind; !rest.empty();) {
            const size_t end = rest.find('\n');
            hand(rest.substr(0, end));
            rest.remove_prefix(end + 1);
        }
        if (is_waiting_) return;
        if (!open()) return all_.end(id_);
        listen();
    }

  private:
    /// Of one that waits for its answer nothing is to be heard, not even that it has hung up: what it has
    /// sent before that counts.
    void listen()
    {
        if (is_waiting_)
            all_.loop_.forget(std::exchange(watch_, 0));
        else
            all_.loop_.change(watch_, EPOLLIN | (out_.empty() ? 0U : static_cast<uint32_t>(EPOLLOUT)));
    }

    void ready(uint32_t events)
    {
        if ((events & EPOLLOUT) != 0) write_some();
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) return read_some();
        listen();
    }

    void read_some()
    {
        const ssize_t count = recv(socket_.number(), all_.buffer_.get(), bytes_at_once, MSG_DONTWAIT);
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (count <= 0) {
            lines_.finish([this](std::string_view line) { take_line(line); });
            return all_.end(id_);
        }
        take({all_.buffer_.get(), static_cast<size_t>(count)});
        listen();
    }

    void take(std::string_view bytes)
    {
        lines_.feed(bytes, [this](std::string_view line) { hand(line); });
        for (uint64_t skipped = lines_.take_skipped(); skipped > 0; --skipped) {
            ++dropped_;
            all_.keeper_.count_dropped(identity_.speaker, Level::standard);
        }
    }

    void hand(std::string_view line)
    {
        if (!is_waiting_) return take_line(line);
        behind_ += line;
        behind_ += '\n';
    }

    void take_line(std::string_view line)
    {
        identity_.otherwise.at = wall_now();
        Result<SpokenLine> spoken = read_spoken(line, identity_.otherwise);
        if (!spoken) return complain(spoken.error());
        if (spoken->sync) return wait_for(*spoken->sync);
        complete(all_.texts_->catalogue, spoken->message, spoken->has_level);
        if (spoken->message.level > identity_.log_level) {
            ++all_.not_wanted_;
            return;
        }
        if (!all_.keeper_.offer(identity_.speaker, std::move(spoken->message))) ++dropped_;
    }

    void wait_for(int64_t sync)
    {
        is_waiting_ = true;
        all_.keeper_.when_kept(identity_.speaker, [loop = &all_.loop_, all = &all_, id = id_, sync,
                                                   there = std::weak_ptr(all_.there_)] {
            loop->post([all, id, sync, there] {
                if (there.expired()) return;
                const auto talk = all->talks_.find(id);
                if (talk != all->talks_.end()) talk->second->kept(sync);
            });
        });
    }

    /// Once for each connection: one that says nothing else would fill everything with it.
    void complain(const Error& error)
    {
        answer({{"error", error.what}});
        ++dropped_;
        if (std::exchange(has_complained_, true)) return;
        Message message = own_message(framework::messages::own::no_messages,
                                      {{"speaker", name()}, {"reason", error.what}}, wall_now());
        message.application = identity_.speaker.application;
        all_.keeper_.offer(identity_.speaker, std::move(message));
    }

    void answer(const Json& json)
    {
        if (out_.size() > most_unheard_bytes) return;
        out_ += json_text(json) + '\n';
        write_some();
    }

    void write_some()
    {
        while (!out_.empty()) {
            const ssize_t count =
                send(socket_.number(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 && errno == EAGAIN) return;
            // Who does not listen may speak on.
            if (count < 0) return out_.clear();
            out_.erase(0, static_cast<size_t>(count));
        }
    }

    Spoken& all_;
    const uint64_t id_;
    host::Descriptor socket_;
    const Origin origin_;
    Identity identity_;
    Lines lines_;
    site::Loop::WatchId watch_ = 0;
    std::string out_;
    std::string behind_;  ///< lines that came behind a question that is not answered yet
    uint64_t dropped_ = 0;
    bool is_waiting_ = false;
    bool has_complained_ = false;
};

Spoken::~Spoken()
{
    loop_.forget(listening_);
}

Result<void> Spoken::open()
{
    buffer_ = std::make_unique<char[]>(bytes_at_once);
    listening_ = TRY(loop_.watch(listener_.number(), EPOLLIN, [this](uint32_t) { accept_all(); }));
    return {};
}

void Spoken::accept_all()
{
    // Not for ever: those who have come in have their turn.
    for (int i = 0; i < 64; ++i) {
        host::Descriptor socket(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!socket) return;
        take_in(std::move(socket));
    }
}

void Spoken::take_in(host::Descriptor socket)
{
    Origin origin = speakers_.origin_of(socket.number());
    auto talk = std::make_unique<Talk>(*this, ++last_id_, std::move(socket), std::move(origin));
    const std::string name = talk->name();
    const bool has_room = talks_.size() < most_connections && of_speaker_[name] < most_of_one;
    if (!has_room) {
        talk->refuse(fmt::format("{} has {} connections already", name, of_speaker_[name]));
        if (of_speaker_[name] == 0) of_speaker_.erase(name);
        return;
    }
    if (!talk->open()) return;
    ++of_speaker_[name];
    talks_.emplace(last_id_, std::move(talk));
    count_ = talks_.size();
}

/// Not at once: it is the connection itself that says so.
void Spoken::end(uint64_t id)
{
    loop_.post([this, id, there = std::weak_ptr(there_)] {
        if (there.expired()) return;
        const auto talk = talks_.find(id);
        if (talk == talks_.end()) return;
        const auto count = of_speaker_.find(talk->second->name());
        if (count != of_speaker_.end() && --count->second == 0) of_speaker_.erase(count);
        talks_.erase(talk);
        count_ = talks_.size();
    });
}

void Spoken::described_anew()
{
    of_speaker_.clear();
    for (const auto& [id, talk] : talks_) {
        talk->identify_anew();
        ++of_speaker_[talk->name()];
    }
}

}  // namespace belay::message_server
