#include "supervisor/letters.h"

#include "base/base64.h"
#include "framework/configuration/key_file.h"

#include <cstring>
#include <sodium.h>

namespace belay::supervisor {
namespace {

constexpr std::string_view magic = "BELAYL1\n";
constexpr size_t head_size = magic.size() + sizeof(HostId) * 2;
constexpr size_t stamp_size = sizeof(uint64_t) * 3;
static_assert(crypto_box_BEFORENMBYTES == 32 && crypto_box_SECRETKEYBYTES == 32);

void put(std::string& text, uint64_t number)
{
    for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>(number >> shift & 0xff);
}

uint64_t take(std::string_view text, size_t at)
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; --i)
        number = number << 8 | static_cast<unsigned char>(text[at + static_cast<size_t>(i)]);
    return number;
}

const unsigned char* bytes_of(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text)
{
    return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

Result<Letters> Letters::open(const std::string& key_file)
{
    if (sodium_init() < 0) return fail(ErrorKind::io, "libsodium does not start");
    Letters letters;
    auto kept = framework::configuration::read_key_file(key_file);
    if (!kept && kept.error().kind != ErrorKind::not_found) return std::unexpected(kept.error());
    if (!kept) {
        randombytes_buf(letters.secret_.data(), letters.secret_.size());
        const std::string_view secret(reinterpret_cast<const char*>(letters.secret_.data()),
                                      letters.secret_.size());
        std::string text = to_base64(secret);
        const Result<void> written = framework::configuration::write_key_file(key_file, text);
        sodium_memzero(text.data(), text.size());
        TRY(written);
    } else {
        std::string text(kept->view());
        auto secret = from_base64(text);
        sodium_memzero(text.data(), text.size());
        if (!secret || secret->size() != letters.secret_.size())
            return fail(ErrorKind::corrupt, fmt::format("{} holds no key", key_file),
                        "rm " + key_file + ", and another is made at the next start");
        std::memcpy(letters.secret_.data(), secret->data(), secret->size());
        sodium_memzero(secret->data(), secret->size());
    }
    std::array<unsigned char, crypto_box_PUBLICKEYBYTES> shown{};
    crypto_scalarmult_base(shown.data(), letters.secret_.data());
    letters.public_key_ = to_base64({reinterpret_cast<const char*>(shown.data()), shown.size()});
    while (letters.writes_as_ == 0) randombytes_buf(&letters.writes_as_, sizeof letters.writes_as_);
    return letters;
}

Result<void> Letters::meet(HostId self, HostId other, std::string_view public_key)
{
    const auto key = from_base64(std::string(public_key));
    Other met;
    if (!key || key->size() != crypto_box_PUBLICKEYBYTES ||
        crypto_box_beforenm(met.shared.data(), bytes_of(*key), secret_.data()) != 0)
        return fail(ErrorKind::usage, fmt::format("what came as the key of host {} is none", other));
    self_ = self;
    const auto known = others_.find(other);
    if (known == others_.end() || known->second.shared != met.shared) others_[other] = met;
    return {};
}

std::string Letters::seal(HostId to, std::string_view text)
{
    const auto other = others_.find(to);
    if (other == others_.end()) return {};
    std::string plain;
    put(plain, writes_as_);
    put(plain, ++number_);
    put(plain, other->second.writes_as);
    plain += text;
    std::string letter(magic);
    put(letter, static_cast<uint64_t>(self_));
    put(letter, static_cast<uint64_t>(to));
    const size_t nonce = letter.size();
    letter.resize(nonce + crypto_box_NONCEBYTES + crypto_box_MACBYTES + plain.size());
    randombytes_buf(bytes_of(letter) + nonce, crypto_box_NONCEBYTES);
    crypto_box_easy_afternm(bytes_of(letter) + nonce + crypto_box_NONCEBYTES, bytes_of(plain), plain.size(),
                            bytes_of(letter) + nonce, other->second.shared.data());
    return letter;
}

std::optional<Letters::Opened> Letters::open(std::string_view letter)
{
    constexpr size_t least = head_size + crypto_box_NONCEBYTES + crypto_box_MACBYTES + stamp_size;
    if (letter.size() < least || !letter.starts_with(magic)) return std::nullopt;
    const auto from = static_cast<HostId>(take(letter, magic.size()));
    const auto to = static_cast<HostId>(take(letter, magic.size() + sizeof(HostId)));
    const auto found = others_.find(from);
    if (to != self_ || found == others_.end()) return std::nullopt;
    const std::string_view closed = letter.substr(head_size + crypto_box_NONCEBYTES);
    std::string plain(closed.size() - crypto_box_MACBYTES, '\0');
    if (crypto_box_open_easy_afternm(bytes_of(plain), bytes_of(closed), closed.size(),
                                     bytes_of(letter) + head_size, found->second.shared.data()) != 0)
        return std::nullopt;
    Other& other = found->second;
    const uint64_t writes_as = take(plain, 0);
    const uint64_t number = take(plain, sizeof(uint64_t));
    if (take(plain, 2 * sizeof(uint64_t)) != writes_as_) {
        // It may be an old one, so it counts for nothing but an answer.
        other.writes_as = writes_as;
        other.last = 0;
        return Opened{.from = from, .wants_answer = true};
    }
    if (writes_as == other.writes_as && number <= other.last) return std::nullopt;
    other.writes_as = writes_as;
    other.last = number;
    return Opened{.from = from, .text = plain.substr(stamp_size)};
}

}  // namespace belay::supervisor
