#include "storage/array_watch.h"

#include "base/json.h"
#include "storage/parse/mdstat.h"

#include <algorithm>

namespace belay::storage {
namespace {

using Names = std::vector<std::string>;

bool among(const Names& names, const std::string& name)
{
    return std::ranges::find(names, name) != names.end();
}

/// The kernel's UUID as mdadm writes it; empty where it has none.
std::string written_uuid(std::string_view text)
{
    std::string uuid;
    size_t digits = 0;
    bool is_zero = true;
    for (const char c : text) {
        if (c == '-' || c == '\n') continue;
        if (digits > 0 && digits % 8 == 0) uuid += ':';
        uuid += c;
        ++digits;
        is_zero = is_zero && c == '0';
    }
    return is_zero ? "" : uuid;
}

Result<std::string> read_uuid(host::Host& host, const std::string& name)
{
    const Result<std::string> text = host.read(fmt::format("/sys/block/{}/md/uuid", name));
    // Older kernels do not tell it, and the array may have gone since the first look.
    if (!text && text.error().kind == ErrorKind::not_found) return std::string();
    if (!text) return std::unexpected(text.error());
    return written_uuid(*text);
}

WatchedArray watched(const parse::MdstatArray& listed)
{
    WatchedArray array{.name = listed.name,
                       .uuid = {},
                       .level = listed.level,
                       .runs = listed.state == "active",
                       .wanted = listed.legs.value_or(0),
                       .in_sync = listed.in_sync.value_or(0),
                       .members = {},
                       .faulty = {},
                       .spares = {},
                       .sync = {}};
    for (const parse::MdstatMember& member : listed.members) {
        array.members.push_back(member.device);
        if (member.faulty) array.faulty.push_back(member.device);
        if (member.spare) array.spares.push_back(member.device);
    }
    for (Names* names : {&array.members, &array.faulty, &array.spares}) std::ranges::sort(*names);
    // What waits for its turn has not started.
    if (listed.sync && listed.sync->waits.empty()) array.sync = listed.sync->action;
    return array;
}

/// The same array in another look: by UUID where both tell one, else by name.
const WatchedArray* same_in(const std::vector<WatchedArray>& arrays, const WatchedArray& wanted)
{
    const auto found = std::ranges::find_if(arrays, [&](const WatchedArray& one) {
        if (!one.uuid.empty() && !wanted.uuid.empty()) return one.uuid == wanted.uuid;
        return one.name == wanted.name;
    });
    return found == arrays.end() ? nullptr : &*found;
}

/// Tells of one array.
class Teller {
  public:
    Teller(std::vector<ArrayEvent>& events, const WatchedArray& array) : events_(events), array_(array) {}

    void tell(std::string event, std::string severity, std::string text, std::string member = {})
    {
        events_.push_back({std::move(event), std::move(severity), array_.name, array_.uuid, std::move(member),
                           std::move(text)});
    }
    void degraded()
    {
        tell("degraded", "critical",
             fmt::format("{} is degraded: {} of {} members are in sync", array_.name, array_.in_sync,
                         array_.wanted));
    }
    void inactive()
    {
        tell("inactive", "critical",
             fmt::format("{} does not run; {} of its members are there", array_.name, array_.members.size()));
    }
    void failed(const std::string& member)
    {
        tell("member-failed", "critical", fmt::format("{} has failed in {}", member, array_.name), member);
    }

