#pragma once
// What was made last is kept for a while, up to a sum of sizes.

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace belay::backup {

/// Threads: any. What was handed out stays good when it is let go here.
template <typename Key, typename Value, typename Hash>
class Recent {
  public:
    explicit Recent(uint64_t most) : most_(most) {}

    std::shared_ptr<const Value> find(const Key& key)
    {
        const std::lock_guard lock(mutex_);
        const auto found = places_.find(key);
        if (found == places_.end()) return nullptr;
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->value;
    }

    /// `size` is what it counts for.
    void keep(const Key& key, std::shared_ptr<const Value> value, uint64_t size)
    {
        const std::lock_guard lock(mutex_);
        if (size > most_ || places_.contains(key)) return;
        entries_.push_front({key, std::move(value), size});
        places_.emplace(key, entries_.begin());
        for (size_ += size; size_ > most_; entries_.pop_back()) {
            size_ -= entries_.back().size;
            places_.erase(entries_.back().key);
        }
    }

  private:
    struct Entry {
        Key key;
        std::shared_ptr<const Value> value;
        uint64_t size;
    };

    uint64_t most_, size_ = 0;
    std::mutex mutex_;
    std::list<Entry> entries_;  ///< the last used first
    std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> places_;
};

}  // namespace belay::backup
