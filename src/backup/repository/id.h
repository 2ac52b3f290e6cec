#pragma once
// The name of everything in a repository: the SHA-256 of what it is the name of.

#include "base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // of OpenSSL

namespace belay::backup {

/// 32 bytes. Written as 64 lower-case hexadecimal digits.
struct Id {
    static constexpr size_t size = 32;
    std::array<uint8_t, size> bytes{};

    /// The SHA-256 of `data`. Threads: any.
    static Id of(std::string_view data);
    /// Errors: corrupt, unless it is 64 hexadecimal digits in lower case.
    static Result<Id> from_hex(std::string_view text);
    /// From 32 bytes as they are.
    static Id from_bytes(std::string_view raw);

    std::string hex() const;
    /// The first eight digits, as people see it.
    std::string short_hex() const { return hex().substr(0, 8); }
    std::string_view raw() const { return {reinterpret_cast<const char*>(bytes.data()), size}; }
    bool is_null() const { return *this == Id{}; }

    auto operator<=>(const Id&) const = default;
};

/// The id of what comes in pieces. Threads: one at a time.
class Digest {
  public:
    Digest();
    void add(std::string_view piece);
    /// Of all that was added; then there is no more to add.
    Id id();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Of this process alone, and random: who writes ids into an index that are nobody's digests cannot know
/// which of them meet in a hash table.
extern const std::array<uint64_t, 4> id_hash_key;

/// For hash tables. Source: the NH of UMAC, RFC 4418.
struct IdHash {
    size_t operator()(const Id& id) const
    {
        __extension__ using Wide = unsigned __int128;
        std::array<uint64_t, 4> words;
        static_assert(sizeof words == Id::size);
        std::memcpy(words.data(), id.bytes.data(), sizeof words);
        const Wide sum = Wide{words[0] + id_hash_key[0]} * (words[1] + id_hash_key[1]) +
                         Wide{words[2] + id_hash_key[2]} * (words[3] + id_hash_key[3]);
        return static_cast<size_t>(sum) ^ static_cast<size_t>(sum >> 64);
    }
};

}  // namespace belay::backup
