#include "supervisor/output.h"

#include "host/descriptor.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace belay::supervisor {
namespace {

std::string time_text(Milliseconds wall)
{
    const time_t seconds = wall.count() / 1000;
    tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, wall.count() % 1000);
}

/// The names of applications may have a slash in them.
std::string as_file_name(std::string name)
{
    std::ranges::replace(name, '/', '_');
    return name;
}

}  // namespace

Output::Output(std::string folder, OutputLimits limits) : folder_(std::move(folder)), limits_(limits) {}

Result<std::unique_ptr<Output>> Output::open(const std::string& folder, OutputLimits limits)
{
    std::error_code problem;
    std::filesystem::create_directories(folder, problem);
    if (problem)
        return std::unexpected(system_error(fmt::format("make the folder {}", folder), problem.value()));
    std::unique_ptr<Output> output(new Output(folder, limits));
    output->writer_ = std::thread([self = output.get()] { self->write_all(); });
    return output;
}

Output::~Output()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    writer_.join();
}

std::string Output::file_of(ApplicationId id, const std::string& name) const
{
    return fmt::format("{}/{}.{}.log", folder_, as_file_name(name), id);
}

uint64_t Output::dropped(ApplicationId id) const
{
    const std::lock_guard lock(mutex_);
    const auto found = dropped_.find(id);
    return found == dropped_.end() ? 0 : found->second;
}

void Output::take(ApplicationId id, const std::string& name, std::string_view bytes, Milliseconds wall)
{
    const std::lock_guard lock(mutex_);
    const auto kept = unfinished_.find(id);
    std::string joined;
    if (kept != unfinished_.end()) {
        joined = std::move(kept->second);
        unfinished_.erase(kept);
        joined += bytes;
        bytes = joined;
    }
    while (!bytes.empty()) {
        const size_t end = bytes.find('\n');
        if (end == std::string_view::npos && bytes.size() < limits_.line_bytes) break;
        const size_t length = std::min(end, limits_.line_bytes);
        add_line(id, name, bytes.substr(0, length), wall);
        bytes.remove_prefix(length + (length == end ? 1 : 0));
    }
    if (!bytes.empty()) unfinished_[id] = std::string(bytes);
}

void Output::finish(ApplicationId id, const std::string& name, Milliseconds wall)
{
    const std::lock_guard lock(mutex_);
    const auto kept = unfinished_.find(id);
    if (kept == unfinished_.end()) return;
    const std::string line = std::move(kept->second);
    unfinished_.erase(kept);
    add_line(id, name, line, wall);
}

void Output::add_line(ApplicationId id, const std::string& name, std::string_view line, Milliseconds wall)
{
    Waiting& waiting = waiting_[id];
    waiting.name = name;
    const bool was_idle = waiting_bytes_ == 0;
    if (waiting_bytes_ + line.size() > limits_.waiting_bytes) {
        ++waiting.dropped;
        ++dropped_[id];
        return;
    }
    const size_t before = waiting.lines.size();
    fmt::format_to(std::back_inserter(waiting.lines), "{} {}\n", time_text(wall), line);
    waiting_bytes_ += waiting.lines.size() - before;
    if (was_idle) changed_.notify_all();
}

void Output::flush()
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.empty() && !writing_; });
}

void Output::write_all()
{
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        const std::map<ApplicationId, Waiting> batch = std::exchange(waiting_, {});
        waiting_bytes_ = 0;
        writing_ = true;
        lock.unlock();
        for (const auto& [id, waiting] : batch) append(file_of(id, waiting.name), waiting);
        lock.lock();
        writing_ = false;
        changed_.notify_all();
    }
}

/// A disk that takes nothing loses these lines; there is nobody else to tell.
void Output::append(const std::string& path, const Waiting& batch)
{
    host::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    struct stat status{};
    if (!file || fstat(file.number(), &status) != 0) return;
    if (static_cast<size_t>(status.st_size) >= limits_.segment_bytes) {
        turn_over(path);
        file = host::Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
    }
    std::string_view rest = batch.lines;
    while (!rest.empty()) {
        const ssize_t count = write(file.number(), rest.data(), rest.size());
        if (count < 0 && errno != EINTR) return;
        if (count > 0) rest.remove_prefix(static_cast<size_t>(count));
    }
    if (batch.dropped == 0) return;
    const std::string said = fmt::format(
        "(belay: more was printed than could be written; {} lines were dropped)\n", batch.dropped);
    static_cast<void>(write(file.number(), said.data(), said.size()) > 0);
}

void Output::turn_over(const std::string& path) const
{
    for (unsigned segment = limits_.segments - 1; segment > 0; --segment) {
        const std::string newer = segment == 1 ? path : fmt::format("{}.{}", path, segment - 1);
        std::rename(newer.c_str(), fmt::format("{}.{}", path, segment).c_str());
    }
}

}  // namespace belay::supervisor
