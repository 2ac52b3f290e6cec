#include "iosxe/state.h"

#include "iosxe/timetable.h"

#include <algorithm>
#include <charconv>
#include <cmath>

// The standard's types as JSON: a time as milliseconds, what is absent as null.
template <typename T>
struct nlohmann::adl_serializer<std::optional<T>> {
    static void to_json(belay::Json& json, const std::optional<T>& value)
    {
        json = value ? belay::Json(*value) : belay::Json(nullptr);
    }
    static void from_json(const belay::Json& json, std::optional<T>& value)
    {
        value.reset();
        if (!json.is_null()) value = json.get<T>();
    }
};

template <>
struct nlohmann::adl_serializer<belay::lab::iosxe::Milliseconds> {
    static void to_json(belay::Json& json, belay::lab::iosxe::Milliseconds value) { json = value.count(); }
    static void from_json(const belay::Json& json, belay::lab::iosxe::Milliseconds& value)
    {
        // Within a hundred years, so that no sum of two is out of range.
        constexpr int64_t most = 3'155'760'000'000;
        value = belay::lab::iosxe::Milliseconds(std::clamp<int64_t>(json.get<int64_t>(), -most, most));
    }
};

template <>
struct nlohmann::adl_serializer<belay::lab::iosxe::Time> {
    static void to_json(belay::Json& json, belay::lab::iosxe::Time value)
    {
        json = value.time_since_epoch().count();
    }
    static void from_json(const belay::Json& json, belay::lab::iosxe::Time& value)
    {
        // 1970 to 2170.
        constexpr int64_t latest = 6'311'433'600'000;
        value = belay::lab::iosxe::Time(
            belay::lab::iosxe::Milliseconds(std::clamp<int64_t>(json.get<int64_t>(), 0, latest)));
    }
};

namespace belay::lab::iosxe {

NLOHMANN_JSON_SERIALIZE_ENUM(Kind, {{Kind::stackwise_virtual, "stackwise-virtual"},
                                    {Kind::supervisors, "supervisors"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Role,
                             {{Role::absent, "absent"}, {Role::active, "active"}, {Role::standby, "standby"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Redundancy, {{Redundancy::absent, "absent"},
                                          {Redundancy::cold, "cold"},
                                          {Redundancy::hot, "hot"},
                                          {Redundancy::active, "active"}})
NLOHMANN_JSON_SERIALIZE_ENUM(Task, {{Task::add, "add"},
                                    {Task::activate, "activate"},
                                    {Task::commit, "commit"},
                                    {Task::abort, "abort"},
                                    {Task::one_step, "one-step"},
                                    {Task::clear, "clear"},
                                    {Task::remove_inactive, "remove-inactive"}})
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Package, version, state)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(File, size, written, md5, sha512, version, sound)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Boot, began, joins, mismatches, synchronized, hot, told, leads)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Issu::Done, operation, began)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Issu, one_shot, state, last, done, transition)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Member, number, role, redundancy, running, provisioned, bundle,
                                   manual_boot, up_since, role_since, boot, packages, files, flash_total,
                                   flash_other, issu)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Job, task, began, from, next, here, there, file, version, leaving, timer,
                                   by_itself, prompted, asks, asking, asked, reply)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Copying, url, name, whole, began, marks, breaks_off, line)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(AbortTimer, ends, stopped)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(State, kind, hostname, zone, members, job, copying, abort_timer,
                                   service_internal, unsaved, deaf_until, up_since, switchovers,
                                   standby_failures, switchover_reason, reload_reason, failures)

Member* State::active()
{
    const auto found = std::ranges::find(members, Role::active, &Member::role);
    return found == members.end() ? nullptr : &*found;
}

const Member* State::active() const
{
    const auto found = std::ranges::find(members, Role::active, &Member::role);
    return found == members.end() ? nullptr : &*found;
}

Member* State::standby()
{
    const Member* first = active();
    return first == nullptr ? nullptr : &member(3 - first->number);
}

