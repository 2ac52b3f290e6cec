#include "upgrade/image/signature.h"

#include "base/units.h"
#include "host/descriptor.h"
#include "host/files.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

namespace belay::upgrade::image {
namespace {

constexpr size_t signature_bytes = 64, most_keys = 1000;
constexpr Bytes largest_key{16 << 10};
constexpr mode_t of_others = 077;
constexpr std::string_view key_suffix = ".pem";

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

/// A key that is protected by a password is none to us: nobody is there to ask.
int without_password(char*, int, int, void*)
{
    return 0;
}

Bio reading(std::string_view text)
{
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

const unsigned char* raw(std::string_view bytes)
{
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

Result<Key> of_ed25519(EVP_PKEY* read, std::string_view what)
{
    Key key(read, EVP_PKEY_free);
    ERR_clear_error();
    if (key == nullptr || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
        return fail(ErrorKind::corrupt, fmt::format("this is no {} key of Ed25519 in PEM", what),
                    "openssl genpkey -algorithm ed25519 -out key.pem");
    return key;
}

Result<Key> private_key_of(std::string_view pem)
{
    return of_ed25519(PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, without_password, nullptr),
                      "private");
}

Result<Key> public_key_of(std::string_view pem)
{
    return of_ed25519(PEM_read_bio_PUBKEY(reading(pem).get(), nullptr, without_password, nullptr), "public");
}

std::string text_of(BIO* bio)
{
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<size_t>(size)};
}

/// A new file with this text, synced; nothing of it is left where that fails.
Result<void> write_new(const std::string& path, std::string_view text, mode_t mode)
{
    const host::Descriptor file(
        open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file && errno == EEXIST)
        return fail(ErrorKind::refused, path + " is there already: a key is never replaced", "another name");
    if (!file) return std::unexpected(system_error("make " + path, errno));
    const ssize_t wrote = ::write(file.number(), text.data(), text.size());
    if (wrote == static_cast<ssize_t>(text.size()) && fsync(file.number()) == 0) return {};
    const Error error = system_error("write " + path, wrote < 0 ? errno : ENOSPC);
    unlink(path.c_str());
    return std::unexpected(error);
}

std::string absolute(const std::string& path)
{
    std::error_code ignored;
    return std::filesystem::absolute(path, ignored).string();
}

}  // namespace

Result<KeyPair> make_key_pair()
{
    const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
    const Bio private_key(BIO_new(BIO_s_mem()), BIO_free), public_key(BIO_new(BIO_s_mem()), BIO_free);
    if (key == nullptr ||
        PEM_write_bio_PKCS8PrivateKey(private_key.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
            1 ||
        PEM_write_bio_PUBKEY(public_key.get(), key.get()) != 1)
        return fail(ErrorKind::failed, "no key could be made");
    return KeyPair{text_of(private_key.get()), text_of(public_key.get())};
}

Result<std::string> write_key_pair(const std::string& path)
{
    const std::string stem =
        path.ends_with(key_suffix) ? path.substr(0, path.size() - key_suffix.size()) : path;
    std::string public_path = stem + ".pub.pem";
    const KeyPair pair = TRY(make_key_pair());
    TRY(write_new(path, pair.private_key, S_IRUSR | S_IWUSR));
    if (const auto wrote = write_new(public_path, pair.public_key, 0644); !wrote) {
        unlink(path.c_str());
        return std::unexpected(wrote.error());
    }
    return public_path;
}

Result<std::string> read_private_key(const std::string& path)
{
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return std::unexpected(system_error("open " + path, errno));
    if ((status.st_mode & of_others) != 0)
        return fail(ErrorKind::refused,
                    fmt::format("{} can be used by others than its owner: its mode is {:o}", path,
                                status.st_mode & 07777),
                    "chmod 600 " + path);
    std::string pem = TRY(host::files::read(absolute(path), largest_key));
    if (const auto key = private_key_of(pem); !key)
        return fail(key.error().kind, path + ": " + key.error().what, key.error().next);
    return pem;
}

Result<std::string> sign(std::string_view text, std::string_view private_key)
{
    const Key key = TRY(private_key_of(private_key));
    const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::string signature(signature_bytes, '\0');
    size_t size = signature.size();
    if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, raw(text),
                       text.size()) != 1 ||
        size != signature_bytes)
        return fail(ErrorKind::failed, "the manifest could not be signed");
    return signature;
}

Result<std::vector<PublicKey>> read_public_keys(const std::string& folder)
{
    std::vector<PublicKey> keys;
    const Result<std::vector<std::string>> names = host::files::list(absolute(folder));
    if (!names && names.error().kind == ErrorKind::not_found)
        return fail(
            ErrorKind::not_found,
            fmt::format("no key is trusted on this host, so no image is: there is no folder {}", folder),
            fmt::format("mkdir -p {0} && cp KEY.pub.pem {0}, the public key of who builds your images",
                        folder));
    for (const std::string& name : TRY(names)) {
        if (!name.ends_with(key_suffix) || name.starts_with('.')) continue;
        if (keys.size() == most_keys)
            return fail(ErrorKind::corrupt, fmt::format("{} has more than {} keys", folder, most_keys));
        std::string pem = TRY(host::files::read(absolute(fmt::format("{}/{}", folder, name)), largest_key));
        if (const auto key = public_key_of(pem); !key)
            return fail(ErrorKind::corrupt, fmt::format("{}/{}: {}", folder, name, key.error().what),
                        "openssl pkey -in key.pem -pubout");
        keys.push_back({name, std::move(pem)});
    }
    return keys;
}

Result<std::string> signer_of(std::string_view text, std::string_view signature,
                              const std::vector<PublicKey>& keys)
{
    for (const PublicKey& each : keys) {
        const Key key = TRY(public_key_of(each.pem));
        const DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
        const bool is_his =
            EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
            EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(text), text.size()) == 1;
        ERR_clear_error();
        if (is_his) return each.name;
    }
    if (keys.empty())
        return fail(ErrorKind::refused, "no key is trusted here, so no signature can be held good");
    return fail(ErrorKind::refused,
                "none of the keys that are trusted here made the signature: the manifest was altered, or "
                "somebody else signed it");
}

}  // namespace belay::upgrade::image
