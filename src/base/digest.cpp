#include "base/digest.h"

#include "base/invariant.h"

#include <cerrno>
#include <cstdio>
#include <openssl/evp.h>

namespace belay {

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

Result<std::string> sha256_of_file(const std::string& path)
{
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
    if (!file) return std::unexpected(system_error("open " + path, errno));
    Sha256 digest;
    std::string piece(size_t{1} << 20, '\0');
    while (const size_t got = std::fread(piece.data(), 1, piece.size(), file.get()))
        digest.add(std::string_view(piece).substr(0, got));
    if (std::ferror(file.get()) != 0) return std::unexpected(system_error("read " + path, errno));
    return digest.hex();
}

std::string Sha256::hex()
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    INVARIANT(EVP_DigestFinal_ex(context_.get(), digest, &length) == 1);
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
}

}  // namespace belay
