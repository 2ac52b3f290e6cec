#include "site/remote/word.h"

#include "base/base64.h"
#include "site/identity/identity.h"
#include "site/identity/openssl.h"

#include <algorithm>

namespace belay::site {
namespace {

constexpr size_t max_word_bytes = 8 << 10;
constexpr size_t most_addresses = 16;
constexpr size_t max_address_bytes = 300;

}  // namespace

std::string pack_word(std::string_view mark, std::string_view bytes)
{
    std::string text = to_base64(bytes);
    text.erase(std::min(text.find('='), text.size()));
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    return fmt::format("{}{}", mark, text);
}

Result<std::string> unpack_word(std::string_view mark, std::string_view word)
{
    if (word.size() > max_word_bytes) return fail(ErrorKind::usage, "it is longer than 8 KiB");
    std::string text;
    std::ranges::copy_if(word, std::back_inserter(text), [](char c) { return c > ' '; });
    if (!text.starts_with(mark))
        return fail(ErrorKind::usage, fmt::format("it does not begin with {}", mark));
    text.erase(0, mark.size());
    std::ranges::replace(text, '-', '+');
    std::ranges::replace(text, '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    Result<std::string> bytes = from_base64(text);
    if (!bytes) return fail(ErrorKind::usage, "it was cut or mistyped");
    return bytes;
}

Result<std::string> der_of_pem(const std::string& pem)
{
    const openssl::X509Certificate certificate = TRY(openssl::certificate_of(pem));
    return openssl::der_of(certificate.get());
}

Result<std::string> pem_of_der(std::string_view der)
{
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const openssl::X509Certificate certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
    if (!certificate) return openssl::failed("read a certificate");
    return openssl::pem_of(certificate.get());
}

bool names_a_site(const std::string& site, const std::vector<std::string>& controllers)
{
    return identity_of(to_uri({site, Role::agent, "1"})).has_value() && !controllers.empty() &&
           controllers.size() <= most_addresses &&
           std::ranges::all_of(controllers, [](const std::string& address) {
               return !address.empty() && address.size() <= max_address_bytes;
           });
}

}  // namespace belay::site
