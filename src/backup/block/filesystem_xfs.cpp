#include "backup/block/filesystems.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <sstream>

namespace belay::backup {
namespace {

/// What xfs_db has printed of a header, as "freeblks = 25582".
using Fields = std::map<std::string, uint64_t, std::less<>>;

std::optional<uint64_t> xfs_number_in(std::string_view text)
{
    uint64_t value = 0;
    const char* begin = text.data();
    const auto [end, wrong] = std::from_chars(begin, begin + text.size(), value);
    if (wrong != std::errc() || end != begin + text.size()) return std::nullopt;
    return value;
}

std::unexpected<Error> unreadable(const std::string& path, const std::string& why)
{
    return fail(ErrorKind::corrupt, fmt::format("the XFS on {} cannot be read: {}", path, why));
}

/// What a tool of xfsprogs prints. They end well whatever they have found; what is wrong is on the second
/// output alone.
Result<std::string> ask(host::Host& host, const std::string& path, std::vector<std::string> argv)
{
    host::Command command{.argv = std::move(argv)};
    command.limit = std::chrono::minutes(10);
    const host::Outcome outcome = TRY(host::run_checked(host, command));
    const bool is_silent = std::ranges::all_of(outcome.err, [](char c) { return c == '\n' || c == ' '; });
    if (!is_silent) return unreadable(path, outcome.err.substr(0, outcome.err.find('\n')));
    return outcome.out;
}

struct FreeSpace {
    Fields fields;
    std::vector<std::array<uint64_t, 3>> extents;  ///< group, block, blocks
};

/// Reads lines "name = value", and of three numbers; the histogram behind those has other lines.
Result<FreeSpace> parse(const std::string& text, const std::string& path)
{
    FreeSpace free;
    std::istringstream lines(text);
    bool in_list = false;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::vector<std::string> all;
        for (std::string word; words >> word;) all.push_back(word);
        if (all.empty()) continue;
        if (all[0] == "agno" || all[0] == "from") {
            in_list = all[0] == "agno";
        } else if (in_list) {
            std::array<uint64_t, 3> extent = {};
            const bool is_one =
                all.size() == 3 && std::ranges::all_of(all, [&, i = size_t{0}](const auto& word) mutable {
                    const auto value = xfs_number_in(word);
                    if (value) extent.at(i++) = *value;
                    return value.has_value();
                });
            if (!is_one) return unreadable(path, fmt::format("xfs_db says \"{}\"", line));
            free.extents.push_back(extent);
        } else if (all.size() == 3 && all[1] == "=") {
            const auto value = xfs_number_in(all[2]);
            if (value) free.fields[all[0]] = *value;
        }
    }
    return free;
}

Result<uint64_t> field(const Fields& fields, std::string_view name, const std::string& path)
{
    const auto found = fields.find(name);
    if (found == fields.end()) return unreadable(path, fmt::format("xfs_db does not tell {}", name));
    return found->second;
}

struct Geometry {
    uint64_t block_size = 0, blocks = 0, group_blocks = 0, groups = 0;
};

Result<Geometry> geometry_of(host::Host& host, const std::string& path, uint64_t size)
{
    const std::string text =
        TRY(ask(host, path,
                {"xfs_db", "-r", "-c", "sb 0", "-c",
                 "print blocksize dblocks rblocks logstart agblocks agcount inprogress", path}));
    const FreeSpace read = TRY(parse(text, path));
    const Fields& fields = read.fields;
    Geometry geometry;
    geometry.block_size = TRY(field(fields, "blocksize", path));
    geometry.blocks = TRY(field(fields, "dblocks", path));
    geometry.group_blocks = TRY(field(fields, "agblocks", path));
    geometry.groups = TRY(field(fields, "agcount", path));
    if (TRY(field(fields, "inprogress", path)) != 0)
        return fail(ErrorKind::refused, fmt::format("the XFS on {} is still being made", path));
    if (TRY(field(fields, "logstart", path)) == 0)
        return fail(ErrorKind::refused, fmt::format("the XFS on {} has its log on another device", path));
    const bool fits =
        geometry.block_size >= 512 && geometry.group_blocks > 0 && geometry.groups > 0 &&
        geometry.blocks <= size / geometry.block_size &&
        (geometry.blocks + geometry.group_blocks - 1) / geometry.group_blocks == geometry.groups;
    if (!fits) return unreadable(path, fmt::format("its superblock does not fit {} bytes", size));
    return geometry;
}

/// Whether nothing waits in the log; only then the trees say what is free.
Result<bool> is_log_clean(host::Host& host, const std::string& path)
{
    host::Command command{.argv = {"xfs_logprint", "-t", path}};
    command.limit = std::chrono::minutes(10);
    const Result<host::Outcome> outcome = host.run(command);
    if (!outcome && outcome.error().kind == ErrorKind::not_found) return std::unexpected(outcome.error());
    // Much output is what a full log makes.
    if (!outcome || outcome->out.find("state: <DIRTY>") != std::string::npos) return false;
    if (outcome->out.find("state: <CLEAN>") == std::string::npos)
        return unreadable(path, "xfs_logprint finds no log");
    return true;
}

}  // namespace

Result<Used> used_by_xfs(host::Host& host, const std::string& path, uint64_t size)
{
    const Geometry geometry = TRY(geometry_of(host, path, size));
    if (!TRY(is_log_clean(host, path))) return Used();
    Extents free;
    for (uint64_t group = 0; group < geometry.groups; ++group) {
        const std::string number = std::to_string(group);
        const std::string text =
            TRY(ask(host, path,
                    {"xfs_db", "-r", "-c", "agf " + number, "-c", "print seqno length freeblks flcount", "-c",
                     "freesp -d -a " + number, path}));
        const FreeSpace read = TRY(parse(text, path));
        const uint64_t begin = group * geometry.group_blocks;
        const uint64_t blocks = std::min(geometry.group_blocks, geometry.blocks - begin);
        uint64_t sum = 0;
        bool fits = TRY(field(read.fields, "seqno", path)) == group &&
                    TRY(field(read.fields, "length", path)) == blocks;
        for (const auto& [in_group, first, count] : read.extents) {
            fits = fits && in_group == group && first < blocks && count <= blocks - first;
            free.push_back({(begin + first) * geometry.block_size, count * geometry.block_size});
            sum += count;
        }
        // The list counts the blocks that the trees themselves have in reserve.
        const uint64_t expected =
            TRY(field(read.fields, "freeblks", path)) + TRY(field(read.fields, "flcount", path));
        if (!fits || sum != expected)
            return unreadable(path,
                              fmt::format("the free space of its group {} does not fit its header", group));
    }
    return complement(std::move(free), size);
}

}  // namespace belay::backup
