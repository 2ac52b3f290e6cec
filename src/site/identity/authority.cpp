#include "site/identity/authority.h"

#include "base/digest.h"
#include "site/identity/openssl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

namespace belay::site {
namespace {

using openssl::failed;
using openssl::Key;
using openssl::X509Certificate;

constexpr long x509_version_3 = 2;
constexpr size_t serial_bytes = 16;
constexpr size_t max_request_bytes = 16 << 10;

Result<void> set_serial(X509* certificate)
{
    // At random: two controllers give certificates without asking each other.
    std::array<unsigned char, serial_bytes> bytes{};
    if (RAND_bytes(bytes.data(), bytes.size()) != 1) return failed("make a serial number");
    bytes[0] &= 0x7f;  // a positive number
    const std::unique_ptr<BIGNUM, openssl::Freed<BN_free>> number(
        BN_bin2bn(bytes.data(), bytes.size(), nullptr));
    if (!number || BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) == nullptr)
        return failed("write a serial number");
    return {};
}

Result<void> set_time(ASN1_TIME* time, Milliseconds wall)
{
    const time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(wall).count();
    if (ASN1_TIME_set(time, seconds) == nullptr) return failed("write the time of a certificate");
    return {};
}

Result<void> set_name(X509_NAME* name, const std::string& text)
{
    const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
    if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, static_cast<int>(text.size()), -1, 0) !=
        1)
        return failed("write the name of a certificate");
    return {};
}

Result<void> add_extension(X509* certificate, X509* issuer, int nid, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, openssl::Freed<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
        return failed("write an extension of a certificate");
    return {};
}

/// One without a name, a key and extensions.
Result<X509Certificate> blank(Milliseconds from, Milliseconds to)
{
    X509Certificate certificate(X509_new());
    if (!certificate || X509_set_version(certificate.get(), x509_version_3) != 1)
        return failed("make a certificate");
    TRY(set_serial(certificate.get()));
    TRY(set_time(X509_getm_notBefore(certificate.get()), from));
    TRY(set_time(X509_getm_notAfter(certificate.get()), to));
    return certificate;
}

/// The key of a request that was signed with it.
Result<Key> proven_key(std::string_view request_pem)
{
    if (request_pem.size() > max_request_bytes)
        return fail(ErrorKind::corrupt, "a signing request of more than 16 KiB is none of a site");
    const openssl::Bio bio = openssl::reader(request_pem);
    const openssl::SigningRequest request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
    Key key(request ? X509_REQ_get_pubkey(request.get()) : nullptr);
    const bool proven = key && X509_REQ_verify(request.get(), key.get()) == 1;
    std::array<char, 32> group{};
    const bool is_p256 = proven && EVP_PKEY_is_a(key.get(), "EC") == 1 &&
                         EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) == 1 &&
                         std::string_view(group.data()) == "prime256v1";
    ERR_clear_error();
    if (!proven) return fail(ErrorKind::corrupt, "this is no signing request that its own key has signed");
    if (!is_p256) return fail(ErrorKind::corrupt, "the key of a member must be one for P-256");
    return key;
}

/// "DNS:a.example" or "IP:10.0.0.1". A comma would begin another name.
Result<std::string> alternative_name(const std::string& name)
{
    std::array<unsigned char, sizeof(in6_addr)> address{};
    const bool is_address = inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
                            inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
    if (is_address) return "IP:" + name;
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_*";
    if (name.empty() || name.find_first_not_of(letters) != std::string::npos)
        return fail(ErrorKind::usage,
                    fmt::format("'{}' is neither the name nor the address of a server", name));
    return "DNS:" + name;
}

}  // namespace

