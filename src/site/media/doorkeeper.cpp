#include "site/media/doorkeeper.h"

#include "host/renewed_file.h"
#include "site/identity/secret.h"

namespace belay::media {
namespace {

constexpr size_t key_bytes = 32;

}  // namespace

Doorkeeper::Doorkeeper(std::string path, site::Log& log)
    : path_(std::move(path)),
      log_(log),
      key_(site::new_secret(key_bytes)),
      version_("none was read"),
      book_(std::make_shared<AccountBook>())
{
}

std::shared_ptr<const AccountBook> Doorkeeper::book()
{
    const std::string version = host::version_of(path_);
    const std::lock_guard lock(mutex_);
    if (version == version_) return book_;
    version_ = version;
    Result<AccountBook> book = read_account_book(path_);
    if (book)
        book_ = std::make_shared<const AccountBook>(*std::move(book));
    else
        log_.standard(fmt::format("goes on with the accounts as they were: {}", book.error().what));
    return book_;
}

std::string Doorkeeper::hash_in(const AccountBook& book, std::string_view user)
{
    const auto found = book.accounts.find(user);
    return found == book.accounts.end() || found->second.disabled ? std::string() : found->second.hash;
}

std::string Doorkeeper::digest_of(std::string_view hash, std::string_view password) const
{
    // The hash has no zero byte, and neither has a password.
    std::string text = key_;
    text.append(hash).append(1, '\0').append(password);
    return site::digest_of_secret(text);
}

bool Doorkeeper::remembers(std::string_view user, std::string_view password)
{
    const std::string hash = hash_in(*book(), user);
    if (hash.empty()) return false;
    const std::string digest = digest_of(hash, password);
    const std::lock_guard lock(mutex_);
    const auto found = remembered_.find(user);
    return found != remembered_.end() && found->second.hash == hash &&
           site::is_same_digest(found->second.digest, digest);
}

Doorkeeper::Found Doorkeeper::check(std::string_view user, std::string_view password,
                                    std::string_view address, Milliseconds now)
{
    if (remembers(user, password)) return Found::right;
    const std::string who = fmt::format("{} {}", address, user);
    {
        const std::lock_guard lock(mutex_);
        if (attempts_.wait(who, now) > Milliseconds(0)) return Found::not_now;
    }
    const std::string hash = hash_in(*book(), user);
    const bool is_right = is_password_of(hash.empty() ? nobodys_hash() : hash, password) && !hash.empty();
    const std::lock_guard lock(mutex_);
    if (!is_right) {
        attempts_.went_wrong(who, now);
        return Found::wrong;
    }
    attempts_.went_well(who);
    remembered_[std::string(user)] = {.hash = hash, .digest = digest_of(hash, password)};
    return Found::right;
}

}  // namespace belay::media
