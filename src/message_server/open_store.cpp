#include "message_server/open_store.h"

#include <thread>

namespace belay::message_server {

Result<std::unique_ptr<OpenStore>> OpenStore::open(std::string folder,
                                                   framework::messages::StoreLimits limits)
{
    std::unique_ptr<OpenStore> store(new OpenStore(std::move(folder), limits));
    TRY(store->open_anew());
    return store;
}

Result<std::shared_ptr<MessageStore>> OpenStore::get() const
{
    const std::lock_guard lock(mutex_);
    if (store_) return store_;
    return fail(ErrorKind::unavailable, fmt::format("the messages in {} cannot be opened", folder_));
}

Result<void> OpenStore::open_anew()
{
    std::shared_ptr<MessageStore> old;
    framework::messages::StoreLimits limits;
    {
        const std::lock_guard lock(mutex_);
        limits = limits_;
        if (store_) newest_ = store_->newest();
        old = std::exchange(store_, nullptr);
    }
    // It has a lock of its folder until the last who searches in it has ended, which is soon.
    const std::weak_ptr<MessageStore> used = old;
    old.reset();
    while (!used.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::shared_ptr<MessageStore> opened = TRY(MessageStore::open(folder_, limits));
    const std::lock_guard lock(mutex_);
    store_ = std::move(opened);
    return {};
}

void OpenStore::set_limits(const framework::messages::StoreLimits& limits)
{
    std::shared_ptr<MessageStore> store;
    {
        const std::lock_guard lock(mutex_);
        limits_ = limits;
        store = store_;
    }
    if (store) store->set_limits(limits);
}

uint64_t OpenStore::newest() const
{
    const std::lock_guard lock(mutex_);
    return store_ ? store_->newest() : newest_;
}

}  // namespace belay::message_server
