#include "framework/messages/store/segment_list.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <unistd.h>

namespace belay::framework::messages {
namespace {

constexpr std::string_view ending_open = ".open", ending_sealed = ".sealed", ending_damaged = ".damaged";
constexpr size_t name_digits = 20;

struct FolderNames {
    std::set<uint64_t> open = {}, sealed = {};
    std::set<uint64_t> damaged = {};
    std::vector<std::string> half_made = {};
};

std::optional<uint64_t> number_in(std::string_view name)
{
    uint64_t number = 0;
    const std::string_view digits = name.substr(0, std::min(name_digits, name.size()));
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (read.ec != std::errc() || read.ptr != digits.data() + name_digits || number == 0 ||
        number > static_cast<uint64_t>(INT64_MAX) - segment_numbers)
        return std::nullopt;
    return number;
}

Result<FolderNames> names_in(const std::string& folder)
{
    FolderNames names;
    std::error_code problem;
    std::vector<std::string> logs;
    for (auto entry = std::filesystem::directory_iterator(folder, problem);
         !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
        const std::string name = entry->path().filename();
        const auto number = number_in(name);
        if (!number) continue;
        const std::string ending = name.substr(name_digits);
        if (ending == ending_open) {
            names.open.insert(*number);
        } else if (ending == ending_sealed) {
            names.sealed.insert(*number);
        } else if (ending.starts_with(ending_damaged)) {
            names.damaged.insert(*number);
        } else if (ending.find(".new") != std::string::npos) {
            names.half_made.push_back(name);
        }
    }
    if (problem) return std::unexpected(system_error(fmt::format("read {}", folder), problem.value()));
    return names;
}

}  // namespace

Segments SegmentList::all() const
{
    const std::lock_guard lock(mutex_);
    return segments_;
}

void SegmentList::add(std::shared_ptr<Segment> segment)
{
    const std::lock_guard lock(mutex_);
    segments_.push_back(std::move(segment));
}

bool SegmentList::replace(const std::shared_ptr<Segment>& segment, std::shared_ptr<Segment> next)
{
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(segments_, segment);
    if (found == segments_.end()) return false;
    if (next) {
        *found = std::move(next);
    } else {
        segments_.erase(found);
    }
    return true;
}

void SegmentList::lose(Loss loss)
{
    const std::lock_guard lock(mutex_);
    losses_.push_back(std::move(loss));
}

std::vector<Loss> SegmentList::take_losses()
{
    const std::lock_guard lock(mutex_);
    return std::exchange(losses_, {});
}

bool is_damage(const Error& error)
{
    return error.kind == ErrorKind::corrupt || (error.kind == ErrorKind::io && error.errno_value == EIO);
}

Loss put_aside(const std::string& path, const Error& why)
{
    const std::string begin = path.substr(0, path.rfind('.'));
    std::string aside = begin + std::string(ending_damaged);
    for (unsigned i = 2; ::access(aside.c_str(), F_OK) == 0; ++i)
        aside = fmt::format("{}{}-{}", begin, ending_damaged, i);
    // The log first: without it the rest would look like what it was at the last checkpoint.
    ::rename((path + "-wal").c_str(), (aside + "-wal").c_str());
    ::unlink((path + "-shm").c_str());
    if (::rename(path.c_str(), aside.c_str()) != 0)
        return {.file = path, .why = fmt::format("{}; {}", why.what, system_error("rename it", errno).what)};
    return {.file = aside, .why = why.what};
}

Result<FoundSegments> find_segments(const std::string& folder)
{
    FolderNames names = TRY(names_in(folder));
    FoundSegments found;
    for (const std::string& name : names.half_made) ::unlink(fmt::format("{}/{}", folder, name).c_str());

    std::map<uint64_t, SegmentState> states;
    for (const uint64_t number : names.open) states[number] = SegmentState::open;
    for (const uint64_t number : names.sealed) states[number] = SegmentState::sealed;
    for (const auto& [number, state] : states) {
        const std::string open_path = fmt::format("{}/{}", folder, segment_name(number, "open"));
        const std::string path = state == SegmentState::open
                                     ? open_path
                                     : fmt::format("{}/{}", folder, segment_name(number, "sealed"));
        const auto look = [&]() -> Result<SegmentSummary> {
            const auto connection = TRY(read_segment(path, state));
            const SegmentSummary summary = TRY(summary_of(*connection));
            if (summary.first != number)
                return fail(ErrorKind::corrupt, fmt::format("{} holds another segment", path),
                            segment_advice);
            found.positions = TRY(positions_of(*connection));
            return summary;
        };
        const Result<SegmentSummary> summary = look();
        if (!summary) {
            if (!is_damage(summary.error())) return std::unexpected(summary.error());
            found.losses.push_back(put_aside(path, summary.error()));
            names.damaged.insert(number);
            continue;
        }
        // It was sealed, and the power went before the other had gone.
        if (state == SegmentState::sealed) remove_segment(open_path);
        found.next = std::max(found.next, summary->next);
        found.segments.push_back(std::make_shared<Segment>(path, state, *summary));
    }
    // What the last one had used of its numbers nobody knows.
    const uint64_t last = names.damaged.empty() ? 0 : *names.damaged.rbegin();
    if (last > 0 && (found.segments.empty() || found.segments.back()->summary().first < last))
        found.next = std::max(found.next, last + segment_numbers);
    return found;
}

}  // namespace belay::framework::messages
