#include "backup/repository/client_identity.h"

#include "backup/catalog/model.h"
#include "base/digest.h"
#include "host/descriptor.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

namespace belay::backup {
namespace {

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Bio = std::unique_ptr<BIO, void (*)(BIO*)>;

constexpr size_t identity_digits = 32, public_key_bytes = 32, longest_key_file = 4096;

Bio memory_bio(const std::string* text = nullptr)
{
    BIO* const bio = text == nullptr ? ::BIO_new(::BIO_s_mem())
                                     : ::BIO_new_mem_buf(text->data(), static_cast<int>(text->size()));
    return {bio, ::BIO_free_all};
}

Result<std::string> identity_of_key(const EVP_PKEY* key, const std::string& path)
{
    std::array<unsigned char, public_key_bytes> bytes{};
    size_t size = bytes.size();
    if (key == nullptr || ::EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) != 1 ||
        size != bytes.size())
        return fail(ErrorKind::corrupt, fmt::format("{} holds no Ed25519 key", path),
                    "put the file back from a copy, or make another: belay backup identity create");
    return sha256({reinterpret_cast<const char*>(bytes.data()), size}).substr(0, identity_digits);
}

Result<void> write_new_file(const std::string& path, std::string_view text)
{
    std::error_code problem;
    const std::filesystem::path above = std::filesystem::path(path).parent_path();
    if (!above.empty()) std::filesystem::create_directories(above, problem);
    if (problem)
        return std::unexpected(system_error(fmt::format("make {}", above.string()), problem.value()));
    const host::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.number() < 0 && errno == EEXIST)
        return fail(ErrorKind::refused, fmt::format("{} is there already, and stays as it is", path),
                    "belay backup identity show");
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("make {}", path), errno));
    const ssize_t written = ::write(file.number(), text.data(), text.size());
    if (written == static_cast<ssize_t>(text.size()) && ::fsync(file.number()) == 0) return {};
    const int why = written < 0 || written == static_cast<ssize_t>(text.size()) ? errno : ENOSPC;
    ::unlink(path.c_str());
    return std::unexpected(system_error(fmt::format("write {}", path), why));
}

}  // namespace

Result<std::string> create_identity(const std::string& path)
{
    const Key key(::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), ::EVP_PKEY_free);
    const Bio text = memory_bio();
    if (!key || ::PEM_write_bio_PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return fail(ErrorKind::failed, "cannot make a key: there is no randomness");
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(text.get(), &bytes);
    TRY(write_new_file(path, {bytes, static_cast<size_t>(size)}));
    return identity_of_key(key.get(), path);
}

Result<std::string> read_identity(const std::string& path)
{
    const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.number() < 0 && errno == ENOENT)
        return fail(ErrorKind::not_found, fmt::format("there is no identity in {}", path),
                    "belay backup identity create");
    if (file.number() < 0) return std::unexpected(system_error(fmt::format("open {}", path), errno));
    struct stat status = {};
    if (::fstat(file.number(), &status) == 0 && (status.st_mode & 077) != 0)
        return fail(ErrorKind::permission, fmt::format("others may read {}, which holds a private key", path),
                    fmt::format("chmod 600 {}", path));
    std::string text(longest_key_file, '\0');
    const ssize_t count = ::read(file.number(), text.data(), text.size());
    if (count < 0) return std::unexpected(system_error(fmt::format("read {}", path), errno));
    text.resize(static_cast<size_t>(count));
    const Bio bio = memory_bio(&text);
    // Without a callback OpenSSL would ask the terminal for a passphrase.
    const auto no_passphrase = [](char*, int, int, void*) { return -1; };
    const Key key(::PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr), ::EVP_PKEY_free);
    return identity_of_key(key.get(), path);
}

std::string default_identity_file(bool is_root, const std::string& data_home, const std::string& home)
{
    if (is_root) return "/var/lib/belay/backup/identity.pem";
    const std::string data = data_home.starts_with('/') ? data_home : home + "/.local/share";
    return data + "/belay/backup/identity.pem";
}

std::string tag_of_identity(const std::string& identity)
{
    return std::string(catalog::identity_tag) + identity;
}

}  // namespace belay::backup
