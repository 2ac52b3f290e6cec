#include "message_server/journal_follower.h"

#include "framework/messages/own_events.h"
#include "message_server/time_text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace belay::message_server {
namespace {

namespace own = framework::messages::own;

constexpr const char* journal_source = "journal";
/// Where the groups of the applications are: what the journal says of the time before a start of the host has
/// to be known while their supervisor is not there yet.
constexpr const char* groups_source = "groups of applications";
const Speaker journal_speaker{.name = "journal", .application = ""};

/// Kept in one piece, so that a crash has others read no more than that once more.
constexpr size_t journal_piece_bytes = 256 << 10, most_in_piece = 1000;
/// Of entries that become no messages the position is kept once in so many: each time is a write to the disk.
constexpr size_t most_unkept = 10'000;
constexpr size_t most_users = 256;
constexpr int before_store_again_ms = 1000;

}  // namespace

Result<std::unique_ptr<JournalFollower>> JournalFollower::open(OpenStore& store, Keeper& keeper,
                                                               Speakers& speakers)
{
    host::Descriptor woken(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!woken) return std::unexpected(system_error("follow the journal", errno));
    std::unique_ptr<JournalFollower> follower(new JournalFollower(store, keeper, speakers, std::move(woken)));
    follower->thread_ = std::thread([self = follower.get()] { self->run(); });
    return follower;
}

JournalFollower::~JournalFollower()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    thread_.join();
}

void JournalFollower::wake() const
{
    eventfd_write(woken_->number(), 1);
}

void JournalFollower::follow(const Described& described)
{
    {
        const std::lock_guard lock(mutex_);
        const bool is_nobody_there =
            described.syslog == SyslogIn::applications && described.applications.empty();
        wished_ = is_nobody_there ? SyslogIn::none : described.syslog;
    }
    wake();
}

void JournalFollower::know(std::shared_ptr<const Texts> texts)
{
    {
        const std::lock_guard lock(mutex_);
        wished_texts_ = std::move(texts);
    }
    wake();
}

void JournalFollower::has_problem(std::string problem)
{
    const std::lock_guard lock(mutex_);
    problem_ = std::move(problem);
}

Json JournalFollower::status() const
{
    const std::lock_guard lock(mutex_);
    const SyslogIn wished = wished_.value_or(SyslogIn::none);
    if (wished == SyslogIn::none) return {};
    const bool is_told = wished == SyslogIn::all && !problem_.empty();
    return {{"read", read_.load()},
            {"taken", taken_.load()},
            {"not_wanted", not_wanted_.load()},
            {"lost", lost_.load()},
            {"problem", is_told ? Json(problem_) : Json()}};
}

/// False: it is to end.
bool JournalFollower::take_wishes()
{
    std::optional<SyslogIn> wished;
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return false;
        // The rules may make an event of the first entry.
        if (wished_texts_ == nullptr || !wished_) return true;
        texts_ = wished_texts_;
        wished = wished_;
    }
    const bool is_wanted = *wished != SyslogIn::none;
    const bool was_wanted = std::exchange(wanted_, *wished) != SyslogIn::none;
    if (!is_wanted) {
        must_begin_ = false;
        if (was_wanted || !is_forgotten_) forget();
    } else if (!reader_) {
        // Where it could not be read, whoever changes something may have mended that.
        must_begin_ = true;
    }
    return true;
}

void JournalFollower::forget()
{
    reader_.reset();
    awaited_.close();
    is_forgotten_ = true;
    has_problem("");
    const auto store = store_.get();
    if (!store) return;
    const Result<std::optional<std::string>> at = (*store)->position(journal_source);
    if (at && at->value_or("").empty()) return;
    keeper_.put(journal_speaker, {.position = Position{.source = journal_source, .at = ""}});
}

/// False: the store does not say where it was; it is to be asked again.
bool JournalFollower::begin()
{
    const auto store = store_.get();
    if (!store) return false;
    const Result<std::optional<std::string>> at = (*store)->position(journal_source),
                                             groups = (*store)->position(groups_source);
    if (!at || !groups) return false;
    if (kept_groups_.empty() && *groups) {
        kept_groups_ = **groups;
        speakers_.groups_were_in(kept_groups_);
    }
    Result<std::unique_ptr<JournalReader>> reader = JournalReader::open();
    if (!reader) {
        has_problem(reader.error().what);
        awaited_ = JournalReader::await_journald();
        return !JournalReader::has_journald();
    }
    awaited_.close();
    has_problem("");
    reader_ = std::move(*reader);
    const std::string position = is_forgotten_ ? "" : at->value_or("");
    is_forgotten_ = false;
    if (!position.empty()) {
        reader_->go_behind(position);
        return true;
    }
    // From where on is known before anything is taken: what is logged until then is not left out after a
    // crash.
    reader_->go_to_end();
    remember({});
    return true;
}

