#include "store/memory.h"

#include "base/invariant.h"
#include "store/limits.h"

namespace belay::store {
namespace {

Entry entry_of(const std::string& key, const MemoryStore::Data::Value& value)
{
    return {.key = key,
            .value = value.bytes,
            .created = value.created,
            .modified = value.modified,
            .lease = value.lease};
}

std::unexpected<Error> dead_error()
{
    return fail(ErrorKind::dead, "the store does not answer any more");
}

}  // namespace

MemoryStore::MemoryStore(BootClock clock) : MemoryStore(std::move(clock), {}) {}

MemoryStore::MemoryStore(BootClock clock, Data data)
    : clock_(std::move(clock)),
      data_(std::move(data)),
      watchers_(mutex_, [this](std::string_view key) -> Result<std::optional<Entry>> { return find(key); })
{
    INVARIANT(clock_.now);
}

MemoryStore::Data MemoryStore::snapshot() const
{
    const std::lock_guard lock(mutex_);
    return data_;
}

void MemoryStore::set_fault_hook(FaultHook hook)
{
    const std::lock_guard lock(mutex_);
    fault_hook_ = std::move(hook);
}

bool MemoryStore::dead() const
{
    const std::lock_guard lock(mutex_);
    return dead_;
}

void MemoryStore::revive()
{
    revive(clock_.boot);
}

void MemoryStore::revive(const std::string& boot)
{
    const std::lock_guard lock(mutex_);
    watchers_.fail_all(dead_error().error());
    dead_ = false;
    data_.leases.restart(clock_.now());
    if (boot == clock_.boot) return;
    clock_.boot = boot;
    const auto ids = data_.leases.all();
    end_leases(ids, deletes_under(ids));
}

Result<void> MemoryStore::check_answers() const
{
    if (dead_) return dead_error();
    return {};
}

std::unexpected<Error> MemoryStore::die()
{
    dead_ = true;
    watchers_.fail_all(dead_error().error());
    return dead_error();
}

template <typename Write>
auto MemoryStore::write_with_faults(const Transaction& transaction, Write write) -> decltype(write())
{
    TRY(check_answers());
    const Fault fault = fault_hook_ ? fault_hook_(transaction) : Fault::none;
    if (fault == Fault::refuse) return fail(ErrorKind::no_space, "the store is full");
    if (fault == Fault::lost_before) return die();
    auto result = write();
    if (fault == Fault::lost_after) return die();
    return result;
}

std::optional<Entry> MemoryStore::find(std::string_view key) const
{
    const auto found = data_.entries.find(key);
    if (found == data_.entries.end()) return std::nullopt;
    return entry_of(found->first, found->second);
}

Result<std::optional<Entry>> MemoryStore::get(std::string_view key)
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    return find(key);
}

Result<std::vector<Entry>> MemoryStore::list(std::string_view prefix, std::string_view after, size_t limit)
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    std::vector<Entry> entries;
    auto at = after >= prefix && !after.empty() ? data_.entries.upper_bound(after)
                                                : data_.entries.lower_bound(prefix);
    for (; at != data_.entries.end() && at->first.starts_with(prefix) && entries.size() < limit; ++at) {
        entries.push_back(entry_of(at->first, at->second));
    }
    return entries;
}

Result<Revision> MemoryStore::revision()
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    return data_.revision;
}

Result<Commit> MemoryStore::commit(const Transaction& transaction)
{
    TRY(check_limits(transaction));
    const std::lock_guard lock(mutex_);
    return write_with_faults(transaction, [&] { return apply(transaction); });
}