const Member* State::standby() const
{
    const Member* first = active();
    return first == nullptr ? nullptr : &member(3 - first->number);
}

bool State::standby_hot() const
{
    const Member* second = standby();
    return second != nullptr && second->redundancy == Redundancy::hot;
}

State first_state(const Beginning& beginning)
{
    using namespace std::chrono_literals;
    State state;
    state.kind = beginning.kind;
    state.zone = beginning.zone;
    state.hostname = beginning.hostname;
    if (state.hostname.empty())
        state.hostname = beginning.kind == Kind::stackwise_virtual ? "C9500" : "C9400";
    state.up_since = beginning.start - 34min;
    for (int number = 1; number <= 2; ++number) {
        Member& member = state.member(number);
        const bool leads = number == beginning.active;
        member.number = number;
        member.role = leads ? Role::active : Role::standby;
        member.redundancy = leads ? Redundancy::active : Redundancy::hot;
        member.running = member.provisioned = beginning.version;
        member.up_since = state.up_since;
        member.role_since = beginning.start - (leads ? 30min : 26min);
        member.packages = {{beginning.version, "C"}};
        member.flash_total = number == 1 ? 11'353'194'496 : 11'353'980'928;
        member.flash_other = number == 1 ? 2'788'020'224 : 2'787'115'008;
    }
    return state;
}

Json to_json_value(const State& state)
{
    return Json(state);
}

namespace {

Result<void> check_member(const Member& member, int number)
{
    const auto wrong = [&](std::string_view what) {
        return fail(ErrorKind::corrupt, fmt::format("member {} of the pair: {}", number, what));
    };
    if (member.number != number) return wrong("it has another number");
    if ((member.role == Role::active) != (member.redundancy == Redundancy::active))
        return wrong("its role and its redundancy state contradict each other");
    if (member.boot && (member.boot->told < 0 || member.boot->told > 3 || member.boot->joins.count() <= 0))
        return wrong("its boot makes no sense");
    if (member.packages.size() > 100 || member.files.size() > 10'000)
        return wrong("too much is in its flash");
    return {};
}

}  // namespace

Result<State> read_state(const Json& json)
{
    State state = TRY(from_json_value<State>(json));
    for (const int number : {1, 2}) TRY(check_member(state.member(number), number));
    if (state.members[0].role == Role::active && state.members[1].role == Role::active)
        return fail(ErrorKind::corrupt, "both members of the pair are active");
    const bool copies = state.copying.has_value();
    if (copies && (state.copying->marks < 0 || state.copying->marks >= copy_marks ||
                   state.copying->whole.size > largest_copy || state.active() == nullptr))
        return fail(ErrorKind::corrupt, "the copy that the pair is at makes no sense");
    if (!state.job) return state;
    const Job& job = *state.job;
    const bool two = (job.here == 1 && job.there == 2) || (job.here == 2 && job.there == 1);
    if (!two || job.next < 0 || static_cast<size_t>(job.next) >= timetable(job).size())
        return fail(ErrorKind::corrupt, "the work that the pair is at makes no sense");
    return state;
}

Result<Time> parse_time(std::string_view text)
{
    int year = 0, month = 0, day = 0, hour = 0, minute = 0;
    double second = 0;
    char between = ' ';
    int seen = 0;
    const std::string whole(text);
    const int fields = std::sscanf(whole.c_str(), "%4d-%2d-%2d%c%2d:%2d:%lf%n", &year, &month, &day, &between,
                                   &hour, &minute, &second, &seen);
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (fields != 7 || static_cast<size_t>(seen) != text.size() || (between != ' ' && between != 'T') ||
        !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || !(second >= 0 && second < 60))
        return fail(ErrorKind::usage, fmt::format("\"{}\" is no time; wanted as 2019-02-08T09:21:00", text));
    return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           Milliseconds(static_cast<int64_t>(std::lround(second * 1000)));
}

}  // namespace belay::lab::iosxe
