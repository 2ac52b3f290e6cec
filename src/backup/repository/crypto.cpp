#include "backup/repository/crypto.h"

#include "base/invariant.h"

#include <atomic>
#include <cerrno>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sodium/core.h>
#include <sodium/crypto_pwhash_scryptsalsa208sha256.h>

namespace belay::backup {
namespace {

constexpr size_t iv_size = seal_front;
constexpr size_t mac_size = seal_overhead - seal_front;
constexpr uint64_t most_scrypt_memory = uint64_t{1} << 30;
/// N * r * p; half a minute or so. Restic's own keys come to 2^22 at most.
constexpr uint64_t most_scrypt_work = uint64_t{1} << 27;

using Byte = unsigned char;

const Byte* bytes_of(std::string_view text)
{
    return reinterpret_cast<const Byte*>(text.data());
}

/// What OpenSSL needs to work, made once a thread: setting it up costs more than sealing a small blob.
class Toolbox {
  public:
    static Toolbox& of_this_thread()
    {
        static thread_local Toolbox toolbox;
        return toolbox;
    }

    /// Counter mode is its own inverse. `out` has room for as many bytes; it may be where the text is.
    void apply_counter_mode(const MasterKey& key, const Byte* iv, std::string_view text, Byte* out)
    {
        int length = 0;
        INVARIANT(EVP_EncryptInit_ex2(cipher_.get(), counter_mode_, key.encrypt.data(), iv, nullptr) == 1);
        INVARIANT(text.size() <= most_at_once);
        INVARIANT(EVP_EncryptUpdate(cipher_.get(), out, &length, bytes_of(text),
                                    static_cast<int>(text.size())) == 1);
        INVARIANT(static_cast<size_t>(length) == text.size());
    }

    /// Poly1305 of `text` under r and AES_k(nonce).
    std::array<Byte, mac_size> mac(const MasterKey& key, const Byte* nonce, std::string_view text)
    {
        std::array<Byte, 32> one_time{};
        std::copy(key.mac_r.begin(), key.mac_r.end(), one_time.begin());
        int length = 0;
        INVARIANT(EVP_EncryptInit_ex2(cipher_.get(), one_block_, key.mac_k.data(), nullptr, nullptr) == 1);
        INVARIANT(EVP_CIPHER_CTX_set_padding(cipher_.get(), 0) == 1);
        INVARIANT(EVP_EncryptUpdate(cipher_.get(), one_time.data() + 16, &length, nonce, iv_size) == 1);
        INVARIANT(length == 16);
        std::array<Byte, mac_size> tag{};
        size_t tag_length = 0;
        INVARIANT(EVP_MAC_init(mac_.get(), one_time.data(), one_time.size(), nullptr) == 1);
        INVARIANT(EVP_MAC_update(mac_.get(), bytes_of(text), text.size()) == 1);
        INVARIANT(EVP_MAC_final(mac_.get(), tag.data(), &tag_length, tag.size()) == 1);
        INVARIANT(tag_length == mac_size);
        OPENSSL_cleanse(one_time.data(), one_time.size());
        return tag;
    }

    static constexpr size_t most_at_once = size_t{1} << 30;

  private:
    Toolbox()
        : counter_mode_(EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr)),
          one_block_(EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)),
          cipher_(EVP_CIPHER_CTX_new())
    {
        EVP_MAC* poly1305 = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
        INVARIANT(counter_mode_ != nullptr && one_block_ != nullptr && poly1305 != nullptr);
        mac_.reset(EVP_MAC_CTX_new(poly1305));
        EVP_MAC_free(poly1305);
        INVARIANT(cipher_ && mac_);
    }
    ~Toolbox()
    {
        EVP_CIPHER_free(counter_mode_);
        EVP_CIPHER_free(one_block_);
    }

    struct Free {
        void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
        void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
    };
    EVP_CIPHER* counter_mode_;
    EVP_CIPHER* one_block_;
    std::unique_ptr<EVP_CIPHER_CTX, Free> cipher_;
    std::unique_ptr<EVP_MAC_CTX, Free> mac_;
};

Result<void> fill_random(Byte* out, size_t count)
{
    if (RAND_bytes(out, static_cast<int>(count)) != 1)
        return fail(ErrorKind::failed, "the system gives no random bytes");
    return {};
}

/// IVs of this thread, for many texts at once: to ask OpenSSL for one takes longer than to seal a small text.
class RandomIvs {
  public:
    static Result<std::array<Byte, iv_size>> next()
    {
        static thread_local RandomIvs ivs;
        return ivs.take();
    }

  private:
    Result<std::array<Byte, iv_size>> take()
    {
        static const int watches = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });
        INVARIANT(watches == 0);
        if (used_ == bytes_.size() || forks_ != forks) {
            TRY(fill_random(bytes_.data(), bytes_.size()));
            used_ = 0;
            forks_ = forks;
        }
        std::array<Byte, iv_size> iv{};
        std::copy_n(bytes_.begin() + used_, iv_size, iv.begin());
        used_ += iv_size;
        return iv;
    }

    /// A process that was forked off has the same bytes, and must not use them a second time.
    static inline std::atomic<unsigned> forks = 0;

    std::array<Byte, 256 * iv_size> bytes_{};
    size_t used_ = bytes_.size();
    unsigned forks_ = 0;
};

