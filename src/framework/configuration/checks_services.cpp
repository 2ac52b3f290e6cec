// Ports, pairs and prerequisites: what applications may not do to each other.

#include "framework/configuration/checks_parts.h"

#include <algorithm>
#include <unordered_map>

namespace belay::framework::configuration {
namespace {

Id reference_of(const Object& object, std::string_view attribute)
{
    const auto found = object.attributes.find(attribute);
    return found == object.attributes.end() ? 0 : found->get<Id>();
}

bool touches(const Round& round, std::initializer_list<std::string_view> types)
{
    if (round.touched == nullptr) return true;
    return std::ranges::any_of(*round.touched, [&](Id id) {
        const Object* object = round.configuration.find(id);
        return object != nullptr && std::ranges::find(types, object->type) != types.end();
    });
}

/// A port of a host, and who listens on it.
struct Listener {
    const Object* application;
    size_t index;
    std::string address;
    bool is_held, is_nonblocking;
};

/// One of the two takes calls at a time, at a socket that is handed over to both.
bool may_share(const Round& round, const Listener& one, const Listener& other)
{
    const auto partner = round.pairs.partner_of(one.application->id);
    return partner && partner->other == other.application->id && one.is_held && other.is_held &&
           one.address == other.address && one.is_nonblocking == other.is_nonblocking;
}

/// Depth first over prerequisites, without recursion: a chain of them may be as long as the site is large.
class CycleSearch {
  public:
    explicit CycleSearch(const Round& round) : round_(round) {}

    void run()
    {
        for (const Object* application : round_.configuration.of_type("application")) walk(application->id);
    }

  private:
    enum class Mark { on_path, done };
    struct Stop {
        Id id;
        std::vector<Id> needs;
        size_t next = 0;
    };

    /// Of a backup: those of its primary. To need the primary is to need the pair, so itself is left out.
    std::vector<Id> needs_of(Id id) const
    {
        std::vector<Id> needs;
        const Object* object = round_.configuration.find(id);
        if (object == nullptr) return needs;
        const auto partner = round_.pairs.partner_of(id);
        const Object* primary =
            partner && partner->is_backup ? round_.configuration.find(partner->other) : nullptr;
        const Object& source = primary != nullptr ? *primary : *object;
        const auto found = source.attributes.find("prerequisites");
        if (found == source.attributes.end()) return needs;
        for (const Json& one : *found) {
            const auto application = one.find("application");
            if (one.value("kind", "") == "application" && application != one.end())
                needs.push_back(application->get<Id>());
        }
        return needs;
    }

    void walk(Id from)
    {
        if (marks_.contains(from)) return;
        std::vector<Stop> path;
        const auto enter = [&](Id id) {
            marks_[id] = Mark::on_path;
            path.push_back({id, needs_of(id)});
        };
        enter(from);
        while (!path.empty()) {
            Stop& stop = path.back();
            if (stop.next == stop.needs.size()) {
                marks_[stop.id] = Mark::done;
                path.pop_back();
                continue;
            }
            const Id need = stop.needs[stop.next++];
            const auto mark = marks_.find(need);
            if (mark == marks_.end())
                enter(need);
            else if (mark->second == Mark::on_path)
                report(path, need);
        }
    }

    void report(const std::vector<Stop>& path, Id back_to)
    {
        const auto begin = std::ranges::find(path, back_to, &Stop::id);
        std::vector<std::string> names;
        const Object* about = nullptr;
        for (auto at = begin; at != path.end(); ++at) {
            const Object* object = round_.configuration.find(at->id);
            if (object == nullptr) continue;
            names.push_back(fmt::format("\"{}\"", object->name));
            if (about == nullptr && round_.is_touched(at->id)) about = object;
        }
        if (names.empty()) return;
        if (about == nullptr) about = round_.configuration.find(back_to);
        names.push_back(names.front());
        round_.error(*about, "/prerequisites",
                     fmt::format("these applications wait for each other, so none of them could start: {}",
                                 fmt::join(names, " -> ")));
    }

