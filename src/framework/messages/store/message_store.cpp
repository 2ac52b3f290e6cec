#include "framework/messages/store/message_store.h"

#include "framework/messages/store/growing_segment.h"
#include "framework/messages/store/sealing.h"
#include "framework/messages/store/segment_list.h"
#include "framework/messages/store/segment_search.h"
#include "host/descriptor.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace belay::framework::messages {
namespace {

constexpr size_t longest_position = 4 << 10;
constexpr size_t most_appended = 1 << 20;

Result<host::Descriptor> lock_store(const std::string& folder)
{
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return std::unexpected(system_error(fmt::format("make {}", folder), errno));
    const std::string path = folder + "/lock";
    host::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    if (::flock(file.number(), LOCK_EX | LOCK_NB) == 0) return file;
    if (errno == EWOULDBLOCK)
        return fail(ErrorKind::busy, fmt::format("another process has the messages in {} open", folder),
                    fmt::format("fuser -v {}", path));
    return std::unexpected(system_error(fmt::format("lock {}", path), errno));
}

uint64_t file_bytes(const std::string& path)
{
    uint64_t sum = 0;
    for (const char* const beside : {"", "-wal"}) {
        struct stat file = {};
        if (::stat((path + beside).c_str(), &file) == 0) sum += static_cast<uint64_t>(file.st_size);
    }
    return sum;
}

}  // namespace

struct MessageStore::Inside {
    Inside(std::string in, const StoreLimits& within, host::Descriptor held)
        : folder(std::move(in)), limits(within), lock(std::move(held))
    {
    }

    Result<void> begin();
    Result<uint64_t> append(std::span<const Message> messages, std::span<const Position> positions,
                            Milliseconds now);
    std::optional<std::string> position(const std::string& source);
    Result<std::vector<StoredMessage>> search(const Query& query);
    Result<uint64_t> expire(Milliseconds now);
    StoreFigures figures();

    // To be called with `appending` held:
    bool is_full(size_t more, Milliseconds now) const;
    /// A new segment to append to; what was appended to so far waits to be sealed.
    Result<void> begin_segment();
    /// Puts the newest aside, for it is damaged; the next append begins another.
    void drop_growing(const Error& why);

    Result<bool> search_in(const Segment& segment, const Query& query, const TextFinder& text, Room& room,
                           std::vector<StoredMessage>& found) const;
    void lose(const std::shared_ptr<Segment>& segment, const Error& why);
    std::vector<bool> levels_past(const SegmentSummary& summary, Milliseconds now) const;
    Segments not_growing();
    uint64_t let_go(const std::shared_ptr<Segment>& segment);
    uint64_t let_go_of_oldest();
    Result<uint64_t> tidy(const std::shared_ptr<Segment>& segment, Milliseconds now);

    const std::string folder;
    StoreLimits limits;  ///< changed with both mutexes held, so that either is enough to read it
    const host::Descriptor lock;
    SegmentList list;
    std::atomic<uint64_t> newest = 0;
    std::mutex housekeeping;  ///< one expires

    std::mutex appending;  ///< of what follows
    std::unique_ptr<GrowingSegment> growing;
    std::shared_ptr<Segment> growing_file;
    uint64_t next = 1;    ///< where there is nothing that grows: the number that comes next
    Positions positions;  ///< and how far the sources are then
    std::optional<Error> failure;
};

Result<void> MessageStore::Inside::begin()
{
    FoundSegments found = TRY(find_segments(folder));
    for (Loss& loss : found.losses) list.lose(std::move(loss));
    for (const auto& segment : found.segments) list.add(segment);
    next = found.next;
    positions = std::move(found.positions);
    newest = next - 1;
    const std::lock_guard held(appending);
    if (!found.segments.empty() && found.segments.back()->state() == SegmentState::open &&
        found.segments.back()->summary().next == next) {
        growing_file = found.segments.back();
        Result<std::unique_ptr<GrowingSegment>> opened = GrowingSegment::open(growing_file->path());
        if (opened) {
            growing = *std::move(opened);
            return {};
        }
        if (!is_damage(opened.error())) return std::unexpected(opened.error());
        drop_growing(opened.error());
    }
    return begin_segment();
}

bool MessageStore::Inside::is_full(size_t more, Milliseconds now) const
{
    const SegmentSummary& summary = growing->summary();
    const uint64_t numbers = summary.next - summary.first;
    if (numbers == 0) return false;
    return growing->bytes() >= limits.segment_bytes || numbers + more > segment_numbers ||
           now - summary.begun >= limits.segment_age;
}

Result<void> MessageStore::Inside::begin_segment()
{
    const uint64_t first = growing ? growing->summary().next : next;
    const std::string path = fmt::format("{}/{}", folder, segment_name(first, "open"));
    TRY(make_segment(path, first, growing ? growing->positions() : positions));
    auto opened = TRY(GrowingSegment::open(path));
    if (growing) growing_file->fill(growing->summary());
    growing = std::move(opened);
    growing_file = std::make_shared<Segment>(path, SegmentState::open, growing->summary());
    list.add(growing_file);
    return {};
}

