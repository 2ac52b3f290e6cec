#include "backup_rounds.h"

#include "host/descriptor.h"
#include "table.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace belay::bench {
namespace {

/// How many times as fast as restic Belay is to be; nothing: it is shown alone.
std::optional<double> mark_of(Work work, uint64_t files)
{
    switch (work) {
        case Work::first:
        case Work::restore:
            return 2.2;
        case Work::unchanged:
            // Of one file there is no tree to walk.
            if (files == 1) return std::nullopt;
            return 6;
        case Work::changed:
            return 2;
        case Work::check:
        case Work::check_data:
            return 1.5;
    }
    return std::nullopt;
}

bool reads_data(Work work)
{
    return work == Work::first || work == Work::unchanged || work == Work::changed;
}

Cost median_of(const std::vector<Cost>& costs)
{
    std::vector<Nanoseconds> wall, processor;
    std::vector<double> memory;
    for (const Cost& cost : costs) {
        wall.push_back(cost.time.wall);
        processor.push_back(cost.time.processor);
        memory.push_back(static_cast<double>(cost.peak_memory));
    }
    return {.time = {median(wall), median(processor)}, .peak_memory = static_cast<uint64_t>(median(memory))};
}

std::string seconds_text(Nanoseconds span)
{
    return fmt::format("{:.2f} s", seconds(span));
}

std::string mebibytes_text(uint64_t bytes)
{
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

/// As on a host that has run for a while: whoever needs memory takes it from the page cache. Memory that no
/// one has touched yet costs more where a virtual machine's host has to find it first, and only whoever comes
/// first would pay for that. The file is one hole.
Result<void> fill_page_cache(const std::string& file)
{
    const host::Descriptor hole(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    if (!hole || ::ftruncate(hole.number(), pages * ::sysconf(_SC_PAGESIZE)) != 0)
        return std::unexpected(system_error("make " + file, errno));
    std::vector<char> part(1 << 20);
    ssize_t got = 0;
    while ((got = ::read(hole.number(), part.data(), part.size())) > 0) {
    }
    if (got == 0) return {};
    return std::unexpected(system_error("read " + file, errno));
}

class Lines {
  public:
    Lines(std::string data, bool& reached) : data_(std::move(data)), reached_(reached)
    {
        lines_.push_back({"What", "Belay", "restic", "borg", "Ratio", "Mark", "Reached"});
    }

    template <typename ValueOf, typename TextOf>
    void add(std::string_view what, ValueOf value_of, TextOf text_of, std::optional<double> least)
    {
        std::vector<std::string> line = {fmt::format("{}: {}", data_, what)};
        for (const Tool tool : all_tools) line.push_back(text_of(value_of(tool)));
        const auto number = [&](Tool tool) {
            if constexpr (requires { value_of(tool).count(); })
                return std::max(seconds(value_of(tool)), 1e-3);
            else
                return std::max(static_cast<double>(value_of(tool)), 1.0);
        };
        const double ratio = number(Tool::restic) / number(Tool::belay);
        const std::optional<bool> is_reached = least ? std::optional(ratio >= *least) : std::nullopt;
        reached_ = reached_ && is_reached.value_or(true);
        line.insert(line.end(),
                    {fmt::format("{:.2f}", ratio), least ? fmt::format("at least {:.3g}", *least) : "",
                     reached_text(is_reached)});
        lines_.push_back(std::move(line));
    }

    std::vector<std::vector<std::string>> take() { return std::move(lines_); }

  private:
    std::string data_;
    bool& reached_;
    std::vector<std::vector<std::string>> lines_;
};

class Rounds {
  public:
    Rounds(const DataSet& data, const BackupPrograms& programs, std::string folder)
        : data_(data), programs_(programs), folder_(std::move(folder))
    {
    }

    /// Nothing is removed afterwards: ext4 without a journal makes files four times as slowly for some
    /// minutes where many were removed, for it passes over each inode that was freed in that time. Source:
    /// find_inode_bit() in fs/ext4/ialloc.c.
    Result<void> run(unsigned round)
    {
        const std::string own = fmt::format("{}/round-{}", folder_, round + 1);
        std::array tools = {ToolAtWork(Tool::belay, programs_.belay, own + "/belay"),
                            ToolAtWork(Tool::restic, programs_.restic, own + "/restic"),
                            ToolAtWork(Tool::borg, programs_.borg, own + "/borg")};
        for (ToolAtWork& tool : tools) TRY(tool.init());
        for (const Work work : all_works) {
            if (work == Work::changed) TRY(change_one_percent(data_, round));
            for (size_t turn = 0; turn < tools.size(); ++turn)
                TRY(run(tools[(round + turn) % tools.size()], work, round));
        }
        return {};
    }

    Compared result() const
    {
        Compared compared{.data = data_, .costs = {}, .size_of_first = first_, .size_of_all = all_};
        for (const auto& [work, of_tools] : costs_) {
            for (const auto& [tool, costs] : of_tools) compared.costs[work][tool] = median_of(costs);
        }
        return compared;
    }

  private:
    Result<void> run(const ToolAtWork& tool, Work work, unsigned round)
    {
        // borg has the kernel drop the files that it has read: who came after it would read from the disk.
        if (reads_data(work)) TRY(read_once(data_.name, data_.path));
        TRY(tool.read_repository());
        ::sync();  // else who comes next has the disk busy with what the one before has left to write
        const Cost cost = TRY(tool.run(work, data_.path));
        fmt::print(stderr, "  {}, round {}: {}: {}, of processors {}\n", name_of(work), round + 1,
                   name_of(tool.tool()), seconds_text(cost.time.wall), seconds_text(cost.time.processor));
        costs_[work][tool.tool()].push_back(cost);
        if (work == Work::first) first_[tool.tool()] = tool.size_of_repository();
        if (work == Work::changed) all_[tool.tool()] = tool.size_of_repository();
        if (work == Work::restore && round == 0)
            TRY(compare_trees(data_.path, tool.restored(data_.path), folder_ + "/log"));
        return {};
    }

    const DataSet& data_;
    const BackupPrograms& programs_;
    std::string folder_;
    std::map<Work, std::map<Tool, std::vector<Cost>>> costs_;
    std::map<Tool, uint64_t> first_, all_;
};

}  // namespace

Result<Compared> compare(const DataSet& data, const BackupPrograms& programs, const std::string& folder,
                         unsigned rounds)
{
    TRY(fill_page_cache(folder + "/hole"));
    Rounds all(data, programs, folder);
    for (unsigned round = 0; round < rounds; ++round) TRY(all.run(round));
    return all.result();
}

std::vector<std::vector<std::string>> to_lines(const Compared& compared, bool& reached)
{
    Lines lines(compared.data.name, reached);
    for (const auto& entry : compared.costs) {
        const Work work = entry.first;
        const std::map<Tool, Cost>& costs = entry.second;
        lines.add(
            name_of(work), [&](Tool tool) { return costs.at(tool).time.wall; }, seconds_text,
            mark_of(work, compared.data.files));
    }
    for (const auto& entry : compared.costs) {
        const Work work = entry.first;
        const std::map<Tool, Cost>& costs = entry.second;
        lines.add(
            fmt::format("processor time, {}", name_of(work)),
            [&](Tool tool) { return costs.at(tool).time.processor; }, seconds_text, std::nullopt);
    }
    for (const auto& entry : compared.costs) {
        const Work work = entry.first;
        const std::map<Tool, Cost>& costs = entry.second;
        lines.add(
            fmt::format("peak memory, {}", name_of(work)),
            [&](Tool tool) { return costs.at(tool).peak_memory; }, mebibytes_text, 1);
    }
    constexpr double one_percent_more = 1 / 1.01;
    lines.add(
        "repository, first backup", [&](Tool tool) { return compared.size_of_first.at(tool); },
        mebibytes_text, one_percent_more);
    lines.add(
        "repository, all three", [&](Tool tool) { return compared.size_of_all.at(tool); }, mebibytes_text,
        one_percent_more);
    return lines.take();
}

}  // namespace belay::bench
