#pragma once
// OpenSSL's objects with an owner, and its errors as ours. Only for the sources of this folder.

#include "base/result.h"

#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string>
#include <string_view>

namespace belay::site::openssl {

template <auto Free>
struct Freed {
    template <typename T>
    void operator()(T* object) const
    {
        Free(object);
    }
};

using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using X509Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using SigningRequest = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using Bio = std::unique_ptr<BIO, Freed<BIO_free>>;

/// Kind failed: "cannot sign: no start line". Clears OpenSSL's list of errors of this thread.
std::unexpected<Error> failed(std::string_view doing);

/// To read from; the text outlives it.
Bio reader(std::string_view text);
Bio writer();
std::string text_of(BIO* bio);

/// Errors: corrupt.
Result<Key> key_of(std::string_view pem);
Result<X509Certificate> certificate_of(std::string_view pem);
Result<std::string> pem_of(X509* certificate);
Result<std::string> pem_of(EVP_PKEY* key);
Result<std::string> der_of(X509* certificate);

}  // namespace belay::site::openssl
