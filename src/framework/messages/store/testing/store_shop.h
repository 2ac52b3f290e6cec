#pragma once
// For tests: a folder with a store in it, and messages to put there.

#include "base/testing/must.h"
#include "framework/messages/store/message_store.h"
#include "store/scratch_folder.h"

#include <doctest/doctest.h>

namespace belay::framework::messages {

inline constexpr Milliseconds noon{1'700'000'000'000};

inline Message some_message(uint32_t number, Level level = Level::standard)
{
    return {.id = {.component = 20, .number = number % 7},
            .level = level,
            .at = noon + Milliseconds(number),
            .host = fmt::format("web{}", number % 3),
            .application = number % 5 == 0 ? "" : fmt::format("Shop {}", number % 5),
            .interaction = number % 4 == 0 ? fmt::format("call-{}", number / 4) : "",
            .text = fmt::format("Order {} was taken by clerk {}", number, number % 11),
            .attributes = {}};
}

class StoreShop {
  public:
    explicit StoreShop(const StoreLimits& with = {}) : limits(with) { open(); }
    void open()
    {
        store.reset();
        store = must(MessageStore::open(path(), limits));
    }
    std::string path() const { return folder / "messages"; }
    /// The first path in the folder that ends so; empty: none.
    std::string file(std::string_view ending) const
    {
        std::string first;
        for (const auto& entry : std::filesystem::directory_iterator(path())) {
            const std::string found = entry.path();
            if (found.ends_with(ending) && (first.empty() || found < first)) first = found;
        }
        return first;
    }
    uint64_t append(const Message& message, Milliseconds now = noon)
    {
        return must(store->append({&message, 1}, {}, now));
    }
    void append_many(uint32_t from, uint32_t count, Milliseconds now = noon)
    {
        std::vector<Message> all;
        for (uint32_t i = from; i < from + count; ++i) all.push_back(some_message(i));
        must(store->append(all, {}, now));
    }
    std::vector<uint64_t> numbers(const Query& query) const
    {
        std::vector<uint64_t> found;
        for (const StoredMessage& stored : must(store->search(query))) found.push_back(stored.number);
        return found;
    }

    const store::ScratchFolder folder = {};
    StoreLimits limits;
    std::unique_ptr<MessageStore> store;
};

}  // namespace belay::framework::messages
