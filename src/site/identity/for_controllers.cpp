#include "site/identity/for_controllers.h"

#include "base/base64.h"
#include "base/invariant.h"
#include "site/identity/secret.h"

#include <array>
#include <sodium/crypto_generichash.h>
#include <sodium/crypto_secretbox.h>
#include <sodium/utils.h>

namespace belay::site {
namespace {

constexpr std::string_view key_purpose = "belay: for controllers";

const unsigned char* bytes_in(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

/// Wiped when it goes.
class SealingKey {
  public:
    explicit SealingKey(const Authority& authority)
    {
        const std::string& pem = authority.key_pem();
        INVARIANT(crypto_generichash(key_.data(), key_.size(), bytes_in(pem), pem.size(),
                                     bytes_in(key_purpose), key_purpose.size()) == 0);
    }
    ~SealingKey() { sodium_memzero(key_.data(), key_.size()); }
    SealingKey(const SealingKey&) = delete;
    SealingKey& operator=(const SealingKey&) = delete;

    const unsigned char* bytes() const { return key_.data(); }

  private:
    std::array<unsigned char, crypto_secretbox_KEYBYTES> key_{};
};

}  // namespace

std::string seal_for_controllers(const Authority& authority, std::string_view plain)
{
    const SealingKey key(authority);
    std::string box = new_secret(crypto_secretbox_NONCEBYTES);
    box.resize(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + plain.size());
    INVARIANT(
        crypto_secretbox_easy(reinterpret_cast<unsigned char*>(box.data()) + crypto_secretbox_NONCEBYTES,
                              bytes_in(plain), plain.size(), bytes_in(box), key.bytes()) == 0);
    return to_base64(box);
}

Result<std::string> unseal_for_controllers(const Authority& authority, const std::string& sealed)
{
    const SealingKey key(authority);
    const std::string box = TRY(from_base64(sealed));
    constexpr size_t around = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    std::string plain(box.size() < around ? 0 : box.size() - around, '\0');
    if (box.size() < around ||
        crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(plain.data()),
                                   bytes_in(box) + crypto_secretbox_NONCEBYTES,
                                   box.size() - crypto_secretbox_NONCEBYTES, bytes_in(box), key.bytes()) != 0)
        return fail(ErrorKind::corrupt,
                    "what the controllers of the site share was sealed by another authority");
    return plain;
}

}  // namespace belay::site
