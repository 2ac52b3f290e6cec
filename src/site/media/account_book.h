#pragma once
// Who may come to a media server, and how much may lie there: a file on its machine, which `belay media`
// writes and the server reads whenever it has changed.
//
//     {"version": 1,
//      "accounts": {"anna": {"password": "$2b$...", "spaces": {"anna": "append", "team": "full"}}},
//      "spaces":   {"team": {"quota": 1000000000000}}}
//
// Passwords are kept as bcrypt by crypt(3), as `htpasswd -B` writes them: what was made for restic's
// rest-server can be taken in, and given back. Source: crypt(5).

#include "base/json.h"
#include "base/units.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace belay::media {

/// What an account may do in a space; each includes the ones before it.
enum class Access : uint8_t {
    read,
    append,  ///< add, and remove its locks; nothing that is there can be removed or written over
    full,
};
/// The stable name, as "append".
std::string_view name_of(Access access);
/// Errors: usage, naming those there are.
Result<Access> access_named(std::string_view name);

struct MediaAccount {
    std::string hash;  ///< of its password
    std::map<std::string, Access, std::less<>> spaces = {};
    bool disabled = false;
};

/// All of the file, as it was at one moment.
struct AccountBook {
    std::map<std::string, MediaAccount, std::less<>> accounts = {};
    std::map<std::string, uint64_t, std::less<>> quotas = {};  ///< bytes, by space

    /// What the account may do in that space; nothing: it may not know of it.
    std::optional<Access> access(std::string_view account, std::string_view space) const;

    /// Errors: usage (the name, the password), busy (it is there).
    Result<void> add(const std::string& name, std::string_view password);
    /// As add(), with a password's hash of `htpasswd -B`. Errors: also usage, where it is no such hash.
    Result<void> add_hashed(const std::string& name, std::string_view hash);
    /// Errors: not_found, usage.
    Result<void> set_password(std::string_view name, std::string_view password);
    /// What is stored stays. Errors: not_found.
    Result<void> remove(std::string_view name);
    /// Nothing: it may no more. Errors: not_found, usage (the space's name).
    Result<void> grant(std::string_view name, const std::string& space, std::optional<Access> access);
    Result<void> set_disabled(std::string_view name, bool disabled);
    /// Nothing: without limit. Errors: usage.
    Result<void> set_quota(const std::string& space, std::optional<uint64_t> bytes);

    static constexpr size_t shortest_password = 8;
    static constexpr size_t longest_password = 72;  ///< bcrypt does not look at what follows
};

/// A file that is not there is an empty book. Errors: corrupt, those of the system.
Result<AccountBook> read_account_book(const std::string& path);

/// Reads it, lets `change` change it, and writes it where that went well; one at a time on this machine.
/// Errors: those of both.
Result<void> change_account_book(const std::string& path,
                                 const std::function<Result<void>(AccountBook&)>& change);

/// Whether the password is that of the hash. Takes as long as it is made to, some 60 ms. Threads: any.
bool is_password_of(const std::string& hash, std::string_view password);
/// Of no account: what a password is compared with where there is none, so that it takes as long.
const std::string& nobodys_hash();

}  // namespace belay::media
