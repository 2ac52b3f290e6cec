#include "store/etcd/etcd.h"

#include "store/etcd/address.h"
#include "store/etcd/etcd_watch.h"
#include "store/etcd/writer.h"
#include "store/limits.h"

#include <atomic>

namespace belay::store {
namespace {

/// History that is kept: more than a watch may ask for, since other writers of this etcd count as well.
constexpr Revision kept_revisions = 5 * remembered_revisions;
constexpr Revision compact_every = remembered_revisions;
/// Entries in one answer of etcd: how many at first, and at most. An answer should not take long on its way.
constexpr size_t first_page = 64;
constexpr size_t largest_page = 1000;
constexpr size_t bytes_of_page = 4 << 20;

class EtcdStore : public Store {
  public:
    EtcdStore(std::unique_ptr<Client> client, std::string_view prefix)
        : client_(std::move(client)), layout_(prefix), writer_(*client_, layout_)
    {
    }
    /// Whether somebody answers, and is an etcd that we can work with.
    Result<void> greet();

    Result<std::optional<Entry>> get(std::string_view key) override;
    Result<std::vector<Entry>> list(std::string_view prefix, std::string_view after, size_t limit) override;
    Result<Revision> revision() override;
    Result<Commit> commit(const Transaction& transaction) override;
    Result<std::unique_ptr<Watch>> watch(std::string_view prefix, Revision since) override;
    Result<LeaseId> grant(std::chrono::milliseconds time_to_live) override;
    Result<void> keep_alive(LeaseId lease) override;
    Result<void> revoke(LeaseId lease) override;
    Result<void> expire() override { return {}; }
    Result<std::optional<std::chrono::milliseconds>> next_expiry() override { return std::nullopt; }

  private:
    /// Adds a page to the entries, and says whether there are more. `revision` 0 is now, and becomes the one
    /// that was read.
    Result<bool> list_page(etcd::RangeRequest& request, size_t limit, std::vector<Entry>& entries) const;
    Result<std::vector<Entry>> list_once(etcd::RangeRequest request, size_t limit) const;
    /// Lets etcd forget what is older than anybody may ask for.
    void compact_if_due(Revision now);

