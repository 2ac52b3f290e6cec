#pragma once
// Addresses of others that a configuration names: agents, mail servers, people, receivers. They end up in
// protocols of lines, so what could begin a new line or a new field is no address.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace belay::framework::configuration {

struct Endpoint {
    std::string host;  ///< a name or an address; without the brackets of an IPv6 one
    uint16_t port = 0;

    bool operator==(const Endpoint&) const = default;
};

/// "mail.example.org:587", "192.0.2.1:161", "[2001:db8::1]:161". Errors: usage.
Result<Endpoint> parse_endpoint(std::string_view text);

/// "1.3.6.1.2.1.25.1.5.0": 2 to 128 numbers below 2^32, the first of them 0 to 2. Source: RFC 2578, 3.5.
bool is_oid(std::string_view text);

/// Whether mail can be sent to it: LOCAL@DOMAIN of letters, digits and the signs of RFC 5321's dot-string; no
/// quoted local part, nothing beside the address. 254 bytes at most. Errors: usage.
Result<void> check_mail_address(std::string_view text);

/// Whether something can be posted to it: https, or http where no token goes along; a host, no name or
/// password of a person in it, no white space. 2,048 bytes at most. Errors: usage.
Result<void> check_url(std::string_view text, bool with_token);

}  // namespace belay::framework::configuration