  private:
    std::vector<ArrayEvent>& events_;
    const WatchedArray& array_;
};

void tell_first_look(Teller& teller, const WatchedArray& array)
{
    if (!array.runs) teller.inactive();
    for (const std::string& member : array.faulty) teller.failed(member);
    if (array.runs && array.degraded()) teller.degraded();
}

void tell_of_copying(Teller& teller, const WatchedArray& before, const WatchedArray& now)
{
    // A check that was asked for (a scrub) is nobody's alarm.
    const auto is_rebuild = [](const std::string& sync) { return !sync.empty() && sync != "check"; };
    if (before.sync == now.sync) return;
    if (is_rebuild(before.sync)) {
        const std::string left =
            now.degraded() ? fmt::format("; {} of {} members are in sync", now.in_sync, now.wanted) : "";
        teller.tell("rebuild-finished", now.degraded() ? "warning" : "note",
                    fmt::format("the {} of {} has ended{}", before.sync, now.name, left));
    }
    if (is_rebuild(now.sync))
        teller.tell("rebuild-started", "note", fmt::format("a {} of {} has begun", now.sync, now.name));
}

void tell_of_members(Teller& teller, const WatchedArray& before, const WatchedArray& now)
{
    for (const std::string& member : now.faulty) {
        if (!among(before.faulty, member)) teller.failed(member);
    }
    for (const std::string& spare : before.spares) {
        const bool there = among(now.members, spare) && !among(now.faulty, spare);
        if (!there)
            teller.tell("spare-missing", "warning", fmt::format("{} has lost its spare {}", now.name, spare),
                        spare);
    }
    const bool worse = !before.degraded() || now.in_sync < before.in_sync;
    if (now.degraded() && worse)
        teller.degraded();
    else if (before.degraded() && !now.degraded())
        teller.tell("whole", "note",
                    fmt::format("{} is whole again: {} members are in sync", now.name, now.in_sync));
}

}  // namespace

Result<std::vector<WatchedArray>> look_at_arrays(host::Host& host)
{
    const Result<std::string> text = host.read("/proc/mdstat");
    std::vector<WatchedArray> arrays;
    if (!text && text.error().kind == ErrorKind::not_found) return arrays;
    if (!text) return std::unexpected(text.error());
    const parse::Mdstat mdstat = TRY(parse::parse_mdstat(*text));
    for (const parse::MdstatArray& listed : mdstat.arrays) {
        WatchedArray array = watched(listed);
        array.uuid = TRY(read_uuid(host, array.name));
        arrays.push_back(std::move(array));
    }
    return arrays;
}

std::vector<ArrayEvent> events_between(const std::vector<WatchedArray>* before,
                                       const std::vector<WatchedArray>& now)
{
    std::vector<ArrayEvent> events;
    for (const WatchedArray& array : now) {
        Teller teller(events, array);
        const WatchedArray* old = before == nullptr ? nullptr : same_in(*before, array);
        if (before != nullptr && old == nullptr)
            teller.tell("found", "note", fmt::format("there is an array {}", array.name));
        if (old == nullptr) {
            tell_first_look(teller, array);
            continue;
        }
        if (old->runs && !array.runs) teller.inactive();
        if (!array.runs) continue;
        if (!old->runs) {
            tell_first_look(teller, array);
            continue;
        }
        tell_of_members(teller, *old, array);
        tell_of_copying(teller, *old, array);
    }
    for (const WatchedArray& array : before == nullptr ? std::vector<WatchedArray>() : *before) {
        if (same_in(now, array) == nullptr)
            Teller(events, array).tell("gone", "warning", fmt::format("{} is no longer there", array.name));
    }
    return events;
}

void to_json(nlohmann::json& json, const WatchedArray& array)
{
    json = {{"name", array.name},       {"uuid", array.uuid},     {"level", array.level},
            {"runs", array.runs},       {"wanted", array.wanted}, {"in_sync", array.in_sync},
            {"members", array.members}, {"faulty", array.faulty}, {"spares", array.spares},
            {"sync", array.sync}};
}

void from_json(const nlohmann::json& json, WatchedArray& array)
{
    array = {.name = json.at("name"),
             .uuid = json.at("uuid"),
             .level = json.at("level"),
             .runs = json.at("runs"),
             .wanted = json.at("wanted"),
             .in_sync = json.at("in_sync"),
             .members = json.at("members"),
             .faulty = json.at("faulty"),
             .spares = json.at("spares"),
             .sync = json.at("sync")};
}

}  // namespace belay::storage