void MessageStore::Inside::drop_growing(const Error& why)
{
    next = std::max(next, growing_file->summary().first + segment_numbers);
    growing.reset();
    if (list.replace(growing_file, nullptr)) list.lose(put_aside(growing_file->path(), why));
    growing_file.reset();
    // Where the one before it ended: what came after is lost, and whoever can say it again should.
    positions.clear();
    const Segments left = list.all();
    if (left.empty()) return;
    if (const auto before = read_segment(left.back()->path(), left.back()->state()))
        if (auto there = positions_of(**before)) positions = *std::move(there);
}

Result<uint64_t> MessageStore::Inside::append(std::span<const Message> messages,
                                              std::span<const Position> these, Milliseconds now)
{
    const std::lock_guard held(appending);
    if (failure) return std::unexpected(*failure);
    if (!growing || is_full(messages.size(), now)) TRY(begin_segment());
    Result<uint64_t> first = growing->append(messages, these, now);
    if (!first && is_damage(first.error()) && first.error().kind == ErrorKind::corrupt) {
        drop_growing(first.error());
        TRY(begin_segment());
        first = growing->append(messages, these, now);
    }
    if (!first) {
        if (first.error().kind != ErrorKind::no_space && first.error().kind != ErrorKind::busy)
            failure = first.error();
        return first;
    }
    newest = growing->summary().next - 1;
    return first;
}

std::optional<std::string> MessageStore::Inside::position(const std::string& source)
{
    const std::lock_guard held(appending);
    const Positions& all = growing ? growing->positions() : positions;
    const auto found = all.find(source);
    if (found == all.end()) return std::nullopt;
    return found->second;
}

Result<std::vector<StoredMessage>> MessageStore::Inside::search(const Query& query)
{
    std::vector<StoredMessage> found;
    Room room{.messages = query.limit, .bytes = query.bytes};
    const TextFinder text(query.text);
    Segments segments = list.all();
    if (query.newest) std::ranges::reverse(segments);
    for (const auto& segment : segments) {
        if (room.messages == 0) break;
        const size_t before = found.size();
        const Room room_before = room;
        const Result<bool> done = search_in(*segment, query, text, room, found);
        if (done) {
            if (!*done) break;
            continue;
        }
        const Error& why = done.error();
        if (!is_damage(why) && why.kind != ErrorKind::not_found) return std::unexpected(why);
        found.resize(before);
        room = room_before;
        lose(segment, why);
    }
    if (query.newest) std::ranges::reverse(found);
    return found;
}

Result<bool> MessageStore::Inside::search_in(const Segment& segment, const Query& query,
                                             const TextFinder& text, Room& room,
                                             std::vector<StoredMessage>& found) const
{
    SegmentSummary summary = segment.summary();
    const auto cannot_have = [&] {
        if (summary.messages() == 0) return true;
        if (query.after && summary.next - 1 <= *query.after) return true;
        return (query.since && summary.newest && *summary.newest < *query.since) ||
               (query.until && summary.oldest && *summary.oldest >= *query.until);
    };
    if (segment.state() == SegmentState::sealed && cannot_have()) return true;
    const auto connection = TRY(read_segment(segment.path(), segment.state()));
    if (segment.state() == SegmentState::open) {
        // Somebody may be appending: all is to be of one moment.
        TRY(connection->execute("BEGIN"));
        summary = TRY(summary_of(*connection));
    }
    if (cannot_have()) return true;
    return search_segment(*connection, segment.state(), summary, query, text, room, found);
}

void MessageStore::Inside::lose(const std::shared_ptr<Segment>& segment, const Error& why)
{
    const std::lock_guard held(appending);
    if (segment == growing_file) {
        drop_growing(why);
    } else if (list.replace(segment, nullptr)) {
        list.lose(put_aside(segment->path(), why));
    }
}

/// By level, whether all of it that is there has had its time.
std::vector<bool> MessageStore::Inside::levels_past(const SegmentSummary& summary, Milliseconds now) const
{
    std::vector<bool> past(levels);
    for (size_t level = 0; level < levels; ++level)
        past[level] = summary.by_level.at(level).messages == 0 ||
                      now - summary.by_level.at(level).stored > limits.keep.at(level);
    return past;
}

Segments MessageStore::Inside::not_growing()
{
    const std::lock_guard held(appending);
    Segments segments = list.all();
    std::erase(segments, growing_file);
    return segments;
}

uint64_t MessageStore::Inside::let_go(const std::shared_ptr<Segment>& segment)
{
    if (!list.replace(segment, nullptr)) return 0;
    segment->let_go();
    return segment->summary().messages();
}

