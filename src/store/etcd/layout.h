#pragma once
// Where the keys of one site lie in an etcd: "PREFIX/key/..." those of the callers, "PREFIX/writer/..." the
// store's own.

#include "store/etcd/client.h"

namespace belay::store {

class Layout {
  public:
    explicit Layout(std::string_view prefix)
        : keys_(fmt::format("{}/key/", prefix)), writers_(fmt::format("{}/writer/", prefix))
    {
    }

    std::string in_etcd(std::string_view key) const { return keys_ + std::string(key); }
    const std::string& writers() const { return writers_; }

    /// The keys that begin with `prefix`, as etcd's [key, range_end).
    template <typename Request>
    void set_range(Request& request, std::string_view prefix) const
    {
        request.set_key(in_etcd(prefix));
        request.set_range_end(end_of(in_etcd(prefix)));
    }

    /// Errors: corrupt, where etcd gives a key that is not one of ours.
    Result<Entry> entry_of(const etcd::KeyValue& found) const
    {
        if (!found.key().starts_with(keys_))
            return fail(ErrorKind::corrupt, "etcd answers with a key that was not asked for");
        return Entry{.key = found.key().substr(keys_.size()),
                     .value = found.value(),
                     .created = found.create_revision(),
                     .modified = found.mod_revision(),
                     .lease = found.lease()};
    }

  private:
    /// The first key behind all that begin with `prefix`, which begins with a letter, so that there is one.
    static std::string end_of(std::string prefix)
    {
        while (prefix.back() == '\xff') prefix.pop_back();
        prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
        return prefix;
    }

    const std::string keys_;
    const std::string writers_;
};

}  // namespace belay::store
