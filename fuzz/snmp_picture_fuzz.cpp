// Whatever belayd, or what is at its socket, may answer: each variable that is made of it is one that SNMP
// can tell, they are in their order, and what is told twice is notified once.

#include "base/invariant.h"
#include "site/snmp/changes.h"
#include "site/snmp/fields.h"
#include "site/snmp/mib.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace {

using namespace belay;
using namespace belay::site::snmp;

void check(const Variable& variable, const Oid& arc)
{
    INVARIANT(variable.oid.size() > arc.size() && variable.oid.size() <= most_sub_identifiers);
    INVARIANT(std::ranges::equal(OidView(variable.oid).first(arc.size()), arc));
    for (const unsigned long number : variable.oid) INVARIANT(number <= std::numeric_limits<uint32_t>::max());
    switch (variable.kind) {
        case Variable::Kind::text:
            INVARIANT(variable.text.size() <= mib::most_text_bytes);
            return;
        case Variable::Kind::gauge:
            INVARIANT(variable.number >= 0 && variable.number <= std::numeric_limits<uint32_t>::max());
            return;
        case Variable::Kind::integer:
            INVARIANT(variable.number >= -1 && variable.number <= std::numeric_limits<int32_t>::max());
            return;
    }
}

void check(const std::vector<Notification>& notifications, const Oid& arc)
{
    for (const Notification& one : notifications) {
        INVARIANT(one.number >= mib::alarm_raised && one.number <= mib::application_down);
        for (const Variable& variable : one.variables) check(variable, arc);
    }
}

}  // namespace

// libFuzzer gives the name. NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    const Oid arc = {1, 3, 6, 1, 4, 1, 32473, 1};
    Changes changes(arc);
    // A line an answer, in their order.
    std::string_view text(reinterpret_cast<const char*>(data), size);
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const Result<Json> told = parse_json(line);
        if (!told) continue;
        const Json &status = at(*told, "status"), &alarms = at(*told, "alarms");
        const Picture picture = picture_of({.status = status, .alarms = alarms}, arc);
        size_t count = 0;
        for (const Variable* one = picture.next(arc); one != nullptr; ++count) {
            check(*one, arc);
            INVARIANT(picture.find(one->oid) == one);
            const Variable* const after = picture.next(one->oid);
            INVARIANT(after == nullptr || std::ranges::lexicographical_compare(one->oid, after->oid));
            one = after;
        }
        INVARIANT(count == picture.size());
        check(changes.of_applications(at(status, "applications")), arc);
        check(changes.of_alarms(at(alarms, "alarms")), arc);
        const bool is_told_twice = changes.of_applications(at(status, "applications")).empty() &&
                                   changes.of_alarms(at(alarms, "alarms")).empty();
        INVARIANT(is_told_twice);
    }
    return 0;
}