/// With how far the journal was read.
void JournalFollower::remember(Group group)
{
    group.position = Position{.source = journal_source, .at = reader_->position()};
    unkept_ = 0;
    keeper_.put(journal_speaker, std::move(group));
}

void JournalFollower::remember_groups()
{
    std::string groups = speakers_.groups();
    if (groups.empty() || groups == kept_groups_) return;
    kept_groups_ = std::move(groups);
    keeper_.put(journal_speaker, {.position = Position{.source = groups_source, .at = kept_groups_}});
}

/// Who reads the names of users may write to the journal: each is asked for once.
std::string JournalFollower::user_of(const JournalEntry& entry)
{
    const std::string_view number = entry.value("_UID");
    uid_t uid = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), uid);
    if (number.empty() || read.ec != std::errc()) return "nobody knows";
    if (const auto found = users_.find(number); found != users_.end()) return found->second;
    if (users_.size() >= most_users) users_.clear();
    return users_.emplace(std::string(number), site::user_name(uid)).first->second;
}

void JournalFollower::take_entry(Group& group)
{
    const std::optional<int64_t> application =
        speakers_.application_in_journal(reader_->field("_SYSTEMD_CGROUP"));
    if (!application && wanted_ != SyslogIn::all) return;
    const JournalEntry entry = reader_->entry();
    // What this one says of trouble with messages would be a message again.
    if (entry.value("_PID") == std::to_string(getpid())) return;
    const Identity who = speakers_.identify({.application = application,
                                             .user = user_of(entry),
                                             .program = std::string(entry.value("_COMM")),
                                             .service = entry.service()});
    Message message = message_of(entry, who);
    const bool meets_rule = texts_->rules.apply(message);
    if (!meets_rule && message.level > who.log_level) {
        ++not_wanted_;
        return;
    }
    ++taken_;
    group.bytes += bytes_of(message);
    group.messages.push_back(std::move(message));
}

void JournalFollower::tell_of_loss(Group& group)
{
    const JournalLoss loss = reader_->take_loss();
    if (!loss) return;
    lost_ += loss.count;
    if (loss.count > 0)
        group.messages.push_back(own_message(own::journal_lost,
                                             {{"count", std::to_string(loss.count)},
                                              {"from", time_text(loss.from)},
                                              {"until", time_text(loss.until)}},
                                             wall_now()));
    if (loss.is_unknown)
        group.messages.push_back(
            own_message(own::journal_anew, {{"until", time_text(loss.until)}}, wall_now()));
}

/// Whether there may be more at once.
bool JournalFollower::take_piece()
{
    is_settling_ = false;
    if (!keeper_.has_room(journal_speaker.name)) {
        if (!std::exchange(is_waiting_, true))
            keeper_.when_kept(journal_speaker, [woken = woken_] { eventfd_write(woken->number(), 1); });
        return false;
    }
    Group group;
    JournalReader::Step step = JournalReader::Step::entry;
    for (size_t i = 0; i < most_in_piece && group.bytes < journal_piece_bytes; ++i) {
        step = reader_->next();
        tell_of_loss(group);
        if (step != JournalReader::Step::entry) break;
        ++unkept_;
        ++read_;
        take_entry(group);
    }
    is_settling_ = step == JournalReader::Step::waiting;
    const bool is_due = !group.messages.empty() || unkept_ >= most_unkept;
    if (is_due) {
        remember_groups();
        group.bytes = 0;
        remember(std::move(group));
    }
    return step == JournalReader::Step::entry;
}

void JournalFollower::sleep(bool goes_on)
{
    JournalReader::Awaited journal;
    if (reader_) journal = reader_->awaited();
    if (awaited_) journal = {.descriptor = awaited_.number(), .events = POLLIN};
    int limit = journal.milliseconds;
    const auto at_most = [&limit](int milliseconds) {
        limit = limit < 0 ? milliseconds : std::min(limit, milliseconds);
    };
    if (is_settling_) at_most(static_cast<int>(JournalReader::settling.count()));
    if (must_begin_) at_most(before_store_again_ms);
    if (goes_on) limit = 0;
    std::array<pollfd, 2> both = {pollfd{woken_->number(), POLLIN, 0},
                                  pollfd{journal.descriptor, journal.events, 0}};
    if (poll(both.data(), both.size(), limit) < 0) return;
    eventfd_t count = 0;
    if (both[0].revents != 0) {
        eventfd_read(woken_->number(), &count);
        is_waiting_ = false;
    }
    // Also while there is no room: files that journald has deleted are held by whoever does not look.
    if (reader_) reader_->take_changes();
    if (awaited_ && both[1].revents != 0) must_begin_ = true;
}

void JournalFollower::run()
{
    while (take_wishes()) {
        if (must_begin_) must_begin_ = !begin();
        sleep(reader_ && take_piece());
    }
    if (reader_ && unkept_ > 0) remember({});
}

}  // namespace belay::message_server
