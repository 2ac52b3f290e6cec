#include "backup/repository/id.h"

#include "base/invariant.h"

#include <openssl/evp.h>
#include <sys/random.h>

namespace belay::backup {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

/// The value of each character as a digit, -1 where it is none. Restic writes lower case; anything else would
/// be a second name of the same thing.
constexpr std::array<int, 256> values = [] {
    std::array<int, 256> all{};
    all.fill(-1);
    for (size_t i = 0; i < hex_digits.size(); ++i)
        all[static_cast<uint8_t>(hex_digits[i])] = static_cast<int>(i);
    return all;
}();

/// Fetching the algorithm anew for each blob would cost as much as hashing a small one.
const EVP_MD* sha256_algorithm()
{
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    INVARIANT(algorithm != nullptr);
    return algorithm;
}

std::array<uint64_t, 4> random_key()
{
    std::array<uint64_t, 4> key{};
    INVARIANT(::getrandom(key.data(), sizeof key, 0) == static_cast<ssize_t>(sizeof key));
    return key;
}

}  // namespace

const std::array<uint64_t, 4> id_hash_key = random_key();

Id Id::of(std::string_view data)
{
    Id id;
    unsigned length = 0;
    INVARIANT(EVP_Digest(data.data(), data.size(), id.bytes.data(), &length, sha256_algorithm(), nullptr) ==
              1);
    INVARIANT(length == size);
    return id;
}

void Digest::Free::operator()(evp_md_ctx_st* context) const
{
    EVP_MD_CTX_free(context);
}

Digest::Digest() : context_(EVP_MD_CTX_new())
{
    INVARIANT(context_ && EVP_DigestInit_ex2(context_.get(), sha256_algorithm(), nullptr) == 1);
}

void Digest::add(std::string_view piece)
{
    INVARIANT(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1);
}

Id Digest::id()
{
    Id id;
    unsigned length = 0;
    INVARIANT(EVP_DigestFinal_ex(context_.get(), id.bytes.data(), &length) == 1);
    INVARIANT(length == Id::size);
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
        const int high = values[static_cast<uint8_t>(text[2 * i])],
                  low = values[static_cast<uint8_t>(text[2 * i + 1])];
        if ((high | low) < 0) return refused();
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
    std::string text(2 * size, '\0');
    for (size_t i = 0; i < size; ++i) {
        text[2 * i] = hex_digits[bytes[i] >> 4];
        text[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    return text;
}

}  // namespace belay::backup