Result<Commit> MemoryStore::apply(const Transaction& transaction)
{
    for (const Compare& compare : transaction.when) {
        const auto found = data_.entries.find(compare.key);
        const bool exists = found != data_.entries.end();
        const Revision is = !exists                              ? 0
                            : compare.of == Compare::Of::created ? found->second.created
                                                                 : found->second.modified;
        if (is == compare.revision) continue;
        return Commit{.revision = data_.revision, .conflict = find(compare.key)};
    }
    for (const Write& write : transaction.then) {
        if (write.lease != 0) TRY(data_.leases.check_alive(write.lease, clock_.now()));
    }
    const Revision next = data_.revision + 1;
    for (const Write& write : transaction.then) {
        if (!(write.value ? put(write, next) : remove(write.key, next))) continue;
        data_.revision = next;
        watchers_.changed(write.key, next);
    }
    forget_old_tombstones();
    return Commit{.succeeded = true, .revision = data_.revision};
}

bool MemoryStore::put(const Write& write, Revision next)
{
    auto& value = data_.entries.try_emplace(write.key).first->second;
    if (value.created == 0) value.created = next;
    value.bytes = *write.value;
    value.modified = next;
    value.lease = write.lease;
    data_.leases.attach(write.key, write.lease);
    return true;
}

bool MemoryStore::remove(std::string_view key, Revision next)
{
    const auto found = data_.entries.find(key);
    if (found == data_.entries.end()) return false;
    data_.tombstones.emplace_back(next, found->first);
    data_.leases.attach(key, 0);
    data_.entries.erase(found);
    return true;
}

void MemoryStore::forget_old_tombstones()
{
    auto& tombstones = data_.tombstones;
    while (!tombstones.empty() && tombstones.front().first <= data_.revision - remembered_revisions) {
        tombstones.pop_front();
    }
}

Result<std::unique_ptr<Watch>> MemoryStore::watch(std::string_view prefix, Revision since)
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    TRY(check_since(since, data_.revision));
    Changed backlog;
    for (const auto& [revision, key] : data_.tombstones) {
        if (revision > since && key.starts_with(prefix)) backlog[key] = revision;
    }
    for (auto at = data_.entries.lower_bound(prefix);
         at != data_.entries.end() && at->first.starts_with(prefix); ++at) {
        if (at->second.modified > since) backlog[at->first] = at->second.modified;
    }
    return watchers_.add(prefix, backlog);
}

Result<LeaseId> MemoryStore::grant(std::chrono::milliseconds time_to_live)
{
    TRY(check_time_to_live(time_to_live));
    const std::lock_guard lock(mutex_);
    return write_with_faults({}, [&]() -> Result<LeaseId> {
        data_.leases.grant(++data_.last_lease, time_to_live, clock_.now());
        return data_.last_lease;
    });
}

Result<void> MemoryStore::keep_alive(LeaseId lease)
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    return data_.leases.keep_alive(lease, clock_.now());
}

Result<void> MemoryStore::revoke(LeaseId lease)
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    if (!data_.leases.known(lease)) return {};
    return end_leases({lease});
}

Result<void> MemoryStore::expire()
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    const auto ids = data_.leases.run_out(clock_.now());
    if (ids.empty()) return {};
    return end_leases(ids);
}

Result<void> MemoryStore::end_leases(const std::vector<LeaseId>& ids)
{
    const Transaction deletes = deletes_under(ids);
    return write_with_faults(deletes, [&]() -> Result<void> {
        end_leases(ids, deletes);
        return {};
    });
}

void MemoryStore::end_leases(const std::vector<LeaseId>& ids, const Transaction& deletes)
{
    for (const LeaseId id : ids) data_.leases.end(id);
    INVARIANT(apply(deletes));
}

Transaction MemoryStore::deletes_under(const std::vector<LeaseId>& ids) const
{
    Transaction deletes;
    for (const LeaseId id : ids) {
        for (std::string& key : data_.leases.keys_of(id)) deletes.then.push_back({.key = std::move(key)});
    }
    return deletes;
}

Result<std::optional<std::chrono::milliseconds>> MemoryStore::next_expiry()
{
    const std::lock_guard lock(mutex_);
    TRY(check_answers());
    return data_.leases.next_expiry(clock_.now());
}

}  // namespace belay::store
