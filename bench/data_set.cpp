#include "data_set.h"

#include "host/descriptor.h"
#include "measured_run.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace belay::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kernel_source = "/usr/src/linux-source-6.1.tar.xz";
constexpr uint64_t content_of_image = 2300 * mebibyte;

/// Bytes of the files of a tree, by their blocks.
uint64_t size_of_tree(const std::string& path)
{
    uint64_t size = 0;
    std::error_code problem;
    for (fs::recursive_directory_iterator at(path, problem), end; !problem && at != end;
         at.increment(problem)) {
        if (at->is_regular_file(problem) && !at->is_symlink(problem))
            size += (at->file_size(problem) + 4095) / 4096 * 4096;
    }
    return size;
}

Result<void> make_image(const std::string& folder)
{
    const std::string content = folder + "-content", log = folder + "-log";
    std::error_code problem;
    fs::create_directories(content, problem);
    std::vector<std::string> parts;
    for (const char* above : {"/usr/share", "/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib"}) {
        for (const fs::directory_entry& entry : fs::directory_iterator(above, problem)) {
            const bool is_part_of_itself = entry.path() == "/usr/lib/x86_64-linux-gnu";
            if (!is_part_of_itself && !entry.is_symlink(problem)) parts.push_back(entry.path());
        }
    }
    std::ranges::sort(parts);
    uint64_t size = 0;
    // By paths from the root: with others cp looks for the folders above in its own.
    Call copy{.argv = {"cp", "-a", "--parents", "-t", content}, .folder = "/", .log = log};
    for (const std::string& part : parts) {
        std::error_code no_folder;
        const uint64_t more =
            fs::is_directory(part, no_folder) ? size_of_tree(part) : fs::file_size(part, no_folder);
        if (no_folder || size + more > content_of_image) continue;
        size += more;
        copy.argv.push_back(part.substr(1));
    }
    TRY(measure(copy));
    // A quarter more than the content, as a disk in use has it.
    TRY(measure({.argv = {"mkfs.ext4", "-q", "-d", content, "-E", "root_owner=0:0", folder + "/disk.img",
                          fmt::format("{}M", size / mebibyte * 5 / 4 + 64)},
                 .log = log}));
    fs::remove_all(content, problem);
    return {};
}

Result<host::Descriptor> open_file(const std::string& path, int flags)
{
    host::Descriptor file(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
    if (!file) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    return file;
}

Result<void> write_at(const host::Descriptor& file, std::string_view text, uint64_t offset)
{
    if (::pwrite(file.number(), text.data(), text.size(), static_cast<off_t>(offset)) !=
        static_cast<ssize_t>(text.size()))
        return std::unexpected(system_error("change a file", errno));
    return {};
}

}  // namespace

Result<uint64_t> expected_size(const std::string& name)
{
    std::error_code problem;
    if (name == "image") return content_of_image * 5 / 4;
    if (name == "usr") return size_of_tree("/usr");
    const uint64_t packed = fs::file_size(kernel_source, problem);
    if (problem)
        return fail(ErrorKind::not_found, fmt::format("there is no {}", kernel_source),
                    "apt-get install linux-source-6.1");
    return packed * 12;
}

Result<DataSet> make_data_set(const std::string& name, const std::string& folder)
{
    std::error_code problem;
    const std::string path = folder + "/" + name;
    fs::create_directories(path, problem);
    if (problem) return std::unexpected(system_error(fmt::format("make {}", path), problem.value()));
    const std::string log = folder + "/log";
    if (name == "linux-source")
        TRY(measure({.argv = {"tar", "-xf", kernel_source, "-C", path}, .log = log}));
    else if (name == "image")
        TRY(make_image(path));
    else
        TRY(measure({.argv = {"cp", "-a", "--one-file-system", "/usr/.", path}, .log = log}));
    return read_once(name, path);
}

Result<DataSet> read_once(std::string name, std::string path)
{
    DataSet data{.name = std::move(name), .path = std::move(path)};
    std::vector<char> piece(mebibyte);
    std::error_code problem;
    fs::recursive_directory_iterator at(data.path, problem);
    for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
        if (at->is_symlink(problem) || !at->is_regular_file(problem)) continue;
        ++data.files;
        const host::Descriptor file = TRY(open_file(at->path(), O_RDONLY));
        for (;;) {
            const ssize_t got = ::read(file.number(), piece.data(), piece.size());
            if (got < 0) return std::unexpected(system_error("read " + at->path().string(), errno));
            if (got == 0) break;
            data.bytes += static_cast<uint64_t>(got);
        }
    }
    if (problem) return std::unexpected(system_error(fmt::format("read {}", data.path), problem.value()));
    return data;
}

Result<uint64_t> change_one_percent(const DataSet& data, unsigned round)
{
    constexpr uint64_t every = 100;
    uint64_t number = 0, bytes = 0;
    std::error_code problem;
    fs::recursive_directory_iterator at(data.path, problem);
    for (; !problem && at != fs::recursive_directory_iterator(); at.increment(problem)) {
        if (at->is_symlink(problem) || !at->is_regular_file(problem)) continue;
        const uint64_t size = at->file_size(problem);
        const bool is_turn = number++ % every == round % every;
        const std::string line = fmt::format("changed in round {} at {}\n", round, number);
        if (size > every * mebibyte) {
            const host::Descriptor file = TRY(open_file(at->path(), O_WRONLY));
            for (uint64_t offset = round % every * mebibyte; offset + mebibyte < size;
                 offset += every * mebibyte) {
                TRY(write_at(file, line, offset + mebibyte / 2));
                bytes += mebibyte;
            }
        } else if (is_turn) {
            TRY(write_at(TRY(open_file(at->path(), O_WRONLY)), line, size));
            bytes += size;
        }
    }
    if (problem) return std::unexpected(system_error(fmt::format("change {}", data.path), problem.value()));
    return bytes;
}

Result<void> compare_trees(const std::string& one, const std::string& other, const std::string& log)
{
    TRY(measure({.argv = {"diff", "--recursive", "--brief", "--no-dereference", one, other}, .log = log}));
    return {};
}

}  // namespace belay::bench
