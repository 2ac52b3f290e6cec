#pragma once
// What keeps a repository secret and whole: AES-256 in counter mode, and Poly1305-AES over the result, both
// by OpenSSL. A sealed text is a random IV of 16 bytes, the ciphertext, and a MAC of 16 bytes. Source:
// restic's design document, "Keys, Encryption and MAC"; D. J. Bernstein, "The Poly1305-AES
// message-authentication code".

#include "base/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace belay::backup {

/// Bytes that seal a text: IV and MAC.
constexpr size_t seal_overhead = 32;
/// Of them, before the text.
constexpr size_t seal_front = 16;

/// The keys of a repository, or those made from a password. Wiped when it goes.
struct MasterKey {
    std::array<uint8_t, 32> encrypt{};
    std::array<uint8_t, 16> mac_k{};  ///< the AES key of the MAC
    std::array<uint8_t, 16> mac_r{};  ///< the multiplier of the MAC, clamped when it is used

    MasterKey() = default;
    MasterKey(const MasterKey&) = default;
    MasterKey& operator=(const MasterKey&) = default;
    ~MasterKey();

    /// Random; new for every repository. Errors: failed, where there is no randomness.
    static Result<MasterKey> make();
};

/// Seals `plain` with a random IV. Errors: failed, where there is no randomness. Threads: any.
Result<std::string> seal(const MasterKey& key, std::string_view plain);
/// The same, behind what `out` holds.
Result<void> seal_onto(const MasterKey& key, std::string_view plain, std::string& out);
/// The same of the text that stands in `text` behind `seal_front` bytes, in their place.
Result<void> seal_in_place(const MasterKey& key, std::string& text);

/// The text that was sealed. Errors: corrupt, where a byte of it is another, or the key. Threads: any.
Result<std::string> open(const MasterKey& key, std::string_view sealed);

/// How slow a password is made: scrypt's cost, block size and parallelization. Unless said, as OWASP's
/// Password Storage Cheat Sheet has it for 32 MiB of memory: a quarter of a second.
struct ScryptCost {
    uint64_t n = 1 << 15;
    uint32_t r = 8;
    uint32_t p = 3;
};

/// The key that a password and a salt make. Errors: corrupt, where the cost is none that scrypt has, or wants
/// more than 1 GiB of memory; failed.
Result<MasterKey> key_from_password(std::string_view password, std::string_view salt, const ScryptCost& cost);

/// Errors: failed.
Result<std::string> random_bytes(size_t count);

}  // namespace belay::backup
