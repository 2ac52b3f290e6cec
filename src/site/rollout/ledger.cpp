#include "site/rollout/ledger.h"

#include "base/json.h"

namespace belay::site {
namespace {

constexpr size_t writes_at_once = 100;
constexpr size_t most_left_out = 10'000;

}  // namespace

std::string Ledger::key(std::string_view of) const
{
    return fmt::format("rollout/{}/{}", rollout_, of);
}

Result<std::optional<std::string>> Ledger::operation() const
{
    const std::optional<store::Entry> entry = TRY(store_.get(key("operation")));
    if (!entry) return std::optional<std::string>();
    const Json json = TRY(parse_json(entry->value));
    return std::optional(json.value("operation", ""));
}

Result<bool> Ledger::all_added() const
{
    return TRY(store_.get(key("added"))).has_value();
}

Result<std::map<std::string, std::string>> Ledger::left_out() const
{
    std::map<std::string, std::string> members;
    const std::string prefix = key("out/");
    const std::vector<store::Entry> entries = TRY(store_.list(prefix, {}, most_left_out));
    for (const store::Entry& entry : entries) {
        const Json json = TRY(parse_json(entry.value));
        members[entry.key.substr(prefix.size())] = json.value("why", "");
    }
    return members;
}

Result<std::optional<operation::Timer>> Ledger::timer(std::string_view name) const
{
    const std::optional<store::Entry> entry = TRY(store_.get(key(fmt::format("timer/{}", name))));
    if (!entry) return std::optional<operation::Timer>();
    return std::optional(TRY(from_json_text<operation::Timer>(entry->value)));
}

Result<void> Ledger::write(const operation::Standing& standing, std::vector<store::Write> writes)
{
    for (size_t begin = 0; begin < writes.size(); begin += writes_at_once) {
        store::Transaction transaction;
        transaction.when = {standing.unmoved()};
        const size_t end = std::min(begin + writes_at_once, writes.size());
        std::move(writes.begin() + static_cast<std::ptrdiff_t>(begin),
                  writes.begin() + static_cast<std::ptrdiff_t>(end), std::back_inserter(transaction.then));
        const store::Commit commit = TRY(store_.commit(transaction));
        if (!commit.succeeded)
            return fail(ErrorKind::busy,
                        fmt::format("another controller goes on with operation {}", standing.id));
    }
    return {};
}

Result<void> Ledger::begin(const operation::Standing& standing)
{
    if (TRY(operation())) return {};
    return write(standing, {{key("operation"), json_text({{"operation", standing.id}})}});
}

Result<void> Ledger::note_added(const operation::Standing& standing)
{
    if (TRY(all_added())) return {};
    return write(standing, {{key("added"), "{}"}});
}

Result<void> Ledger::leave_out(const operation::Standing& standing,
                               const std::map<std::string, std::string>& members, Milliseconds now)
{
    std::vector<store::Write> writes;
    for (const auto& [member, why] : members)
        writes.push_back({key("out/" + member), json_text({{"why", why}, {"at_ms", now.count()}})});
    return write(standing, std::move(writes));
}

Result<void> Ledger::start_timer(const operation::Standing& standing, std::string_view name,
                                 Milliseconds length, const host::Moment& now)
{
    if (TRY(timer(name))) return {};
    const Json timer_now = operation::start_timer(length, now);
    return write(standing, {{key(fmt::format("timer/{}", name)), json_text(timer_now)}});
}

}  // namespace belay::site
