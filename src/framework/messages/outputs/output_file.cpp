#include "framework/messages/outputs/output_file.h"

#include "framework/messages/outputs/output_line.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>

namespace belay::framework::messages {
namespace {

constexpr uint64_t least_segment = 4 << 10;
constexpr unsigned most_kept = 10'000;
constexpr mode_t output_mode = 0640, output_folder_mode = 0750;

/// Letters and digits that sort by time and are no trouble in a file's name.
std::string time_in_name(Milliseconds at)
{
    std::string name = rfc3339(at);
    std::erase_if(name, [](char c) { return c == '-' || c == ':'; });
    return name;
}

Milliseconds milliseconds_of(const statx_timestamp& time)
{
    return std::chrono::seconds(time.tv_sec) + Milliseconds(time.tv_nsec / 1'000'000);
}

}  // namespace

Result<void> check(const OutputPlan& plan)
{
    if (!plan.path.starts_with('/') || plan.path.ends_with('/') || plan.path.find('\0') != std::string::npos)
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no absolute path of a file", plan.path));
    if (plan.segment_bytes < least_segment)
        return fail(ErrorKind::usage, fmt::format("segments of {} are of {} bytes; they need {} at least",
                                                  plan.path, plan.segment_bytes, least_segment));
    if (plan.keep > most_kept)
        return fail(ErrorKind::usage,
                    fmt::format("{} older segments of {} are more than {}", plan.keep, plan.path, most_kept));
    if (plan.segment_age <= Milliseconds(0) || plan.keep_for <= Milliseconds(0))
        return fail(ErrorKind::usage, fmt::format("an age of {} is not above zero", plan.path));
    return {};
}

size_t OutputFile::write(std::string_view lines, Milliseconds now, std::optional<Error>& problem)
{
    size_t written = 0;
    if (file_ && is_moved_away()) file_.close();
    while (!lines.empty()) {
        Result<void> done;
        if (!file_) done = open(now);
        if (done && size_ > 0 && now - begun_ >= plan_.segment_age) done = rotate(now);
        // As many whole lines as fit; one that is larger than a segment has one for itself.
        const uint64_t room = plan_.segment_bytes - std::min(plan_.segment_bytes, size_);
        size_t end = lines.size() <= room ? lines.size() : lines.rfind('\n', room == 0 ? 0 : room - 1) + 1;
        if (lines.size() > room && (room == 0 || end == 0)) {
            if (done && size_ > 0) {
                done = rotate(now);
                if (done) continue;
            }
            end = std::min(lines.find('\n'), lines.size() - 1) + 1;
        }
        const size_t taken = done ? append(lines.substr(0, end), done) : 0;
        written += static_cast<size_t>(std::ranges::count(lines.substr(0, taken), '\n'));
        if (!done) {
            problem = done.error();
            return written;
        }
        lines.remove_prefix(end);
    }
    return written;
}

Result<void> OutputFile::open(Milliseconds now)
{
    std::error_code ignored;
    const std::string folder = plan_.path.substr(0, plan_.path.rfind('/'));
    if (!folder.empty() && std::filesystem::create_directories(folder, ignored))
        ::chmod(folder.c_str(), output_folder_mode);
    host::Descriptor file(::open(
        plan_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, output_mode));
    struct statx found = {};
    if (!file || ::statx(file.number(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &found) != 0)
        return std::unexpected(system_error(fmt::format("open {}", plan_.path), errno));
    if (!S_ISREG(found.stx_mode))
        return fail(ErrorKind::usage, fmt::format("{} is no regular file", plan_.path),
                    "give another path to this output");
    file_ = std::move(file);
    size_ = found.stx_size;
    begun_ = now;
    if (size_ == 0) return {};
    begun_ = milliseconds_of((found.stx_mask & STATX_BTIME) != 0 ? found.stx_btime : found.stx_mtime);
    return {};
}

bool OutputFile::is_moved_away() const
{
    struct stat by_name = {}, opened = {};
    return ::stat(plan_.path.c_str(), &by_name) != 0 || ::fstat(file_.number(), &opened) != 0 ||
           by_name.st_ino != opened.st_ino || by_name.st_dev != opened.st_dev;
}

Result<void> OutputFile::rotate(Milliseconds now)
{
    // Several within a millisecond still sort in their order, whatever has gone meanwhile.
    const std::string time = time_in_name(now);
    if (time != rotated_) rotations_ = 0;
    rotated_ = time;
    std::string older;
    do {
        ++rotations_;
        older = fmt::format("{}.{}", plan_.path, time);
        if (rotations_ > 1) older += fmt::format("-{:06}", rotations_);
    } while (std::filesystem::exists(std::filesystem::symlink_status(older)));
    if (::rename(plan_.path.c_str(), older.c_str()) != 0)
        return std::unexpected(system_error(fmt::format("rename {}", plan_.path), errno));
    file_.close();
    remove_old(now);
    return open(now);
}

void OutputFile::remove_old(Milliseconds now) const
{
    const std::filesystem::path path(plan_.path);
    const std::string begin = path.filename().string() + ".";
    const std::string oldest = begin + time_in_name(now - plan_.keep_for);
    std::vector<std::string> names;
    std::error_code problem;
    for (auto entry = std::filesystem::directory_iterator(path.parent_path(), problem);
         !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
        const std::string name = entry->path().filename();
        const size_t time = begin.size();
        // Ours alone: a person may have put standard.log.gz beside it.
        if (name.starts_with(begin) && name.size() >= time + 20 && name[time + 8] == 'T' &&
            name[time + 19] == 'Z')
            names.push_back(name);
    }
    std::ranges::sort(names);
    for (size_t i = 0; i < names.size(); ++i)
        if (i + plan_.keep < names.size() || names[i] < oldest)
            ::unlink((path.parent_path() / names[i]).c_str());
}

/// How many bytes of them are in the file: all, or with an error in `done` the whole lines for which there
/// was room.
size_t OutputFile::append(std::string_view lines, Result<void>& done)
{
    std::string_view rest = lines;
    while (!rest.empty() && done) {
        const ssize_t count = ::write(file_.number(), rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count > 0)
            rest.remove_prefix(static_cast<size_t>(count));
        else
            done = std::unexpected(
                system_error(fmt::format("write {}", plan_.path), count < 0 ? errno : ENOSPC));
    }
    size_t taken = lines.size() - rest.size();
    if (!done) {
        // Half a line would be taken for another one.
        taken = lines.substr(0, taken).rfind('\n') + 1;
        if (::ftruncate(file_.number(), static_cast<off_t>(size_ + taken)) != 0) file_.close();
    }
    size_ += taken;
    return taken;
}

}  // namespace belay::framework::messages