/// Writes IV, ciphertext and MAC to `out`, where `plain` may stand already in the place of the ciphertext.
void seal_to(const MasterKey& key, const std::array<Byte, iv_size>& iv, std::string_view plain, char* out)
{
    Toolbox& toolbox = Toolbox::of_this_thread();
    std::copy(iv.begin(), iv.end(), out);
    char* cipher = out + iv_size;
    toolbox.apply_counter_mode(key, iv.data(), plain, reinterpret_cast<Byte*>(cipher));
    const auto tag = toolbox.mac(key, iv.data(), {cipher, plain.size()});
    std::copy(tag.begin(), tag.end(), cipher + plain.size());
}

/// libsodium takes no null pointer, and a view of nothing may be one.
const Byte* never_null(std::string_view text)
{
    return bytes_of(text.data() == nullptr ? std::string_view("") : text);
}

/// Errors: corrupt, as of key_from_password.
Result<void> cost_is_sane(const ScryptCost& cost)
{
    const bool power_of_two = cost.n > 1 && (cost.n & (cost.n - 1)) == 0;
    // scrypt needs 128 * n * r bytes, and 128 * p * r beside them. It writes and reads them p times.
    const bool in_range = power_of_two && cost.r > 0 && cost.p > 0 && cost.r <= 1024 && cost.p <= 1024 &&
                          cost.n <= most_scrypt_memory / 128 / cost.r &&
                          cost.n * cost.r * cost.p <= most_scrypt_work;
    if (in_range) return {};
    return fail(ErrorKind::corrupt, fmt::format("a key wants scrypt with N={}, r={}, p={}, which nobody uses",
                                                cost.n, cost.r, cost.p));
}

}  // namespace

MasterKey::~MasterKey()
{
    OPENSSL_cleanse(encrypt.data(), encrypt.size());
    OPENSSL_cleanse(mac_k.data(), mac_k.size());
    OPENSSL_cleanse(mac_r.data(), mac_r.size());
}

Result<MasterKey> MasterKey::make()
{
    MasterKey key;
    TRY(fill_random(key.encrypt.data(), key.encrypt.size()));
    TRY(fill_random(key.mac_k.data(), key.mac_k.size()));
    TRY(fill_random(key.mac_r.data(), key.mac_r.size()));
    return key;
}

Result<void> seal_onto(const MasterKey& key, std::string_view plain, std::string& out)
{
    const std::array<Byte, iv_size> iv = TRY(RandomIvs::next());
    const size_t begin = out.size(), end = begin + plain.size() + seal_overhead;
    out.resize_and_overwrite(end, [&](char* buffer, size_t) {
        seal_to(key, iv, plain, buffer + begin);
        return end;
    });
    return {};
}

Result<void> seal_in_place(const MasterKey& key, std::string& text)
{
    INVARIANT(text.size() >= seal_front);
    const std::array<Byte, iv_size> iv = TRY(RandomIvs::next());
    text.append(mac_size, '\0');
    const std::string_view plain = std::string_view(text).substr(seal_front, text.size() - seal_overhead);
    seal_to(key, iv, plain, text.data());
    return {};
}

Result<std::string> seal(const MasterKey& key, std::string_view plain)
{
    std::string out;
    TRY(seal_onto(key, plain, out));
    return out;
}

Result<std::string> open(const MasterKey& key, std::string_view sealed)
{
    if (sealed.size() < seal_overhead || sealed.size() > Toolbox::most_at_once)
        return fail(ErrorKind::corrupt, fmt::format("{} bytes are no sealed text", sealed.size()));
    const Byte* iv = bytes_of(sealed);
    const std::string_view cipher = sealed.substr(iv_size, sealed.size() - seal_overhead);
    Toolbox& toolbox = Toolbox::of_this_thread();
    const auto tag = toolbox.mac(key, iv, cipher);
    if (CRYPTO_memcmp(tag.data(), sealed.data() + sealed.size() - mac_size, mac_size) != 0)
        return fail(ErrorKind::corrupt,
                    "the MAC does not fit: the bytes were changed, or it is another key's");
    std::string plain;
    plain.resize_and_overwrite(cipher.size(), [&](char* buffer, size_t) {
        toolbox.apply_counter_mode(key, iv, cipher, reinterpret_cast<Byte*>(buffer));
        return cipher.size();
    });
    return plain;
}

Result<MasterKey> key_from_password(std::string_view password, std::string_view salt, const ScryptCost& cost)
{
    TRY(cost_is_sane(cost));
    // It finds out what the processor can do; before that it would work without its wide registers.
    static const bool is_ready = ::sodium_init() >= 0;
    std::array<Byte, 64> material{};
    const auto r = static_cast<uint32_t>(cost.r), p = static_cast<uint32_t>(cost.p);
    INVARIANT(is_ready);
    const int derived =
        ::crypto_pwhash_scryptsalsa208sha256_ll(never_null(password), password.size(), never_null(salt),
                                                salt.size(), cost.n, r, p, material.data(), material.size());
    if (derived != 0) return std::unexpected(system_error("make a key from the password", errno));
    MasterKey key;
    std::copy_n(material.begin(), 32, key.encrypt.begin());
    std::copy_n(material.begin() + 32, 16, key.mac_k.begin());
    std::copy_n(material.begin() + 48, 16, key.mac_r.begin());
    OPENSSL_cleanse(material.data(), material.size());
    return key;
}

Result<std::string> random_bytes(size_t count)
{
    std::string bytes(count, '\0');
    TRY(fill_random(reinterpret_cast<Byte*>(bytes.data()), count));
    return bytes;
}

}  // namespace belay::backup