    const std::unique_ptr<Client> client_;
    const Layout layout_;
    Writer writer_;
    std::atomic<Revision> compacted_at_ = 0;
};

Result<void> EtcdStore::greet()
{
    const etcd::StatusResponse status = TRY(client_->status(client_->deadline()));
    int major = 0, minor = 0;
    if (sscanf(status.version().c_str(), "%d.%d.", &major, &minor) != 2)
        return fail(ErrorKind::corrupt, "what answers does not say which version of etcd it is");
    if (major != 3 || minor < 4)
        return fail(ErrorKind::version,
                    fmt::format("etcd {} is in service, 3.4 or a newer 3 is wanted", status.version()));
    TRY(revision());  // and it has a leader
    return {};
}

Result<std::optional<Entry>> EtcdStore::get(std::string_view key)
{
    etcd::RangeRequest request;
    request.set_key(layout_.in_etcd(key));
    const etcd::RangeResponse response = TRY(client_->range(request, client_->deadline()));
    if (response.kvs().empty()) return std::nullopt;
    return TRY(layout_.entry_of(response.kvs(0)));
}

Result<std::vector<Entry>> EtcdStore::list_once(etcd::RangeRequest request, size_t limit) const
{
    std::vector<Entry> entries;
    for (size_t page = first_page;;) {
        request.set_limit(static_cast<int64_t>(std::min(limit - entries.size(), page)));
        const etcd::RangeResponse response = TRY(client_->range(request, client_->deadline()));
        for (const etcd::KeyValue& found : response.kvs()) entries.push_back(TRY(layout_.entry_of(found)));
        if (response.kvs().empty() || !response.more() || entries.size() >= limit) return entries;
        request.set_key(response.kvs().rbegin()->key() + '\0');
        request.set_revision(response.header().revision());
        const size_t bytes_of_entry = 1 + response.ByteSizeLong() / static_cast<size_t>(response.kvs_size());
        page = std::clamp<size_t>(bytes_of_page / bytes_of_entry, 1, largest_page);
    }
}

Result<std::vector<Entry>> EtcdStore::list(std::string_view prefix, std::string_view after, size_t limit)
{
    if (limit == 0) return std::vector<Entry>{};
    etcd::RangeRequest request;
    layout_.set_range(request, prefix);
    if (after >= prefix && !after.empty()) request.set_key(layout_.in_etcd(after) + '\0');
    if (request.key() >= request.range_end()) return std::vector<Entry>{};
    const Deadline deadline = client_->deadline();
    while (true) {
        auto entries = list_once(request, limit);
        // All pages are of one revision, which may be forgotten before the last is read.
        const bool forgotten = !entries && entries.error().kind == ErrorKind::not_found;
        if (!forgotten || std::chrono::steady_clock::now() >= deadline) return entries;
    }
}

Result<Revision> EtcdStore::revision()
{
    etcd::RangeRequest request;
    request.set_key(layout_.writers());
    request.set_count_only(true);
    return TRY(client_->range(request, client_->deadline())).header().revision();
}

Result<Commit> EtcdStore::commit(const Transaction& transaction)
{
    TRY(check_limits(transaction));
    auto commit = writer_.commit(transaction);
    if (commit) compact_if_due(commit->revision);
    return commit;
}

void EtcdStore::compact_if_due(Revision now)
{
    Revision last = compacted_at_;
    if (now <= kept_revisions || now < last + compact_every) return;
    if (!compacted_at_.compare_exchange_strong(last, now)) return;
    // Another store may have done it already, and the next time comes.
    static_cast<void>(client_->compact(now - kept_revisions, client_->deadline()));
}

Result<std::unique_ptr<Watch>> EtcdStore::watch(std::string_view prefix, Revision since)
{
    const Revision now = TRY(revision());
    since = std::max<Revision>(since, 0);
    if (since > now)
        return fail(ErrorKind::not_found,
                    fmt::format("the store has not reached revision {}, it is at {}", since, now));
    if (since < now) {
        // A watch is told that its past is forgotten some time after it was made; a read at once.
        etcd::RangeRequest request;
        request.set_key(layout_.writers());
        request.set_count_only(true);
        request.set_revision(since + 1);
        const auto known = client_->range(request, client_->deadline());
        if (!known && known.error().kind == ErrorKind::not_found)
            return fail(
                ErrorKind::not_found,
                fmt::format("what changed after revision {} is forgotten, the store is at {}", since, now));
        if (!known) return std::unexpected(known.error());
    }
    return EtcdWatch::begin(*client_, layout_, prefix, since);
}

Result<LeaseId> EtcdStore::grant(std::chrono::milliseconds time_to_live)
{
    TRY(check_time_to_live(time_to_live));
    const LeaseId id = new_lease_id();
    TRY(client_->grant(id, std::chrono::ceil<std::chrono::seconds>(time_to_live), client_->deadline()));
    return id;
}

Result<void> EtcdStore::keep_alive(LeaseId lease)
{
    return client_->keep_alive(lease, client_->deadline());
}

Result<void> EtcdStore::revoke(LeaseId lease)
{
    auto revoked = client_->revoke(lease, client_->deadline());
    if (!revoked && revoked.error().kind == ErrorKind::not_found) return {};
    return revoked;
}

}  // namespace

Result<std::unique_ptr<Store>> open_etcd(const EtcdOptions& options)
{
    TRY(check_prefix(options.prefix));
    auto client = TRY(Client::make(options));
    auto store = std::make_unique<EtcdStore>(std::move(client), options.prefix);
    TRY(store->greet());
    return store;
}

}  // namespace belay::store
