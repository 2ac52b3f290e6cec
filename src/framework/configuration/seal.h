#pragma once
// Secrets of the configuration, sealed by libsodium (crypto_box_seal: X25519, XSalsa20, Poly1305).
//
// A sealed secret is "sealed:" and the base64 of the key's mark (8 bytes: the front of the BLAKE2b of its
// public half) and what crypto_box_seal makes of the text. The key file is apart from the store, 0600, and
// holds a line for each key, the one that seals last:
//
//     belay-key x25519 BASE64
//
// A new key is added, everything is sealed anew by it, and only then is the old one dropped: at every instant
// whatever is in the store can be opened by what is in the file.

#include "base/result.h"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace belay::framework::configuration {

constexpr std::string_view sealed_prefix = "sealed:";

/// A text that only its owner should see: locked into memory, wiped when it goes. Threads: one at a time.
class Secret {
  public:
    explicit Secret(size_t size);
    Secret(Secret&&) noexcept = default;
    Secret& operator=(Secret&&) noexcept = default;

    std::string_view view() const { return {bytes_.get(), size_}; }
    char* bytes() { return bytes_.get(); }
    size_t size() const { return size_; }

  private:
    struct Free {
        void operator()(char* bytes) const;
    };
    std::unique_ptr<char, Free> bytes_;
    size_t size_;
};

/// Gives what a key file is to say to those who need the same keys, before it says so; where it fails, the
/// file stays as it is.
using ShareKeys = std::function<Result<void>(std::string_view text)>;

/// The keys of one site. Threads: any, but for what is not const.
class KeyRing {
  public:
    /// Reads the key file. `share` may be null: nobody else has these keys. Errors: not_found; permission
    /// (others may read it); corrupt; io.
    static Result<KeyRing> read(const std::string& path, ShareKeys share = nullptr);
    /// Reads it, or makes it with a first key where it is not there.
    static Result<KeyRing> open(const std::string& path, ShareKeys share = nullptr);

    /// Reads it; where it is not there, with a key that is kept nowhere: nobody opens what that seals. It
    /// writes nothing.
    static Result<KeyRing> read_to_look(const std::string& path, ShareKeys share = nullptr);

    /// "sealed:...". Each time another one.
    std::string seal(std::string_view plain) const;
    /// Errors: not_found (sealed by a key that is not there), corrupt. No error holds a part of the secret.
    Result<Secret> unseal(std::string_view sealed) const;
    /// Whether both can be opened and hold the same.
    bool same(std::string_view one, std::string_view other) const;
    /// Whether it was sealed by the key that seals now.
    bool is_current(std::string_view sealed) const;

    /// The mark of the key that seals, as hex digits.
    std::string mark() const;
    size_t size() const { return keys_.size(); }

    /// Gives the keys as they are to those who need the same. Errors: those of who was named for it.
    Result<void> share() const;
    /// A new key that seals from now on; the others still open. The file is written before it comes back.
    /// Errors: those of the system, and then nothing has changed.
    Result<void> add_key();
    /// The key of that mark seals from now on; no key is dropped. Errors: not_found, those of the system.
    Result<void> prefer(std::string_view mark);
    /// Drops all keys but the one of that mark (for good), which then seals. Errors: not_found, those of the
    /// system.
    Result<void> keep_only(std::string_view mark);

  private:
    struct Key {
        std::array<unsigned char, 32> open_half{};  ///< the public one
        std::array<unsigned char, 8> mark{};
        Secret secret_half;
    };
    KeyRing(std::string path, ShareKeys share) : path_(std::move(path)), share_(std::move(share)) {}
    static Key key_of(Secret secret_half);
    static Key new_key();
    static Result<Key> key_in(std::string_view line, const std::string& path);
    const Key* find(const unsigned char* mark) const;
    static Secret text_of(const std::vector<Key>& keys);
    Result<void> write(const std::vector<Key>& keys) const;

    std::string path_;
    ShareKeys share_;
    std::vector<Key> keys_;
};

}  // namespace belay::framework::configuration
