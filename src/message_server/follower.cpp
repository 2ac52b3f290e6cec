#include "message_server/follower.h"

#include "framework/messages/own_events.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::message_server {
namespace {

constexpr size_t piece_bytes = 128 << 10;
/// Of lines that become no messages the position is kept once in so much: each time is a write to the disk,
/// and after a crash they are looked at once more and still become none.
constexpr size_t most_unkept_bytes = 1 << 20;

std::string source_of(const DescribedApplication& application)
{
    return fmt::format("printed/{}", application.id);
}

Speaker speaker_of(const DescribedApplication& application)
{
    return {.name = application.name, .application = application.name};
}

bool keeps_all(const DescribedApplication& application)
{
    return application.log_level >= Level::trace;
}

/// Which file a position is in.
std::string_view segment_of(std::string_view position)
{
    return position.substr(0, position.rfind(' '));
}

}  // namespace

Result<std::unique_ptr<Follower>> Follower::open(OpenStore& store, Keeper& keeper)
{
    host::Descriptor changes(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!changes) return std::unexpected(system_error("follow what applications print", errno));
    host::Descriptor woken(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!woken) return std::unexpected(system_error("follow what applications print", errno));
    std::unique_ptr<Follower> follower(new Follower(store, keeper, std::move(changes), std::move(woken)));
    follower->thread_ = std::thread([self = follower.get()] { self->run(); });
    return follower;
}

Follower::~Follower()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    thread_.join();
}

void Follower::wake() const
{
    eventfd_write(woken_->number(), 1);
}

void Follower::follow(std::vector<DescribedApplication> applications)
{
    {
        const std::lock_guard lock(mutex_);
        wished_ = std::move(applications);
        has_wishes_ = true;
    }
    wake();
}

void Follower::know(std::shared_ptr<const Texts> texts)
{
    {
        const std::lock_guard lock(mutex_);
        wished_texts_ = std::move(texts);
        has_wishes_ = true;
    }
    wake();
}

bool Follower::is_wanted(const DescribedApplication& application) const
{
    return !application.output.empty() && (keeps_all(application) || texts_->rules.concern(application.name));
}

/// False: it is to end.
bool Follower::take_wishes()
{
    std::vector<DescribedApplication> wished;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return false;
        if (!std::exchange(has_wishes_, false)) return true;
        wished = wished_;
        texts_ = wished_texts_;
    }
    std::erase_if(followed_, [&](const auto& entry) {
        return std::ranges::none_of(wished, [&](const DescribedApplication& one) {
            return one.id == entry.first && one.output == entry.second.application.output && is_wanted(one);
        });
    });
    for (const DescribedApplication& one : wished) {
        if (!is_wanted(one)) continue;
        const auto found = followed_.find(one.id);
        if (found == followed_.end())
            begin(one);
        else
            found->second.application = one;
    }
    return true;
}

void Follower::begin(const DescribedApplication& application)
{
    const std::string folder = application.output.substr(0, application.output.rfind('/'));
    // Watched before it is looked into, and so there before the supervisor writes to it.
    mkdir(folder.c_str(), 0755);
    static_cast<void>(
        inotify_add_watch(changes_.number(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO));
    const auto store = store_.get();
    if (!store) return;
    const auto position = (*store)->position(source_of(application));
    if (!position) return;
    const auto [followed, is_new] = followed_.emplace(
        application.id,
        Followed{.application = application, .file = FollowedFile(application.output, *position)});
    // From where on is known before anything is taken: what is printed until then is not left out after a
    // crash.
    followed->second.kept_position = followed->second.file.position();
    if (*position) return;
    Group begun;
    begun.position = Position{.source = source_of(application), .at = followed->second.kept_position};
    keeper_.put(speaker_of(application), std::move(begun));
}

void Follower::take_changes()
{
    alignas(inotify_event) std::array<char, 16 << 10> room;
    bool all = false;
    while (true) {
        const ssize_t count = read(changes_.number(), room.data(), room.size());
        if (count <= 0) break;
        for (ssize_t at = 0; at < count;) {
            const auto* const event = reinterpret_cast<const inotify_event*>(room.data() + at);
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            if ((event->mask & IN_Q_OVERFLOW) != 0) all = true;
            if (event->len == 0) continue;
            const std::string_view name(event->name);
            for (auto& [id, followed] : followed_) {
                if (followed.application.output.ends_with(name)) followed.has_news = true;
            }
        }
    }
    if (!all) return;
    for (auto& [id, followed] : followed_) followed.has_news = true;
}

/// Those lines that are kept.
std::vector<Message> Follower::messages_in(const Piece& piece, const DescribedApplication& application) const
{
    std::vector<Message> messages;
    const Milliseconds now = wall_now();
    if (piece.lost) {
        messages.push_back(
            own_message(framework::messages::own::print_lost, {{"speaker", application.name}}, now));
        messages.back().application = application.name;
    }
    for (const PrintedLine& line : piece.lines) {
        Message message{.level = line.at ? Level::trace : Level::standard,
                        .at = line.at.value_or(now),
                        .application = application.name,
                        .text = line.text};
        framework::messages::fit(message);
        const bool meets_rule = line.at && texts_->rules.apply(message);
        if (meets_rule || keeps_all(application)) messages.push_back(std::move(message));
    }
    return messages;
}

/// Of a piece without messages.
bool Follower::is_position_due(Followed& followed, const Piece& piece)
{
    for (const PrintedLine& line : piece.lines) followed.unkept_bytes += line.text.size() + 1;
    return followed.unkept_bytes >= most_unkept_bytes ||
           segment_of(followed.kept_position) != segment_of(piece.position);
}

/// Whether there may be more at once.
bool Follower::take_piece(Followed& followed)
{
    const DescribedApplication& application = followed.application;
    if (!keeper_.has_room(application.name)) {
        if (!std::exchange(followed.is_waiting, true))
            keeper_.when_kept(speaker_of(application),
                              [woken = woken_] { eventfd_write(woken->number(), 1); });
        return false;
    }
    const Result<Piece> piece = followed.file.read(piece_bytes);
    if (!piece || piece->position.empty()) {
        followed.has_news = false;
        return false;
    }
    Group group{.messages = messages_in(*piece, application)};
    if (group.messages.empty() && !is_position_due(followed, *piece)) return true;
    followed.kept_position = piece->position;
    followed.unkept_bytes = 0;
    group.position = Position{.source = source_of(application), .at = piece->position};
    keeper_.put(speaker_of(application), std::move(group));
    return true;
}

void Follower::run()
{
    while (take_wishes()) {
        bool goes_on = false;
        for (auto& [id, followed] : followed_) {
            if (followed.has_news) goes_on = take_piece(followed) || goes_on;
        }
        std::array<pollfd, 2> both = {pollfd{changes_.number(), POLLIN, 0},
                                      pollfd{woken_->number(), POLLIN, 0}};
        if (poll(both.data(), both.size(), goes_on ? 0 : -1) < 0 && errno != EINTR) return;
        eventfd_t count = 0;
        if (both[1].revents != 0) {
            eventfd_read(woken_->number(), &count);
            for (auto& [id, followed] : followed_) followed.is_waiting = false;
        }
        if (both[0].revents != 0) take_changes();
    }
}

}  // namespace belay::message_server
