#include "site/rollout/conditions.h"

#include "site/rollout/muster.h"

namespace belay::site {
namespace {

using operation::Finding;
using operation::Fingerprint;
using operation::Verdict;

constexpr Milliseconds answer_limit = std::chrono::seconds(10);

Finding finding_of(uint64_t total, const std::vector<std::string>& wrong, uint64_t limit,
                   std::string_view wanted, std::string_view mend)
{
    if (wrong.empty())
        return Finding{Verdict::pass, fmt::format("{} of {}", total, total), std::string(wanted)};
    const bool may_be = wrong.size() <= limit && wrong.size() < total;
    std::string found = joined(wrong);
    if (may_be) found += fmt::format(" (up to {} may be left out)", limit);
    return Finding{may_be ? Verdict::warn : Verdict::fail, std::move(found), std::string(wanted),
                   std::string(mend)};
}

Result<Finding> ask_answer(Rollouts& rollouts, const Json& arguments)
{
    const Roster roster = arguments.get<Roster>();
    std::vector<MemberQuestion> questions;
    for (const MemberName& member : roster.members)
        questions.push_back({member.id, "Parts", {{"site", roster.site}}});
    const std::vector<Result<Json>> answers =
        rollouts.members().ask(questions, "the controller", answer_limit);
    std::vector<std::string> wrong;
    for (size_t i = 0; i < answers.size(); ++i) {
        if (!answers[i])
            wrong.push_back(fmt::format("{}: {}", roster.members[i].name, answers[i].error().what));
    }
    return finding_of(answers.size(), wrong, roster.limit, "all hosts answer", "belay host list");
}

Result<Finding> repeat_said(const Json& arguments)
{
    const std::string verdict = arguments.at("verdict");
    return Finding{verdict == "pass"   ? Verdict::pass
                   : verdict == "warn" ? Verdict::warn
                                       : Verdict::fail,
                   arguments.at("found"), arguments.at("wanted"), arguments.at("mend")};
}

/// Whether an operation works by this roster already: it does from add on.
Result<bool> has_begun(Rollouts& rollouts, const Roster& roster)
{
    return TRY(operation::holder_of(rollouts.store(), lock_of(roster))).has_value();
}

Result<Finding> ask_in_order(Rollouts& rollouts, host::Host& host, const Json& arguments)
{
    const Roster roster = arguments.get<Roster>();
    if (!TRY(has_begun(rollouts, roster))) return Finding{Verdict::pass, "nothing has begun yet"};
    Muster muster = TRY(Muster::call(rollouts, host, roster));
    muster.send_home_left_out();
    muster.keep_deadlines();
    std::vector<std::string> wrong, left_out;
    uint64_t total = 0, failed = 0;
    for (const Mustered& member : muster.members()) {
        if (member.left_out) {
            left_out.push_back(*member.left_out);
            continue;
        }
        ++total;
        const Mark mark = muster.mark_of(member, Aim::stay);
        if (mark == Mark::failed) ++failed;
        if (mark == Mark::failed || mark == Mark::silent) wrong.push_back(muster.sentence_of(member));
    }
    const uint64_t limit = roster.limit > left_out.size() ? roster.limit - left_out.size() : 0;
    Finding finding = finding_of(total, wrong, limit, "all hosts are as the operation left them",
                                 fmt::format("belay abort {}, or mend the host", muster.standing().id));
    // One that is silent may come again; one that has gone back does not.
    finding.is_final = failed > limit || (failed > 0 && failed == total);
    if (!left_out.empty()) finding.found += fmt::format("; left out: {}", joined(left_out));
    return finding;
}

Result<Fingerprint> differences_of_members(Rollouts& rollouts, host::Host& host, const Json& arguments)
{
    const Roster roster = arguments.get<Roster>();
    Fingerprint lines;
    if (!TRY(has_begun(rollouts, roster))) return lines;
    const Muster muster = TRY(Muster::call(rollouts, host, roster));
    for (const Mustered& member : muster.members()) {
        if (!member.part) {
            // A controller that has just come back has not heard of its hosts yet.
            const bool may_come = member.silent_for < rollouts.members().comes_within(member.name.id);
            return fail(may_come ? ErrorKind::unavailable : ErrorKind::failed, muster.sentence_of(member),
                        member.error->next);
        }
        if (!member.part->differences.empty()) lines[member.name.name] = joined(member.part->differences);
    }
    return lines;
}

}  // namespace

void add_rollout_conditions(operation::Catalogue& catalogue, Rollouts& rollouts)
{
    catalogue.add_condition("members.answer", [&rollouts](host::Host&, const Json& arguments) {
        return ask_answer(rollouts, arguments);
    });
    catalogue.add_condition("members.said",
                            [](host::Host&, const Json& arguments) { return repeat_said(arguments); });
    catalogue.add_condition("members.in-order", [&rollouts](host::Host& host, const Json& arguments) {
        return ask_in_order(rollouts, host, arguments);
    });
    catalogue.add_fingerprint("members.differences", [&rollouts](host::Host& host, const Json& arguments) {
        return differences_of_members(rollouts, host, arguments);
    });
}

}  // namespace belay::site
