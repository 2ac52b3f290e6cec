#include "host/load/proc_text.h"

#include <charconv>
#include <limits>

namespace belay::host::load {
namespace {

constexpr size_t most_lines_of_proc = 65'536;
constexpr size_t most_processors = 4096;
/// Nothing that counts honestly comes near; a sum of a few of them still fits.
constexpr uint64_t most_count = std::numeric_limits<uint64_t>::max() / 64;
constexpr uint64_t most_pages = most_count / 65'536;  // in bytes as well
constexpr uint64_t kernel_thread_flag = 0x0020'0000;  // PF_KTHREAD, include/linux/sched.h

Error no_text_of(std::string_view file, std::string_view line)
{
    return Error{.kind = ErrorKind::corrupt,
                 .what = fmt::format("{} says what is not understood: \"{}\"", file, line.substr(0, 80))};
}

/// Hands a text out line by line, or a line word by word.
class Cutter {
  public:
    explicit Cutter(std::string_view text) : rest_(text) {}

    bool at_end() const { return rest_.empty(); }
    std::string_view line()
    {
        const size_t end = std::min(rest_.find('\n'), rest_.size());
        const std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return line;
    }
    /// Empty: there is none left.
    std::string_view word()
    {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
        const size_t end = std::min(rest_.find_first_of(" \t"), rest_.size());
        const std::string_view word = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return word;
    }
    void skip(size_t words)
    {
        for (size_t i = 0; i < words; ++i) word();
    }

