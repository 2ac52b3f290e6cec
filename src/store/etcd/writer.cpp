#include "store/etcd/writer.h"

namespace belay::store {

/// One transaction on its way.
struct Writer::Attempt {
    const Transaction& transaction;
    const Deadline deadline;
    Marker marker = {};  ///< none where nothing is to be written
    std::string word = {};
    bool in_doubt = false;  ///< it may have been done, or may yet be

    bool writes() const { return !transaction.then.empty(); }
};

namespace {

void add_compare(etcd::TxnRequest& request, std::string key, Compare::Of of, Revision revision)
{
    auto* const compare = request.add_compare();
    compare->set_key(std::move(key));
    if (of == Compare::Of::created) {
        compare->set_target(etcd::Compare::CREATE);
        compare->set_create_revision(revision);
    } else {
        compare->set_target(etcd::Compare::MOD);
        compare->set_mod_revision(revision);
    }
}

void add_put(etcd::TxnRequest& request, std::string key, std::string value, LeaseId lease)
{
    auto* const put = request.add_success()->mutable_request_put();
    put->set_key(std::move(key));
    put->set_value(std::move(value));
    put->set_lease(lease);
}

/// Where it fails, the answer holds the revisions of each compared key, and the marker behind them.
etcd::TxnRequest request_of(const Transaction& transaction, const Layout& layout)
{
    etcd::TxnRequest request;
    for (const Compare& compare : transaction.when) {
        add_compare(request, layout.in_etcd(compare.key), compare.of, compare.revision);
        auto* const read = request.add_failure()->mutable_request_range();
        read->set_key(layout.in_etcd(compare.key));
        read->set_keys_only(true);
    }
    for (const Write& write : transaction.then) {
        if (write.value)
            add_put(request, layout.in_etcd(write.key), *write.value, write.lease);
        else
            request.add_success()->mutable_request_delete_range()->set_key(layout.in_etcd(write.key));
    }
    return request;
}

/// The transaction of `request` happens only where the marker is as it is known, and leaves the word in it.
void mark(etcd::TxnRequest& request, const Marker& marker, const std::string& word)
{
    add_compare(request, marker.key, Compare::Of::modified, marker.revision);
    add_put(request, marker.key, word, marker.lease);
    request.add_failure()->mutable_request_range()->set_key(marker.key);
}

std::unexpected<Error> odd_answer()
{
    return fail(ErrorKind::corrupt, "etcd does not answer what it was asked");
}

/// The key that read number `index` of the answer has found; null: there is none.
Result<const etcd::KeyValue*> found_by(const etcd::TxnResponse& response, int index)
{
    if (index >= response.responses_size() || response.responses(index).response_range().kvs_size() > 1)
        return odd_answer();
    const etcd::RangeResponse& read = response.responses(index).response_range();
    return read.kvs_size() == 0 ? nullptr : &read.kvs(0);
}

Error lost(const Error& why)
{
    return {.kind = ErrorKind::lost,
            .what = fmt::format(
                "a transaction may have been done, or may still be, for its answer was lost: {}", why.what),
            .next = why.next};
}

Commit done_at(Revision revision)
{
    return {.succeeded = true, .revision = revision};
}

}  // namespace

Writer::Writer(Client& client, const Layout& layout)
    : client_(client), layout_(layout), markers_(client, layout)
{
}

Result<Commit> Writer::commit(const Transaction& transaction)
{
    Attempt attempt{.transaction = transaction, .deadline = client_.deadline()};
    if (!attempt.writes()) return commit(attempt);
    attempt.marker = TRY(markers_.take(attempt.deadline));
    attempt.word = markers_.new_word();
    auto result = commit(attempt);
    markers_.give_back(std::move(attempt.marker));
    return result;
}

Result<Commit> Writer::commit(Attempt& attempt)
{
    const int compared = static_cast<int>(attempt.transaction.when.size());
    Marker& marker = attempt.marker;
    while (true) {
        etcd::TxnRequest request = request_of(attempt.transaction, layout_);
        if (attempt.writes()) mark(request, marker, attempt.word);
        const auto response = client_.txn(request, attempt.deadline, attempt.in_doubt);
        if (!response) return settle(attempt, response.error());
        if (response->succeeded()) {
            marker.revision = response->header().revision();
            return done_at(marker.revision);
        }
        const etcd::KeyValue* const found = attempt.writes() ? TRY(found_by(*response, compared)) : nullptr;
        if (found != nullptr && found->value() == attempt.word) {
            marker.revision = found->mod_revision();
            return done_at(marker.revision);
        }
        const Revision marker_is_at = found != nullptr ? found->mod_revision() : 0;
        if (attempt.writes() && marker_is_at != marker.revision) {
            // An earlier transaction came late after all; or the lease has ended under a machine that slept.
            marker.revision = marker_is_at;
            if (marker_is_at != 0)
                attempt.in_doubt = false;  // what was sent compares with what is past
            else if (attempt.in_doubt)
                return std::unexpected(lost({.what = "the marker of this store is gone"}));
            else
                marker = TRY(markers_.replace(marker, attempt.deadline));
            continue;
        }
        auto in_the_way = TRY(conflict(attempt, *response));
        if (!in_the_way) return odd_answer();
        if (attempt.writes() && attempt.in_doubt) {
            if (const auto done = TRY(fence(attempt))) return done_at(*done);
        }
        return *std::move(in_the_way);
    }
}

Result<std::optional<Commit>> Writer::conflict(const Attempt& attempt, const etcd::TxnResponse& response)
{
    const auto& when = attempt.transaction.when;
    for (size_t i = 0; i < when.size(); ++i) {
        const etcd::KeyValue* const found = TRY(found_by(response, static_cast<int>(i)));
        const Revision is = found == nullptr                     ? 0
                            : when[i].of == Compare::Of::created ? found->create_revision()
                                                                 : found->mod_revision();
        if (is == when[i].revision) continue;
        Commit commit{.revision = response.header().revision()};
        if (found == nullptr) return commit;
        etcd::RangeRequest request;
        request.set_key(found->key());
        request.set_revision(commit.revision);  // as it was when the transaction met it
        auto read = client_.range(request, client_.deadline());
        if (!read && read.error().kind == ErrorKind::not_found) {
            request.set_revision(0);  // that is forgotten by now
            read = client_.range(request, client_.deadline());
        }
        if (!read) return std::unexpected(read.error());
        if (read->kvs_size() == 1) commit.conflict = TRY(layout_.entry_of(read->kvs(0)));
        return commit;
    }
    return std::nullopt;
}

Result<std::optional<Revision>> Writer::fence(Attempt& attempt)
{
    Marker& marker = attempt.marker;
    etcd::TxnRequest request;
    mark(request, marker, markers_.new_word());
    bool in_doubt = false;  // sent twice it only moves the marker once
    const auto response = client_.txn(request, attempt.deadline, in_doubt);
    if (!response) {
        marker.revision = 0;
        return std::unexpected(lost(response.error()));
    }
    if (response->succeeded()) {
        marker.revision = response->header().revision();
        return std::nullopt;
    }
    const etcd::KeyValue* const found = TRY(found_by(*response, 0));
    if (found == nullptr) return std::unexpected(lost({.what = "the marker of this store is gone"}));
    marker.revision = found->mod_revision();
    if (found->value() != attempt.word) return std::nullopt;
    return marker.revision;
}

Result<Commit> Writer::settle(Attempt& attempt, Error error)
{
    if (!attempt.writes()) return std::unexpected(std::move(error));
    if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::permission) {
        attempt.marker.revision = 0;  // where it is must be asked before it is used again
        return std::unexpected(attempt.in_doubt ? lost(error) : std::move(error));
    }
    // An etcd that is just getting full may do a transaction and then refuse it; and a first attempt may have
    // been done where the answer to the second is no.
    if (error.kind == ErrorKind::no_space) {
        etcd::RangeRequest request;
        request.set_key(attempt.marker.key);
        const auto read = client_.range(request, client_.deadline());
        if (!read) return std::unexpected(lost(read.error()));
        if (read->kvs_size() == 1 && read->kvs(0).value() == attempt.word) {
            attempt.marker.revision = read->kvs(0).mod_revision();
            return done_at(attempt.marker.revision);
        }
        return std::unexpected(attempt.in_doubt ? lost(error) : std::move(error));
    }
    if (!attempt.in_doubt) return std::unexpected(std::move(error));
    if (const auto done = TRY(fence(attempt))) return done_at(*done);
    return std::unexpected(std::move(error));
}

}  // namespace belay::store
