#include "base/digest.h"

#include "base/invariant.h"

#include <cerrno>
#include <cstdio>
#include <openssl/evp.h>

namespace belay {
namespace {

std::string hex_of(EVP_MD_CTX* context)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    INVARIANT(EVP_DigestFinal_ex(context, digest, &length) == 1);
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

Result<std::string> digest_of_file(const std::string& path, const EVP_MD* algorithm)
{
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
    if (!file) return std::unexpected(system_error("open " + path, errno));
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    INVARIANT(EVP_DigestInit_ex(context.get(), algorithm, nullptr) == 1);
    std::string piece(size_t{1} << 20, '\0');
    while (const size_t got = std::fread(piece.data(), 1, piece.size(), file.get()))
        INVARIANT(EVP_DigestUpdate(context.get(), piece.data(), got) == 1);
    if (std::ferror(file.get()) != 0) return std::unexpected(system_error("read " + path, errno));
    return hex_of(context.get());
}

}  // namespace

std::string sha256(std::string_view bytes)
{
    Sha256 digest;
    digest.add(bytes);
    return digest.hex();
}

Sha256::Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free)
{
    INVARIANT(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(std::string_view bytes)
{
    INVARIANT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex()
{
    return hex_of(context_.get());
}

Result<std::string> sha256_of_file(const std::string& path)
{
    return digest_of_file(path, EVP_sha256());
}

Result<std::string> sha512_of_file(const std::string& path)
{
    return digest_of_file(path, EVP_sha512());
}

}  // namespace belay
