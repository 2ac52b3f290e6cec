#pragma once
// The people who may use the site from elsewhere, and their sessions.
//
// Keys, all values JSON:
//   site/account/NAME       {role, hash, disabled, changed_ms}; the hash is argon2id, as libsodium writes it
//   site/session/DIGEST     {account, ends_ms}, under a lease; DIGEST is the SHA-256 of the session's token,
//   so
//                           that nobody who reads the store can use a session
//
// Source: libsodium's documentation, "The pwhash API".

#include "base/result.h"
#include "base/units.h"
#include "site/right.h"
#include "store/store.h"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace belay::site {

struct Account {
    std::string name = {};
    Right right = Right::view;
    bool disabled = false;
    Milliseconds changed{0};  ///< wall clock; of the password
};

/// What becomes of the last account that may administer: where it goes, only root on a controller can still
/// change who may do what.
enum class LastAdministrator { may_go, stays };

struct Session {
    std::string token;  ///< 43 characters, known from nowhere else
    Account account;
    Milliseconds ends{0};  ///< wall clock
};

/// Whether somebody may log in at this moment, after so many attempts that went wrong; and memory for one
/// password at a time, since argon2id takes 64 MiB.
class Attempts {
  public:
    static constexpr unsigned free_ones = 5;
    static constexpr Milliseconds longest = std::chrono::minutes(1);
    static constexpr size_t most_remembered = 10'000;

    /// How long this account has to wait; 0: not at all. `now`: boot clock.
    Milliseconds wait(std::string_view account, Milliseconds now) const;
    void went_wrong(std::string_view account, Milliseconds now);
    void went_well(std::string_view account);

  private:
    struct Failed {
        unsigned times = 0;
        Milliseconds until{0};
    };
    std::map<std::string, Failed, std::less<>> failed_;
};

/// Times are wall clock but where told. Errors of all: those of the store. Threads: any.
class Accounts {
  public:
    static constexpr Milliseconds session_lasts = std::chrono::hours(12);
    static constexpr size_t shortest_password = 8;
    static constexpr size_t longest_password = 1024;

    explicit Accounts(store::Store& store) : store_(store) {}

    /// Errors: usage (name, password), busy (it is there already).
    Result<void> add(const std::string& name, Right right, std::string_view password, Milliseconds now);
    /// Errors: not_found, usage. Ends its sessions.
    Result<void> set_password(std::string_view name, std::string_view password, Milliseconds now);
    /// Errors: not_found, refused (the last administrator, which is to stay), busy. Both hold for sessions
    /// that are open as well.
    Result<void> set_right(std::string_view name, Right right,
                           LastAdministrator last = LastAdministrator::may_go);
    Result<void> set_disabled(std::string_view name, bool disabled,
                              LastAdministrator last = LastAdministrator::may_go);
    Result<void> remove(std::string_view name, LastAdministrator last = LastAdministrator::may_go);
    Result<std::vector<Account>> all();

    /// Errors: permission, in the same words and after the same time whether the account is not there,
    /// disabled or has another password; busy, where it was tried too often.
    Result<Session> log_in(const std::string& name, std::string_view password, Milliseconds now,
                           Milliseconds boot);
    /// Whose session it is. Errors: permission.
    Result<Account> holder(std::string_view token, Milliseconds now);
    Result<void> log_out(std::string_view token);

  private:
    struct Kept;
    Result<Kept> read(std::string_view name);
    Result<void> write(const Kept& kept, const store::Entry* before, std::vector<store::Compare> when = {});
    Result<std::vector<store::Compare>> while_another_administers(const Kept& kept, LastAdministrator last);
    Result<void> end_sessions(std::string_view name);

    store::Store& store_;
    std::mutex one_password_;  ///< is checked at a time
    Attempts attempts_;
};

}  // namespace belay::site
