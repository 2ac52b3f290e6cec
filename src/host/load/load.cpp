#include "host/load/load.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <pwd.h>
#include <unistd.h>

namespace belay::host::load {
namespace {

constexpr size_t most_told_of = 10;
constexpr size_t most_users = 1 << 16;
/// As the kernel cuts it.
constexpr std::string_view supervisor_command = "belay-superviso";

double rounded(double share)
{
    return std::round(share * 10) / 10;
}

double percent(double part, double whole)
{
    return whole <= 0 ? 0 : rounded(std::clamp(100 * part / whole, 0.0, 100.0));
}

/// A counter that went back was begun anew.
double gone_up(uint64_t before, uint64_t after)
{
    return after < before ? 0 : static_cast<double>(after - before);
}

struct Spent {
    double user, system, idle, iowait, steal;

    Spent(const ProcessorTicks& before, const ProcessorTicks& after)
        : user(gone_up(before.user, after.user)),
          system(gone_up(before.system, after.system)),
          idle(gone_up(before.idle, after.idle)),
          iowait(gone_up(before.iowait, after.iowait)),
          steal(gone_up(before.steal, after.steal))
    {
    }
    double all() const { return user + system + idle + iowait + steal; }
    double busy() const { return user + system + steal; }
};

Json json_of(const std::optional<Pressure>& pressure)
{
    if (!pressure) return {};
    return {{"some", pressure->some}, {"full", pressure->full}};
}

Json processor_json(const Sample& before, const Sample& after)
{
    const Spent spent(before.processors.all, after.processors.all);
    Json each = Json::array();
    const size_t both = std::min(before.processors.each.size(), after.processors.each.size());
    for (size_t i = 0; i < both; ++i) {
        const Spent one(before.processors.each[i], after.processors.each[i]);
        each.push_back(percent(one.busy(), one.all()));
    }
    return {{"count", after.processors.each.size()},
            {"busy", percent(spent.busy(), spent.all())},
            {"user", percent(spent.user, spent.all())},
            {"system", percent(spent.system, spent.all())},
            {"iowait", percent(spent.iowait, spent.all())},
            {"steal", percent(spent.steal, spent.all())},
            {"each", std::move(each)},
            {"load_average", after.load_average},
            {"pressure", json_of(after.processor_pressure)}};
}

Json memory_json(const Sample& sample)
{
    const Memory& memory = sample.memory;
    return {{"total", memory.total.count},
            {"available", memory.available.count},
            {"swap", memory.swap.count},
            {"swap_free", memory.swap_free.count},
            {"pressure", json_of(sample.memory_pressure)}};
}

Json disks_json(const Sample& before, const Sample& after, double seconds)
{
    Json disks = Json::array();
    const auto a_second = [&](double count) {
        return seconds <= 0 ? 0 : static_cast<uint64_t>(std::llround(count / seconds));
    };
    for (const DiskCounts& now : after.disks) {
        const auto then = std::ranges::find(before.disks, now.name, &DiskCounts::name);
        // One that has come meanwhile has done it all meanwhile.
        const DiskCounts was = then == before.disks.end() ? DiskCounts{} : *then;
        const double busy = static_cast<double>((now.busy - was.busy).count());
        disks.push_back({{"name", now.name},
                         {"reads", a_second(gone_up(was.reads, now.reads))},
                         {"writes", a_second(gone_up(was.writes, now.writes))},
                         {"read", a_second(512 * gone_up(was.read.count, now.read.count))},
                         {"written", a_second(512 * gone_up(was.written.count, now.written.count))},
                         {"busy", percent(busy, 1000 * seconds)}});
    }
    return disks;
}

Json filesystems_json(const Sample& sample)
{
    Json filesystems = Json::array();
    for (const FilesystemUse& one : sample.filesystems) {
        const auto used = static_cast<double>(one.used.count), free = static_cast<double>(one.free.count);
        filesystems.push_back({{"at", one.at},
                               {"type", one.type},
                               {"device", one.device},
                               {"size", one.size.count},
                               {"free", one.free.count},
                               {"used", percent(used, used + free)},
                               {"inodes", one.inodes},
                               {"inodes_free", one.inodes_free}});
    }
    return filesystems;
}

// --- processes ---

/// Who belongs to an application, and who to Belay itself.
class Belongs {
  public:
    Belongs(const Sample& sample, const Watched& watched) : watched_(watched)
    {
        for (const SampledProcess& process : sample.processes) by_pid_[process.counts.pid] = &process;
        for (const int64_t pid : watched.applications) {
            const SampledProcess* const first = find(pid);
            const SampledProcess* const supervisor = first == nullptr ? nullptr : find(first->counts.parent);
            if (first == nullptr) continue;
            // A group that it shares with its supervisor is none of its own.
            const bool is_own = supervisor == nullptr || supervisor->group != first->group;
            if (is_own && !first->group.empty() && first->group != "/") groups_.insert(first->group);
        }
    }

