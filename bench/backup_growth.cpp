#include "backup_growth.h"

#include "host/descriptor.h"
#include "scratch_folder.h"

#include <algorithm>
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
    std::string name;
    uint64_t files, size_of_each;
    bool by_restic;  ///< else it would take restic hours, or more memory than there is
};

constexpr uint64_t small = kibibyte, large = 64 * mebibyte;

std::vector<Growth> all_growth(bool largest)
{
    std::vector<Growth> all = {{"10,000 files of 1 KiB", 10'000, small, true},
                               {"100,000 files of 1 KiB", 100'000, small, true},
                               {"1,000,000 files of 1 KiB", 1'000'000, small, true}};
    if (largest) all.push_back({"5,000,000 files of 1 KiB", 5'000'000, small, false});
    all.push_back({"1 GB in files of 64 MiB", 15, large, true});
    all.push_back({"10 GB in files of 64 MiB", 149, large, true});
    if (largest) all.push_back({"100 GB in files of 64 MiB", 1490, large, false});
    return all;
}

/// With one repository, of half random data, and its cache.
uint64_t room_for(const Growth& growth)
{
    constexpr uint64_t block_and_inode = 4352;
    const uint64_t on_disk = std::max(growth.size_of_each, block_and_inode);
    return growth.files * (on_disk + growth.size_of_each / 2 + 2 * kibibyte);
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
        fmt::print(stderr, "{}: needs {} MiB\n", growth.name, room_for(growth) / mebibyte);
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

/// Half random, half zeros in each 4 KiB, so that it is compressed to a half and repeats nowhere.
void fill(std::span<char> buffer, std::mt19937_64& random)
{
    for (size_t at = 0; at < buffer.size(); at += sizeof(uint64_t)) {
        const uint64_t value =
            at % (4 * kibibyte) < 2 * kibibyte || buffer.size() < 4 * kibibyte ? random() : 0;
        std::memcpy(&buffer[at], &value, std::min(sizeof value, buffer.size() - at));
    }
}

Result<void> make_file(const std::string& path, uint64_t size, std::vector<char>& buffer,
                       std::mt19937_64& random)
{
    const host::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return std::unexpected(system_error("make " + path, errno));
    for (uint64_t left = size; left > 0;) {
        const size_t piece = std::min<uint64_t>(left, buffer.size());
        fill({buffer.data(), piece}, random);
        if (::write(file.number(), buffer.data(), piece) != static_cast<ssize_t>(piece))
            return std::unexpected(system_error("write " + path, errno));
        left -= piece;
    }
    return {};
}

/// A thousand files in each folder, a hundred folders in each of those above.
Result<void> make_tree(const Growth& growth, const std::string& path)
{
    std::mt19937_64 random(growth.files);
    std::vector<char> buffer(mebibyte);
    std::string folder;
    for (uint64_t number = 0; number < growth.files; ++number) {
        if (number % 1000 == 0) {
            folder = fmt::format("{}/{}/{}", path, number / 100'000, number / 1000 % 100);
            std::error_code problem;
            std::filesystem::create_directories(folder, problem);
            if (problem) return std::unexpected(system_error("make " + folder, problem.value()));
        }
        TRY(make_file(fmt::format("{}/{}", folder, number % 1000), growth.size_of_each, buffer, random));
    }
    return {};
}

/// Of the first and of an unchanged backup.
Result<void> add_cells(std::vector<std::string>& line, ToolAtWork tool, const std::string& source)
{
    TRY(tool.init());
    for (const Work work : {Work::first, Work::unchanged}) {
        const Cost cost = TRY(tool.run(work, source));
        line.push_back(fmt::format("{:.1f} s", seconds(cost.time.wall)));
        line.push_back(fmt::format("{} MiB", cost.peak_memory / mebibyte));
    }
    tool.remove();
    return {};
}

Result<std::vector<std::string>> line_of(const Growth& growth, const BackupPrograms& programs,
                                         const std::string& above)
{
    const ScratchFolder folder = TRY(ScratchFolder::make(above));
    const std::string tree = folder / "tree";
    fmt::print(stderr, "{} ...\n", growth.name);
    TRY(make_tree(growth, tree));
    std::vector<std::string> line = {growth.name};
    TRY(add_cells(line, ToolAtWork(Tool::belay, programs.belay, folder / "belay"), tree));
    if (growth.by_restic)
        TRY(add_cells(line, ToolAtWork(Tool::restic, programs.restic, folder / "restic"), tree));
    else
        line.insert(line.end(), 4, "");
    return line;
}

}  // namespace

Result<std::vector<std::vector<std::string>>> measure_growth(const BackupPrograms& programs,
                                                             const std::string& folder, bool largest)
{
    const std::vector<Growth> all = all_growth(largest);
    TRY(is_room_for(all, folder));
    std::vector<std::vector<std::string>> lines = {{"What", "Belay: first", "memory", "unchanged", "memory",
                                                    "restic: first", "memory", "unchanged", "memory"}};
    for (const Growth& growth : all) lines.push_back(TRY(line_of(growth, programs, folder)));
    return lines;
}

}  // namespace belay::bench
