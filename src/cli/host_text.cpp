#include "cli/host_text.h"

#include "cli/app_text.h"
#include "cli/fields.h"
#include "cli/site_text.h"

#include <cmath>
#include <fmt/ranges.h>

namespace belay::cli {
namespace {

constexpr double much_used = 90;

double share_of(const Json& json, std::string_view field)
{
    const auto found = json.find(field);
    return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

Bytes bytes_in(const Json& json, std::string_view field)
{
    return Bytes{static_cast<uint64_t>(std::max<int64_t>(number_of(json, field), 0))};
}

double used_share(const Json& memory)
{
    const auto total = static_cast<double>(number_of(memory, "total"));
    return total <= 0 ? 0 : 100 * (1 - static_cast<double>(number_of(memory, "available")) / total);
}

/// "12 %", "0.4 %".
std::string percent_text(double share)
{
    return share > 0 && share < 9.95 ? fmt::format("{:.1f} %", share) : fmt::format("{:.0f} %", share);
}

std::string load_cell(const Style& style, std::string_view name, double share)
{
    const Tone tone = share > much_used ? Tone::warn : Tone::plain;
    return paint(style, tone, fmt::format("{} {:.0f} %", name, share));
}

/// "1.6 % over 10 s, 2 % over 1 min, 4 % over 5 min"; empty: the kernel does not tell, or nothing waited.
std::string pressure_text(const Json& pressure)
{
    const Json& some = list_of(pressure, "some");
    if (some.size() != 3 || !std::ranges::all_of(some, &Json::is_number)) return {};
    if (std::ranges::all_of(some, [](const Json& share) { return share == 0; })) return {};
    return fmt::format("waited for {} of 10 s, {} of 1 min, {} of 5 min", percent_text(some[0].get<double>()),
                       percent_text(some[1].get<double>()), percent_text(some[2].get<double>()));
}

std::string with_pressure(const std::string& text, const Json& pressure)
{
    const std::string waited = pressure_text(pressure);
    return waited.empty() ? text : text + "; " + waited;
}

std::string processor_text(const Json& processor)
{
    std::string text =
        fmt::format("{} of {} busy: programs {}, kernel {}", percent_text(share_of(processor, "busy")),
                    counted(static_cast<uint64_t>(number_of(processor, "count")), "processor", "processors"),
                    percent_text(share_of(processor, "user")), percent_text(share_of(processor, "system")));
    if (const double share = share_of(processor, "steal"); share > 0)
        text += fmt::format(", taken by other machines {}", percent_text(share));
    if (const double share = share_of(processor, "iowait"); share > 0)
        text += fmt::format("; idle for disks {}", percent_text(share));
    return text;
}

std::string load_average_text(const Json& processor)
{
    std::vector<std::string> parts;
    for (const Json& average : list_of(processor, "load_average"))
        if (average.is_number()) parts.push_back(fmt::format("{:.2f}", average.get<double>()));
    return with_pressure(fmt::format("{}", fmt::join(parts, ", ")), object_of(processor, "pressure"));
}

std::string memory_text(const Json& memory)
{
    const std::string text =
        fmt::format("{} used; {} of {} available", percent_text(used_share(memory)),
                    to_text(bytes_in(memory, "available")), to_text(bytes_in(memory, "total")));
    return with_pressure(text, object_of(memory, "pressure"));
}

std::string swap_text(const Json& memory)
{
    const Bytes swap = bytes_in(memory, "swap"), free = bytes_in(memory, "swap_free");
    if (swap.count == 0) return "none";
    return fmt::format("{} of {} used", to_text(Bytes{swap.count - std::min(free, swap).count}),
                       to_text(swap));
}

PageSection host_section(const Style& style, const Json& host)
{
    const Json& load = object_of(host, "load");
    std::vector<std::vector<std::string>> rows;
    const std::string name = text_of(style, host, "name"), own = text_of(style, host, "host_name");
    const std::string version = text_of(style, host, "version");
    rows.push_back(
        {"host", fmt::format("{}{}{}", name, own.empty() || own == name ? "" : ", calls itself " + own,
                             version.empty() ? "" : ", belay " + version)});
    if (has(host, "presence")) rows.push_back({"link", host_link_text(style, host)});
    if (flag_of(host, "maintenance"))
        rows.push_back({"maintenance", "somebody works on it: nothing is started there"});
    if (const std::string problem = text_of(style, host, "problem"); !problem.empty())
        rows.push_back({"load", "not known: " + problem});
    if (load.empty()) return {"", lines_of(table(style, rows, 0))};
    const Json& processor = object_of(load, "processor");
    const Json& memory = object_of(load, "memory");
    rows.push_back({"processor", processor_text(processor)});
    rows.push_back({"load average", load_average_text(processor)});
    rows.push_back({"memory", memory_text(memory)});
    rows.push_back({"swap", swap_text(memory)});
    if (const std::string waited = pressure_text(object_of(load, "disk_pressure")); !waited.empty())
        rows.push_back({"disks", waited});
    return {"", lines_of(table(style, rows, 0))};
}

PageSection filesystem_section(const Style& style, const Json& load)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : list_of(load, "filesystems")) {
        const double share = share_of(one, "used");
        const auto inodes = static_cast<double>(number_of(one, "inodes"));
        const double inodes_used =
            inodes <= 0 ? 0 : 100 * (1 - static_cast<double>(number_of(one, "inodes_free")) / inodes);
        rows.push_back(
            {text_of(style, one, "at"),
             paint(style, share > much_used ? Tone::warn : Tone::plain, percent_text(share)),
             fmt::format("{} of {} free", to_text(bytes_in(one, "free")), to_text(bytes_in(one, "size"))),
             inodes <= 0 ? "" : fmt::format("inodes {}", percent_text(inodes_used)),
             fmt::format("{} {}", text_of(style, one, "type"), text_of(style, one, "device"))});
    }
    for (const std::string& one : texts_of(style, load, "not_asked"))
        rows.push_back({one, "", "not asked: its answer may be long in coming"});
    return {"filesystems", lines_of(table(style, rows, 2))};
}

PageSection disk_section(const Style& style, const Json& load)
{
    std::vector<std::vector<std::string>> rows;
    for (const Json& one : list_of(load, "disks"))
        rows.push_back(
            {text_of(style, one, "name"), fmt::format("{} busy", percent_text(share_of(one, "busy"))),
             fmt::format("reads {}/s, {}/s", number_of(one, "reads"), to_text(bytes_in(one, "read"))),
             fmt::format("writes {}/s, {}/s", number_of(one, "writes"), to_text(bytes_in(one, "written")))});
    return {"disks", lines_of(table(style, rows, 2))};
}

std::vector<std::string> process_row(const Style& style, const Json& process)
{
    return {text_of(style, process, "pid"),       text_of(style, process, "user"),
            text_of(style, process, "command"),   percent_text(share_of(process, "processor")),
            to_text(bytes_in(process, "memory")), "since " + style.clock(span_of(process, "started_ms"))};
}

/// Those with the most of a processor first; then those with the most memory that are not among them.
PageSection process_section(const Style& style, const Json& load)
{
    const Json& processes = object_of(load, "processes");
    if (processes.empty()) return {};
    std::vector<std::vector<std::string>> rows;
    std::set<int64_t> told;
    for (const char* list : {"by_processor", "by_memory"}) {
        for (const Json& one : list_of(processes, list)) {
            if (told.insert(number_of(one, "pid")).second) rows.push_back(process_row(style, one));
        }
    }
    const int64_t others = number_of(processes, "others");
    std::string heading = fmt::format("{} that nobody watches, of {}",
                                      counted(static_cast<uint64_t>(others), "process", "processes"),
                                      number_of(processes, "all"));
    if (static_cast<size_t>(others) > rows.size()) heading += "; with the most processor and memory";
    return {std::move(heading), lines_of(table(style, rows, 2))};
}

}  // namespace

std::vector<std::string> load_cells(const Style& style, const Json& load)
{
    if (load.empty()) return {"", "", ""};
    double fullest = 0;
    for (const Json& one : list_of(load, "filesystems")) fullest = std::max(fullest, share_of(one, "used"));
    return {load_cell(style, "processor", share_of(object_of(load, "processor"), "busy")),
            load_cell(style, "memory", used_share(object_of(load, "memory"))),
            load_cell(style, "disk", fullest)};
}

std::vector<PageSection> host_sections(const Style& style, const Json& host)
{
    const Json& load = object_of(host, "load");
    const Json& applications = list_of(host, "applications");
    std::vector<PageSection> sections = {host_section(style, host), filesystem_section(style, load),
                                         disk_section(style, load)};
    if (!applications.empty())
        sections.push_back({"applications", lines_of(applications_table(style, applications, 2))});
    sections.push_back(process_section(style, load));
    return sections;
}

}  // namespace belay::cli
