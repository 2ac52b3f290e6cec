#include "site/remote/invitation.h"

#include "base/base64.h"
#include "site/identity/openssl.h"

#include <algorithm>
#include <belay/v1/invitation.pb.h>

namespace belay::site {
namespace {

constexpr std::string_view mark = "belay1.";
constexpr size_t max_word_bytes = 8 << 10;
constexpr int most_controllers = 16;
constexpr size_t max_address_bytes = 300;

std::unexpected<Error> no_invitation(std::string_view why)
{
    return fail(ErrorKind::usage, fmt::format("this is no invitation to a site: {}", why),
                "belay host invite, on a controller");
}

Result<v1::Invitation> unpacked(std::string_view word)
{
    std::string text;
    std::ranges::copy_if(word, std::back_inserter(text), [](char c) { return c > ' '; });
    if (text.starts_with("belay") && !text.starts_with(mark) && text.find('.') != std::string::npos)
        return fail(ErrorKind::version, "this invitation was made by another version of Belay");
    if (!text.starts_with(mark)) return no_invitation("it does not begin with belay1.");
    text.erase(0, mark.size());
    std::ranges::replace(text, '-', '+');
    std::ranges::replace(text, '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    const Result<std::string> packed = from_base64(text);
    v1::Invitation message;
    if (!packed || !message.ParseFromString(*packed)) return no_invitation("it was cut or mistyped");
    return message;
}

bool makes_sense(const v1::Invitation& message)
{
    const bool names_a_site = identity_of(to_uri({message.site(), Role::agent, "1"})).has_value();
    return names_a_site && message.secret().size() == secret_bytes && message.controllers_size() >= 1 &&
           message.controllers_size() <= most_controllers &&
           std::ranges::all_of(message.controllers(), [](const std::string& address) {
               return !address.empty() && address.size() <= max_address_bytes;
           });
}

Result<std::string> pem_of_der(std::string_view der)
{
    const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
    const openssl::X509Certificate certificate(d2i_X509(nullptr, &bytes, static_cast<long>(der.size())));
    if (!certificate) return openssl::failed("read the certificate of an invitation");
    return openssl::pem_of(certificate.get());
}

}  // namespace

Result<std::string> to_word(const Invitation& invitation)
{
    const openssl::X509Certificate authority = TRY(openssl::certificate_of(invitation.authority_pem));
    v1::Invitation message;
    message.set_site(invitation.site);
    message.set_authority(TRY(openssl::der_of(authority.get())));
    for (const std::string& address : invitation.controllers) message.add_controllers(address);
    message.set_number(invitation.number);
    message.set_secret(invitation.secret);
    message.set_role(std::string(name_of(invitation.role)));
    std::string text = to_base64(message.SerializeAsString());
    text.erase(std::min(text.find('='), text.size()));
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    return std::string(mark) + text;
}

Result<Invitation> read_invitation(std::string_view word)
{
    if (word.size() > max_word_bytes) return no_invitation("it is longer than 8 KiB");
    const v1::Invitation message = TRY(unpacked(word));
    const Result<Role> role = role_named(message.role());
    const Result<std::string> authority = pem_of_der(message.authority());
    if (!makes_sense(message) || !role || !authority) return no_invitation("it was cut or mistyped");
    return Invitation{.site = message.site(),
                      .authority_pem = *authority,
                      .controllers = {message.controllers().begin(), message.controllers().end()},
                      .number = message.number(),
                      .secret = message.secret(),
                      .role = *role};
}

}  // namespace belay::site
