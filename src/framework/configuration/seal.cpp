#include "framework/configuration/seal.h"

#include "base/base64.h"
#include "base/invariant.h"
#include "framework/configuration/key_file.h"

#include <algorithm>
#include <cstring>
#include <sodium.h>

namespace belay::framework::configuration {
namespace {

constexpr size_t mark_size = 8;
constexpr std::string_view line_begin = "belay-key x25519 ";

static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32);

void ready()
{
    static const bool is_ready = sodium_init() >= 0;
    INVARIANT(is_ready);
}

const unsigned char* bytes_of(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hex_of(const std::array<unsigned char, mark_size>& mark)
{
    std::string hex;
    for (const unsigned char byte : mark) hex += fmt::format("{:02x}", byte);
    return hex;
}

/// The bytes of a sealed text: mark and box.
Result<std::string> box_in(std::string_view sealed)
{
    const auto refuse = [] {
        return fail(ErrorKind::corrupt, "a sealed secret is damaged: it is not what was sealed");
    };
    if (!sealed.starts_with(sealed_prefix)) return refuse();
    auto box = from_base64(std::string(sealed.substr(sealed_prefix.size())));
    if (!box || box->size() < mark_size + crypto_box_SEALBYTES) return refuse();
    return *std::move(box);
}

}  // namespace

Secret::Secret(size_t size) : size_(size)
{
    ready();
    bytes_.reset(static_cast<char*>(sodium_malloc(std::max<size_t>(size, 1))));
    INVARIANT(bytes_ != nullptr);
}

void Secret::Free::operator()(char* bytes) const
{
    sodium_free(bytes);  // wipes it
}

KeyRing::Key KeyRing::key_of(Secret secret_half)
{
    Key key{.secret_half = std::move(secret_half)};
    INVARIANT(crypto_scalarmult_base(key.open_half.data(), bytes_of(key.secret_half.view())) == 0);
    std::array<unsigned char, crypto_generichash_BYTES_MIN> digest{};
    INVARIANT(crypto_generichash(digest.data(), digest.size(), key.open_half.data(), key.open_half.size(),
                                 nullptr, 0) == 0);
    std::copy_n(digest.begin(), mark_size, key.mark.begin());
    return key;
}

Result<KeyRing::Key> KeyRing::key_in(std::string_view line, const std::string& path)
{
    Secret secret_half(crypto_box_SECRETKEYBYTES);
    size_t size = 0;
    const std::string_view digits = line.substr(std::min(line_begin.size(), line.size()));
    const char* begin = digits.data();
    const bool read =
        line.starts_with(line_begin) &&
        sodium_base642bin(reinterpret_cast<unsigned char*>(secret_half.bytes()), secret_half.size(), begin,
                          digits.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL) == 0;
    if (!read || size != secret_half.size())
        return fail(ErrorKind::corrupt, fmt::format("{} is no key file of Belay, or is damaged", path),
                    "put the copy of it back that you keep apart");
    return key_of(std::move(secret_half));
}

Result<KeyRing> KeyRing::read(const std::string& path, ShareKeys share)
{
    ready();
    const Secret text = TRY(read_key_file(path));
    KeyRing ring(path, std::move(share));
    std::string_view rest = text.view();
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (!line.empty()) ring.keys_.push_back(TRY(key_in(line, path)));
    }
    if (ring.keys_.empty()) TRY(key_in("", path));
    return ring;
}

Result<KeyRing> KeyRing::open(const std::string& path, ShareKeys share)
{
    auto ring = read(path, share);
    if (ring || ring.error().kind != ErrorKind::not_found) return ring;
    KeyRing fresh(path, std::move(share));
    TRY(fresh.add_key());
    return fresh;
}

Result<KeyRing> KeyRing::read_to_look(const std::string& path, ShareKeys share)
{
    auto ring = read(path, share);
    if (ring || ring.error().kind != ErrorKind::not_found) return ring;
    KeyRing fresh(path, std::move(share));
    fresh.keys_.push_back(new_key());
    return fresh;
}