    const Round& round_;
    std::unordered_map<Id, Mark> marks_;
};

void check_pair(const Round& round, const Object& pair)
{
    const Object* primary = round.configuration.find(reference_of(pair, "primary"));
    const Object* backup = round.configuration.find(reference_of(pair, "backup"));
    if (primary == nullptr || backup == nullptr) return;
    if (!round.is_touched(pair.id) && !round.is_touched(primary->id) && !round.is_touched(backup->id)) return;
    if (primary == backup)
        return round.error(pair, "/backup", fmt::format("{} has the same application twice", title_of(pair)));
    const size_t errors_before = round.complaints.size();
    for (const auto& [object, pointer] : {std::pair(primary, "/primary"), std::pair(backup, "/backup")}) {
        const auto partner = round.pairs.partner_of(object->id);
        if (pair.disabled || !partner || partner->pair == pair.id) continue;
        const Object* other = round.configuration.find(partner->pair);
        round.error(
            pair, pointer,
            fmt::format("{} is in two pairs, \"{}\" and \"{}\"", title_of(*object), other->name, pair.name),
            other->id);
    }
    if (round.complaints.size() != errors_before) return;
    const bool is_driven = primary->attributes.contains("driver");
    if (is_driven != backup->attributes.contains("driver"))
        return round.error(
            pair, "/backup",
            fmt::format("of {} one is run by a driver, and the other one is not", title_of(pair)));
    if (is_driven) return;
    // Who stands by while it runs must be told when that ends.
    if (pair.value("redundancy") != "cold" && primary->value("orders.kind") == "none")
        return round.error(pair, "/redundancy",
                           fmt::format("{} has a backup that runs, but \"{}\" cannot be told which of them "
                                       "serves: set its orders, or let the pair be cold",
                                       title_of(pair), primary->name),
                           primary->id);
    if (!pair.text("address").empty() && pair.text("interface").empty())
        return round.error(pair, "/address",
                           fmt::format("{} has an address, and no interface for it", title_of(pair)));
    if (reference_of(*primary, "host") == reference_of(*backup, "host"))
        round.warning(pair, "/backup",
                      fmt::format("both applications of {} are on one host: when it is lost, so are both",
                                  title_of(pair)),
                      round.is_touched(backup->id) ? backup->id : primary->id);
    for (const auto& [name, value] : backup->attributes.items()) {
        const Attribute* attribute = schema_of("application")->attribute(name);
        const auto same = primary->attributes.find(name);
        if (attribute == nullptr || !attribute->mirrored ||
            (same != primary->attributes.end() && *same == value))
            continue;
        round.warning(*backup, "/" + name,
                      fmt::format("\"{}\" of {} is not used: a backup has what is set on its primary, \"{}\"",
                                  name, title_of(*backup), primary->name),
                      pair.id);
    }
}

}  // namespace

void check_ports(const Round& round)
{
    std::set<Id> hosts;
    // Two that shared a port may be no pair any more.
    bool counts_for_all = round.touched == nullptr;
    if (round.touched != nullptr) {
        for (const Id id : *round.touched) {
            const Object* object = round.configuration.find(id);
            if (object != nullptr && object->type == "application")
                hosts.insert(reference_of(*object, "host"));
            counts_for_all = counts_for_all || object == nullptr || object->type == "pair";
        }
    }
    if (hosts.empty() && !counts_for_all) return;
    std::map<std::tuple<Id, std::string, int64_t>, std::vector<Listener>> listeners;
    for (const auto& [id, object] : round.configuration.objects()) {
        if (object->type != "application" || object->disabled) continue;
        const Id host = reference_of(*object, "host");
        const auto ports = object->attributes.find("ports");
        if (ports == object->attributes.end() || (!counts_for_all && !hosts.contains(host))) continue;
        for (size_t i = 0; i < ports->size(); ++i) {
            const Json& one = (*ports)[i];
            const auto number = one.find("port");
            if (number == one.end()) continue;
            const Listener listener{object.get(), i, one.value("address", ""), one.value("held", false),
                                    one.value("nonblocking", false)};
            auto& others = listeners[{host, one.value("protocol", "tcp"), number->get<int64_t>()}];
            const auto clash = std::ranges::find_if(others, [&](const Listener& other) {
                const bool is_same =
                    other.address.empty() || listener.address.empty() || other.address == listener.address;
                return is_same && !may_share(round, listener, other);
            });
            const bool could_share =
                counts_for_all && clash != others.end() && clash->is_held && listener.is_held;
            if (clash != others.end() &&
                (could_share || round.is_touched(id) || round.is_touched(clash->application->id))) {
                const Object* on = round.configuration.find(host);
                const bool is_newer = round.is_touched(id);
                const Listener& newer = is_newer ? listener : *clash;
                const Listener& older = is_newer ? *clash : listener;
                round.error(*newer.application, fmt::format("/ports/{}/port", newer.index),
                            fmt::format("port {} of host \"{}\" is used twice, by \"{}\" and \"{}\"",
                                        number->get<int64_t>(), on == nullptr ? "?" : on->name,
                                        older.application->name, newer.application->name),
                            older.application->id);
            }
            others.push_back(listener);
        }
    }
}

void check_pairs(const Round& round)
{
    if (!touches(round, {"application", "pair"})) return;
    for (const Object* pair : round.configuration.of_type("pair")) check_pair(round, *pair);
}

void check_prerequisites(const Round& round)
{
    if (touches(round, {"application", "pair"})) CycleSearch(round).run();
}

}  // namespace belay::framework::configuration
