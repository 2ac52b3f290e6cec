#pragma once
// The store, for as long as it can be used: once the disk has said no it takes nothing more and is opened
// anew, while others may still be searching in it.

#include "framework/messages/store/message_store.h"

#include <mutex>

namespace belay::message_server {

using framework::messages::MessageStore;

/// Threads: any.
class OpenStore {
  public:
    /// Errors: those of the store.
    static Result<std::unique_ptr<OpenStore>> open(std::string folder,
                                                   framework::messages::StoreLimits limits);

    /// To be let go of soon. Errors: unavailable, while it cannot be opened.
    Result<std::shared_ptr<MessageStore>> get() const;
    /// Waits for those who use it. Errors: those of the store; then it is to be tried again.
    Result<void> open_anew();
    /// What counts from now on. Waits for what it lets go of.
    void set_limits(const framework::messages::StoreLimits& limits);
    /// As the store has it; of one that cannot be opened, what was known last.
    uint64_t newest() const;

  private:
    OpenStore(std::string folder, framework::messages::StoreLimits limits)
        : folder_(std::move(folder)), limits_(limits)
    {
    }
    const std::string folder_;
    mutable std::mutex mutex_;
    framework::messages::StoreLimits limits_;
    std::shared_ptr<MessageStore> store_;
    uint64_t newest_ = 0;
};

}  // namespace belay::message_server
