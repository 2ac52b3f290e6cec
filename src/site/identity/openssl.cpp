#include "site/identity/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace belay::site::openssl {

std::unexpected<Error> failed(std::string_view doing)
{
    std::array<char, 256> text{};
    const unsigned long code = ERR_peek_last_error();
    if (code != 0) ERR_error_string_n(code, text.data(), text.size());
    ERR_clear_error();
    return fail(ErrorKind::failed, code == 0 ? fmt::format("cannot {}", doing)
                                             : fmt::format("cannot {}: {}", doing, text.data()));
}

Bio reader(std::string_view text)
{
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Bio writer()
{
    return Bio(BIO_new(BIO_s_mem()));
}

std::string text_of(BIO* bio)
{
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<size_t>(size)};
}

namespace {

/// A key that is protected by a password is none to us: nobody is there to ask.
int no_password(char*, int, int, void*)
{
    return 0;
}

}  // namespace

Result<Key> key_of(std::string_view pem)
{
    const Bio bio = reader(pem);
    Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    if (!key) return fail(ErrorKind::corrupt, "this is no private key in PEM");
    return key;
}

Result<X509Certificate> certificate_of(std::string_view pem)
{
    const Bio bio = reader(pem);
    X509Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr));
    ERR_clear_error();
    if (!certificate) return fail(ErrorKind::corrupt, "this is no certificate in PEM");
    return certificate;
}

Result<std::string> pem_of(X509* certificate)
{
    const Bio bio = writer();
    if (PEM_write_bio_X509(bio.get(), certificate) != 1) return failed("write a certificate");
    return text_of(bio.get());
}

Result<std::string> pem_of(EVP_PKEY* key)
{
    const Bio bio = writer();
    if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
        return failed("write a private key");
    return text_of(bio.get());
}

Result<std::string> der_of(X509* certificate)
{
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate, &bytes);
    if (size <= 0) return failed("encode a certificate");
    std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    OPENSSL_free(bytes);
    return der;
}

}  // namespace belay::site::openssl
