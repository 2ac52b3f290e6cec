#include "site/identity/identity.h"

#include "base/digest.h"
#include "site/identity/openssl.h"

#include <algorithm>
#include <array>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace belay::site {
namespace {

constexpr std::string_view scheme = "belay://";
constexpr size_t max_pem_bytes = 64 << 10;
constexpr size_t most_id_digits = 19;

constexpr std::array role_names = {std::pair{Role::controller, std::string_view("controller")},
                                   std::pair{Role::agent, std::string_view("agent")},
                                   std::pair{Role::proxy, std::string_view("proxy")}};

Result<Milliseconds> wall_time(const ASN1_TIME* time)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return fail(ErrorKind::corrupt, "a certificate has a time that makes no sense");
    return Milliseconds(std::chrono::seconds(timegm(&parts)));
}

/// The one URI of a certificate's subjectAltName.
Result<std::string> uri_in(X509* certificate)
{
    const std::unique_ptr<GENERAL_NAMES, openssl::Freed<GENERAL_NAMES_free>> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::string uri;
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_URI) continue;
        if (!uri.empty()) return fail(ErrorKind::corrupt, "a certificate speaks for two identities");
        const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
        uri.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                   static_cast<size_t>(ASN1_STRING_length(text)));
    }
    return uri;
}

bool all_in(std::string_view text, std::string_view allowed)
{
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

}  // namespace

std::string_view name_of(Role role)
{
    return std::ranges::find(role_names, role, [](const auto& pair) { return pair.first; })->second;
}

Result<Role> role_named(std::string_view name)
{
    const auto* const found =
        std::ranges::find(role_names, name, [](const auto& pair) { return pair.second; });
    if (found == role_names.end())
        return fail(ErrorKind::usage,
                    fmt::format("no role is called {}: there are controller, agent and proxy", name));
    return found->first;
}

std::string to_uri(const Identity& identity)
{
    return fmt::format("{}{}/{}/{}", scheme, identity.site, name_of(identity.role), identity.id);
}

Result<Identity> identity_of(std::string_view uri)
{
    const auto wrong = [&] {
        return fail(ErrorKind::corrupt, "this is no identity of a site: belay://SITE/ROLE/ID was expected");
    };
    if (!uri.starts_with(scheme)) return wrong();
    const std::string_view path = uri.substr(scheme.size());
    const size_t first = path.find('/');
    const size_t last = path.rfind('/');
    if (first == std::string_view::npos || first == last) return wrong();
    const std::string_view id = path.substr(last + 1);
    const Result<Role> role = role_named(path.substr(first + 1, last - first - 1));
    if (first != site_digits || !all_in(path.substr(0, first), "0123456789abcdef") || !role || id.empty() ||
        id.size() > most_id_digits || !all_in(id, "0123456789"))
        return wrong();
    return Identity{.site = std::string(path.substr(0, first)), .role = *role, .id = std::string(id)};
}

std::string controller_name(std::string_view site)
{
    return fmt::format("controller.{}.belay", site);
}

std::string proxy_name(std::string_view site)
{
    return fmt::format("proxy.{}.belay", site);
}

Result<Certificate> read_certificate(std::string_view pem)
{
    if (pem.size() > max_pem_bytes)
        return fail(ErrorKind::corrupt, "a certificate of more than 64 KiB is none of a site");
    const openssl::X509Certificate certificate = TRY(openssl::certificate_of(pem));
    Certificate read{.pem = TRY(openssl::pem_of(certificate.get()))};
    read.identity = TRY(identity_of(TRY(uri_in(certificate.get()))));
    read.fingerprint = sha256(TRY(openssl::der_of(certificate.get())));
    read.not_before = TRY(wall_time(X509_get0_notBefore(certificate.get())));
    read.not_after = TRY(wall_time(X509_get0_notAfter(certificate.get())));
    return read;
}

Result<std::string> make_key()
{
    const openssl::Key key(EVP_EC_gen("P-256"));
    if (!key) return openssl::failed("make a key");
    return openssl::pem_of(key.get());
}

Result<std::string> make_request(std::string_view key_pem)
{
    const openssl::Key key = TRY(openssl::key_of(key_pem));
    const openssl::SigningRequest request(X509_REQ_new());
    if (!request || X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
        X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0)
        return openssl::failed("make a signing request");
    const openssl::Bio bio = openssl::writer();
    if (PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1)
        return openssl::failed("write a signing request");
    return openssl::text_of(bio.get());
}

}  // namespace belay::site