    bool to_application(const SampledProcess& process) const
    {
        const ProcessCounts& counts = process.counts;
        if (watched_.applications.contains(counts.session) || watched_.applications.contains(counts.group))
            return true;
        const bool is_in_group = std::ranges::any_of(groups_, [&](const std::string& group) {
            return process.group.starts_with(group) &&
                   (process.group.size() == group.size() || process.group[group.size()] == '/');
        });
        return is_in_group || descends_from(process, [&](const ProcessCounts& above) {
                   return watched_.applications.contains(above.pid);
               });
    }

    bool to_belay(const SampledProcess& process) const
    {
        const std::string& command = process.counts.command;
        if (command == supervisor_command || command == "belay" || command == "belay-site") return true;
        return descends_from(process,
                             [&](const ProcessCounts& above) { return above.pid == watched_.daemon; });
    }

  private:
    const SampledProcess* find(int64_t pid) const
    {
        const auto found = by_pid_.find(pid);
        return found == by_pid_.end() ? nullptr : found->second;
    }

    /// It, or whoever has started it. Processes may come and go while they are read: the way up has an end.
    template <typename Is>
    bool descends_from(const SampledProcess& process, const Is& is) const
    {
        constexpr int longest_way = 64;
        const SampledProcess* above = &process;
        for (int i = 0; i < longest_way && above != nullptr && above->counts.pid > 1; ++i) {
            if (is(above->counts)) return true;
            above = find(above->counts.parent);
        }
        return false;
    }

    const Watched& watched_;
    std::map<int64_t, const SampledProcess*> by_pid_;
    std::set<std::string> groups_;
};

/// Their names; asked once for each, for the system may ask a directory far away.
class Users {
  public:
    std::string name_of(uid_t user)
    {
        std::string& name = names_[user];
        if (!name.empty()) return name;
        std::vector<char> room(most_users);
        passwd entry{};
        passwd* found = nullptr;
        const bool is_known = getpwuid_r(user, &entry, room.data(), room.size(), &found) == 0;
        name = is_known && found != nullptr ? entry.pw_name : std::to_string(user);
        return name;
    }

  private:
    std::map<uid_t, std::string> names_;
};

struct Told {
    const SampledProcess* process;
    double ticks;  ///< between the two looks
};

template <typename By>
Json largest(std::vector<Told> all, const By& by, const std::function<Json(const Told&)>& json)
{
    const size_t many = std::min(all.size(), most_told_of);
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(many), std::ranges::greater(),
                              by);
    Json list = Json::array();
    for (size_t i = 0; i < many && by(all[i]) > 0; ++i) list.push_back(json(all[i]));
    return list;
}

Json processes_json(const Sample& before, const Sample& after, const Watched& watched, double seconds)
{
    const Belongs belongs(after, watched);
    const double ticks_a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    std::map<std::pair<int64_t, uint64_t>, uint64_t> ticks_before;
    for (const SampledProcess& one : before.processes)
        ticks_before[{one.counts.pid, one.counts.started}] = one.counts.ticks;
    size_t all = 0, of_applications = 0, of_belay = 0;
    std::vector<Told> others;
    for (const SampledProcess& one : after.processes) {
        if (one.counts.is_kernel) continue;
        ++all;
        if (belongs.to_application(one)) {
            ++of_applications;
        } else if (belongs.to_belay(one)) {
            ++of_belay;
        } else {
            const auto was = ticks_before.find({one.counts.pid, one.counts.started});
            others.push_back({&one, gone_up(was == ticks_before.end() ? 0 : was->second, one.counts.ticks)});
        }
    }
    Users users;
    const auto json_of_one = [&](const Told& told) -> Json {
        const ProcessCounts& counts = told.process->counts;
        const auto age =
            after.boot -
            Milliseconds(std::llround(1000 * static_cast<double>(counts.started) / ticks_a_second));
        return {{"pid", counts.pid},
                {"user", users.name_of(told.process->user)},
                {"command", counts.command},
                {"state", std::string(1, counts.state)},
                {"started_ms", (after.wall - age).count()},
                {"memory", counts.pages * page},
                {"processor", seconds <= 0 ? 0 : rounded(100 * told.ticks / ticks_a_second / seconds)}};
    };
    const auto by_ticks = [](const Told& told) { return told.ticks; };
    const auto by_pages = [](const Told& told) { return static_cast<double>(told.process->counts.pages); };
    return {{"all", all},
            {"of_applications", of_applications},
            {"of_belay", of_belay},
            {"others", others.size()},
            {"by_processor", largest(others, by_ticks, json_of_one)},
            {"by_memory", largest(others, by_pages, json_of_one)}};
}

}  // namespace

Json load_between(const Sample& before, const Sample& after, const Watched& watched)
{
    const Milliseconds over = after.boot - before.boot;
    const double seconds = std::chrono::duration<double>(over).count();
    return {
        {"at_ms", after.wall.count()},
        {"over_ms", over.count()},
        {"processor", processor_json(before, after)},
        {"memory", memory_json(after)},
        {"disks", disks_json(before, after, seconds)},
        {"disk_pressure", json_of(after.disk_pressure)},
        {"filesystems", filesystems_json(after)},
        {"not_asked", after.not_asked},
        {"processes", after.processes.empty() ? Json() : processes_json(before, after, watched, seconds)}};
}

}  // namespace belay::host::load
