#include "backup_tools.h"

#include "host/descriptor.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>

namespace belay::bench {
namespace {

/// Of repositories that live as long as a measurement.
constexpr const char* password = "bench";

}  // namespace

std::string_view name_of(Work work)
{
    switch (work) {
        case Work::first:
            return "first backup";
        case Work::unchanged:
            return "backup, unchanged";
        case Work::changed:
            return "backup, 1 % changed";
        case Work::restore:
            return "restore";
        case Work::check:
            return "check";
        case Work::check_data:
            return "check with all data";
    }
    return "";
}

std::string_view name_of(Tool tool)
{
    return tool == Tool::belay ? "Belay" : tool == Tool::restic ? "restic" : "borg";
}

ToolAtWork::ToolAtWork(Tool tool, std::string program, std::string folder)
    : tool_(tool), program_(std::move(program)), folder_(std::move(folder))
{
}

Call ToolAtWork::call(std::vector<std::string> words) const
{
    std::vector<std::string> argv = {program_};
    if (tool_ == Tool::belay) argv.emplace_back("backup");
    argv.insert(argv.end(), words.begin(), words.end());
    return {.argv = std::move(argv),
            .environment = {fmt::format("RESTIC_PASSWORD={}", password),
                            fmt::format("RESTIC_REPOSITORY={}", repository()),
                            fmt::format("RESTIC_CACHE_DIR={}/cache", folder_),
                            fmt::format("BORG_PASSPHRASE={}", password),
                            fmt::format("BORG_REPO={}", repository()),
                            fmt::format("BORG_BASE_DIR={}/cache", folder_)},
            .log = folder_ + "/log"};
}

std::vector<std::string> ToolAtWork::words_of(Work work, const std::string& source) const
{
    const bool borg = tool_ == Tool::borg;
    switch (work) {
        case Work::first:
        case Work::unchanged:
        case Work::changed:
            if (borg)
                return {"create", "--compression", "zstd,3", fmt::format("::{}", static_cast<unsigned>(work)),
                        source};
            return {tool_ == Tool::belay ? "run" : "backup", "--quiet", source};
        case Work::restore:
            if (borg) return {"extract", fmt::format("::{}", static_cast<unsigned>(Work::changed))};
            return {"restore", "--quiet", "latest", "--target", restored("")};
        case Work::check:
            // Of borg what restic's check is: everything is there that the archives speak of.
            if (borg) return {"check", "--archives-only"};
            return {"check", "--quiet"};
        case Work::check_data:
            if (borg) return {"check", "--verify-data"};
            return {"check", "--quiet", "--read-data"};
    }
    return {};
}

Result<void> ToolAtWork::init()
{
    remove();
    std::error_code problem;
    std::filesystem::create_directories(folder_ + "/cache", problem);
    if (problem) return std::unexpected(system_error(fmt::format("make {}", folder_), problem.value()));
    std::vector<std::string> words = {"init"};
    if (tool_ == Tool::borg) words.emplace_back("--encryption=repokey-blake2");
    TRY(measure(call(std::move(words))));
    return {};
}

Result<Cost> ToolAtWork::run(Work work, const std::string& source) const
{
    Call one = call(words_of(work, source));
    if (work == Work::restore) {
        std::error_code problem;
        std::filesystem::create_directories(restored(""), problem);
        if (problem)
            return std::unexpected(system_error(fmt::format("make {}", restored("")), problem.value()));
        // borg restores into the folder that it stands in.
        one.folder = restored("");
    }
    return measure(one);
}

Result<void> ToolAtWork::read_repository() const
{
    std::vector<char> buffer(1 << 20);
    std::error_code problem;
    for (std::filesystem::recursive_directory_iterator at(repository(), problem), end; !problem && at != end;
         at.increment(problem)) {
        if (!at->is_regular_file(problem)) continue;
        const host::Descriptor file(::open(at->path().c_str(), O_RDONLY | O_CLOEXEC));
        ssize_t count = file ? 1 : -1;
        while (count > 0) count = ::read(file.number(), buffer.data(), buffer.size());
        if (count < 0)
            return std::unexpected(system_error(fmt::format("read {}", at->path().string()), errno));
    }
    if (problem) return std::unexpected(system_error(fmt::format("read {}", repository()), problem.value()));
    return {};
}

uint64_t ToolAtWork::size_of_repository() const
{
    uint64_t size = 0;
    std::error_code problem;
    for (std::filesystem::recursive_directory_iterator at(repository(), problem), end; !problem && at != end;
         at.increment(problem)) {
        if (at->is_regular_file(problem)) size += at->file_size(problem);
    }
    return size;
}

void ToolAtWork::remove() const
{
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

}  // namespace belay::bench
