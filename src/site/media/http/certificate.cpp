#include "site/media/http/certificate.h"

#include <array>

namespace belay::media {
namespace {

std::unexpected<Error> failed_tls(std::string_view doing, int problem)
{
    return std::unexpected(
        Error{.kind = ErrorKind::usage, .what = fmt::format("{}: {}", doing, ::gnutls_strerror(problem))});
}

gnutls_datum_t datum_of(const std::string& text)
{
    // GnuTLS does not write into what it imports.
    return {.data = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
            .size = static_cast<unsigned>(text.size())};
}

struct CertificateList {
    gnutls_x509_crt_t* all = nullptr;
    unsigned count = 0;

    CertificateList() = default;
    CertificateList(const CertificateList&) = delete;
    CertificateList& operator=(const CertificateList&) = delete;
    ~CertificateList()
    {
        for (unsigned i = 0; i < count; ++i) ::gnutls_x509_crt_deinit(all[i]);
        ::gnutls_free(static_cast<void*>(all));
    }
};

using KeyId = std::array<unsigned char, 64>;

}  // namespace

Result<std::shared_ptr<const Certificate>> Certificate::read(const std::string& certificate_pem,
                                                             const std::string& key_pem)
{
    gnutls_x509_privkey_t raw_key = nullptr;
    if (const int problem = ::gnutls_x509_privkey_init(&raw_key); problem < 0)
        return failed_tls("cannot make a key", problem);
    std::shared_ptr<Certificate> certificate(new Certificate(Key(raw_key, ::gnutls_x509_privkey_deinit)));
    const gnutls_datum_t key_text = datum_of(key_pem), chain_text = datum_of(certificate_pem);
    if (const int problem = ::gnutls_x509_privkey_import2(raw_key, &key_text, GNUTLS_X509_FMT_PEM, nullptr,
                                                          GNUTLS_PKCS_PLAIN);
        problem < 0)
        return failed_tls("the key (PEM, without a password) cannot be read", problem);
    CertificateList list;
    if (const int problem = ::gnutls_x509_crt_list_import2(&list.all, &list.count, &chain_text,
                                                           GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
        problem < 0)
        return failed_tls("the certificate (PEM) cannot be read", problem);

    KeyId of_key{}, of_certificate{};
    size_t size = of_key.size(), other_size = of_certificate.size();
    if (::gnutls_x509_privkey_get_key_id(raw_key, GNUTLS_KEYID_USE_SHA256, of_key.data(), &size) < 0 ||
        ::gnutls_x509_crt_get_key_id(list.all[0], GNUTLS_KEYID_USE_SHA256, of_certificate.data(),
                                     &other_size) < 0 ||
        of_key != of_certificate)
        return fail(ErrorKind::usage, "the certificate and its key are not of each other");
    for (unsigned i = 0; i < list.count; ++i) {
        gnutls_datum_t der{};
        if (const int problem = ::gnutls_x509_crt_export2(list.all[i], GNUTLS_X509_FMT_DER, &der);
            problem < 0)
            return failed_tls("the certificate cannot be used", problem);
        certificate->chain_.emplace_back(reinterpret_cast<const char*>(der.data), der.size);
        ::gnutls_free(der.data);
    }
    certificate->until_ = std::chrono::seconds(::gnutls_x509_crt_get_expiration_time(list.all[0]));
    return certificate;
}

Result<void> Certificate::copy_to(gnutls_pcert_st** chain, unsigned* length, gnutls_privkey_t* key) const
{
    auto* const made = static_cast<gnutls_pcert_st*>(::gnutls_calloc(chain_.size(), sizeof(gnutls_pcert_st)));
    if (made == nullptr) return fail(ErrorKind::failed, "there is no memory");
    unsigned count = 0;
    gnutls_privkey_t key_made = nullptr;
    int problem = 0;
    for (; problem >= 0 && count < chain_.size(); ++count) {
        const gnutls_datum_t der = datum_of(chain_[count]);
        problem = ::gnutls_pcert_import_x509_raw(made + count, &der, GNUTLS_X509_FMT_DER, 0);
    }
    if (problem >= 0) problem = ::gnutls_privkey_init(&key_made);
    if (problem >= 0)
        problem = ::gnutls_privkey_import_x509(key_made, key_.get(), GNUTLS_PRIVKEY_IMPORT_COPY);
    if (problem < 0) {
        // One that could not be imported is all zeros.
        for (unsigned i = 0; i < count; ++i) ::gnutls_pcert_deinit(made + i);
        ::gnutls_free(made);
        if (key_made != nullptr) ::gnutls_privkey_deinit(key_made);
        return fail(ErrorKind::failed, fmt::format("copy a certificate: {}", ::gnutls_strerror(problem)));
    }
    *chain = made;
    *length = count;
    *key = key_made;
    return {};
}

}  // namespace belay::media