Secret KeyRing::text_of(const std::vector<Key>& keys)
{
    constexpr size_t digits =
        sodium_base64_ENCODED_LEN(crypto_box_SECRETKEYBYTES, sodium_base64_VARIANT_ORIGINAL);
    constexpr size_t line = line_begin.size() + digits;  // its zero byte becomes the line's end
    Secret text(line * keys.size());
    char* at = text.bytes();
    for (const Key& key : keys) {
        std::memcpy(at, line_begin.data(), line_begin.size());
        sodium_bin2base64(at + line_begin.size(), digits, bytes_of(key.secret_half.view()),
                          key.secret_half.size(), sodium_base64_VARIANT_ORIGINAL);
        at += line;
        at[-1] = '\n';
    }
    return text;
}

Result<void> KeyRing::write(const std::vector<Key>& keys) const
{
    const Secret text = text_of(keys);
    if (share_) TRY(share_(text.view()));
    return write_key_file(path_, text.view());
}

Result<void> KeyRing::share() const
{
    if (share_) TRY(share_(text_of(keys_).view()));
    return {};
}

KeyRing::Key KeyRing::new_key()
{
    ready();
    Secret secret_half(crypto_box_SECRETKEYBYTES);
    randombytes_buf(secret_half.bytes(), secret_half.size());
    return key_of(std::move(secret_half));
}

Result<void> KeyRing::add_key()
{
    keys_.push_back(new_key());
    Result<void> written = write(keys_);
    if (!written) keys_.pop_back();
    return written;
}

Result<void> KeyRing::prefer(std::string_view mark)
{
    const auto found = std::ranges::find_if(keys_, [&](const Key& key) { return hex_of(key.mark) == mark; });
    if (found == keys_.end())
        return fail(ErrorKind::not_found, fmt::format("{} holds no key {}", path_, mark));
    std::rotate(found, found + 1, keys_.end());
    return write(keys_);
}

Result<void> KeyRing::keep_only(std::string_view mark)
{
    const auto found = std::ranges::find_if(keys_, [&](const Key& key) { return hex_of(key.mark) == mark; });
    if (found == keys_.end())
        return fail(ErrorKind::not_found, fmt::format("{} holds no key {}", path_, mark));
    std::vector<Key> kept;
    kept.push_back(std::move(*found));
    Result<void> written = write(kept);
    if (written)
        keys_ = std::move(kept);
    else
        *found = std::move(kept.front());
    return written;
}

const KeyRing::Key* KeyRing::find(const unsigned char* mark) const
{
    const auto found = std::ranges::find_if(
        keys_, [&](const Key& key) { return std::memcmp(key.mark.data(), mark, mark_size) == 0; });
    return found == keys_.end() ? nullptr : &*found;
}

std::string KeyRing::seal(std::string_view plain) const
{
    const Key& key = keys_.back();
    std::string box(mark_size + crypto_box_SEALBYTES + plain.size(), '\0');
    std::memcpy(box.data(), key.mark.data(), mark_size);
    INVARIANT(crypto_box_seal(reinterpret_cast<unsigned char*>(box.data()) + mark_size, bytes_of(plain),
                              plain.size(), key.open_half.data()) == 0);
    return std::string(sealed_prefix) + to_base64(box);
}

Result<Secret> KeyRing::unseal(std::string_view sealed) const
{
    const std::string box = TRY(box_in(sealed));
    const Key* key = find(bytes_of(box));
    if (key == nullptr)
        return fail(ErrorKind::not_found, "a secret was sealed by a key that this site does not have",
                    "set it anew, in plain text: it is sealed before it is kept");
    const size_t size = box.size() - mark_size - crypto_box_SEALBYTES;
    Secret plain(size);
    if (crypto_box_seal_open(reinterpret_cast<unsigned char*>(plain.bytes()), bytes_of(box) + mark_size,
                             box.size() - mark_size, key->open_half.data(),
                             bytes_of(key->secret_half.view())) != 0)
        return fail(ErrorKind::corrupt, "a sealed secret is damaged: it is not what was sealed");
    return plain;
}

bool KeyRing::same(std::string_view one, std::string_view other) const
{
    const Result<Secret> left = unseal(one);
    const Result<Secret> right = unseal(other);
    if (!left || !right || left->size() != right->size()) return false;
    return sodium_memcmp(left->view().data(), right->view().data(), left->size()) == 0;
}

bool KeyRing::is_current(std::string_view sealed) const
{
    const auto box = box_in(sealed);
    return box && find(bytes_of(*box)) == &keys_.back();
}

std::string KeyRing::mark() const
{
    return hex_of(keys_.back().mark);
}

}  // namespace belay::framework::configuration
