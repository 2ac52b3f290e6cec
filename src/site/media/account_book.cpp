#include "site/media/account_book.h"

#include "host/descriptor.h"
#include "host/files.h"
#include "site/identity/private_file.h"
#include "site/media/request_path.h"

#include <algorithm>
#include <cerrno>
#include <crypt.h>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>

namespace belay::media {
namespace {

constexpr unsigned book_version = 1;
constexpr Bytes largest_book = {16 << 20};
constexpr size_t longest_account = 63;
/// 2^10 rounds.
constexpr unsigned long cost = 10;
constexpr std::array access_names = {"read", "append", "full"};

Result<std::string> hash_of(std::string_view password)
{
    const std::unique_ptr<char, void (*)(void*)> setting(::crypt_gensalt_ra("$2b$", cost, nullptr, 0),
                                                         std::free);
    void* room = nullptr;
    int size = 0;
    const char* const hash =
        setting ? ::crypt_ra(std::string(password).c_str(), setting.get(), &room, &size) : nullptr;
    const std::unique_ptr<void, void (*)(void*)> owner(room, std::free);
    if (hash == nullptr) return std::unexpected(system_error("hash a password", errno));
    return std::string(hash);
}

Result<void> check_password(std::string_view password)
{
    if (password.size() < AccountBook::shortest_password)
        return fail(ErrorKind::usage,
                    fmt::format("a password has {} characters at least", AccountBook::shortest_password));
    if (password.size() > AccountBook::longest_password)
        return fail(ErrorKind::usage,
                    fmt::format("a password has {} bytes at most", AccountBook::longest_password));
    if (std::ranges::any_of(password, [](unsigned char letter) { return letter < ' '; }))
        return fail(ErrorKind::usage, "a password has no control characters");
    return {};
}

/// HTTP ends the name at a colon.
Result<void> check_name(std::string_view name)
{
    if (is_name_of_space(name) && name.size() <= longest_account && name.find(':') == std::string_view::npos)
        return {};
    return fail(
        ErrorKind::usage,
        fmt::format("'{}' cannot be the name of an account: 1 to {} bytes, no slash, no colon, no dot "
                    "in front, none of the names of a repository's folders",
                    name, longest_account));
}

Result<void> check_space(std::string_view name)
{
    if (is_name_of_space(name)) return {};
    return fail(ErrorKind::usage,
                fmt::format("'{}' cannot be the name of a space: no slash, no dot in front, "
                            "none of the names of a repository's folders",
                            name));
}

Result<MediaAccount*> find(AccountBook& book, std::string_view name)
{
    const auto found = book.accounts.find(name);
    if (found == book.accounts.end())
        return fail(ErrorKind::not_found, fmt::format("there is no account {}", name), "belay media list");
    return &found->second;
}

Json json_of(const AccountBook& book)
{
    Json accounts = Json::object();
    for (const auto& [name, account] : book.accounts) {
        Json spaces = Json::object();
        for (const auto& [space, access] : account.spaces) spaces[space] = name_of(access);
        accounts[name] = {{"password", account.hash}, {"spaces", std::move(spaces)}};
        if (account.disabled) accounts[name]["disabled"] = true;
    }
    Json spaces = Json::object();
    for (const auto& [space, quota] : book.quotas) spaces[space] = {{"quota", quota}};
    return {{"version", book_version}, {"accounts", std::move(accounts)}, {"spaces", std::move(spaces)}};
}

/// Throws Json::exception on what has not the form.
Result<AccountBook> book_of(const Json& json)
{
    if (const auto found = json.at("version").get<unsigned>(); found != book_version)
        return fail(ErrorKind::version,
                    fmt::format("it has version {}, this Belay knows {}", found, book_version));
    AccountBook book;
    for (const auto& [name, account] : json.at("accounts").items()) {
        TRY(check_name(name));
        MediaAccount& kept = book.accounts[name];
        kept.hash = account.at("password").get<std::string>();
        kept.disabled = account.value("disabled", false);
        for (const auto& [space, access] : account.at("spaces").items()) {
            TRY(check_space(space));
            kept.spaces[space] = TRY(access_named(access.get<std::string>()));
        }
    }
    for (const auto& [space, limits] : json.at("spaces").items()) {
        TRY(check_space(space));
        if (limits.contains("quota")) book.quotas[space] = limits.at("quota").get<uint64_t>();
    }
    return book;
}

}  // namespace

std::string_view name_of(Access access)
{
    return access_names.at(static_cast<size_t>(access));
}

Result<Access> access_named(std::string_view name)
{
    const auto* const found = std::ranges::find(access_names, name);
    if (found == access_names.end())
        return fail(ErrorKind::usage,
                    fmt::format("there is no access '{}': {}", name, fmt::join(access_names, ", ")));
    return static_cast<Access>(found - access_names.begin());
}

std::optional<Access> AccountBook::access(std::string_view account, std::string_view space) const
{
    const auto found = accounts.find(account);
    if (found == accounts.end() || found->second.disabled) return {};
    const auto granted = found->second.spaces.find(space);
    if (granted == found->second.spaces.end()) return {};
    return granted->second;
}

Result<void> AccountBook::add(const std::string& name, std::string_view password)
{
    TRY(check_name(name));
    TRY(check_password(password));
    if (accounts.contains(name))
        return fail(ErrorKind::busy, fmt::format("there is an account {} already", name),
                    fmt::format("belay media password {}", name));
    accounts[name] = {.hash = TRY(hash_of(password))};
    return {};
}

Result<void> AccountBook::add_hashed(const std::string& name, std::string_view hash)
{
    TRY(check_name(name));
    const bool is_bcrypt = hash.size() == nobodys_hash().size() && hash.starts_with("$2") &&
                           hash.find(':') == std::string_view::npos;
    if (!is_bcrypt)
        return fail(ErrorKind::usage,
                    fmt::format("the password of {} is not kept as bcrypt ($2y$..., htpasswd -B)", name));
    if (accounts.contains(name))
        return fail(ErrorKind::busy, fmt::format("there is an account {} already", name));
    accounts[name] = {.hash = std::string(hash)};
    return {};
}

Result<void> AccountBook::set_password(std::string_view name, std::string_view password)
{
    TRY(check_password(password));
    MediaAccount* const account = TRY(find(*this, name));
    account->hash = TRY(hash_of(password));
    return {};
}

Result<void> AccountBook::remove(std::string_view name)
{
    TRY(find(*this, name));
    accounts.erase(accounts.find(name));
    return {};
}

Result<void> AccountBook::grant(std::string_view name, const std::string& space, std::optional<Access> access)
{
    TRY(check_space(space));
    MediaAccount* const account = TRY(find(*this, name));
    if (access)
        account->spaces[space] = *access;
    else if (account->spaces.erase(space) == 0)
        return fail(ErrorKind::not_found, fmt::format("{} has no access to {}", name, space));
    return {};
}

Result<void> AccountBook::set_disabled(std::string_view name, bool disabled)
{
    TRY(find(*this, name))->disabled = disabled;
    return {};
}

Result<void> AccountBook::set_quota(const std::string& space, std::optional<uint64_t> bytes)
{
    TRY(check_space(space));
    if (bytes)
        quotas[space] = *bytes;
    else
        quotas.erase(space);
    return {};
}

Result<AccountBook> read_account_book(const std::string& path)
{
    const Result<std::string> text = host::files::read(path, largest_book);
    if (!text && text.error().kind == ErrorKind::not_found) return AccountBook{};
    if (!text) return std::unexpected(text.error());
    const Json json = TRY(parse_json(*text));
    try {
        Result<AccountBook> book = book_of(json);
        if (book) return book;
        return fail(ErrorKind::corrupt, fmt::format("{} makes no sense: {}", path, book.error().what));
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("{} makes no sense: {}", path, problem.what()));
    }
}

Result<void> change_account_book(const std::string& path,
                                 const std::function<Result<void>(AccountBook&)>& change)
{
    const size_t slash = path.rfind('/');
    TRY(site::make_private_folder(path.substr(0, slash)));
    const host::Descriptor lock(::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock || ::flock(lock.number(), LOCK_EX) != 0)
        return std::unexpected(system_error(fmt::format("lock {}", path), errno));
    AccountBook book = TRY(read_account_book(path));
    TRY(change(book));
    return site::write_private(path, json_of(book).dump(2) + "\n");
}

bool is_password_of(const std::string& hash, std::string_view password)
{
    void* room = nullptr;
    int size = 0;
    const char* const made = ::crypt_ra(std::string(password).c_str(), hash.c_str(), &room, &size);
    const std::unique_ptr<void, void (*)(void*)> owner(room, std::free);
    return made != nullptr && hash == made;
}

const std::string& nobodys_hash()
{
    static const std::string hash = "$2b$10$AAAAAAAAAAAAAAAAAAAAAOd0X5Zs0X5Zs0X5Zs0X5Zs0X5Zs0X5Zs";
    return hash;
}

}  // namespace belay::media
