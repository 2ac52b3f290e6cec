#include "store/limits.h"

namespace belay::store {
namespace {

Result<void> check_key(std::string_view key)
{
    if (key.empty()) return fail(ErrorKind::usage, "a key is empty");
    if (key.size() <= max_key_bytes) return {};
    return fail(ErrorKind::usage, fmt::format("the key {}... has {} bytes, {} is the limit",
                                              key.substr(0, 40), key.size(), max_key_bytes));
}

Result<void> check_value(const Write& write)
{
    if (!write.value && write.lease != 0) {
        return fail(ErrorKind::usage, fmt::format("a delete of {} names a lease", write.key));
    }
    if (!write.value || write.value->size() <= max_value_bytes) return {};
    return fail(ErrorKind::usage, fmt::format("the value of {} has {} bytes, {} is the limit", write.key,
                                              write.value->size(), max_value_bytes));
}

}  // namespace

Result<void> check_limits(const Transaction& transaction)
{
    const auto& [when, then] = transaction;
    if (when.size() > max_writes || then.size() > max_writes) {
        return fail(ErrorKind::usage,
                    fmt::format("a transaction of {} comparisons and {} writes, {} of each is the limit",
                                when.size(), then.size(), max_writes));
    }
    for (const Compare& compare : when) TRY(check_key(compare.key));

    size_t bytes = 0;
    for (size_t i = 0; i < then.size(); ++i) {
        TRY(check_key(then[i].key));
        TRY(check_value(then[i]));
        bytes += then[i].key.size() + (then[i].value ? then[i].value->size() : 0);
        for (size_t j = 0; j < i; ++j) {
            if (then[i].key == then[j].key) {
                return fail(ErrorKind::usage, fmt::format("a transaction writes {} twice", then[i].key));
            }
        }
    }
    if (bytes <= max_transaction_bytes) return {};
    return fail(ErrorKind::usage,
                fmt::format("a transaction of {} bytes, {} is the limit", bytes, max_transaction_bytes));
}

Result<void> check_time_to_live(std::chrono::milliseconds time_to_live)
{
    using namespace std::chrono_literals;
    if (time_to_live >= 1ms && time_to_live <= std::chrono::years(10)) return {};
    return fail(ErrorKind::usage,
                fmt::format("a lease of {} ms, 1 ms to 10 years is possible", time_to_live.count()));
}

Result<void> check_since(Revision since, Revision current)
{
    if (since > current) {
        return fail(ErrorKind::not_found,
                    fmt::format("the store has not reached revision {}, it is at {}", since, current));
    }
    if (since >= current - remembered_revisions) return {};
    return fail(
        ErrorKind::not_found,
        fmt::format("what changed after revision {} is forgotten, the store is at {}", since, current));
}

}  // namespace belay::store
