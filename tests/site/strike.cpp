#include "strike.h"

#include <fmt/format.h>

namespace belay::faults {
namespace {

constexpr std::array<const char*, hosts> names = {"alpha", "web1", "web2"};

const char* name_of(Fault fault)
{
    switch (fault) {
        case Fault::daemon_killed:
            return "daemon killed";
        case Fault::power_cut:
            return "power cut";
        case Fault::cut_off:
            return "link cut both ways";
        case Fault::cut_for_long:
            return "link cut beyond its deadline";
        case Fault::deaf:
            return "link cut towards it";
        case Fault::mute:
            return "link cut from it";
        case Fault::etcd_leader_killed:
            return "leader of etcd killed";
        case Fault::clock_ahead:
            return "clock an hour ahead";
        case Fault::clock_back:
            return "clock an hour back";
        case Fault::disk_full:
            return "disk full";
        case Fault::supervisor_killed:
            return "supervisor killed";
        case Fault::application_killed:
            return "application killed";
    }
    return "";
}

const char* name_of(Course course)
{
    switch (course) {
        case Course::commits:
            return "commits";
        case Course::aborts:
            return "aborts";
        case Course::fails:
            return "fails";
        case Course::expires:
            return "expires";
    }
    return "";
}

bool is_clock(Fault fault)
{
    return fault == Fault::clock_ahead || fault == Fault::clock_back;
}

/// At a record of the site's journal one of the two is hit, in turns; at one of its own, that one.
size_t member_of(size_t journal, unsigned record)
{
    if (journal != alpha) return journal;
    return record % 2 == 1 ? web1 : web2;
}

/// The hosts' journals are alike: what does not befall the host itself is tried at one of them, in turns.
bool takes_turn(size_t journal, unsigned record)
{
    return journal == alpha || (journal == web1) == (record % 2 == 1);
}

}  // namespace

/// Every second one: the others find the same controller leading.
bool Strike::takes_over() const
{
    const bool is_gone = fault == Fault::daemon_killed || fault == Fault::power_cut;
    return is_gone && host == alpha && record > 0 && record % 2 == 0;
}

std::string Strike::kind() const
{
    return fmt::format("{}, {}{}", name_of(fault), host == alpha ? "controller" : "host",
                       takes_over() ? ", another takes over" : "");
}

std::string Strike::text() const
{
    if (record == 0) return fmt::format("no strike, {}", name_of(course));
    return fmt::format("{} on {} {} record {} of {}, {}{}", name_of(fault), names[host],
                       before ? "before" : "after", record, names[journal], name_of(course),
                       takes_over() ? ", another takes over" : "");
}

std::vector<Strike> strikes_of(Course course, const Journals& journals)
{
    std::vector<Strike> all;
    const Counts& before = journals.before_the_turn;
    const Counts& last = journals.before_the_timer_ends.value_or(journals.counts);
    for (size_t journal = 0; journal < hosts; ++journal) {
        for (unsigned record = before[journal] + 1; record <= last[journal]; ++record) {
            const size_t member = member_of(journal, record);
            const auto add = [&](Fault fault, size_t host, bool is_before) {
                if ((course == Course::expires) != is_clock(fault) && course != Course::commits) return;
                const bool befalls_itself = host == journal && !is_clock(fault);
                if (befalls_itself || takes_turn(journal, record))
                    all.push_back({fault, host, journal, record, is_before, course});
            };
            for (const bool is_before : {true, false}) {
                add(Fault::daemon_killed, journal, is_before);
                add(Fault::power_cut, journal, is_before);
            }
            const size_t other = journal == alpha ? member : alpha;
            add(Fault::daemon_killed, other, false);
            add(Fault::power_cut, other, false);
            for (const Fault fault : {Fault::cut_off, Fault::deaf, Fault::mute}) add(fault, member, false);
            if (course == Course::expires && journal == alpha && record >= journals.timer_runs_from)
                all.push_back({Fault::cut_for_long, member, journal, record, false, course});
            add(Fault::etcd_leader_killed, alpha, false);
            add(Fault::disk_full, alpha, journal == alpha);
            for (const Fault fault : {Fault::clock_ahead, Fault::clock_back}) {
                add(fault, alpha, false);
                add(fault, member, false);
            }
            if (!journals.of_applications) continue;
            add(Fault::supervisor_killed, member, false);
            add(Fault::application_killed, member, false);
        }
    }
    return all;
}

}  // namespace belay::faults
