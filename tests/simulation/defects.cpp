#include "defects.h"

namespace belay::simulation {
namespace {

store::BootClock no_clock()
{
    return {.boot = "front", .now = [] { return Milliseconds{0}; }};
}

}  // namespace

Result<store::Commit> ForgetfulStore::commit(const store::Transaction& transaction)
{
    store::Transaction kept = transaction;
    std::erase_if(kept.then, forgets_);
    return store_.commit(kept);
}

bool is_intent(const store::Write& write)
{
    return write.value && write.key.find("/record/") != std::string::npos &&
           write.value->find("\"event\":\"intent\"") != std::string::npos;
}

bool is_restoring(const store::Write& write)
{
    return write.value && write.key.find("/record/") != std::string::npos &&
           write.value->find("\"event\":\"restoring\"") != std::string::npos;
}

bool is_lock(const store::Write& write)
{
    return write.value && write.key.starts_with("lock/");
}

HastyStore::HastyStore(store::Store& durable, store::MemoryStore::Data data)
    : PassingStore(durable), front_(no_clock(), std::move(data))
{
}

Result<store::Commit> HastyStore::commit(const store::Transaction& transaction)
{
    if (late_) {
        TRY(store_.commit(*late_));
        late_.reset();
    }
    store::Commit commit = TRY(front_.commit(transaction));
    if (commit.succeeded) late_ = transaction;
    return commit;
}

Result<host::Moment> JumpyHost::now()
{
    host::Moment moment = TRY(host_.now());
    moment.boot = moment.wall;
    return moment;
}

}  // namespace belay::simulation