Result<uint64_t> MessageStore::Inside::expire(Milliseconds now)
{
    const std::lock_guard alone(housekeeping);
    {
        const std::lock_guard held(appending);
        if (growing && !failure) {
            const SegmentSummary& summary = growing->summary();
            const bool is_past =
                summary.messages() > 0 && std::ranges::count(levels_past(summary, now), false) == 0;
            if (is_past || is_full(0, now)) TRY(begin_segment());
        }
    }
    uint64_t gone = let_go_of_oldest();
    std::optional<Error> first_problem;
    for (const auto& segment : not_growing()) {
        const Result<uint64_t> tidied = tidy(segment, now);
        if (tidied) {
            gone += *tidied;
        } else if (!first_problem) {
            first_problem = tidied.error();
        }
    }
    gone += let_go_of_oldest();
    if (first_problem) return std::unexpected(*std::move(first_problem));
    return gone;
}

/// Lets go of it or of some of its levels, or seals it; how many messages went.
Result<uint64_t> MessageStore::Inside::tidy(const std::shared_ptr<Segment>& segment, Milliseconds now)
{
    const SegmentSummary summary = segment->summary();
    const std::vector<bool> past = levels_past(summary, now);
    LevelSet stay = {};
    bool is_less = false, is_any = false;
    for (size_t level = 0; level < levels; ++level) {
        stay.at(level) = !past[level];
        is_any = is_any || stay.at(level);
        is_less = is_less || (past[level] && summary.by_level.at(level).messages > 0);
    }
    if (!is_any) return let_go(segment);
    if (segment->state() == SegmentState::sealed && !is_less) return 0;

    const std::string path = fmt::format("{}/{}", folder, segment_name(summary.first, "sealed"));
    const Result<SegmentSummary> written = write_sealed(segment->path(), segment->state(), path, stay);
    if (!written) {
        // It may have been put aside meanwhile.
        const bool is_unreadable = is_damage(written.error()) || written.error().kind == ErrorKind::not_found;
        if (!is_unreadable) return std::unexpected(written.error());
        lose(segment, written.error());
        return 0;
    }
    if (list.replace(segment, std::make_shared<Segment>(path, SegmentState::sealed, *written)) &&
        segment->state() == SegmentState::open)
        segment->let_go();
    return summary.messages() - written->messages();
}

uint64_t MessageStore::Inside::let_go_of_oldest()
{
    const Segments all = list.all(), candidates = not_growing();
    uint64_t bytes = 0, gone = 0;
    for (const auto& segment : all) bytes += file_bytes(segment->path());
    for (const auto& segment : candidates) {
        if (bytes <= limits.bytes) break;
        bytes -= file_bytes(segment->path());
        gone += let_go(segment);
    }
    return gone;
}

StoreFigures MessageStore::Inside::figures()
{
    StoreFigures figures;
    const std::lock_guard held(appending);
    for (const auto& segment : list.all()) {
        const SegmentSummary summary =
            growing && segment == growing_file ? growing->summary() : segment->summary();
        if (figures.messages == 0 && summary.messages() > 0) figures.first = summary.first;
        figures.messages += summary.messages();
        ++figures.segments;
        figures.bytes += file_bytes(segment->path());
        if (summary.oldest)
            figures.oldest = std::min(figures.oldest.value_or(*summary.oldest), *summary.oldest);
    }
    return figures;
}

MessageStore::MessageStore(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}

MessageStore::~MessageStore() = default;

Result<std::unique_ptr<MessageStore>> MessageStore::open(const std::string& folder, const StoreLimits& limits)
{
    host::Descriptor lock = TRY(lock_store(folder));
    auto inside = std::make_unique<Inside>(folder, limits, std::move(lock));
    TRY(inside->begin());
    return std::unique_ptr<MessageStore>(new MessageStore(std::move(inside)));
}

Result<uint64_t> MessageStore::append(std::span<const Message> messages, std::span<const Position> positions,
                                      Milliseconds now)
{
    if (messages.size() > most_appended)
        return fail(ErrorKind::usage,
                    fmt::format("{} messages are more than can be stored at once, which is {}",
                                messages.size(), most_appended));
    for (const Position& position : positions)
        if (position.source.size() > longest_position || position.at.size() > longest_position)
            return fail(ErrorKind::usage,
                        fmt::format("a position is longer than {} bytes", longest_position));
    return inside_->append(messages, positions, now);
}

Result<std::optional<std::string>> MessageStore::position(const std::string& source) const
{
    return inside_->position(source);
}

Result<std::vector<StoredMessage>> MessageStore::search(const Query& query) const
{
    return inside_->search(query);
}

Result<uint64_t> MessageStore::expire(Milliseconds now)
{
    return inside_->expire(now);
}

uint64_t MessageStore::newest() const
{
    return inside_->newest;
}

void MessageStore::set_limits(const StoreLimits& limits)
{
    const std::lock_guard alone(inside_->housekeeping);
    const std::lock_guard held(inside_->appending);
    inside_->limits = limits;
}

StoreFigures MessageStore::figures() const
{
    return inside_->figures();
}

std::vector<Loss> MessageStore::take_losses()
{
    return inside_->list.take_losses();
}

}  // namespace belay::framework::messages
