#include "operation/action.h"

namespace belay::operation {
namespace {

std::unexpected<Error> unknown(std::string_view sort, std::string_view name)
{
    return fail(ErrorKind::version, fmt::format("this Belay has no {} called {}", sort, name),
                "install the version of Belay that made the plan");
}

/// Arguments come out of a journal: what does not fit there is an Error, not the library's exception.
template <typename Call>
auto guarded(std::string_view name, Call call) -> decltype(call())
{
    try {
        return call();
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt,
                    fmt::format("the arguments of {} make no sense: {}", name, problem.what()));
    }
}

class GuardedAction final : public Action {
  public:
    GuardedAction(std::string name, std::unique_ptr<Action> action)
        : name_(std::move(name)), action_(std::move(action))
    {
    }

    Repeat repeat() const override { return action_->repeat(); }
    Result<Inspection> inspect(host::Host& host, const Json& arguments) const override
    {
        return guarded(name_, [&] { return action_->inspect(host, arguments); });
    }
    Result<Json> remember(host::Host& host, const Json& arguments) const override
    {
        return guarded(name_, [&] { return action_->remember(host, arguments); });
    }
    Result<void> apply(host::Host& host, const Json& arguments) const override
    {
        return guarded(name_, [&] { return action_->apply(host, arguments); });
    }
    Result<std::string> remains(host::Host& host, const Json& arguments,
                                const Json& remembered) const override
    {
        return guarded(name_, [&] { return action_->remains(host, arguments, remembered); });
    }
    bool sees_remains(const Json& arguments) const override { return action_->sees_remains(arguments); }
    Result<void> revert(host::Host& host, const Json& arguments, const Json& remembered) const override
    {
        return guarded(name_, [&] { return action_->revert(host, arguments, remembered); });
    }
    Result<void> make_durable(host::Host& host, const Json& arguments) const override
    {
        return guarded(name_, [&] { return action_->make_durable(host, arguments); });
    }
    Result<std::optional<Inspection>> going_back(host::Host& host, const Json& arguments,
                                                 const Json& remembered) const override
    {
        return guarded(name_, [&] { return action_->going_back(host, arguments, remembered); });
    }

  private:
    std::string name_;
    std::unique_ptr<Action> action_;
};

}  // namespace

std::optional<Milliseconds> Progress::left() const
{
    if (per_second == 0) return std::nullopt;
    const uint64_t rest = total > done ? total - done : 0;
    return Milliseconds{
        static_cast<int64_t>(static_cast<double>(rest) * 1000.0 / static_cast<double>(per_second))};
}

std::string_view name_of(Verdict verdict)
{
    constexpr std::string_view names[] = {"pass", "warn", "fail"};
    return names[static_cast<size_t>(verdict)];
}

std::vector<std::string> differences_of(const Fingerprint& before, const Fingerprint& after)
{
    std::vector<std::string> differences;
    for (const auto& [name, value] : before) {
        const auto found = after.find(name);
        if (found == after.end())
            differences.push_back(fmt::format("{}: was {}, is gone", name, value));
        else if (found->second != value)
            differences.push_back(fmt::format("{}: was {}, is {}", name, value, found->second));
    }
    for (const auto& [name, value] : after) {
        if (!before.contains(name))
            differences.push_back(fmt::format("{}: was not there, is {}", name, value));
    }
    return differences;
}

void Catalogue::add(std::string name, std::unique_ptr<Action> action)
{
    auto guard = std::make_unique<GuardedAction>(name, std::move(action));
    actions_.insert_or_assign(std::move(name), std::move(guard));
}

void Catalogue::add_condition(std::string name, Condition condition)
{
    conditions_.insert_or_assign(std::move(name), std::move(condition));
}

void Catalogue::add_fingerprint(std::string name, FingerprintMaker maker)
{
    fingerprints_.insert_or_assign(std::move(name), std::move(maker));
}

Result<const Action*> Catalogue::action(std::string_view name) const
{
    const auto found = actions_.find(name);
    if (found == actions_.end()) return unknown("action", name);
    return found->second.get();
}

Result<Finding> Catalogue::ask(host::Host& host, const Question& question) const
{
    const auto found = conditions_.find(question.condition);
    if (found == conditions_.end()) return unknown("condition", question.condition);
    return guarded(question.condition, [&] { return found->second(host, question.arguments); });
}

Result<Fingerprint> Catalogue::fingerprint(host::Host& host, const Question& question) const
{
    const auto found = fingerprints_.find(question.condition);
    if (found == fingerprints_.end()) return unknown("fingerprint", question.condition);
    return guarded(question.condition, [&] { return found->second(host, question.arguments); });
}

Result<void> Catalogue::covers(const Plan& plan) const
{
    std::vector<const Question*> questions;
    std::vector<Question> proofs = plan.fingerprints;
    for (const Check& check : plan.checks) questions.push_back(&check.question);
    for (const Gate& gate : plan.gates) questions.push_back(&gate.question);
    for (const Step& step : plan.steps) {
        TRY(action(step.action));
        if (step.restore) {
            TRY(action(step.restore->action));
            proofs.insert(proofs.end(), step.restore->proof.begin(), step.restore->proof.end());
        }
        for (const Question& question : step.identity) questions.push_back(&question);
        for (const Question& question : step.expects) questions.push_back(&question);
    }
    for (const Question* question : questions) {
        if (!conditions_.contains(question->condition)) return unknown("condition", question->condition);
    }
    for (const Question& question : proofs) {
        if (!fingerprints_.contains(question.condition)) return unknown("fingerprint", question.condition);
    }
    return {};
}

}  // namespace belay::operation