  private:
    std::string_view rest_;
};

template <typename T>
std::optional<T> number_of_word(std::string_view word)
{
    T number{};
    const auto [stopped, problem] = std::from_chars(word.begin(), word.end(), number);
    if (word.empty() || problem != std::errc{} || stopped != word.end()) return std::nullopt;
    return number;
}

/// The next word of a line; one that is not there counts as 0, for older kernels have shorter lines.
std::optional<uint64_t> next_count(Cutter& line)
{
    const std::string_view word = line.word();
    if (word.empty()) return 0;
    const auto count = number_of_word<uint64_t>(word);
    return count && *count <= most_count ? count : std::nullopt;
}

/// As many counts as there is room for. False: one of them is none.
template <size_t many>
bool take_counts(Cutter& line, std::array<uint64_t, many>& counts)
{
    for (uint64_t& count : counts) {
        const auto next = next_count(line);
        if (!next) return false;
        count = *next;
    }
    return true;
}

/// "0.31", "12.50": a share or a load, never negative.
std::optional<double> next_share(std::string_view word)
{
    const auto share = number_of_word<double>(word);
    return share && *share >= 0 && *share < 1e9 ? share : std::nullopt;
}

/// mountinfo writes blanks, tabs, line ends and backslashes as \040.
std::string unescaped(std::string_view text)
{
    std::string plain;
    for (size_t at = 0; at < text.size(); ++at) {
        unsigned code = 0;
        const bool is_code = text[at] == '\\' && at + 3 < text.size() &&
                             std::from_chars(text.data() + at + 1, text.data() + at + 4, code, 8).ptr ==
                                 text.data() + at + 4 &&
                             code != 0 && code < 256;
        plain += is_code ? static_cast<char>(code) : text[at];
        if (is_code) at += 3;
    }
    return plain;
}

}  // namespace

Result<Processors> parse_processors(std::string_view text)
{
    Processors processors;
    bool has_all = false;
    for (Cutter lines(text); !lines.at_end();) {
        const std::string_view whole = lines.line();
        Cutter line(whole);
        const std::string_view name = line.word();
        if (!name.starts_with("cpu")) continue;
        // user nice system idle iowait irq softirq steal; guests are in user and nice already.
        std::array<uint64_t, 8> counts{};
        if (!take_counts(line, counts)) return std::unexpected(no_text_of("/proc/stat", whole));
        const ProcessorTicks ticks{.user = counts[0] + counts[1],
                                   .system = counts[2] + counts[5] + counts[6],
                                   .idle = counts[3],
                                   .iowait = counts[4],
                                   .steal = counts[7]};
        if (name == "cpu") {
            processors.all = ticks;
            has_all = true;
        } else if (processors.each.size() < most_processors) {
            processors.each.push_back(ticks);
        }
    }
    if (!has_all) return std::unexpected(no_text_of("/proc/stat", text));
    return processors;
}

Result<Memory> parse_memory(std::string_view text)
{
    Memory memory;
    uint64_t free = 0, cached = 0;
    bool has_total = false, has_available = false;
    for (Cutter lines(text); !lines.at_end();) {
        const std::string_view whole = lines.line();
        Cutter line(whole);
        const std::string_view name = line.word();
        const bool is_wanted = name == "MemTotal:" || name == "MemAvailable:" || name == "MemFree:" ||
                               name == "Cached:" || name == "SwapTotal:" || name == "SwapFree:";
        if (!is_wanted) continue;
        const auto count = number_of_word<uint64_t>(line.word());
        if (!count || *count > most_count / 1024) return std::unexpected(no_text_of("/proc/meminfo", whole));
        const uint64_t bytes = *count * 1024;
        if (name == "MemTotal:") memory.total = Bytes{bytes};
        if (name == "MemAvailable:") memory.available = Bytes{bytes};
        if (name == "MemFree:") free = bytes;
        if (name == "Cached:") cached = bytes;
        if (name == "SwapTotal:") memory.swap = Bytes{bytes};
        if (name == "SwapFree:") memory.swap_free = Bytes{bytes};
        has_total = has_total || name == "MemTotal:";
        has_available = has_available || name == "MemAvailable:";
    }
    if (!has_total) return std::unexpected(no_text_of("/proc/meminfo", text));
    // What kernels before 3.14 do not say.
    if (!has_available) memory.available = Bytes{free + cached};
    memory.available = std::min(memory.available, memory.total);
    memory.swap_free = std::min(memory.swap_free, memory.swap);
    return memory;
}

Result<Pressure> parse_pressure(std::string_view text)
{
    Pressure pressure;
    bool has_some = false;
    for (Cutter lines(text); !lines.at_end();) {
        const std::string_view whole = lines.line();
        Cutter line(whole);
        const std::string_view kind = line.word();
        if (kind != "some" && kind != "full") continue;
        std::array<double, 3>& shares = kind == "some" ? pressure.some : pressure.full;
        has_some = has_some || kind == "some";
        for (size_t i = 0; i < shares.size(); ++i) {
            constexpr std::array names = {"avg10=", "avg60=", "avg300="};
            std::string_view word = line.word();
            if (!word.starts_with(names.at(i))) return std::unexpected(no_text_of("/proc/pressure", whole));
            word.remove_prefix(std::string_view(names.at(i)).size());
            const auto share = next_share(word);
            if (!share) return std::unexpected(no_text_of("/proc/pressure", whole));
            shares.at(i) = *share;
        }
    }
    if (!has_some) return std::unexpected(no_text_of("/proc/pressure", text));
    return pressure;
}

Result<std::array<double, 3>> parse_load_average(std::string_view text)
{
    std::array<double, 3> averages{};
    Cutter line(text);
    for (double& average : averages) {
        const auto share = next_share(line.word());
        if (!share) return std::unexpected(no_text_of("/proc/loadavg", text));
        average = *share;
    }
    return averages;
}

Result<std::vector<DiskCounts>> parse_disks(std::string_view text)
{
    std::vector<DiskCounts> disks;
    for (Cutter lines(text); !lines.at_end() && disks.size() < most_lines_of_proc;) {
        const std::string_view whole = lines.line();
        Cutter line(whole);
        line.skip(2);
        const std::string_view name = line.word();
        // reads, merged, sectors, ms, writes, merged, sectors, ms, under way, ms with any under way
        std::array<uint64_t, 10> counts{};
        if (name.empty() || !take_counts(line, counts))
            return std::unexpected(no_text_of("/proc/diskstats", whole));
        disks.push_back({.name = std::string(name),
                         .reads = counts[0],
                         .writes = counts[4],
                         .read = Sectors{counts[2]},
                         .written = Sectors{counts[6]},
                         .busy = Milliseconds(static_cast<int64_t>(counts[9]))});
    }
    return disks;
}

Result<std::vector<Mount>> parse_mounts(std::string_view text)
{
    std::vector<Mount> mounts;
    for (Cutter lines(text); !lines.at_end() && mounts.size() < most_lines_of_proc;) {
        const std::string_view whole = lines.line();
        Cutter line(whole);
        line.skip(2);
        const std::string_view numbers = line.word();
        line.skip(1);
        const std::string_view at = line.word();
        // Optional fields stand between the options and a lone "-".
        std::string_view word = line.word();
        while (!word.empty() && word != "-") word = line.word();
        const std::string_view type = line.word(), device = line.word();
        if (at.empty() || type.empty()) return std::unexpected(no_text_of("/proc/self/mountinfo", whole));
        mounts.push_back({.numbers = std::string(numbers),
                          .at = unescaped(at),
                          .type = std::string(type),
                          .device = unescaped(device)});
    }
    return mounts;
}

Result<ProcessCounts> parse_process(std::string_view text)
{
    // The name stands in brackets, and may have brackets, blanks and line ends in it.
    const size_t open = text.find('('), close = text.rfind(')');
    const auto pid = open == std::string_view::npos || open < 1
                         ? std::nullopt
                         : number_of_word<int64_t>(text.substr(0, open - 1));
    if (!pid || close == std::string_view::npos || close < open)
        return std::unexpected(no_text_of("/proc/PID/stat", text));
    ProcessCounts process{.pid = *pid, .command = std::string(text.substr(open + 1, close - open - 1))};
    std::string_view fields = text.substr(close + 1);
    fields = fields.substr(0, fields.find('\n'));
    Cutter line(fields);
    const std::string_view state = line.word();
    const auto parent = number_of_word<int64_t>(line.word());
    const auto group = number_of_word<int64_t>(line.word());
    const auto session = number_of_word<int64_t>(line.word());
    line.skip(2);
    const auto flags = next_count(line);
    line.skip(4);
    const auto user = next_count(line), system = next_count(line);
    line.skip(6);
    const auto started = next_count(line);
    line.skip(1);
    const auto pages = number_of_word<int64_t>(line.word());
    if (state.size() != 1 || !parent || !group || !session || !flags || !user || !system || !started ||
        !pages)
        return std::unexpected(no_text_of("/proc/PID/stat", text));
    process.state = state.front();
    process.parent = *parent;
    process.group = *group;
    process.session = *session;
    process.is_kernel = (*flags & kernel_thread_flag) != 0;
    process.ticks = *user + *system;
    process.started = *started;
    process.pages = std::min(static_cast<uint64_t>(std::max<int64_t>(*pages, 0)), most_pages);
    return process;
}

std::string parse_group(std::string_view text)
{
    for (Cutter lines(text); !lines.at_end();) {
        const std::string_view line = lines.line();
        if (line.starts_with("0::")) return std::string(line.substr(3));
    }
    return {};
}

}  // namespace belay::host::load
