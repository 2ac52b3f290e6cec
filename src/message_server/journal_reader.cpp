#include "message_server/journal_reader.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <poll.h>
#include <sys/inotify.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

namespace belay::message_server {
namespace {

constexpr const char* journald_socket = "/run/systemd/journal/socket";
constexpr const char* before_all = "head";
/// A field that is longer is not unpacked any further than that; with its name.
constexpr size_t most_field = framework::messages::MessageLimits::text + 128;
/// What is found to be young for so long is not: its clock is another one than ours.
constexpr uint64_t longest_youth = 1'000'000;

uint64_t microseconds_since_boot()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

std::string text_of(sd_id128_t id)
{
    std::array<char, SD_ID128_STRING_MAX> text{};
    return sd_id128_to_string(id, text.data());
}

Milliseconds time_of(sd_journal* journal)
{
    uint64_t microseconds = 0;
    sd_journal_get_realtime_usec(journal, &microseconds);
    return Milliseconds(static_cast<int64_t>(microseconds / 1000));
}

}  // namespace

void JournalReader::Close::operator()(sd_journal* journal) const
{
    sd_journal_close(journal);
}

JournalReader::JournalReader(sd_journal* journal) : journal_(journal)
{
    sd_id128_t boot{};
    if (sd_id128_get_boot(&boot) >= 0) own_boot_ = text_of(boot);
}

bool JournalReader::has_journald()
{
    return access(journald_socket, F_OK) == 0;
}

host::Descriptor JournalReader::await_journald()
{
    host::Descriptor changes(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    // The deepest folder on the way to its socket that is there. Elsewhere than under systemd that is /run,
    // where hardly anything comes.
    std::string folder(journald_socket);
    int watch = -1;
    while (changes && watch < 0 && folder.rfind('/') > 0) {
        folder.resize(folder.rfind('/'));
        watch = inotify_add_watch(changes.number(), folder.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    }
    return watch < 0 ? host::Descriptor() : std::move(changes);
}

Result<std::unique_ptr<JournalReader>> JournalReader::open()
{
    if (!has_journald())
        return fail(ErrorKind::unavailable, "systemd-journald does not run on this host",
                    "systemctl status systemd-journald");
    // Also what is in the files of persons: what runs as one of them writes there.
    sd_journal* opened = nullptr;
    if (const int answer = sd_journal_open(&opened, SD_JOURNAL_LOCAL_ONLY); answer < 0)
        return std::unexpected(system_error("open the journal", -answer));
    std::unique_ptr<JournalReader> reader(new JournalReader(opened));
    sd_journal_set_data_threshold(opened, most_field);
    // Before the first look: what comes after that is told.
    if (const int descriptor = sd_journal_get_fd(opened); descriptor < 0)
        return std::unexpected(system_error("watch the journal", -descriptor));
    return reader;
}

std::string JournalReader::cursor() const
{
    char* text = nullptr;
    if (sd_journal_get_cursor(journal_.get(), &text) < 0) return "";
    const std::unique_ptr<char, decltype(&std::free)> freed(text, &std::free);
    return text;
}

void JournalReader::go_to_end()
{
    position_ = before_all;
    must_go_back_ = true;
    sd_journal_seek_tail(journal_.get());
    if (sd_journal_previous(journal_.get()) <= 0) return;
    const std::string last = cursor();
    if (!last.empty()) position_ = last;
}

/// Whether the journal still has anything of one boot of this host.
bool JournalReader::has_any_of_boot(const std::string& boot) const
{
    const std::string match = "_BOOT_ID=" + boot;
    sd_journal_add_match(journal_.get(), match.data(), match.size());
    sd_journal_seek_head(journal_.get());
    const bool has = sd_journal_next(journal_.get()) > 0;
    sd_journal_flush_matches(journal_.get());
    return has;
}

void JournalReader::go_behind(const std::string& position)
{
    sd_journal* const journal = journal_.get();
    position_ = position;
    must_go_back_ = is_there_already_ = false;
    const std::optional<JournalNumber> number = number_in(position);
    if (number) {
        at_ = number->at;
        numbers_.begin_behind(*number);
    }
    if (position == before_all || sd_journal_seek_cursor(journal, position.c_str()) < 0) {
        sd_journal_seek_head(journal);
        return;
    }
    // To seek is only to say where to go; the first step goes to the entry itself.
    const bool is_at_one = sd_journal_next(journal) > 0;
    if (is_at_one && sd_journal_test_cursor(journal, position.c_str()) > 0) return;
    may_miss_ = true;
    if (!sought_) has_read_since_ = false;
    sought_ = number ? number->series : "";
    // Of a journal that was begun anew all is later, whatever the clock says: that may not have been set yet.
    const bool is_anew = number && number->boot != own_boot_ && !has_any_of_boot(number->boot);
    if (is_anew) {
        sd_journal_seek_head(journal);
        return;
    }
    sd_journal_seek_cursor(journal, position.c_str());
    is_there_already_ = is_at_one && sd_journal_next(journal) > 0;
}

/// Whether the entry at which it stands was written only just before `looked_at`, so that another file may
/// get an older one after it was looked into. Other boots, and clocks that are not ours, tell nothing.
bool JournalReader::is_young(uint64_t looked_at) const
{
    uint64_t written = 0;
    sd_id128_t boot{};
    if (sd_journal_get_monotonic_usec(journal_.get(), &written, &boot) < 0) return false;
    if (text_of(boot) != own_boot_) return false;
    return written + static_cast<uint64_t>(settling.count()) * 1000 > looked_at;
}

JournalReader::Step JournalReader::next()
{
    if (must_go_back_) go_behind(std::string(position_));
    const uint64_t looked_at = microseconds_since_boot();
    if (!std::exchange(is_there_already_, false) && sd_journal_next(journal_.get()) <= 0) return at_end();
    if (is_young(looked_at)) {
        if (!young_since_) young_since_ = looked_at;
        must_go_back_ = looked_at - *young_since_ < longest_youth;
        if (must_go_back_) return Step::waiting;
    }
    young_since_.reset();
    const std::string here = cursor();
    if (here.empty()) return at_end();
    count(here);
    position_ = here;
    at_ = time_of(journal_.get());
    return Step::entry;
}

/// What is missing before the entry at which it stands. A gap in the numbers says nothing by itself: after a
/// crash journald may leave one. Where files have gone as well, it is what was in them.
void JournalReader::count(const std::string& cursor)
{
    has_read_since_ = true;
    const std::optional<JournalNumber> number = number_in(cursor);
    if (!number) return;
    const uint64_t missing = numbers_.missing_before(*number);
    if (sought_ == number->series) sought_.reset();
    if (!may_miss_ || missing == 0) return;
    if (loss_.count == 0) loss_.from = at_;
    loss_.count += missing;
    loss_.until = time_of(journal_.get());
}

JournalReader::Step JournalReader::at_end()
{
    // As long as nothing has come behind a position that is gone, what comes will tell.
    if (sought_ && !has_read_since_) return Step::end;
    if (sought_) {
        loss_.is_unknown = true;
        loss_.until = at_;
        sought_.reset();
    }
    may_miss_ = false;
    return Step::end;
}

JournalLoss JournalReader::take_loss()
{
    return std::exchange(loss_, {});
}

std::string JournalReader::field(const char* name) const
{
    const void* data = nullptr;
    size_t size = 0;
    if (sd_journal_get_data(journal_.get(), name, &data, &size) < 0) return "";
    const std::string_view whole(static_cast<const char*>(data), size);
    return std::string(whole.substr(std::min(whole.size(), whole.find('=') + 1)));
}

JournalEntry JournalReader::entry() const
{
    JournalEntry entry(time_of(journal_.get()));
    const void* data = nullptr;
    size_t size = 0;
    sd_journal_restart_data(journal_.get());
    // What cannot be read of it is left out.
    while (sd_journal_enumerate_available_data(journal_.get(), &data, &size) > 0)
        entry.add({static_cast<const char*>(data), size});
    return entry;
}

JournalReader::Awaited JournalReader::awaited() const
{
    Awaited awaited{.descriptor = sd_journal_get_fd(journal_.get()), .events = POLLIN};
    if (const int events = sd_journal_get_events(journal_.get()); events > 0)
        awaited.events = static_cast<short>(events);
    // Only of file systems that do not tell of changes.
    uint64_t until = UINT64_MAX;
    const bool has_limit = sd_journal_get_timeout(journal_.get(), &until) > 0 && until != UINT64_MAX;
    if (has_limit) {
        const uint64_t now = microseconds_since_boot();
        awaited.milliseconds = static_cast<int>(until > now ? (until - now) / 1000 + 1 : 0);
    }
    return awaited;
}

void JournalReader::take_changes()
{
    if (sd_journal_process(journal_.get()) == SD_JOURNAL_INVALIDATE) may_miss_ = true;
}

}  // namespace belay::message_server
