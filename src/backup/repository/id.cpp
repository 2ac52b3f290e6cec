#include "backup/repository/id.h"

#include "base/invariant.h"

#include <openssl/evp.h>

namespace belay::backup {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

/// -1 where it is no digit. Restic writes lower case; anything else would be a second name of the same thing.
int value_of(char digit)
{
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

/// Fetching the algorithm anew for each blob would cost as much as hashing a small one.
const EVP_MD* sha256_algorithm()
{
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    INVARIANT(algorithm != nullptr);
    return algorithm;
}

}  // namespace

Id Id::of(std::string_view data)
{
    Id id;
    unsigned length = 0;
    INVARIANT(EVP_Digest(data.data(), data.size(), id.bytes.data(), &length, sha256_algorithm(), nullptr) ==
              1);
    INVARIANT(length == size);
    return id;
}

Result<Id> Id::from_hex(std::string_view text)
{
    const auto refused = [&] {
        return fail(ErrorKind::corrupt,
                    fmt::format("\"{}\" is no id of 64 hexadecimal digits", text.substr(0, 80)));
    };
    if (text.size() != 2 * size) return refused();
    Id id;
    for (size_t i = 0; i < size; ++i) {
        const int high = value_of(text[2 * i]), low = value_of(text[2 * i + 1]);
        if (high < 0 || low < 0) return refused();
        id.bytes[i] = static_cast<uint8_t>(high << 4 | low);
    }
    return id;
}

Id Id::from_bytes(std::string_view raw)
{
    INVARIANT(raw.size() == size);
    Id id;
    std::memcpy(id.bytes.data(), raw.data(), size);
    return id;
}

std::string Id::hex() const
{
    std::string text;
    text.reserve(2 * size);
    for (const uint8_t byte : bytes) {
        text += hex_digits[byte >> 4];
        text += hex_digits[byte & 15];
    }
    return text;
}

}  // namespace belay::backup
