#include "operation/journal.h"

#include "base/json.h"

namespace belay::operation {
namespace {

constexpr std::string_view last_operation = "meta/last-operation";
constexpr std::string_view audit_prefix = "audit/";
constexpr std::string_view open_prefix = "open/";

std::string plan_key(const Id& id)
{
    return fmt::format("operation/{}/plan", id);
}
std::string record_prefix(const Id& id)
{
    return fmt::format("operation/{}/record/", id);
}
std::string record_key(const Id& id, uint64_t number)
{
    return fmt::format("operation/{}/record/{:08}", id, number);
}
std::string remembered_prefix(const Id& id)
{
    return fmt::format("operation/{}/remembered/", id);
}
std::string open_key(const Id& id)
{
    return fmt::format("{}{}", open_prefix, id);
}
std::string lock_key(std::string_view resource)
{
    return fmt::format("lock/{}", resource);
}

std::string part_key(std::string_view key)
{
    return fmt::format("part/{}", key);
}

/// What must be true before a record is written: that nobody wrote it.
store::Compare is_new(std::string key)
{
    return {store::Compare::Of::created, std::move(key), 0};
}

Error taken(std::string_view resource, const store::Entry& lock)
{
    const auto holder = parse_json(lock.value);
    const Id id = holder ? holder->value("operation", "?") : "?";
    return Error{.kind = ErrorKind::busy,
                 .what = fmt::format("{} is locked by operation {} ({})", resource, id,
                                     holder ? holder->value("title", "") : "its lock cannot be read"),
                 .next = fmt::format("belay show {}", id)};
}

/// "000000000012" as "12": JSON knows no leading zeros.
std::string without_zeros(const std::string& digits)
{
    const size_t first = digits.find_first_not_of('0');
    return first == std::string::npos ? "0" : digits.substr(first);
}

bool by_number(const Id& left, const Id& right)
{
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

/// All entries under a prefix, behind a key, read page by page.
Result<std::vector<store::Entry>> list_all(store::Store& store, std::string_view prefix,
                                           const std::string& first_after = {})
{
    constexpr size_t page = 1000;
    std::vector<store::Entry> all;
    while (true) {
        const std::string after = all.empty() ? first_after : all.back().key;
        std::vector<store::Entry> more = TRY(store.list(prefix, after, page));
        const bool last = more.size() < page;
        std::ranges::move(more, std::back_inserter(all));
        if (last) return all;
    }
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(store::Store& store, std::string prefix)
{
    const std::vector<store::Entry> audit = TRY(list_all(store, audit_prefix));
    uint64_t next = 0;
    if (!audit.empty())
        next = TRY(from_json_text<uint64_t>(without_zeros(audit.back().key.substr(audit_prefix.size())))) + 1;
    return std::unique_ptr<Journal>(new Journal(store, std::move(prefix), next));
}

void Journal::add_audit(store::Transaction& transaction, const Json& audit)
{
    std::string key = fmt::format("{}{:012}", audit_prefix, next_audit_++);
    transaction.when.push_back(is_new(key));
    transaction.then.push_back({std::move(key), json_text(audit)});
}

Result<Operation> Journal::create(const std::function<Plan(const Id&)>& plan_of, const Record& planned,
                                  const Json& audit)
{
    while (true) {
        const std::optional<store::Entry> last = TRY(store_.get(last_operation));
        uint64_t number = 1;
        if (last) number = TRY(from_json_text<uint64_t>(last->value)) + 1;
        Operation operation{.id = fmt::format("{}{}", prefix_, number)};
        operation.plan = plan_of(operation.id);
        TRY(operation.take(planned));
        store::Transaction transaction;
        transaction.when = {
            {store::Compare::Of::modified, std::string(last_operation), last ? last->modified : 0}};
        transaction.then = {{std::string(last_operation), fmt::format("{}", number)},
                            {plan_key(operation.id), json_text(operation.plan)},
                            {record_key(operation.id, 0), json_text(planned)},
                            {open_key(operation.id), "{}"}};
        const std::string key = operation.part ? part_key(operation.part->key) : "";
        if (operation.part) {
            transaction.when.push_back(is_new(key));
            transaction.then.push_back({key, json_text({{"operation", operation.id}})});
        }
        Json said = audit;
        said["operation"] = operation.id;
        add_audit(transaction, said);
        const store::Commit commit = TRY(store_.commit(transaction));
        if (commit.succeeded) return operation;
        if (operation.part && commit.conflict && commit.conflict->key == key)
            return fail(ErrorKind::busy, fmt::format("the key {} is in use", operation.part->key));
        // Another operation was made at the same time: take the next number.
    }
}

Result<std::vector<Record>> Journal::records(const Id& id) const
{
    std::vector<Record> records;
    for (const store::Entry& entry : TRY(list_all(store_, record_prefix(id))))
        records.push_back(TRY(from_json_text<Record>(entry.value)));
    return records;
}

bool Journal::is_id(const Id& id) const
{
    return id.starts_with(prefix_) && id.size() > prefix_.size() && id.size() < 20 &&
           id.find_first_not_of("0123456789", prefix_.size()) == Id::npos;
}

Result<Operation> Journal::load(const Id& id) const
{
    const std::optional<store::Entry> plan = is_id(id) ? TRY(store_.get(plan_key(id))) : std::nullopt;
    if (!plan)
        return fail(ErrorKind::not_found, fmt::format("there is no operation {}", id), "belay history");
    Operation operation{.id = id};
    operation.plan = TRY(from_json_text<Plan>(plan->value));
    for (const Record& record : TRY(records(id))) TRY(operation.take(record));
    if (operation.next_number == 0)
        return fail(ErrorKind::corrupt, fmt::format("the journal of operation {} has no records", id));
    const std::string prefix = remembered_prefix(id);
    for (const store::Entry& entry : TRY(list_all(store_, prefix))) {
        const auto step =
            std::ranges::find(operation.plan.steps, entry.key.substr(prefix.size()), &Step::name);
        if (step == operation.plan.steps.end())
            return fail(ErrorKind::corrupt,
                        fmt::format("operation {} remembers a step that its plan lacks: {}", id, entry.key));
        operation.steps[static_cast<size_t>(step - operation.plan.steps.begin())].remembered =
            TRY(parse_json(entry.value));
    }
    return operation;
}

Result<std::vector<Id>> Journal::unfinished() const
{
    std::vector<Id> ids;
    for (const store::Entry& entry : TRY(list_all(store_, open_prefix)))
        ids.push_back(entry.key.substr(open_prefix.size()));
    std::ranges::sort(ids, by_number);
    return ids;
}

Result<std::vector<Id>> Journal::all() const
{
    std::vector<Id> ids;
    const std::optional<store::Entry> last = TRY(store_.get(last_operation));
    if (!last) return ids;
    const uint64_t count = TRY(from_json_text<uint64_t>(last->value));
    for (uint64_t number = 1; number <= count; ++number) ids.push_back(fmt::format("{}{}", prefix_, number));
    return ids;
}

Result<void> Journal::append(const Operation& operation, const Entry& entry)
{
    store::Transaction transaction;
    for (const Record& record : entry.records) {
        std::string key = record_key(operation.id, record.number);
        transaction.when.push_back(is_new(key));
        transaction.then.push_back({std::move(key), json_text(record)});
    }
    for (const auto& [step, remembered] : entry.remembered)
        transaction.then.push_back({remembered_prefix(operation.id) + step, json_text(remembered)});
    if (entry.takes_locks) {
        const Milliseconds since = entry.records.front().at;
        const Json lock = {
            {"operation", operation.id}, {"title", operation.plan.title}, {"since_ms", since.count()}};
        for (const std::string& resource : operation.plan.locks) {
            transaction.when.push_back(is_new(lock_key(resource)));
            transaction.then.push_back({lock_key(resource), json_text(lock)});
        }
    }
    if (entry.ends) {
        transaction.then.push_back({open_key(operation.id), std::nullopt});
        for (const std::string& resource : operation.plan.locks) {
            const std::optional<store::Entry> lock = TRY(store_.get(lock_key(resource)));
            if (!lock || TRY(parse_json(lock->value)).value("operation", "") != operation.id) continue;
            transaction.then.push_back({lock_key(resource), std::nullopt});
        }
    }
    if (entry.audit) add_audit(transaction, *entry.audit);
    const store::Commit commit = TRY(store_.commit(transaction));
    if (!commit.succeeded) {
        if (commit.conflict && commit.conflict->key.starts_with("lock/"))
            return std::unexpected(taken(commit.conflict->key.substr(5), *commit.conflict));
        return fail(ErrorKind::busy,
                    fmt::format("another process writes the journal of operation {}", operation.id),
                    "end the other belayd");
    }
    return {};
}

Result<std::optional<Journal::Adopted>> Journal::adopted(std::string_view key) const
{
    const std::optional<store::Entry> entry = TRY(store_.get(part_key(key)));
    if (!entry) return std::optional<Adopted>();
    const Json json = TRY(parse_json(entry->value));
    if (!json.contains("operation")) return Adopted{};
    return Adopted{TRY(from_json_value<Id>(json.at("operation")))};
}

Result<void> Journal::give_up(std::string_view key, const Json& audit)
{
    store::Transaction transaction;
    transaction.when = {is_new(part_key(key))};
    transaction.then = {{part_key(key), "{}"}};
    add_audit(transaction, audit);
    const store::Commit commit = TRY(store_.commit(transaction));
    if (!commit.succeeded) return fail(ErrorKind::busy, fmt::format("the key {} is in use", key));
    return {};
}

Result<std::optional<Error>> Journal::held_by_another(const Operation& operation) const
{
    for (const std::string& resource : operation.plan.locks) {
        const std::optional<store::Entry> lock = TRY(store_.get(lock_key(resource)));
        if (lock && TRY(parse_json(lock->value)).value("operation", "") != operation.id)
            return std::optional<Error>(taken(resource, *lock));
    }
    return std::optional<Error>{};
}

Result<void> Journal::write_audit(const Json& audit)
{
    store::Transaction transaction;
    add_audit(transaction, audit);
    const store::Commit commit = TRY(store_.commit(transaction));
    if (!commit.succeeded)
        return fail(ErrorKind::busy, "another process writes the audit trail", "end the other belayd");
    return {};
}

Result<std::vector<Json>> Journal::audit() const
{
    std::vector<Json> trail;
    for (const store::Entry& entry : TRY(list_all(store_, audit_prefix)))
        trail.push_back(TRY(parse_json(entry.value)));
    return trail;
}

Result<Bytes> Journal::remembered(const Id& id, bool drop)
{
    Bytes total;
    store::Transaction transaction;
    for (const store::Entry& entry : TRY(list_all(store_, remembered_prefix(id)))) {
        total.count += entry.value.size();
        transaction.then.push_back({entry.key, std::nullopt});
    }
    if (drop && !transaction.then.empty()) TRY(store_.commit(transaction));
    return total;
}

Result<std::optional<Id>> holder_of(store::Store& store, std::string_view resource)
{
    const std::optional<store::Entry> lock = TRY(store.get(lock_key(resource)));
    if (!lock) return std::optional<Id>();
    const Json holder = TRY(parse_json(lock->value));
    return std::optional<Id>(holder.value("operation", ""));
}

bool Standing::has_begun(std::string_view step) const
{
    return std::ranges::find(begun, step) != begun.end();
}

store::Compare Standing::unmoved() const
{
    return is_new(record_key(id, next_number));
}

Result<Standing> standing_of(store::Store& store, const Id& id)
{
    Standing standing{.id = id};
    TRY(follow(store, standing));
    return standing;
}

Result<void> follow(store::Store& store, Standing& standing)
{
    const Id& id = standing.id;
    const std::string last = standing.next_number == 0 ? "" : record_key(id, standing.next_number - 1);
    const std::vector<store::Entry> entries = TRY(list_all(store, record_prefix(id), last));
    for (const store::Entry& entry : entries) {
        const Record record = TRY(from_json_text<Record>(entry.value));
        const Json& detail = record.detail;
        standing.next_number = record.number + 1;
        switch (record.event) {
            case Event::state: {
                const State to = TRY(state_named(detail.value("to", "")));
                if (to == State::held && standing.state != State::held) standing.held_in = standing.state;
                standing.state = to;
                break;
            }
            case Event::timer:
                standing.timer = TRY(from_json_value<Timer>(detail));
                break;
            case Event::intent:
                standing.begun.push_back(detail.value("step", ""));
                break;
            case Event::undone:
                std::erase(standing.begun, detail.value("step", ""));
                break;
            default:
                break;
        }
    }
    if (standing.next_number == 0)
        return fail(ErrorKind::not_found, fmt::format("there is no operation {}", id), "belay history");
    return {};
}

Result<Asker> asker_of(store::Store& store, const Id& id)
{
    const std::optional<store::Entry> first = TRY(store.get(record_key(id, 0)));
    if (!first)
        return fail(ErrorKind::not_found, fmt::format("there is no operation {}", id), "belay history");
    const Record planned = TRY(from_json_text<Record>(first->value));
    return Asker{planned.detail.value("who", ""), planned.detail.value("origin", ""),
                 planned.detail.value("why", "")};
}

}  // namespace belay::operation
