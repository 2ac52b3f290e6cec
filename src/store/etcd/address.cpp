#include "store/etcd/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace belay::store {
namespace {

constexpr std::string_view scheme = "etcd:";
constexpr size_t max_endpoints = 16;
constexpr size_t max_host_bytes = 253;  // of a DNS name
constexpr size_t max_prefix_bytes = 64;

bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::unexpected<Error> wrong(std::string what)
{
    return fail(ErrorKind::usage, std::move(what), "write etcd:HOST:PORT[,HOST:PORT...][/PREFIX]");
}

/// What a person wrote, short and without what a terminal would obey.
std::string shown(std::string_view text)
{
    constexpr size_t enough = 80;
    std::string clean(text.substr(0, enough));
    std::ranges::replace_if(clean, [](char c) { return c < ' ' || c > '~'; }, '?');
    if (text.size() > enough) clean += "...";
    return clean;
}

bool is_ipv6(std::string_view text)
{
    in6_addr address{};
    // inet_pton() reads up to a zero byte only.
    if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return false;
    return text.size() < INET6_ADDRSTRLEN && inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_host(std::string_view text)
{
    if (text.starts_with('[')) return text.ends_with(']') && is_ipv6(text.substr(1, text.size() - 2));
    return !text.empty() && text.size() <= max_host_bytes && is_letter_or_digit(text.front()) &&
           std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-'; });
}

bool is_port(std::string_view text)
{
    int port = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stopped, problem] = std::from_chars(begin, end, port);
    return problem == std::errc() && stopped == end && port >= 1 && port <= 65535;
}

}  // namespace

bool is_etcd_address(std::string_view text)
{
    return text.starts_with(scheme);
}

Result<void> check_endpoint(std::string_view endpoint)
{
    const size_t colon = endpoint.rfind(':');
    if (endpoint.find("://") != std::string_view::npos)
        return wrong(
            fmt::format("the endpoint {} of etcd is a URL, a host and a port are wanted", shown(endpoint)));
    if (colon == std::string_view::npos || !is_port(endpoint.substr(colon + 1)))
        return wrong(fmt::format("the endpoint \"{}\" of etcd has no port from 1 to 65535 behind a colon",
                                 shown(endpoint)));
    if (!is_host(endpoint.substr(0, colon)))
        return wrong(
            fmt::format("the host of the endpoint \"{}\" of etcd is no name, no IPv4 address and no "
                        "IPv6 address in brackets",
                        shown(endpoint)));
    return {};
}

Result<void> check_prefix(std::string_view prefix)
{
    if (!prefix.empty() && prefix.size() <= max_prefix_bytes && std::ranges::all_of(prefix, [](char c) {
            return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
        }))
        return {};
    return wrong(fmt::format("the prefix \"{}\" in etcd is not 1 to {} letters, digits, '.', '_' and '-'",
                             shown(prefix), max_prefix_bytes));
}

Result<EtcdOptions> parse_etcd_address(std::string_view text)
{
    if (!is_etcd_address(text))
        return wrong(fmt::format("\"{}\" does not begin with {}", shown(text), scheme));
    EtcdOptions options;
    std::string_view rest = text.substr(scheme.size());
    if (const size_t slash = rest.find('/'); slash != std::string_view::npos && !rest.contains("://")) {
        TRY(check_prefix(rest.substr(slash + 1)));
        options.prefix = rest.substr(slash + 1);
        rest = rest.substr(0, slash);
    }
    while (true) {
        const size_t comma = rest.find(',');
        const std::string_view endpoint = rest.substr(0, comma);
        TRY(check_endpoint(endpoint));
        if (std::ranges::find(options.endpoints, endpoint) != options.endpoints.end())
            return wrong(fmt::format("the endpoint {} of etcd is named twice", endpoint));
        if (options.endpoints.size() == max_endpoints)
            return wrong(fmt::format("more than {} endpoints of etcd are named", max_endpoints));
        options.endpoints.emplace_back(endpoint);
        if (comma == std::string_view::npos) return options;
        rest = rest.substr(comma + 1);
    }
}

}  // namespace belay::store
