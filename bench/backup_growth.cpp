#include "backup_growth.h"

#include "host/descriptor.h"
#include "scratch_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <random>
#include <span>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace belay::bench {
namespace {

struct Growth {
    std::string_view name;  ///< for --only
    std::string what;       ///< for a person
    uint64_t files, size_of_each;
    bool by_restic = true;  ///< else it would take restic an hour
    double mark = 0;        ///< restic's peak memory by Belay's, at least; 0: none
};

constexpr uint64_t small = kibibyte, large = 64 * mebibyte;
/// Of large files the rest is holes: who saves them reads zeros, and the disk need not have room for them.
constexpr uint64_t period = 256 * kibibyte, random_of_period = 32 * kibibyte;

const std::vector<Growth>& all_growth()
{
    static const std::vector<Growth> all = {
        {"10k-files", "10,000 files of 1 KiB", 10'000, small},
        {"100k-files", "100,000 files of 1 KiB", 100'000, small},
        {"1M-files", "1,000,000 files of 1 KiB", 1'000'000, small},
        {"5M-files", "5,000,000 files of 1 KiB", 5'000'000, small, true, 3},
        {"1GB", "1 GB in files of 64 MiB", 15, large},
        {"10GB", "10 GB in files of 64 MiB", 149, large},
        {"100GB", "100 GB in files of 64 MiB", 1490, large, false},
    };
    return all;
}

/// Of it, what a tool can neither leave out nor make smaller.
uint64_t random_bytes(uint64_t size)
{
    return size < period ? size : size / period * random_of_period;
}

/// With one repository and its cache.
uint64_t room_for(const Growth& growth)
{
    constexpr uint64_t block_and_inode = 4352;
    const uint64_t random = random_bytes(growth.size_of_each);
    return growth.files * (std::max(random, block_and_inode) + random + 2 * kibibyte);
}

/// Errors: no_space, of bytes or of inodes.
Result<void> is_room_for(const std::vector<Growth>& all, const std::string& folder)
{
    struct statvfs there = {};
    if (::statvfs(folder.c_str(), &there) != 0)
        return std::unexpected(system_error("look at " + folder, errno));
    const uint64_t free = uint64_t{there.f_bavail} * there.f_frsize;
    uint64_t most = 0, files = 0;
    for (const Growth& growth : all) {
        fmt::print(stderr, "{}: needs {} MiB\n", growth.what, room_for(growth) / mebibyte);
        most = std::max(most, room_for(growth));
        files = std::max(files, growth.files + growth.files / 100);
    }
    fmt::print(stderr, "One after the other, at most {} MiB; {} has {} MiB\n", most / mebibyte, folder,
               free / mebibyte);
    // A filesystem without inodes of its own says 0 of them.
    const bool enough_files = there.f_files == 0 || there.f_favail >= files;
    if (most <= free && enough_files) return {};
    return fail(ErrorKind::no_space, fmt::format("{} has no room for it", folder),
                "bench/backup --growth --folder FOLDER, elsewhere");
}

void fill(std::span<char> buffer, std::mt19937_64& random)
{
    for (size_t at = 0; at < buffer.size(); at += sizeof(uint64_t)) {
        const uint64_t value = random();
        std::memcpy(&buffer[at], &value, std::min(sizeof value, buffer.size() - at));
    }
}

/// None is like another.
Result<void> make_file(const std::string& path, uint64_t size, std::mt19937_64& random)
{
    const host::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return std::unexpected(system_error("make " + path, errno));
    std::array<char, random_of_period> buffer{};
    for (uint64_t at = 0; at < size; at += period) {
        const size_t piece = std::min<uint64_t>(size - at, buffer.size());
        fill({buffer.data(), piece}, random);
        if (::pwrite(file.number(), buffer.data(), piece, static_cast<off_t>(at)) !=
            static_cast<ssize_t>(piece))
            return std::unexpected(system_error("write " + path, errno));
    }
    if (::ftruncate(file.number(), static_cast<off_t>(size)) != 0)
        return std::unexpected(system_error("write " + path, errno));
    return {};
}

/// A thousand files in each folder, a hundred folders in each of those above.
Result<void> make_tree(const Growth& growth, const std::string& path)
{
    std::mt19937_64 random(growth.files);
    std::string folder;
    for (uint64_t number = 0; number < growth.files; ++number) {
        if (number % 1000 == 0) {
            folder = fmt::format("{}/{}/{}", path, number / 100'000, number / 1000 % 100);
            std::error_code problem;
            std::filesystem::create_directories(folder, problem);
            if (problem) return std::unexpected(system_error("make " + folder, problem.value()));
        }
        TRY(make_file(fmt::format("{}/{}", folder, number % 1000), growth.size_of_each, random));
    }
    return {};
}

/// Nobody finds in memory what another has read; of small files, that is less than the rest of the work.
Result<void> forget_content(const Growth& growth, const std::string& tree)
{
    if (growth.size_of_each < large) return {};
    std::error_code problem;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree, problem)) {
        if (!entry.is_regular_file()) continue;
        const host::Descriptor file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
        if (!file || ::posix_fadvise(file.number(), 0, 0, POSIX_FADV_DONTNEED) != 0)
            return std::unexpected(system_error("forget " + entry.path().string(), errno));
    }
    if (problem) return std::unexpected(system_error("walk " + tree, problem.value()));
    return {};
}

/// Adds what the first and an unchanged backup cost; the greatest peak of memory.
Result<uint64_t> add_cells(std::vector<std::string>& line, const Growth& growth, ToolAtWork tool,
                           const std::string& source)
{
    uint64_t peak = 0;
    TRY(tool.init());
    for (const Work work : {Work::first, Work::unchanged}) {
        TRY(forget_content(growth, source));
        const Cost cost = TRY(tool.run(work, source));
        fmt::print(stderr, "  {}, {}: {:.1f} s, {} MiB\n", name_of(tool.tool()), name_of(work),
                   seconds(cost.time.wall), cost.peak_memory / mebibyte);
        line.push_back(fmt::format("{:.1f} s", seconds(cost.time.wall)));
        line.push_back(fmt::format("{} MiB", cost.peak_memory / mebibyte));
        peak = std::max<uint64_t>(peak, cost.peak_memory);
    }
    tool.remove();
    return peak;
}

Result<std::vector<std::string>> line_of(const Growth& growth, const BackupPrograms& programs,
                                         const std::string& above, bool& reached)
{
    const ScratchFolder folder = TRY(ScratchFolder::make(above));
    const std::string tree = folder / "tree";
    fmt::print(stderr, "{} ...\n", growth.what);
    TRY(make_tree(growth, tree));
    ::sync();  // else who comes first waits for the disk to take the tree as well
    std::vector<std::string> line = {growth.what};
    const uint64_t ours =
        TRY(add_cells(line, growth, ToolAtWork(Tool::belay, programs.belay, folder / "belay"), tree));
    if (!growth.by_restic) {
        line.resize(line.size() + 7);
        return line;
    }
    const uint64_t theirs =
        TRY(add_cells(line, growth, ToolAtWork(Tool::restic, programs.restic, folder / "restic"), tree));
    const double ratio = static_cast<double>(theirs) / static_cast<double>(ours);
    line.push_back(fmt::format("{:.2f}", ratio));
    line.push_back(growth.mark > 0 ? fmt::format("at least {}", growth.mark) : "");
    line.push_back(growth.mark == 0 ? "" : ratio >= growth.mark ? "yes" : "NO");
    reached = reached && ratio >= growth.mark;
    return line;
}

}  // namespace

std::vector<std::string> growth_names()
{
    std::vector<std::string> names;
    for (const Growth& growth : all_growth()) names.emplace_back(growth.name);
    return names;
}

Result<std::vector<std::vector<std::string>>> measure_growth(const BackupPrograms& programs,
                                                             const std::string& folder,
                                                             const std::vector<std::string>& only,
                                                             bool& reached)
{
    std::vector<Growth> chosen;
    for (const Growth& growth : all_growth())
        if (only.empty() || std::ranges::find(only, growth.name) != only.end()) chosen.push_back(growth);
    TRY(is_room_for(chosen, folder));
    std::vector<std::vector<std::string>> lines = {{"What", "Belay: first", "memory", "unchanged", "memory",
                                                    "restic: first", "memory", "unchanged", "memory",
                                                    "Memory, ratio", "Mark", "Reached"}};
    for (const Growth& growth : chosen) lines.push_back(TRY(line_of(growth, programs, folder, reached)));
    return lines;
}

}  // namespace belay::bench