Result<Authority> Authority::make(const std::string& site, Milliseconds now)
{
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return failed("make a key");
    const X509Certificate certificate = TRY(blank(now - clocks_may_differ, now + lasts));
    X509* const x509 = certificate.get();
    TRY(set_name(X509_get_subject_name(x509), "Belay " + site));
    if (X509_set_issuer_name(x509, X509_get_subject_name(x509)) != 1 || X509_set_pubkey(x509, key.get()) != 1)
        return failed("make a certificate");
    TRY(add_extension(x509, x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
    TRY(add_extension(x509, x509, NID_key_usage, "critical,keyCertSign,cRLSign"));
    TRY(add_extension(x509, x509, NID_subject_key_identifier, "hash"));
    if (X509_sign(x509, key.get(), EVP_sha256()) <= 0) return failed("sign a certificate");
    return Authority(TRY(openssl::pem_of(x509)), TRY(openssl::pem_of(key.get())));
}

Result<Authority> Authority::open(std::string certificate_pem, std::string key_pem)
{
    const X509Certificate certificate = TRY(openssl::certificate_of(certificate_pem));
    const Key key = TRY(openssl::key_of(key_pem));
    const bool fit = X509_check_private_key(certificate.get(), key.get()) == 1;
    ERR_clear_error();
    if (!fit)
        return fail(ErrorKind::corrupt, "the key of the site's authority is not that of its certificate");
    return Authority(std::move(certificate_pem), std::move(key_pem));
}

Result<ServerCertificate> Authority::issue_for_server(const std::vector<std::string>& names, Milliseconds now,
                                                      Milliseconds valid_for) const
{
    if (names.empty()) return fail(ErrorKind::usage, "a server's certificate wants a name");
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : ",") + TRY(alternative_name(name));
    const Key key(EVP_EC_gen("P-256"));
    if (!key) return failed("make a key");
    const X509Certificate issuer = TRY(openssl::certificate_of(certificate_pem_));
    const Key signer = TRY(openssl::key_of(key_pem_));
    const X509Certificate certificate = TRY(blank(now - clocks_may_differ, now + valid_for));
    X509* const x509 = certificate.get();
    TRY(set_name(X509_get_subject_name(x509), "Belay server"));
    if (X509_set_issuer_name(x509, X509_get_subject_name(issuer.get())) != 1 ||
        X509_set_pubkey(x509, key.get()) != 1)
        return failed("make a certificate");
    TRY(add_extension(x509, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
    TRY(add_extension(x509, issuer.get(), NID_key_usage, "critical,digitalSignature"));
    TRY(add_extension(x509, issuer.get(), NID_ext_key_usage, "serverAuth"));
    TRY(add_extension(x509, issuer.get(), NID_authority_key_identifier, "keyid"));
    TRY(add_extension(x509, issuer.get(), NID_subject_alt_name, all));
    if (X509_sign(x509, signer.get(), EVP_sha256()) <= 0) return failed("sign a certificate");
    const std::string own = TRY(openssl::pem_of(x509));
    const std::string own_key = TRY(openssl::pem_of(key.get()));
    return ServerCertificate{.certificate_pem = own + certificate_pem_, .key_pem = own_key};
}

Result<std::string> Authority::key_digest(std::string_view request_pem)
{
    const Key key = TRY(proven_key(request_pem));
    unsigned char* bytes = nullptr;
    const int size = i2d_PUBKEY(key.get(), &bytes);
    if (size <= 0) return failed("encode a key");
    const std::string der(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    OPENSSL_free(bytes);
    return sha256(der);
}

Result<Certificate> Authority::issue(std::string_view request_pem, const Identity& identity, Milliseconds now,
                                     Milliseconds valid_for) const
{
    const Key key = TRY(proven_key(request_pem));
    const X509Certificate issuer = TRY(openssl::certificate_of(certificate_pem_));
    const Key signer = TRY(openssl::key_of(key_pem_));
    const X509Certificate certificate = TRY(blank(now - clocks_may_differ, now + valid_for));
    X509* const x509 = certificate.get();
    TRY(set_name(X509_get_subject_name(x509), fmt::format("{} {}", name_of(identity.role), identity.id)));
    if (X509_set_issuer_name(x509, X509_get_subject_name(issuer.get())) != 1 ||
        X509_set_pubkey(x509, key.get()) != 1)
        return failed("make a certificate");

    const bool serves = identity.role != Role::agent;
    std::string names = "URI:" + to_uri(identity);
    if (identity.role == Role::controller) names += ",DNS:" + controller_name(identity.site);
    if (identity.role == Role::proxy) names += ",DNS:" + proxy_name(identity.site);
    TRY(add_extension(x509, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
    TRY(add_extension(x509, issuer.get(), NID_key_usage, "critical,digitalSignature"));
    TRY(add_extension(x509, issuer.get(), NID_ext_key_usage,
                      serves ? "serverAuth,clientAuth" : "clientAuth"));
    TRY(add_extension(x509, issuer.get(), NID_authority_key_identifier, "keyid"));
    TRY(add_extension(x509, issuer.get(), NID_subject_alt_name, names));
    if (X509_sign(x509, signer.get(), EVP_sha256()) <= 0) return failed("sign a certificate");
    return read_certificate(TRY(openssl::pem_of(x509)));
}

Result<void> check_issued(std::string_view certificate_pem, std::string_view authority_pem)
{
    using Store = std::unique_ptr<X509_STORE, openssl::Freed<X509_STORE_free>>;
    using Check = std::unique_ptr<X509_STORE_CTX, openssl::Freed<X509_STORE_CTX_free>>;
    const X509Certificate certificate = TRY(openssl::certificate_of(certificate_pem));
    const X509Certificate authority = TRY(openssl::certificate_of(authority_pem));
    const Store trusted(X509_STORE_new());
    const Check check(X509_STORE_CTX_new());
    if (!trusted || !check || X509_STORE_add_cert(trusted.get(), authority.get()) != 1 ||
        X509_STORE_CTX_init(check.get(), trusted.get(), certificate.get(), nullptr) != 1 ||
        X509_STORE_CTX_set_purpose(check.get(), X509_PURPOSE_SSL_CLIENT) != 1)
        return failed("check a certificate");
    X509_STORE_CTX_set_flags(check.get(), X509_V_FLAG_NO_CHECK_TIME);
    const bool is_issued = X509_verify_cert(check.get()) == 1;
    ERR_clear_error();
    if (!is_issued)
        return fail(ErrorKind::permission, "the certificate was not made by the authority of this site",
                    "belay host invite, on a controller");
    return {};
}

}  // namespace belay::site
