#include "site/rollout/settle.h"

#include "site/rollout/ledger.h"
#include "site/rollout/part_view.h"
#include "site/rollout/roster.h"

namespace belay::site {
namespace {

using operation::State;
using operation::Verb;

constexpr Milliseconds settle_limit = std::chrono::seconds(60);

/// Whether the member has gone as far as it is to go.
bool needs_to_hear(const PartView& part, Verb verb)
{
    if (!part.state || operation::is_ended(*part.state)) return false;
    // What it could not do by itself a person has to look at.
    if (part.state == State::held) return false;
    if (verb == Verb::commit) return part.promised && part.state == State::activated;
    return part.state != State::aborting;
}

}  // namespace

Result<std::optional<Verb>> verdict_on(store::Store& store, std::string_view key)
{
    const Result<PartKey> part = part_key_in(key);
    if (!part) return std::optional<Verb>();
    const Ledger ledger(store, part->rollout);
    const std::optional<std::string> id = TRY(ledger.operation());
    // Numbers come again with a store that was put back from a backup; the rollout's own name does not.
    if (!id || *id != part->operation) return std::optional<Verb>();
    const std::map<std::string, std::string> left_out = TRY(ledger.left_out());
    if (left_out.contains(part->member)) return std::optional(Verb::abort);
    const operation::Standing standing = TRY(operation::standing_of(store, *id));
    const State state = standing.state == State::held ? standing.held_in : standing.state;
    if (state == State::committed || standing.has_begun(commit_step)) return std::optional(Verb::commit);
    if (state == State::aborting || state == State::aborted) return std::optional(Verb::abort);
    return std::optional<Verb>();
}

Result<std::vector<std::string>> settle_parts(Rollouts& rollouts, const std::string& site,
                                              const std::string& member)
{
    const auto ask = [&](std::string_view method, Json parameters) -> Result<Json> {
        const std::vector<MemberQuestion> questions{{member, std::string(method), std::move(parameters)}};
        return std::move(rollouts.members().ask(questions, "the controller", settle_limit).front());
    };
    const Json answer = TRY(ask("Parts", {{"site", site}}));
    const auto parts = TRY(from_json_value<std::vector<PartView>>(answer.value("parts", Json())));
    std::vector<std::string> told;
    for (const PartView& part : parts) {
        const std::optional<Verb> verdict = TRY(verdict_on(rollouts.store(), part.key));
        if (!verdict || !needs_to_hear(part, *verdict)) continue;
        const Json parameters = {{"key", part.key},
                                 {"verb", name_of(*verdict)},
                                 {"why", "that was decided while this host was away"}};
        const Result<Json> heard = ask("PartRequest", parameters);
        told.push_back(fmt::format("operation {} of the host {} was told to {}{}", part.operation, member,
                                   name_of(*verdict), heard ? "" : ", and says: " + heard.error().what));
    }
    return told;
}

}  // namespace belay::site
