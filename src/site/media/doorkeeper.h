#pragma once
// Checks who comes. A password is checked slowly once, and remembered by a digest under a key that lives only
// in this process.

#include "base/units.h"
#include "site/accounts/accounts.h"
#include "site/log.h"
#include "site/media/account_book.h"

#include <memory>
#include <mutex>

namespace belay::media {

/// Threads: any.
class Doorkeeper {
  public:
    enum class Found { right, wrong, not_now };

    /// The book's file need not be there. The log outlives it.
    Doorkeeper(std::string path, site::Log& log);

    /// As the file is now. Where that is damaged, as it was before, which the log says once.
    std::shared_ptr<const AccountBook> book();

    /// Whether this password was right before, and nothing has changed since.
    bool remembers(std::string_view user, std::string_view password);
    /// Slow. Whoever was wrong several times from one address has to wait, and others are not held up by
    /// that. `now`: boot clock.
    Found check(std::string_view user, std::string_view password, std::string_view address, Milliseconds now);

  private:
    struct Remembered {
        std::string hash, digest;
    };
    std::string digest_of(std::string_view hash, std::string_view password) const;
    /// Empty: there is no such account, or it may not come.
    static std::string hash_in(const AccountBook& book, std::string_view user);

    const std::string path_;
    site::Log& log_;
    const std::string key_;
    std::mutex mutex_;
    std::string version_;
    std::shared_ptr<const AccountBook> book_;
    std::map<std::string, Remembered, std::less<>> remembered_;
    site::Attempts attempts_;
};

}  // namespace belay::media
