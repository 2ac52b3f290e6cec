#include "daemon/network/shared_keys.h"

#include "base/invariant.h"
#include "base/json.h"
#include "framework/configuration/key_file.h"

#include <array>
#include <sodium/core.h>
#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/crypto_secretbox.h>
#include <sodium/randombytes.h>
#include <sodium/utils.h>
#include <vector>

namespace belay::daemon {
namespace {

using framework::configuration::KeyRing;
using framework::configuration::read_key_file;
using framework::configuration::Secret;
using framework::configuration::write_key_file;

constexpr const char* shared_key = "site/configuration-keys";
constexpr int base64 = sodium_base64_VARIANT_ORIGINAL;
/// Says what the key is for: of another use of the authority's key comes another one.
constexpr std::array<unsigned char, crypto_generichash_blake2b_PERSONALBYTES> purpose = {
    'b', 'e', 'l', 'a', 'y', ' ', 'c', 'o', 'n', 'f', 'i', 'g', ' ', 'k', 'e', 'y'};

const unsigned char* bytes_in(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

Secret sealing_key(std::string_view authority_key)
{
    Secret key(crypto_secretbox_KEYBYTES);
    INVARIANT(crypto_generichash_blake2b_salt_personal(
                  reinterpret_cast<unsigned char*>(key.bytes()), key.size(), bytes_in(authority_key),
                  authority_key.size(), nullptr, 0, nullptr, purpose.data()) == 0);
    return key;
}

std::string sealed_by(std::string_view authority_key, std::string_view text)
{
    std::vector<unsigned char> all(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + text.size());
    randombytes_buf(all.data(), crypto_secretbox_NONCEBYTES);
    const Secret key = sealing_key(authority_key);
    INVARIANT(crypto_secretbox_easy(all.data() + crypto_secretbox_NONCEBYTES, bytes_in(text), text.size(),
                                    all.data(), bytes_in(key.view())) == 0);
    std::string sealed(sodium_base64_encoded_len(all.size(), base64), '\0');
    sodium_bin2base64(sealed.data(), sealed.size(), all.data(), all.size(), base64);
    sealed.pop_back();  // its zero byte
    return sealed;
}

Result<Secret> opened_by(std::string_view authority_key, std::string_view sealed)
{
    const auto damaged = [] {
        return fail(
            ErrorKind::corrupt,
            fmt::format("{} in the store of the site does not open by the authority's key", shared_key),
            "a copy of that store from before");
    };
    std::vector<unsigned char> all(sealed.size());
    size_t size = 0;
    if (sodium_base642bin(all.data(), all.size(), sealed.data(), sealed.size(), nullptr, &size, nullptr,
                          base64) != 0)
        return damaged();
    constexpr size_t least = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    if (size <= least) return damaged();
    Secret text(size - least);
    const Secret key = sealing_key(authority_key);
    if (crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(text.bytes()),
                                   all.data() + crypto_secretbox_NONCEBYTES,
                                   size - crypto_secretbox_NONCEBYTES, all.data(), bytes_in(key.view())) != 0)
        return damaged();
    return text;
}

/// Nothing where the site has none.
Result<std::optional<Secret>> keys_in(store::Store& store, std::string_view authority_key)
{
    INVARIANT(sodium_init() >= 0);
    const std::optional<store::Entry> entry = TRY(store.get(shared_key));
    if (!entry) return std::nullopt;
    const Json json = TRY(parse_json(entry->value));
    return TRY(opened_by(authority_key, json.is_object() ? json.value("sealed", "") : ""));
}

}  // namespace

Result<void> SharedKeys::take() const
{
    const std::optional<Secret> shared = TRY(keys_in(store_, authority_key_));
    if (!shared) {
        // Made where there is none, for then no secret was sealed yet.
        TRY(KeyRing::open(key_file_));
        return give();
    }
    const Result<Secret> own = read_key_file(key_file_);
    if (own && own->view() == shared->view()) return {};
    return write_key_file(key_file_, shared->view());
}

Result<void> SharedKeys::give() const
{
    if (TRY(are_given())) return {};
    const Secret own = TRY(read_key_file(key_file_));
    TRY(store_.commit({.when = {},
                       .then = {{.key = shared_key,
                                 .value = json_text({{"sealed", sealed_by(authority_key_, own.view())}})}}}));
    return {};
}

Result<bool> SharedKeys::are_given() const
{
    const Secret own = TRY(read_key_file(key_file_));
    const std::optional<Secret> shared = TRY(keys_in(store_, authority_key_));
    return shared && shared->view() == own.view();
}

}  // namespace belay::daemon
