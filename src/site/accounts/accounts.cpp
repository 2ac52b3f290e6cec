#include "site/accounts/accounts.h"

#include "base/invariant.h"
#include "base/json.h"
#include "site/identity/secret.h"

#include <algorithm>
#include <array>
#include <optional>
#include <sodium/core.h>
#include <sodium/crypto_pwhash.h>

namespace belay::site {
namespace {

constexpr std::string_view account_prefix = "site/account/";
constexpr std::string_view session_prefix = "site/session/";
constexpr size_t token_bytes = 32;
constexpr size_t longest_name = 63;

/// Of no account: what is compared where there is none, so that it takes as long.
constexpr const char* nobodys_hash =
    "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

void need_sodium()
{
    static const bool is_ready = sodium_init() >= 0;
    INVARIANT(is_ready);
}

Result<std::string> hash_of(std::string_view password)
{
    need_sodium();
    std::array<char, crypto_pwhash_STRBYTES> hash{};
    if (crypto_pwhash_str(hash.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return fail(ErrorKind::no_space, "there is no memory to hash a password (64 MiB)");
    return std::string(hash.data());
}

bool is_password_of(const std::string& hash, std::string_view password)
{
    need_sodium();
    return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

std::string account_key(std::string_view name)
{
    return std::string(account_prefix) + std::string(name);
}

std::string session_key(std::string_view token)
{
    return std::string(session_prefix) + digest_of_secret(token);
}

Result<void> check_name(std::string_view name)
{
    const bool fits = !name.empty() && name.size() <= longest_name && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    });
    if (!fits)
        return fail(ErrorKind::usage,
                    "the name of an account has small letters, digits, '.', '-' and '_', at most 63");
    return {};
}

Result<void> check_password(std::string_view password)
{
    if (password.size() < Accounts::shortest_password)
        return fail(ErrorKind::usage,
                    fmt::format("a password has at least {} characters", Accounts::shortest_password));
    if (password.size() > Accounts::longest_password)
        return fail(ErrorKind::usage,
                    fmt::format("a password has at most {} bytes", Accounts::longest_password));
    return {};
}

std::unexpected<Error> not_you()
{
    return fail(ErrorKind::permission, "no such account, or another password");
}

std::unexpected<Error> changed_meanwhile(const std::string& name)
{
    return fail(ErrorKind::busy, fmt::format("somebody else has just changed the account {}", name),
                "the same, again");
}

}  // namespace

Milliseconds Attempts::wait(std::string_view account, Milliseconds now) const
{
    const auto found = failed_.find(account);
    if (found == failed_.end() || found->second.until <= now) return Milliseconds{0};
    return found->second.until - now;
}

void Attempts::went_wrong(std::string_view account, Milliseconds now)
{
    // Whoever tries many names must not fill the memory: who waits least is forgotten.
    if (failed_.size() >= most_remembered && !failed_.contains(account))
        failed_.erase(
            std::ranges::min_element(failed_, {}, [](const auto& pair) { return pair.second.until; }));
    Failed& failed = failed_[std::string(account)];
    ++failed.times;
    if (failed.times < free_ones) return;
    const unsigned doublings = std::min(failed.times - free_ones, 6U);
    failed.until = now + std::min(longest, Milliseconds(1000) * (1U << doublings));
}

void Attempts::went_well(std::string_view account)
{
    const auto found = failed_.find(account);
    if (found != failed_.end()) failed_.erase(found);
}

struct Accounts::Kept {
    Account account;
    std::string hash;
    std::optional<store::Entry> entry = {};
};

Result<Accounts::Kept> Accounts::read(std::string_view name)
{
    std::optional<store::Entry> entry = TRY(store_.get(account_key(name)));
    if (!entry)
        return fail(ErrorKind::not_found, fmt::format("there is no account {}", name), "belay account list");
    const Json json = TRY(parse_json(entry->value));
    Kept kept;
    try {
        kept.account = {.name = std::string(name),
                        .right = Right::view,
                        .disabled = json.at("disabled"),
                        .changed = Milliseconds(json.at("changed_ms").get<int64_t>())};
        kept.hash = json.at("hash");
    } catch (const Json::exception& problem) {
        return fail(ErrorKind::corrupt, fmt::format("the account {}: {}", name, problem.what()));
    }
    kept.account.right = TRY(right_named(json.value("role", "")));
    kept.entry = std::move(entry);
    return kept;
}

/// What must hold in the transaction that takes this account, or its right, away. Errors: refused.
Result<std::vector<store::Compare>> Accounts::while_another_administers(const Kept& kept,
                                                                        LastAdministrator last)
{
    const bool administers = kept.account.right == Right::administer && !kept.account.disabled;
    if (last == LastAdministrator::may_go || !administers) return std::vector<store::Compare>();
    for (const Account& other : TRY(all())) {
        if (other.name == kept.account.name || other.right != Right::administer || other.disabled) continue;
        const Kept read_again = TRY(read(other.name));
        return std::vector{
            store::Compare{.key = read_again.entry->key, .revision = read_again.entry->modified}};
    }
    return fail(ErrorKind::refused,
                fmt::format("{} is the last account that may administer the site", kept.account.name),
                "belay account add NAME --role administer; or the same as root on a controller");
}

/// `before` null: it must be new.
Result<void> Accounts::write(const Kept& kept, const store::Entry* before, std::vector<store::Compare> when)
{
    const std::string key = account_key(kept.account.name);
    const Json json = {{"role", name_of(kept.account.right)},
                       {"disabled", kept.account.disabled},
                       {"changed_ms", kept.account.changed.count()},
                       {"hash", kept.hash}};
    when.push_back({.key = key, .revision = before != nullptr ? before->modified : 0});
    const store::Commit commit =
        TRY(store_.commit({.when = std::move(when), .then = {{.key = key, .value = json_text(json)}}}));
    if (commit.succeeded) return {};
    if (before != nullptr) return changed_meanwhile(kept.account.name);
    return fail(ErrorKind::busy, fmt::format("there is an account {} already", kept.account.name),
                "belay account list");
}

Result<void> Accounts::add(const std::string& name, Right right, std::string_view password, Milliseconds now)
{
    TRY(check_name(name));
    TRY(check_password(password));
    Kept kept{.account = {.name = name, .right = right, .changed = now}, .hash = {}};
    kept.hash = TRY(hash_of(password));
    return write(kept, nullptr);
}

Result<void> Accounts::set_password(std::string_view name, std::string_view password, Milliseconds now)
{
    TRY(check_password(password));
    Kept kept = TRY(read(name));
    kept.hash = TRY(hash_of(password));
    kept.account.changed = now;
    TRY(write(kept, &*kept.entry));
    return end_sessions(name);
}

Result<void> Accounts::set_right(std::string_view name, Right right, LastAdministrator last)
{
    Kept kept = TRY(read(name));
    std::vector<store::Compare> when;
    if (right != Right::administer) when = TRY(while_another_administers(kept, last));
    kept.account.right = right;
    return write(kept, &*kept.entry, std::move(when));
}

Result<void> Accounts::set_disabled(std::string_view name, bool disabled, LastAdministrator last)
{
    Kept kept = TRY(read(name));
    std::vector<store::Compare> when;
    if (disabled) when = TRY(while_another_administers(kept, last));
    kept.account.disabled = disabled;
    TRY(write(kept, &*kept.entry, std::move(when)));
    return disabled ? end_sessions(name) : Result<void>();
}

Result<void> Accounts::remove(std::string_view name, LastAdministrator last)
{
    const Kept kept = TRY(read(name));
    std::vector<store::Compare> when = TRY(while_another_administers(kept, last));
    when.push_back({.key = kept.entry->key, .revision = kept.entry->modified});
    const store::Commit commit =
        TRY(store_.commit({.when = std::move(when), .then = {{.key = kept.entry->key}}}));
    if (!commit.succeeded) return changed_meanwhile(kept.account.name);
    return end_sessions(name);
}

Result<std::vector<Account>> Accounts::all()
{
    std::vector<Account> accounts;
    for (const store::Entry& entry : TRY(store_.list(account_prefix)))
        accounts.push_back(TRY(read(std::string_view(entry.key).substr(account_prefix.size()))).account);
    return accounts;
}

Result<void> Accounts::end_sessions(std::string_view name)
{
    for (const store::Entry& entry : TRY(store_.list(session_prefix))) {
        const Json session = TRY(parse_json(entry.value));
        if (session.value("account", "") == name)
            TRY(store_.commit({.when = {}, .then = {{.key = entry.key}}}));
    }
    return {};
}

Result<Session> Accounts::log_in(const std::string& name, std::string_view password, Milliseconds now,
                                 Milliseconds boot)
{
    if (password.size() > longest_password || !check_name(name)) return not_you();
    const std::lock_guard lock(one_password_);
    if (const Milliseconds wait = attempts_.wait(name, boot); wait > Milliseconds{0})
        return fail(
            ErrorKind::busy, "this account was tried too often with another password",
            fmt::format("the same, {} s later", std::chrono::ceil<std::chrono::seconds>(wait).count()));
    const Result<Kept> kept = read(name);
    if (!kept && kept.error().kind != ErrorKind::not_found) return std::unexpected(kept.error());
    const bool fits = is_password_of(kept ? kept->hash : nobodys_hash, password);
    if (!kept || !fits || kept->account.disabled) {
        attempts_.went_wrong(name, boot);
        return not_you();
    }
    attempts_.went_well(name);
    Session session{
        .token = as_text(new_secret(token_bytes)), .account = kept->account, .ends = now + session_lasts};
    const store::LeaseId lease = TRY(store_.grant(session_lasts));
    const Json json = {{"account", name}, {"ends_ms", session.ends.count()}};
    TRY(store_.commit(
        {.when = {},
         .then = {{.key = session_key(session.token), .value = json_text(json), .lease = lease}}}));
    return session;
}

Result<Account> Accounts::holder(std::string_view token, Milliseconds now)
{
    const auto nobody = [] { return fail(ErrorKind::permission, "this session has ended", "belay login"); };
    const std::optional<store::Entry> entry = TRY(store_.get(session_key(token)));
    if (!entry) return nobody();
    const Json session = TRY(parse_json(entry->value));
    // The lease runs on the store's clock, and a store that was opened anew gives it its whole time again.
    if (session.value("ends_ms", int64_t{0}) <= now.count()) return nobody();
    const Result<Kept> kept = read(session.value("account", ""));
    if (!kept && kept.error().kind == ErrorKind::not_found) return nobody();
    if (!kept) return std::unexpected(kept.error());
    if (kept->account.disabled) return nobody();
    return kept->account;
}

Result<void> Accounts::log_out(std::string_view token)
{
    TRY(store_.commit({.when = {}, .then = {{.key = session_key(token)}}}));
    return {};
}

}  // namespace belay::site
