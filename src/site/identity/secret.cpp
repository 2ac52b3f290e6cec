#include "site/identity/secret.h"

#include "base/digest.h"
#include "base/invariant.h"

#include <sodium/core.h>
#include <sodium/randombytes.h>
#include <sodium/utils.h>

namespace belay::site {

std::string new_secret(size_t bytes)
{
    static const bool is_ready = sodium_init() >= 0;
    INVARIANT(is_ready);
    std::string secret(bytes, '\0');
    randombytes_buf(secret.data(), secret.size());
    return secret;
}

std::string as_text(std::string_view secret)
{
    constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_encoded_len(secret.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(secret.data()),
                      secret.size(), variant);
    text.pop_back();  // the zero that C wants
    return text;
}

std::string digest_of_secret(std::string_view secret)
{
    return sha256(secret);
}

bool is_same_digest(std::string_view a, std::string_view b)
{
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace belay::site
